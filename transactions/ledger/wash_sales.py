"""Wash sales of a household: disallowed losses and the lots they are added to. Pure.

Sources: IRC 1091 and 1223(3); Treas. Reg. 1.1091-1 and -2; Rev. Rul. 56-602, 70-231, 71-520,
2008-5; IRS Publication 550. A household is one taxpayer here: every account in it counts.

    loss        a sale below adjusted basis in a taxable account
    window      30 calendar days before to 30 after the day of sale, trade dates, 61 in all; the
                length is in `wash_windows`
    candidates  shares of the same substantially identical group that were bought in the window,
                by purchase, earliest first. Shares bought before the sale must still be held
                after it. Shares of the purchase that was sold never count (Rev. Rul. 56-602), nor
                do shares that have replaced a loss before
    match       share for share; disallowed = loss left * matched / shares left, rounded to the
                cent, so that a loss replaced to its last share is disallowed to its last cent
    taxable     basis of the matched shares + disallowed; their holding period + the days the
                shares sold were held. A lot matched in part is divided
    retirement  IRA, Roth IRA, 401(k): permanently disallowed; basis and dates stay (Rev. Rul.
                2008-5)

Matching only looks back: a sale is matched with earlier purchases, a purchase with the losses of
the 30 days before it. One pass over the events of a group in order of time therefore gives losses
by disposition, earliest first, each with replacements by purchase, earliest first: the order of
Reg. 1.1091-1(b) to (e).

Worked example: 40 bought 2025-01-06 for 2,000.00 and sold 2025-03-03 for 1,800.00 (held 56 days).
Then 15 bought 2025-03-20 for 690.00: 75.00 of the loss is disallowed, the basis of the 15 is 765.00
and they count as held since 2025-01-23.
"""

from bisect import insort_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Protocol

from transactions.ledger.lots import Closing, Piece
from transactions.ledger.repeated_splits import Split
from transactions.ledger.units import scaled, share
from transactions.ledger.wash_windows import DAYS_ASIDE, WINDOW_DAYS, window_start


@dataclass(frozen=True, slots=True)
class Policy:
    """A household's choices where the law is open (see decisions/wash-sales.md)."""

    enabled: bool = True
    # Shares bought before the shares sold were bought may replace them (contested).
    earlier_acquired_count: bool = True
    # False: the replacement takes the acquisition date of the shares sold, not their days.
    add_days: bool = True


@dataclass(frozen=True, slots=True)
class WashSale:
    """One match. Quantities are in steps; money is in minor units of each account's currency."""

    sale: int
    part: int
    loss_account: int
    loss_asset: int
    loss_lot: int
    replacement: int
    replacement_account: int
    quantity: int
    loss_quantity: int
    disallowed: int
    basis_added: int
    days_held: int
    permanent: bool
    sold_date: date
    replacement_date: date


@dataclass(slots=True)
class Loss:
    """A loss that can still be replaced: `left` shares, in present units, with `amount`."""

    closing: Closing
    left: int
    amount: int
    # The present asset of the shares sold.
    asset: int
    # Present units per unit sold, from splits since the sale.
    ratio: Fraction = Fraction(1)
    splits: list[Split] = field(default_factory=list)

    @property
    def turn(self) -> tuple[object, ...]:
        """By disposition, then in the order in which losses of one instant are matched."""
        return (self.closing.closed_at, *self.closing.turn)


# Converts minor units of one account to those of another on a day.
Convert = Callable[[int, int, int, date], int]


class Shares(Protocol):
    """The household's shares, with the operations that wash sales need."""

    def replacing(self, closing: Closing, *, since: date) -> Iterator[Piece]:
        """Yield shares bought since `since` that may replace `closing`, by purchase."""

    def matched(self, piece: Piece, quantity: int) -> Piece:
        """Return the `quantity` of `piece` that replaces a loss, as a piece of its own."""

    def aged(self, piece: Piece) -> None:
        """Reorder a piece whose holding period has changed among the pieces of its lot."""


@dataclass(slots=True)
class WashSales:
    """Losses and purchases of the last 30 days, for matching with later events.

    Mutable: it belongs to one book, which calls it in the order of time.
    """

    policy: Policy
    # Asset to its substantially identical group.
    groups: Mapping[int, int]
    # Assets whose losses are never disallowed (crypto is property, not stock or securities).
    exempt: frozenset[int]
    # Accounts whose losses count and whose basis may rise.
    taxable: frozenset[int]
    # Accounts whose purchases replace nothing, by the household's policy.
    ignored: frozenset[int]
    convert: Convert
    # Losses that await replacement shares, by group, in the order in which they take them.
    losses: dict[int, list[Loss]] = field(default_factory=dict)
    found: list[WashSale] = field(default_factory=list)

    def another(self) -> "WashSales":
        """Return the empty state of the same household."""
        return replace(self, losses={}, found=[])

    def group(self, asset: int) -> int:
        return self.groups.get(asset, asset)

    def purchased(self, piece: Piece, shares: Shares) -> None:
        """Match a purchase with the losses of the 30 days before it, earliest first."""
        if not self.counts(piece):
            return
        losses = self.losses.get(self.group(piece.place[1]))
        if not losses:
            return
        day = piece.opened_at.date()
        past = 0
        while past < len(losses) and not _waits(losses[past], day, DAYS_ASIDE):
            past += 1
        del losses[:past]
        done = 0
        for loss in losses:
            if piece.replaces_loss:
                break
            if _waits(loss, day) and loss.closing.purchase_key != piece.purchase_key:
                self._match(loss, piece, shares)
            done += not loss.left
        if 2 * done > len(losses):
            losses[:] = [loss for loss in losses if loss.left]

    def sold(self, closing: Closing, shares: Shares) -> None:
        """Match a loss with purchases of the 30 days before, and keep the rest for later ones."""
        account, asset = closing.place
        if not self.policy.enabled or account not in self.taxable or asset in self.exempt:
            return
        if not closing.loss or not closing.quantity:
            return
        loss = Loss(closing, closing.quantity, closing.loss, asset)
        since = window_start(closing.closed_at.date())
        for piece in shares.replacing(closing, since=since):
            self._match(loss, piece, shares)
            if not loss.left:
                return
        self.wait(loss)

    def wait(self, loss: Loss) -> None:
        """Keep a loss for later purchases: by disposition, then by original acquisition."""
        waiting = self.losses.setdefault(self.group(loss.closing.place[1]), [])
        if waiting and waiting[-1].turn > loss.turn:
            insort_right(waiting, loss, key=lambda kept: kept.turn)
        else:
            waiting.append(loss)

    def counts(self, piece: Piece) -> bool:
        """Return whether shares were bought, in an account and of a kind that counts."""
        account, asset = piece.place
        return (
            self.policy.enabled
            and piece.purchase
            and not piece.replaces_loss
            and account not in self.ignored
            and asset not in self.exempt
        )

    def may_replace(self, piece: Piece, sold: Piece | Closing) -> bool:
        """Return whether a purchase in the window may replace shares that are or would be sold."""
        if piece.purchase_key == sold.purchase_key or not self.counts(piece):
            return False
        return self.policy.earlier_acquired_count or piece.opened_at >= sold.opened_at

    def _match(self, loss: Loss, piece: Piece, shares: Shares) -> None:
        quantity = min(loss.left, piece.quantity)
        disallowed = share(loss.amount, quantity, loss.left)
        loss.left -= quantity
        loss.amount -= disallowed
        closing = loss.closing
        account = piece.place[0]
        permanent = account not in self.taxable
        piece.losses_replaced += 1
        matched = piece if quantity == piece.quantity else shares.matched(piece, quantity)
        sold_date = closing.closed_at.date()
        days_held = max(0, (sold_date - closing.held_since).days)
        # The last replacement takes the whole rest. No step is then lost by converting back
        # through a ratio that the scale does not divide, such as that of a stock dividend.
        back = scaled(quantity, 1 / loss.ratio) if loss.splits else quantity
        loss_quantity = back if loss.left else closing.quantity - closing.matched
        closing.matched += loss_quantity
        matched.replaces_loss = True
        added = 0
        if permanent:
            closing.permanent_quantity += loss_quantity
            closing.permanent += disallowed
        else:
            closing.deferred += disallowed
            added = self.convert(disallowed, closing.place[0], account, sold_date)
            matched.basis += added
            matched.adjustment += added
            if self.policy.add_days:
                matched.held_since -= timedelta(days=days_held)
            else:
                matched.held_since = min(matched.held_since, sold_date - timedelta(days=days_held))
        shares.aged(matched)
        self.found.append(
            WashSale(
                closing.sale,
                closing.part,
                closing.place[0],
                closing.place[1],
                closing.acquisition,
                matched.acquisition,
                account,
                quantity,
                loss_quantity,
                disallowed,
                added,
                days_held,
                permanent,
                sold_date,
                matched.opened_at.date(),
            )
        )
        assert closing.deferred + closing.permanent <= closing.loss, "no more than was lost"
        assert closing.matched <= closing.quantity, "no more shares than were sold"

    def split(self, asset: int, split: Split, *, account: int | None) -> bool:
        """Convert the open losses of an asset to the new units; return whether there were any.

        The first account to state a split (`account` is None) changes every loss. An account that
        states it later changes only its own sales in old units in between.
        """
        waiting = [
            loss
            for loss in self.losses.get(self.group(asset), ())
            if loss.asset == asset
            and account in (None, loss.closing.place[0])
            and not any(split is known for known in loss.splits)
        ]
        for loss in waiting:
            loss.left = scaled(loss.left, split.ratio)
            loss.ratio *= split.ratio
            loss.splits.append(split)
        return bool(waiting)

    def renamed(self, asset: int, new_asset: int) -> None:
        """Move the open losses of an asset to its new symbol."""
        for loss in self.losses.get(self.group(asset), ()):
            if loss.asset == asset:
                loss.asset = new_asset


def _waits(loss: Loss, day: date, more: int = 0) -> bool:
    """Return whether a purchase of `day` (or up to `more` days before it) may replace a loss."""
    return bool(loss.left) and (day - loss.closing.closed_at.date()).days <= WINDOW_DAYS + more
