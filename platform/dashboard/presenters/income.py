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
    """What is expected in one month; `rows` are those of its payments that are listed."""

    month: date
    total: Decimal
    announced: Decimal
    rows: tuple[tuple[Expected, str], ...]


def paid_bars(months: Sequence[tuple[date, Decimal]], *, tallest: Decimal) -> list[Bar]:
    """Return a bar for each month of income that was paid."""
    return [_bar(month, amount, ZERO, tallest, expected=False) for month, amount in months]


def coming_bars(months: Sequence[ComingMonth], *, tallest: Decimal) -> list[Bar]:
    """Return a bar for each month to come."""
    return [_bar(one.month, one.total, one.announced, tallest, expected=True) for one in months]


def coming_months(
    rows: Sequence[Expected],
    *,
    names: Mapping[int | None, str],
    from_date: date,
    to_date: date,
    rows_max: int,
) -> list[ComingMonth]:
    """Return every month of a range with its sum, and the first `rows_max` payments in all."""
    of_month: dict[date, list[tuple[int, Expected]]] = {
        month: [] for month in months_between(from_date, to_date)
    }
    for place, row in enumerate(rows):
        of_month[row.day.replace(day=1)].append((place, row))
    return [
        ComingMonth(
            month,
            _sum(row for _, row in found),
            _sum(row for _, row in found if row.basis == ANNOUNCED),
            tuple((row, names.get(row.asset_id, "")) for place, row in found if place < rows_max),
        )
        for month, found in of_month.items()
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
