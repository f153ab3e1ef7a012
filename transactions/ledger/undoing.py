"""Restore a lot to its state before some of its sales and wash sales. Pure.

The stored state of a lot is its present pieces, every disposal out of them and every loss they
replaced. Undoing these, the latest first, gives the pieces as they were:

    disposal     quantity, basis and adjustment go back to their piece, or become that piece again
                 if it was sold completely. A piece that replaced a loss is known by its number
                 among the losses that the lot has replaced
    wash sale    the pieces numbered last are those that replaced last. Each has its own basis and
                 date again, may replace again, and is one piece with the rest of its lot
    of one instant the disposals come first: shares about to be sold may still replace

The result is exact, because booking conserves every cent: a part that is cut off and the rest sum
to the piece. `Unclear` is raised if the stored rows contradict each other.

Example: 10 bought for 100.00; 4 of them replace a loss of 8.00 and are then sold. Stored: a piece
of 6 for 60.00, and a disposal of 4 with a basis of 48.00, 8.00 of it an adjustment. Undone:
a piece of 4 for 48.00, then 4 for 40.00, with the rest one piece of 10 for 100.00.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from transactions.ledger.lots import Closing, Piece
from transactions.ledger.wash_sales import WashSale


class Unclear(Exception):  # noqa: N818 - a finding, not a fault
    """The stored rows do not say what the lot was."""


@dataclass(frozen=True, slots=True)
class Match:
    """A wash sale and when it was found: at the sale, or at the purchase after it."""

    wash: WashSale
    at: datetime


def taken_back(
    *,
    blank: Piece,
    pieces: Sequence[Piece],
    closings: Sequence[Closing],
    matches: Sequence[Match],
    add_days: bool,
) -> list[Piece]:
    """Return the pieces of one lot in one place before `closings` and `matches`, by age.

    `blank`: a piece of the lot; its figures do not count. `pieces` are changed. Raises Unclear.
    """
    held = list(pieces)
    if not closings and not matches:
        return held
    instants = {closing.closed_at for closing in closings} | {match.at for match in matches}
    for instant in sorted(instants, reverse=True):
        for closing in closings:
            if closing.closed_at == instant:
                _put_back(held, blank, closing)
        _part(held, blank, [match.wash for match in matches if match.at == instant], add_days)
    return sorted(held, key=lambda piece: (piece.age, piece.losses_replaced))


def _put_back(held: list[Piece], blank: Piece, closing: Closing) -> None:
    alike = [piece for piece in held if _identity(piece) == _identity(closing)]
    if len(alike) > 1:
        raise Unclear("a disposal out of one of several pieces")
    if not alike:
        alike = [
            replace(
                blank,
                held_since=closing.held_since,
                quantity=0,
                basis=0,
                adjustment=0,
                replaces_loss=closing.replaces_loss,
                losses_replaced=closing.losses_replaced,
                purchase=closing.purchase,
            )
        ]
        held += alike
    (piece,) = alike
    piece.quantity += closing.quantity
    piece.basis += closing.basis
    piece.adjustment += closing.adjustment
    piece.losses_replaced = max(piece.losses_replaced, closing.losses_replaced)


def _identity(shares: Piece | Closing) -> tuple[object, ...]:
    number = shares.losses_replaced if shares.replaces_loss else 0
    return (shares.held_since, shares.replaces_loss, shares.purchase, number)


def _part(held: list[Piece], blank: Piece, washes: Sequence[WashSale], add_days: bool) -> None:
    """Part the replacements of one instant from the losses they replaced, the last one first."""
    if not washes:
        return
    replaced = sorted(
        (piece for piece in held if piece.replaces_loss), key=lambda piece: -piece.losses_replaced
    )[: len(washes)]
    found = Counter((piece.quantity, piece.held_since, piece.adjustment) for piece in replaced)
    stated = Counter(
        (wash.quantity, _tacked(blank, wash, add_days), wash.basis_added) for wash in washes
    )
    if found != stated:
        raise Unclear("a replacement that is not one piece")
    for piece in replaced:
        rest = [row for row in held if not row.replaces_loss]
        piece.basis -= piece.adjustment
        if piece.basis < 0 or len(rest) > 1:
            raise Unclear("a replacement with more than one loss in it")
        if not rest:
            piece.adjustment, piece.replaces_loss = 0, False
            piece.losses_replaced -= 1
            piece.held_since = blank.opened_at.date()
            continue
        if rest[0].losses_replaced != piece.losses_replaced:
            raise Unclear("a replacement that is not the last one")
        del held[next(n for n, row in enumerate(held) if row is piece)]
        rest[0].quantity += piece.quantity
        rest[0].basis += piece.basis
        rest[0].losses_replaced -= 1


def _tacked(blank: Piece, wash: WashSale, add_days: bool) -> date:
    """Return the holding-period date of shares once they have replaced a loss."""
    own = blank.opened_at.date()
    if wash.permanent:
        return own
    if add_days:
        return own - timedelta(days=wash.days_held)
    return min(own, wash.sold_date - timedelta(days=wash.days_held))


def before_matches(closing: Closing, matches: Sequence[Match]) -> Closing:
    """Return a closing as it was before some of its loss was matched."""
    washes = [match.wash for match in matches]
    permanent = [wash for wash in washes if wash.permanent]
    return replace(
        closing,
        matched=closing.matched - sum(wash.loss_quantity for wash in washes),
        deferred=closing.deferred - sum(w.disallowed for w in washes if not w.permanent),
        permanent_quantity=closing.permanent_quantity - sum(w.loss_quantity for w in permanent),
        permanent=closing.permanent - sum(wash.disallowed for wash in permanent),
    )
