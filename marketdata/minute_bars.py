"""Minutes of a vendor, checked before they are kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.limits import PRICE_MAX
from marketdata.providers.port import MinuteBar
from marketdata.ticks import PRICE_UNIT


@dataclass(frozen=True, slots=True)
class Minute:
    """The prices of one minute as they are stored: whole numbers of 10^-8."""

    at: datetime
    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass(frozen=True, slots=True)
class CheckedMinutes:
    """Minutes by ascending time, and the (time, code) of each refused one."""

    kept: Sequence[Minute]
    refused: Sequence[tuple[datetime, str]]


def checked_minutes(
    bars: Sequence[MinuteBar], *, since: datetime, until: datetime, per: int
) -> CheckedMinutes:
    """Return the minutes to keep. `per`: how many of the vendor's units are one of the asset's.

    Codes: `minute_out_of_range`, `minute_not_whole`, `minute_twice`, `price_not_positive`,
    `price_too_large`, `high_below_low`, `volume_negative`.
    """
    kept: list[Minute] = []
    refused: list[tuple[datetime, str]] = []
    for bar in sorted(bars, key=lambda one: one.at):
        code = _fault(bar, kept[-1].at if kept else None, since, until)
        if code is None:
            open_, high, low, close = (
                round(value / per * PRICE_UNIT)
                for value in (bar.open, bar.high, bar.low, bar.close)
            )
            kept.append(Minute(bar.at, open_, high, low, close, bar.volume or 0))
        else:
            refused.append((bar.at, code))
    return CheckedMinutes(kept, refused)


def _fault(bar: MinuteBar, before: datetime | None, since: datetime, until: datetime) -> str | None:
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not since <= bar.at < until:
        return "minute_out_of_range"
    if bar.at.second or bar.at.microsecond:
        return "minute_not_whole"
    if bar.at == before:
        return "minute_twice"
    if any(value * PRICE_UNIT < 1 for value in prices):
        return "price_not_positive"
    if any(value > min(PRICE_MAX, _LARGEST) for value in prices):
        return "price_too_large"
    if bar.high < max(bar.open, bar.close, bar.low) or bar.low > min(bar.open, bar.close):
        return "high_below_low"
    return "volume_negative" if (bar.volume or 0) < 0 else None


# A stored price is a bigint.
_LARGEST = Decimal(2**63 - 1) / PRICE_UNIT
