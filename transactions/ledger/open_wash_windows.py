"""The wash windows open on a day, and their effect on the next trade. Pure.

The length of a window is in `wash_windows`, the rules are in `wash_sales`; this file defines no day
and no kind of account itself.

    blocked    a purchase of a group is blocked while a loss of the group waits for a replacement:
               through the 30th day after the sale. A loss blocks nothing if it is replaced in full
               or exempt by the household's policy
    washable   shares of a piece whose loss, taken now, purchases of the last 30 days would wash.
               Those purchases are of the same group, still held, allowed to replace it, and have
               not yet replaced another loss. Its own purchase never does (Rev. Rul. 56-602)

Worked example: 40 shares sold at a loss on 2025-03-03, 15 of them replaced since. Purchases of the
group are blocked through 2025-04-02, and 2025-04-03 is the first clean day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from transactions.ledger.lots import Closing, Piece
from transactions.ledger.replacements import order_of
from transactions.ledger.wash_sales import WashSales
from transactions.ledger.wash_windows import clean_date, window_end


@dataclass(frozen=True, slots=True)
class WashWindow:
    """One substantially identical group of one household, on one day.

    `losses`: those not yet replaced in full, the latest last. `purchases`: pieces bought within
    the window before the day and still held, in the order in which they would replace a loss.
    """

    losses: tuple[Closing, ...] = ()
    purchases: tuple[Piece, ...] = ()

    @property
    def loss(self) -> Closing | None:
        """The loss that blocks purchases longest."""
        return self.losses[-1] if self.losses else None

    @property
    def blocked_until(self) -> date | None:
        """The last day on which a purchase would wash a loss."""
        return window_end(self.loss.closed_at.date()) if self.loss else None

    @property
    def clean_date(self) -> date | None:
        """The first day on which a purchase disallows no loss."""
        return clean_date(self.loss.closed_at.date()) if self.loss else None


_CLEAR = WashWindow()


@dataclass(frozen=True, slots=True)
class WashWindows:
    """The wash windows of one household on the day `as_of`, by group."""

    household_id: int
    as_of: date
    rules: WashSales
    windows: Mapping[int, WashWindow] = field(default_factory=dict)

    def group(self, asset: int) -> int:
        """Return the substantially identical group of an asset."""
        return self.rules.group(asset)

    def of(self, asset: int) -> WashWindow:
        """Return the window of the asset's group; empty if it has no losses and no purchases."""
        return self.windows.get(self.group(asset), _CLEAR)

    def purchase_counts(self, *, account: int, asset: int) -> bool:
        """Return whether a purchase of the asset in the account can replace a loss at all."""
        rules = self.rules
        return rules.policy.enabled and account not in rules.ignored and asset not in rules.exempt

    def loss_counts(self, *, account: int, asset: int) -> bool:
        """Return whether a loss on the asset in the account can be disallowed at all."""
        rules = self.rules
        return rules.policy.enabled and account in rules.taxable and asset not in rules.exempt

    def blocked_until(self, *, account: int, asset: int) -> date | None:
        """Return the last day on which buying it in the account would wash a loss, or None."""
        if not self.purchase_counts(account=account, asset=asset):
            return None
        return self.of(asset).blocked_until

    def washable(self, sold: Piece) -> int:
        """Return the steps of `sold` whose loss, taken now, recent purchases would wash.

        The result is at most all of `sold`. It assumes that no purchase is sold together with it.
        """
        account, asset = sold.place
        if not self.loss_counts(account=account, asset=asset):
            return 0
        found = 0
        for piece in self.of(asset).purchases:
            if found >= sold.quantity:
                break
            if self.rules.may_replace(piece, sold):
                found += piece.quantity
        return min(found, sold.quantity)


def windows_of(
    *, losses: Sequence[Closing], purchases: Sequence[Piece], rules: WashSales
) -> dict[int, WashWindow]:
    """Return the windows by group, from the losses and purchases of the window before a day.

    Exempt losses, and losses replaced in full, are left out.
    """
    waiting: dict[int, list[Closing]] = {}
    for loss in sorted(losses, key=lambda row: (row.closed_at, row.sale, row.part)):
        account, asset = loss.place
        counts = rules.policy.enabled and account in rules.taxable and asset not in rules.exempt
        left = loss.loss - loss.deferred - loss.permanent
        if counts and left > 0 and loss.matched < loss.quantity:
            waiting.setdefault(rules.group(asset), []).append(loss)
    bought: dict[int, list[Piece]] = {}
    for piece in sorted(purchases, key=_turn):
        if rules.counts(piece):
            bought.setdefault(rules.group(piece.place[1]), []).append(piece)
    return {
        group: WashWindow(tuple(waiting.get(group, ())), tuple(bought.get(group, ())))
        for group in {*waiting, *bought}
    }


def _turn(piece: Piece) -> tuple[object, ...]:
    """Return the key by which purchases replace a loss in order."""
    return (*order_of(piece), piece.held_since, piece.place)
