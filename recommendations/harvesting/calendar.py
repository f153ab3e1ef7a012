"""The dates a household watches before it trades. Pure.

    purchase_blocked       a loss was sold: any account that buys the group by `until` washes it;
                           the first safe date is the day after
    loss_washable          the group was bought: a loss of other shares sold by `until` is washed
    reinvestment_expected  a dividend is expected to buy shares on that day
    planned_purchase       an open recommendation buys it
    long_term              from that day a sale of the lot is long-term
    switch_back            from that day the original may be bought back

`until` is the last day. An entry of one day has the same day twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

PURCHASE_BLOCKED, LOSS_WASHABLE = "purchase_blocked", "loss_washable"
REINVESTMENT_EXPECTED, PLANNED_PURCHASE = "reinvestment_expected", "planned_purchase"
LONG_TERM, SWITCH_BACK = "long_term", "switch_back"
KINDS = (
    *(PURCHASE_BLOCKED, LOSS_WASHABLE, REINVESTMENT_EXPECTED),
    *(PLANNED_PURCHASE, LONG_TERM, SWITCH_BACK),
)

REASONS = {
    PURCHASE_BLOCKED: "{s} was sold at a loss. A purchase by any account of the household until "
    "then washes the loss.",
    LOSS_WASHABLE: "{s} was bought. A loss of other shares of it sold until then is washed.",
    REINVESTMENT_EXPECTED: "{s} reinvests its dividends, and the next one is expected.",
    PLANNED_PURCHASE: "An open recommendation buys {s}.",
    LONG_TERM: "A lot of {s} becomes long-term.",
    SWITCH_BACK: "{s} may be bought back for the replacement {o}.",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; account_id is the account that traded, holds or plans it (public id).

    quantity: the units of a lot that becomes long-term. other: the replacement of a switch back.
    """

    symbol: str
    account_id: str
    kind: str
    from_date: date
    until: date
    quantity: Decimal | None = None
    first_safe_date: date | None = None
    other: str = ""

    @property
    def reason(self) -> str:
        return REASONS[self.kind].format(s=self.symbol, o=self.other)


def within(entries: Iterable[Entry], *, first: date, last: date) -> list[Entry]:
    """Return the entries that touch the days from `first` to `last`, by their last day."""
    found = [row for row in entries if row.from_date <= last and row.until >= first]
    return sorted(
        found, key=lambda row: (row.until, row.from_date, row.symbol, row.account_id, row.kind)
    )
