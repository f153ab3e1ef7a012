"""Purchases that may still replace a loss, found without scanning them all. Pure, mutable.

A `Purchases` belongs to one group of substantially identical assets in one book, and only that
book changes it. It holds the purchases of the last 30 days in the order in which they replace:
by instant, then by the account and asset of the purchase, then as stated. Most losses take the
first one, so purchases that can no longer be taken are skipped once and not checked again:

    for good         sold, replaced a loss already, or bought before every window to come
    for one instant  shares of the same sale, of the same purchase, or in an account that does not
                     count: remembered until the next instant of sales (`begin`)

Each is one pass over the list, so the steps for 10,000 losses of one sale grow linearly.
"""

from bisect import bisect_left, insort_right
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from transactions.ledger.lots import Closing, Piece
from transactions.ledger.wash_windows import DAYS_ASIDE

# The unusable first part of a list is cut off once it is at least this long.
_SPENT_KEPT = 256


@dataclass(slots=True)
class Purchases:
    """The purchases of one group, in the order in which they replace."""

    rows: list[Piece] = field(default_factory=list)
    # The number of first rows that can no longer replace a loss.
    spent: int = 0
    # The number of first rows barred at this instant, by the reason.
    _passed: dict[Hashable, int] = field(default_factory=dict)

    def add(self, piece: Piece) -> None:
        """Add a purchase, or a part of one that another sale of this instant has chosen."""
        if self.rows and order_of(self.rows[-1]) > order_of(piece):
            insort_right(self.rows, piece, lo=self.spent, key=order_of)
            self._passed.clear()
        else:
            self.rows.append(piece)

    def begin(self) -> None:
        """Clear the bars of the previous instant."""
        self._passed.clear()

    def replacing(
        self,
        closing: Closing,
        *,
        since: date,
        counts: Callable[[Piece], bool],
        earlier_acquired_count: bool,
    ) -> Iterator[Piece]:
        """Yield the shares that may replace the shares of `closing`, the first purchase first.

        `since` decreases from one call to the next by at most DAYS_ASIDE. The caller may cut the
        pieces yielded.
        """
        self._drop_spent(since)
        sale, key = closing.sale, closing.purchase_key
        index = max(
            self.spent,
            self._first_but("account", lambda piece: not counts(piece)),
            self._first_but(("sale", sale), lambda piece: piece.leaving == sale),
            self._first_but(("purchase", key), lambda piece: piece.purchase_key == key),
        )
        if not earlier_acquired_count:
            first = bisect_left(self.rows, closing.opened_at, key=lambda piece: piece.opened_at)
            index = max(index, first)
        while index < len(self.rows):
            end = index + 1
            while (
                end < len(self.rows) and self.rows[end].acquisition == self.rows[index].acquisition
            ):
                end += 1
            # Shares of one purchase may be held in several accounts or chosen by several sales:
            # kept shares go first, then those chosen first.
            run = self.rows[index:end]
            if len(run) > 1:
                run.sort(key=lambda piece: (piece.held_since, piece.place, piece.turn))
            for piece in run:
                may = not _is_spent(piece) and piece.leaving != sale and counts(piece)
                may = may and piece.opened_at.date() >= since
                if may and piece.purchase_key != key:
                    yield piece
            index = end

    def _drop_spent(self, since: date) -> None:
        rows, spent = self.rows, self.spent
        ever = since - timedelta(days=DAYS_ASIDE)
        while spent < len(rows) and (_is_spent(rows[spent]) or rows[spent].opened_at.date() < ever):
            spent += 1
        if spent > _SPENT_KEPT and spent * 2 > len(rows):
            del rows[:spent]
            self._passed.clear()
            spent = 0
        self.spent = spent

    def _first_but(self, what: Hashable, barred: Callable[[Piece], bool]) -> int:
        """Return how many of the first rows are spent or `barred`; each is checked once."""
        index = max(self.spent, self._passed.get(what, 0))
        while index < len(self.rows) and (_is_spent(self.rows[index]) or barred(self.rows[index])):
            index += 1
        self._passed[what] = index
        return index


def order_of(piece: Piece) -> tuple[object, ...]:
    """Return the key by which purchases replace a loss in order; it never changes."""
    account, asset = piece.purchase_key[:2]
    return (piece.opened_at, account, asset, piece.stated, piece.acquisition)


def _is_spent(piece: Piece) -> bool:
    return piece.gone or piece.replaces_loss
