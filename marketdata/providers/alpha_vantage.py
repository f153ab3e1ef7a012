"""Alpha Vantage: stocks, ETFs and funds of many exchanges.

Follows https://www.alphavantage.co/documentation, functions GLOBAL_QUOTE, TIME_SERIES_DAILY,
SPLITS, DIVIDENDS, TIME_SERIES_INTRADAY and SYMBOL_SEARCH.

    quotes    one symbol a call. Without an entitlement, the price is the close of `latest trading
              day`: it counts from the moment at which that session closed
    days      three calls: raw prices, splits and dividends. More than the newest 100 sessions need
              `outputsize=full`, a paid plan
    minutes   a month a call, stamped with their beginning; a paid plan
    search    by symbol or name

Every answer has status 200. An error is an object of one sentence, and the sentences about quota
quote the key, so no sentence is ever repeated. A free key allows one call a second: a call of
several requests waits between them.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from marketdata.providers.alpha_vantage_rows import (
    day_bar,
    dividends_of,
    fault_of,
    match_of,
    minute_bar,
    quote_of,
    splits_of,
)
from marketdata.providers.http import Get, bulk, fetched
from marketdata.providers.port import (
    Capability,
    Dividend,
    History,
    Match,
    MinuteBar,
    ProviderFault,
    Split,
    VendorQuote,
)
from marketdata.providers.reading import (
    as_json,
    day_of,
    expected_format,
    list_of,
    object_of,
    readable,
    text_of,
)
from marketdata.providers.unable import Unable

BASE_URL = "https://www.alphavantage.co"
_NEW_YORK = ZoneInfo("America/New_York")
_COMPACT_ROWS = 100
# For these the feed or a person waits.
_SHORT = frozenset({"GLOBAL_QUOTE", "SYMBOL_SEARCH"})


@dataclass(frozen=True, slots=True)
class AlphaVantage(Unable):
    key: str = field(repr=False)
    base_url: str = BASE_URL
    pause_s: float = 1.1
    name: str = "alpha_vantage"
    capabilities: frozenset[Capability] = frozenset(
        {Capability.QUOTES, Capability.DAYS, Capability.MINUTES, Capability.SEARCH}
    )
    quotes_per_call: int = 1

    def quotes(self, symbols: Sequence[str]) -> Sequence[VendorQuote]:
        found = []
        for number, symbol in enumerate(symbols):
            self._wait(number)
            answer = self._answer("GLOBAL_QUOTE", symbol=symbol)
            with expected_format(self.name):
                row = object_of(answer["Global Quote"])
                # A symbol that it does not know has an empty quote.
                found += [quote_of(row)] if row else []
        return found

    def days(self, symbol: str, *, since: date, until: date) -> History:
        rows = self._days(symbol, "compact")
        if len(rows) >= _COMPACT_ROWS and min(rows) > since:
            self._wait(1)
            rows = self._days(symbol, "full")
        splits, dividends = self._actions(symbol)
        wanted = [day for day in sorted(rows) if since <= day <= until]
        bars = readable(wanted, lambda day: day_bar(day, rows[day]), of=self.name)
        with expected_format(self.name):
            return History(
                bars,
                [split for split in splits if since <= split.ex_date <= until],
                [dividend for dividend in dividends if since <= dividend.ex_date <= until],
            )

    def minutes(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        found: dict[datetime, MinuteBar] = {}
        for number, month in enumerate(_months(since, until)):
            self._wait(number)
            answer = self._answer(
                "TIME_SERIES_INTRADAY",
                symbol=symbol,
                interval="1min",
                adjusted="false",
                outputsize="full",
                month=month,
            )
            with expected_format(self.name):
                zone = ZoneInfo(text_of(answer["Meta Data"]["6. Time Zone"]))
                rows = object_of(answer["Time Series (1min)"])
            bars = readable(rows.items(), partial(_minute_bar_in, zone), of=self.name)
            found |= {bar.at: bar for bar in bars if since <= bar.at < until}
        return [found[at] for at in sorted(found)]

    def search(self, text: str) -> Sequence[Match]:
        answer = self._answer("SYMBOL_SEARCH", keywords=text)
        with expected_format(self.name):
            found = [match_of(object_of(row)) for row in list_of(answer["bestMatches"])]
        return [match for match in found if match.asset_class]

    def _actions(self, symbol: str) -> tuple[list[Split], list[Dividend]]:
        self._wait(1)
        splits = self._answer("SPLITS", symbol=symbol)
        self._wait(1)
        dividends = self._answer("DIVIDENDS", symbol=symbol)
        with expected_format(self.name):
            return (
                sorted(splits_of(list_of(splits["data"])), key=lambda split: split.ex_date),
                sorted(dividends_of(list_of(dividends["data"])), key=lambda each: each.ex_date),
            )

    def _days(self, symbol: str, size: str) -> dict[date, dict[str, Any]]:
        answer = self._answer("TIME_SERIES_DAILY", symbol=symbol, outputsize=size)
        with expected_format(self.name):
            rows = object_of(answer["Time Series (Daily)"])
            return {day_of(day): object_of(row) for day, row in rows.items()}

    def _answer(self, function: str, **parameters: str) -> dict[str, Any]:
        asked = {"function": function, **parameters, "apikey": self.key}
        request = Get(self.name, self.base_url, "/query", asked)
        if function not in _SHORT:
            request = bulk(request)
        answer = as_json(fetched(request), of=f"{self.name} {function}")
        with expected_format(self.name):
            answer = object_of(answer)
        fault = fault_of(answer)
        if fault is not None:
            raise ProviderFault(fault, f"{self.name} refused {function}")
        return dict(answer)

    def _wait(self, number: int) -> None:
        """Wait, before every request of a call but its first."""
        if number:
            time.sleep(self.pause_s)


def _months(since: datetime, until: datetime) -> Iterator[str]:
    """Yield the months of New York that a range touches, as 2026-11."""
    month = since.astimezone(_NEW_YORK).date().replace(day=1)
    while month <= until.astimezone(_NEW_YORK).date():
        yield f"{month:%Y-%m}"
        month = (month + timedelta(days=32)).replace(day=1)


def _minute_bar_in(zone: ZoneInfo, row: tuple[str, Any]) -> MinuteBar:
    at, figures = row
    return minute_bar(at, zone, figures)
