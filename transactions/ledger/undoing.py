"""A lot as it was before the sales and the wash sales of some time. Pure.

What is stored of a lot is its pieces now, every disposal out of them and every loss they replaced.
Taking these back, the latest first, gives the pieces as they were:

    disposal     quantity, basis and adjustment go back to the piece with the same holding-period
                 date, or become that piece again where it was sold to the end
    wash sale    the piece that replaced has the basis it had, its own date, and may replace again;
                 it is one piece with what was left of its lot
    of one instant the disposals come first: what is about to be sold may still replace

Exact, because booking conserves every cent: a part that is cut off and the rest sum to the piece.
Where two pieces of a lot cannot be told apart, nothing is guessed: `Unclear` is raised.

Example: 10 bought for 100.00; 4 of them replace a loss of 8.00 and are then sold. Stored: a piece
of 6 for 60.00, and a disposal of 4 with a basis of 48.00, 8.00 of it an adjustment. Taken back:
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
    ever: Sequence[Match],
    add_days: bool,
) -> list[Piece]:
    """Return the pieces of one lot in one place before `closings` and `matches`, by age.

    `blank`: a piece of the lot; its figures do not count. `pieces` are changed. `ever`: all that
    its shares have replaced at any time. Raises Unclear.
    """
    held = list(pieces)
    if not closings and not matches:
        return held
    days = Counter(_tacked(blank, match.wash, add_days) for match in ever)
    if any(closing.replaces_loss and days[closing.held_since] > 1 for closing in closings):
        raise Unclear("a disposal out of one of several pieces with one holding-period date")
    instants = {closing.closed_at for closing in closings} | {match.at for match in matches}
    for instant in sorted(instants, reverse=True):
        for closing in closings:
            if closing.closed_at == instant:
                _put_back(held, blank, closing)
        for match in matches:
            if match.at == instant:
                _parted(held, blank, match.wash, _tacked(blank, match.wash, add_days))
    return sorted(held, key=lambda piece: piece.age)


def _put_back(held: list[Piece], blank: Piece, closing: Closing) -> None:
    what = (closing.held_since, closing.replaces_loss, closing.purchase)
    alike = [row for row in held if (row.held_since, row.replaces_loss, row.purchase) == what]
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
                purchase=closing.purchase,
            )
        ]
        held += alike
    (piece,) = alike
    piece.quantity += closing.quantity
    piece.basis += closing.basis
    piece.adjustment += closing.adjustment


def _parted(held: list[Piece], blank: Piece, wash: WashSale, tacked: date) -> None:
    """Part a replacement from the loss it replaced."""
    replaced = [
        row
        for row in held
        if row.replaces_loss
        and (row.quantity, row.held_since, row.adjustment)
        == (wash.quantity, tacked, wash.basis_added)
    ]
    # Several are interchangeable where they are alike to the cent.
    if len({row.basis for row in replaced}) != 1:
        raise Unclear("a replacement that is not one piece")
    piece = replaced[-1]
    del held[next(n for n, row in enumerate(held) if row is piece)]
    basis = piece.basis - wash.basis_added
    rest = [row for row in held if not row.replaces_loss]
    if basis < 0 or len(rest) > 1:
        raise Unclear("a replacement with more than one loss in it")
    if not rest:
        piece.basis, piece.adjustment, piece.replaces_loss = basis, 0, False
        piece.held_since = blank.opened_at.date()
        held.append(piece)
        return
    rest[0].quantity += piece.quantity
    rest[0].basis += basis


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
