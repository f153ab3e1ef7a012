"""Rows of Alpha Vantage's answers, and what its sentences mean. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from marketdata.calendars import UnknownExchange, session_close
from marketdata.providers.exchanges import ALPHA_VANTAGE
from marketdata.providers.port import (
    DayBar,
    Dividend,
    Fault,
    Match,
    MinuteBar,
    Split,
    VendorQuote,
)
from marketdata.providers.reading import (
    day_of,
    decimal_of,
    split_of,
    text_of,
    whole_or_none,
)

_ASSET_CLASSES = {"equity": "equity", "etf": "etf", "mutual fund": "fund"}
_NO_VALUE = "None"  # this is how it writes that it does not know
_SENTENCES = ("Error Message", "Information", "Note")
# Words of a sentence and what it then says, in this order.
_FAULTS = (
    ("premium endpoint", Fault.PAYMENT_REQUIRED),
    ("premium feature", Fault.PAYMENT_REQUIRED),
    ("rate limit", Fault.QUOTA_USED),
    ("call frequency", Fault.QUOTA_USED),
    ("per second", Fault.QUOTA_USED),
    ("apikey is invalid", Fault.KEY_REFUSED),
    ("demo", Fault.KEY_REFUSED),
    ("invalid api call", Fault.NOT_FOUND),
)


def fault_of(answer: dict[str, Any]) -> Fault | None:
    """Return what an answer that is one sentence says, None for any other answer."""
    for name in _SENTENCES:
        if name in answer:
            said = str(answer[name]).lower()
            found = (fault for words, fault in _FAULTS if words in said)
            return next(found, Fault.FORMAT_CHANGED)
    return None


def _exchange_of(symbol: str) -> str:
    return ALPHA_VANTAGE.get(symbol.partition(".")[2], "")


def quote_of(row: dict[str, Any]) -> VendorQuote:
    symbol = text_of(row["01. symbol"])
    try:
        as_of = session_close(
            exchange=_exchange_of(symbol), session=day_of(row["07. latest trading day"])
        )
    except UnknownExchange:
        raise ValueError(f"{symbol} is of an exchange without a calendar") from None
    before = decimal_of(row["08. previous close"])
    return VendorQuote(symbol, decimal_of(row["05. price"]), as_of, previous_close=before)


def day_bar(day: date, row: dict[str, Any]) -> DayBar:
    return DayBar(day, **_prices(row))


def minute_bar(at: str, zone: ZoneInfo, row: dict[str, Any]) -> MinuteBar:
    return MinuteBar(
        datetime.fromisoformat(at).replace(tzinfo=zone).astimezone(UTC), **_prices(row)
    )


def _prices(row: dict[str, Any]) -> dict[str, Any]:
    names = {"open": "1. open", "high": "2. high", "low": "3. low", "close": "4. close"}
    prices = {name: decimal_of(row[label]) for name, label in names.items()}
    return {**prices, "volume": whole_or_none(row["5. volume"])}


def splits_of(rows: Sequence[Any]) -> Iterator[Split]:
    for row in rows:
        yield split_of(day_of(row["effective_date"]), decimal_of(row["split_factor"]))


def dividends_of(rows: Sequence[Any]) -> Iterator[Dividend]:
    for row in rows:
        if row["amount"] != _NO_VALUE:
            paid = row.get("payment_date", _NO_VALUE)
            yield Dividend(
                day_of(row["ex_dividend_date"]),
                decimal_of(row["amount"]),
                None if paid == _NO_VALUE else day_of(paid),
            )


def match_of(row: dict[str, Any]) -> Match:
    symbol = text_of(row["1. symbol"])
    return Match(
        symbol=symbol,
        name=text_of(row["2. name"]),
        asset_class=_ASSET_CLASSES.get(text_of(row["3. type"]).lower(), ""),
        currency=text_of(row["8. currency"]),
        exchange=_exchange_of(symbol),
    )
