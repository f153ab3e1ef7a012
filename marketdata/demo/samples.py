"""Price series from files of installed packages: text in, checked bars out. Pure.

A bar is refused, and counted, when its close is not positive, when it lies outside the session's
high and low, when the open does, or when its day was seen before. Moves of more than 40 % in a
session are kept and counted: they may be splits, and nothing in these files says so.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from marketdata.demo.curve import ParYield, zero_price
from marketdata.fx import Fixing

_SUSPECT_MOVE = Decimal("0.4")
_TENOR_YEARS = {
    "1month": 1 / 12,
    "3month": 0.25,
    "6month": 0.5,
    "1year": 1.0,
    "2year": 2.0,
    "3year": 3.0,
    "5year": 5.0,
    "7year": 7.0,
    "10year": 10.0,
    "20year": 20.0,
    "30year": 30.0,
}


@dataclass(frozen=True, slots=True)
class SampleBar:
    """A session as its source has it; only the close is always known."""

    date: date
    close: Decimal
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: int | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The bars of one asset, ascending by day, and what the checks found."""

    bars: tuple[SampleBar, ...]
    findings: Counter[str] = field(default_factory=Counter)


def closes_by_column(text: str, *, since: date) -> dict[str, Series]:
    """Read `Date,AAA,BBB` tables: one series of closes per column."""
    rows = csv.reader(io.StringIO(text))
    symbols = next(rows)[1:]
    found: dict[str, list[SampleBar]] = {symbol: [] for symbol in symbols}
    for row in rows:
        day = date.fromisoformat(row[0][:10])
        if day < since:
            continue
        for symbol, value in zip(symbols, row[1:], strict=True):
            if value:
                found[symbol].append(SampleBar(day, Decimal(value)))
    return {symbol: checked(bars) for symbol, bars in found.items()}


def bars_by_column_group(text: str, *, symbols: Sequence[str], since: date) -> dict[str, Series]:
    """Read a table with open, high, low, close and value per symbol, under two header rows.

    Volume is estimated as traded value / close: the file has no volume.
    """
    rows = csv.reader(io.StringIO(text))
    groups, names = next(rows), next(rows)
    columns = {
        symbol: {names[i]: i for i, group in enumerate(groups) if group == symbol}
        for symbol in symbols
    }
    found: dict[str, list[SampleBar]] = {symbol: [] for symbol in symbols}
    for row in rows:
        if not row[0][:4].isdigit() or date.fromisoformat(row[0][:10]) < since:
            continue
        day = date.fromisoformat(row[0][:10])
        for symbol, column in columns.items():
            if row[column["close"]]:
                found[symbol].append(_bar(day, row, column))
    return {symbol: checked(bars) for symbol, bars in found.items()}


def _bar(day: date, row: Sequence[str], column: Mapping[str, int]) -> SampleBar:
    close = Decimal(row[column["close"]])
    value = _decimal(row[column["value"]])
    return SampleBar(
        date=day,
        close=close,
        open=_decimal(row[column["open"]]),
        high=_decimal(row[column["high"]]),
        low=_decimal(row[column["low"]]),
        volume=int(value / close) if value is not None and value >= 0 and close > 0 else None,
    )


def checked(bars: Sequence[SampleBar]) -> Series:
    """Return the plausible bars by day, and counts of the refused ones."""
    findings: Counter[str] = Counter()
    kept: dict[date, SampleBar] = {}
    for bar in bars:
        fault = _fault(bar)
        if fault is None and bar.date in kept:
            fault = "refused_day_repeated"
        if fault is None:
            kept[bar.date] = bar
        else:
            findings[fault] += 1
    ordered = tuple(kept[day] for day in sorted(kept))
    for before, after in zip(ordered, ordered[1:], strict=False):
        if abs(after.close / before.close - 1) > _SUSPECT_MOVE:
            findings["kept_move_over_40_percent"] += 1
    return Series(ordered, findings)


def _fault(bar: SampleBar) -> str | None:
    if not bar.close.is_finite() or bar.close <= 0:
        return "refused_close_not_positive"
    high = bar.close if bar.high is None else bar.high
    low = bar.close if bar.low is None else bar.low
    if not low <= bar.close <= high:
        return "refused_close_outside_range"
    if bar.open is not None and not low <= bar.open <= high:
        return "refused_open_outside_range"
    return None


def par_curves(text: str, *, since: date) -> Iterator[tuple[date, list[ParYield]]]:
    """Yield the days of a Treasury curve file (`Time Period,1month,...`) without empty tenors."""
    for row in csv.DictReader(io.StringIO(text)):
        day = date.fromisoformat(row["Time Period"][:10])
        if day >= since:
            par = [
                ParYield(years, float(row[tenor]))
                for tenor, years in _TENOR_YEARS.items()
                if row[tenor]
            ]
            if par:
                yield day, par


def three_month_yields(text: str, *, since: date) -> Iterator[tuple[date, Decimal]]:
    """Yield the days of a Treasury curve file and their three-month yield, a fraction per year."""
    for row in csv.DictReader(io.StringIO(text)):
        day, rate = date.fromisoformat(row["Time Period"][:10]), _decimal(row["3month"])
        if day >= since and rate is not None:
            yield day, rate


def zero_series(curves: Sequence[tuple[date, list[ParYield]]], *, matures_on: date) -> Series:
    """Return the computed price of a zero-coupon bond on every day of the curve."""
    return checked(
        [
            SampleBar(day, zero_price(par=par, years=(matures_on - day).days / 365.25))
            for day, par in curves
            if day < matures_on
        ]
    )


def fixings(text: str) -> Iterator[tuple[str, Fixing]]:
    """Yield every fixing of the European Central Bank's file (`Date,USD,JPY,...`)."""
    for row in csv.DictReader(io.StringIO(text)):
        day = date.fromisoformat(row.pop("Date"))
        for currency, value in row.items():
            rate = _decimal(value) if currency and currency.strip() else None
            if rate is not None and rate > 0:
                yield currency.strip(), Fixing(rate, day)


def _decimal(text: str | None) -> Decimal | None:
    """Return a finite number, or None for a gap (empty, `N/A`, `nan`)."""
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
