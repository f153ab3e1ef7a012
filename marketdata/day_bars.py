"""Sessions of a vendor, checked before they are kept. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from core.currencies import units_of
from core.limits import PRICE_DECIMALS, PRICE_MAX
from marketdata.providers.port import DayBar, Dividend, History

_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)
_VOLUME_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CheckedDays:
    """Sessions by ascending day, and the (day, code) of each refused one."""

    kept: Sequence[DayBar]
    refused: Sequence[tuple[date, str]]


def checked_days(bars: Sequence[DayBar], *, since: date, until: date) -> CheckedDays:
    """Return the sessions to keep.

    Codes: `day_out_of_range`, `day_twice`, `price_not_positive`, `price_too_large`, `volume_wrong`,
    `high_below_low` (open, high, low and close contradict each other), `day_repeated` (open, high,
    low, close and volume of the session before it: yesterday under another date).
    """
    kept: list[DayBar] = []
    refused: list[tuple[date, str]] = []
    for bar in sorted(bars, key=lambda one: one.day):
        code = _fault(bar, kept[-1] if kept else None, since, until)
        if code is None:
            kept.append(_rounded(bar))
        else:
            refused.append((bar.day, code))
    return CheckedDays(kept, refused)


@dataclass(frozen=True, slots=True)
class CheckedDividends:
    """One dividend for each ex-date, and the (day, code) of each refused one."""

    kept: Sequence[Dividend]
    refused: Sequence[tuple[date, str]]


def checked_dividends(dividends: Iterable[Dividend]) -> CheckedDividends:
    """Return the dividends to keep: those of one ex-date, such as a special one, are added up.

    Codes: `dividend_not_positive`, `dividend_too_large`, `dividend_paid_before_ex_date`. Where
    those of one ex-date name several days of payment, none is kept.
    """
    amounts: dict[date, Decimal] = {}
    payments: dict[date, set[date | None]] = {}
    refused: list[tuple[date, str]] = []
    for one in dividends:
        code = _dividend_fault(one)
        if code is None:
            amounts[one.ex_date] = amounts.get(one.ex_date, Decimal(0)) + one.amount.quantize(_STEP)
            payments.setdefault(one.ex_date, set()).add(one.payment_date)
        else:
            refused.append((one.ex_date, code))
    kept = [
        Dividend(day, amounts[day], *(payments[day] if len(payments[day]) == 1 else ()))
        for day in sorted(amounts)
    ]
    return CheckedDividends(kept, refused)


def _dividend_fault(one: Dividend) -> str | None:
    if one.payment_date is not None and one.payment_date < one.ex_date:
        return "dividend_paid_before_ex_date"
    code = _price_fault(one.amount)
    return code and code.replace("price", "dividend")


def in_currency(history: History, *, currency: str) -> History | None:
    """Return the history in the asset's currency; None if it is in another one."""
    per = units_of(history.currency, currency=currency)
    if per is None:
        return None
    if per == 1:
        return history

    def divided(value: Decimal | None) -> Decimal | None:
        return None if value is None else value / per

    return replace(
        history,
        bars=[
            replace(
                bar,
                close=bar.close / per,
                open=divided(bar.open),
                high=divided(bar.high),
                low=divided(bar.low),
            )
            for bar in history.bars
        ],
        dividends=[replace(one, amount=one.amount / per) for one in history.dividends],
        currency=currency,
    )


def _fault(bar: DayBar, before: DayBar | None, since: date, until: date) -> str | None:
    stated = [value for value in (bar.open, bar.high, bar.low) if value is not None]
    if not since <= bar.day <= until:
        return "day_out_of_range"
    if before is not None and bar.day == before.day:
        return "day_twice"
    fault = next(filter(None, map(_price_fault, (bar.close, *stated))), None)
    if fault is not None:
        return fault
    if bar.volume is not None and not 0 <= bar.volume <= _VOLUME_MAX:
        return "volume_wrong"
    if _contradicts(bar):
        return "high_below_low"
    if before is not None and bar.volume and replace(_rounded(bar), day=before.day) == before:
        return "day_repeated"
    return None


def _price_fault(value: Decimal) -> str | None:
    # Rounding a number that is larger than the context has digits is an error.
    if value > PRICE_MAX:
        return "price_too_large"
    return "price_not_positive" if value.quantize(_STEP) <= 0 else None


def _contradicts(bar: DayBar) -> bool:
    inside = [value for value in (bar.open, bar.close) if value is not None]
    if bar.high is not None and any(value > bar.high for value in inside):
        return True
    if bar.low is not None and any(value < bar.low for value in inside):
        return True
    return bar.high is not None and bar.low is not None and bar.high < bar.low


def _rounded(bar: DayBar) -> DayBar:
    def kept(value: Decimal | None) -> Decimal | None:
        return None if value is None else value.quantize(_STEP)

    return replace(
        bar,
        close=bar.close.quantize(_STEP),
        open=kept(bar.open),
        high=kept(bar.high),
        low=kept(bar.low),
    )
