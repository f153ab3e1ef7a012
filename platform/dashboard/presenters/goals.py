"""A projection as its page draws it: a band, a middle line and the target. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolios.goals.projection import Band, Projection

WIDTH, HEIGHT = 640, 220
ROWS_MAX = 12


@dataclass(frozen=True, slots=True)
class Drawing:
    """Points of the shapes, from the top left; `target_y` is the height of the target's line."""

    band: str
    middle: str
    target_y: str


@dataclass(frozen=True, slots=True)
class Row:
    """The band at the end of some months from now."""

    day: date
    band: Band


def drawing(found: Projection, target: Decimal) -> Drawing:
    """Return the shapes of a projection, scaled to its highest value and the target."""
    top = max([target, *(band.high for band in found.bands)]) or Decimal(1)
    last = max(1, len(found.bands) - 1)

    def point(band: Band, value: Decimal) -> str:
        x = Decimal(band.month * WIDTH) / last
        return f"{x:.1f},{_height(value, top)}"

    upper = [point(band, band.high) for band in found.bands]
    lower = [point(band, band.low) for band in reversed(found.bands)]
    return Drawing(
        band=" ".join([*upper, *lower]),
        middle=" ".join(point(band, band.middle) for band in found.bands),
        target_y=_height(target, top),
    )


def rows(bands: Sequence[Band], today: date) -> list[Row]:
    """Return at most ROWS_MAX rows: the last month, and whole years spread evenly before it."""
    last = bands[-1].month
    step = 12 * max(1, -(-(last // 12) // (ROWS_MAX - 1)))
    chosen = [band for band in bands if band.month and band.month % step == 0]
    if not chosen or chosen[-1].month != last:
        chosen.append(bands[-1])
    return [Row(month_after(today, band.month), band) for band in chosen]


def months_until(day: date, today: date) -> int:
    """Return the whole months from today's month to that of a day."""
    return (day.year - today.year) * 12 + day.month - today.month


def month_after(today: date, months: int) -> date:
    """Return the first day of the month so many months ahead."""
    number = today.year * 12 + today.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _height(value: Decimal, top: Decimal) -> str:
    return f"{HEIGHT - max(Decimal(0), value) / top * (HEIGHT - 10):.1f}"
