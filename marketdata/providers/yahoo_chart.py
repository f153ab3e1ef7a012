"""Rows, splits and dividends of a chart of Yahoo, with the adjustment for splits undone. Pure.

Prices are 32-bit floats written with all their digits. They are read as the shortest number of
the same float: 100.0999984741211 is 100.1. A price that is adjusted has the seven digits of such a
float after the adjustment is undone.

Worked example: a share closed at 199 and was split 2:1 the day after. Yahoo says 99.5 for that day;
the splits after the day multiply to 2, so the raw close is 199.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from marketdata.providers.port import Dividend, Split
from marketdata.providers.reading import (
    decimal_of,
    instant_of,
    list_of,
    object_of,
    text_of,
    whole_or_none,
)

_SEVEN_DIGITS = Context(prec=7)
_SINGLE_MAX = 3e38


@dataclass(frozen=True, slots=True)
class Row:
    """A bar of a chart, as it was traded. `day` is the exchange's."""

    at: datetime
    day: date
    close: Decimal
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    volume: int | None


def actions_of(chart: dict[str, Any]) -> tuple[Sequence[Split], Sequence[Dividend]]:
    """Return the splits and the dividends of a chart, by ascending ex-date."""
    zone = _zone(chart)
    splits = sorted(
        (_split_of(each, zone) for each in _events(chart, "splits")),
        key=lambda split: split.ex_date,
    )
    dividends = []
    for each in _events(chart, "dividends"):
        day = _day(each["date"], zone)
        dividends.append(Dividend(day, _undone(number(each["amount"]), _factor(splits, day))))
    return splits, sorted(dividends, key=lambda dividend: dividend.ex_date)


def rows_of(chart: dict[str, Any], splits: Sequence[Split]) -> Iterator[Row]:
    """Yield a row for each time that has a close; a range without trades has none.

    `splits` are those until now.
    """
    zone = _zone(chart)
    (columns,) = list_of(chart["indicators"]["quote"])
    times = list_of(chart.get("timestamp", []))
    if not times:
        return
    names = ("close", "open", "high", "low", "volume")
    series = [list_of(columns[name]) for name in names]
    for at, close, opened, high, low, volume in zip(times, *series, strict=True):
        if close is None:
            continue
        day = _day(at, zone)
        factor = _factor(splits, day)
        shares = whole_or_none(volume)
        yield Row(
            at=instant_of(at),
            day=day,
            close=_undone(number(close), factor),
            open=_undone_or_none(opened, factor),
            high=_undone_or_none(high, factor),
            low=_undone_or_none(low, factor),
            volume=None if shares is None else round(shares / factor),
        )


def number(value: Any) -> Decimal:
    """Return the shortest number that is the same 32-bit float, if it is one."""
    written = decimal_of(value)
    double = float(written)
    if abs(double) > _SINGLE_MAX or _single(double) != double:
        return written
    texts = (f"{double:.{digits}g}" for digits in range(1, 10))
    return Decimal(next(text for text in texts if _single(float(text)) == double))


def _single(value: float) -> float:
    (single,) = struct.unpack("f", struct.pack("f", value))
    return float(single)


def _undone(price: Decimal, factor: Decimal) -> Decimal:
    return price if factor == 1 else _SEVEN_DIGITS.multiply(price, factor)


def _undone_or_none(price: Any, factor: Decimal) -> Decimal | None:
    return None if price is None else _undone(number(price), factor)


def _factor(splits: Sequence[Split], day: date) -> Decimal:
    """Return how many shares of now one share of the day became."""
    factor = Decimal(1)
    for split in splits:
        if split.ex_date > day:
            factor *= split.new / split.old
    return factor


def _split_of(event: Any, zone: ZoneInfo) -> Split:
    new, old = decimal_of(event["numerator"]), decimal_of(event["denominator"])
    if new <= 0 or old <= 0:
        raise ValueError(f"{new}:{old} is no ratio of a split")
    return Split(_day(event["date"], zone), new, old)


def _events(chart: dict[str, Any], kind: str) -> Iterable[Any]:
    return object_of(object_of(chart.get("events", {})).get(kind, {})).values()


def _zone(chart: dict[str, Any]) -> ZoneInfo:
    return ZoneInfo(text_of(chart["meta"]["exchangeTimezoneName"]))


def _day(at: Any, zone: ZoneInfo) -> date:
    return instant_of(at).astimezone(zone).date()
