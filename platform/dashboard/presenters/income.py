"""Income as its page shows it: a grid of months by holdings, and the calendar. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolios.income.expected import ANNOUNCED, Expected
from portfolios.income.received import months_between

ZERO = Decimal(0)
HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """One month of the chart: heights in hundredths of the tallest month."""

    month: date
    amount: Decimal
    announced: Decimal
    height: str
    top: str
    expected: bool


@dataclass(frozen=True, slots=True)
class ComingMonth:
    """The payments that are expected in one month."""

    month: date
    total: Decimal
    rows: tuple[tuple[Expected, str], ...]


def paid_bars(months: Sequence[tuple[date, Decimal]], *, tallest: Decimal) -> list[Bar]:
    """Return a bar for each month of income that was paid."""
    return [_bar(month, amount, ZERO, tallest, expected=False) for month, amount in months]


def coming_bars(months: Sequence[ComingMonth], *, tallest: Decimal) -> list[Bar]:
    """Return a bar for each month to come."""
    return [
        _bar(
            one.month,
            one.total,
            _sum(row for row, _ in one.rows if row.basis == ANNOUNCED),
            tallest,
            expected=True,
        )
        for one in months
    ]


def coming_months(
    rows: Sequence[Expected], *, names: Mapping[int | None, str], from_date: date, to_date: date
) -> list[ComingMonth]:
    """Return every month of the next year, with what is expected in it by day."""
    found = {
        month: [row for row in rows if row.day.replace(day=1) == month]
        for month in months_between(from_date, to_date)
    }
    return [
        ComingMonth(month, _sum(of_it), tuple((row, names.get(row.asset_id, "")) for row in of_it))
        for month, of_it in found.items()
    ]


def _bar(
    month: date, amount: Decimal, announced: Decimal, tallest: Decimal, *, expected: bool
) -> Bar:
    share = amount * HEIGHT / tallest if tallest > 0 else ZERO
    height = max(share, ZERO).quantize(Decimal("0.1"))
    return Bar(month, amount, announced, str(height), str(HEIGHT - height), expected)


def _sum(rows: Iterable[Expected]) -> Decimal:
    amounts = [row.amount_household for row in rows]
    return sum((amount for amount in amounts if amount is not None), ZERO)
