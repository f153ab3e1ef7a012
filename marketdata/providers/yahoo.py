"""Yahoo Finance, without a key: stocks, ETFs, funds and crypto of most exchanges.

The addresses are undocumented: they are those of Yahoo's own pages, and may change or refuse at any
time. Yahoo's terms allow personal use only. So this is the source of a family on its first day, and
no source to build a business on. The format is the one that https://github.com/ranaroussi/yfinance
reads.

    quotes    /v8/finance/chart/<symbol>?range=1d: `regularMarketPrice` at `regularMarketTime`, one
              symbol a call, up to 15 minutes late outside the United States
    days      the same with `interval=1d`. Prices, volumes and dividends are adjusted for every
              split until now, so the range always ends now and the splits of the answer undo it.
              On the day of a split, Yahoo may adjust hours late
    minutes   the same with `interval=1m`, seven days a call, of the last 30 days
    search    /v1/finance/search: by symbol, name or ISIN; the answer names no currency
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from marketdata.providers.exchanges import YAHOO
from marketdata.providers.http import Get, bulk, fetched
from marketdata.providers.port import (
    Capability,
    DayBar,
    History,
    Match,
    MinuteBar,
    VendorQuote,
)
from marketdata.providers.reading import (
    as_json,
    expected_format,
    instant_of,
    list_of,
    object_of,
    text_of,
)
from marketdata.providers.unable import Unable
from marketdata.providers.yahoo_chart import Row, actions_of, number, rows_of

BASE_URL = "https://query2.finance.yahoo.com"
_ALWAYS = 9_999_999_999  # as seconds: later than now, whatever now is
_MINUTES_PER_CALL = timedelta(days=7)
_ASSET_CLASSES = {
    "EQUITY": "equity",
    "ETF": "etf",
    "MUTUALFUND": "fund",
    "CRYPTOCURRENCY": "crypto",
}
# Yahoo refuses clients that do not begin like a browser.
_HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; Ballast)"}


@dataclass(frozen=True, slots=True)
class Yahoo(Unable):
    base_url: str = BASE_URL
    name: str = "yahoo"
    capabilities: frozenset[Capability] = frozenset(
        {Capability.QUOTES, Capability.DAYS, Capability.MINUTES, Capability.SEARCH}
    )
    quotes_per_call: int = 1

    def quotes(self, symbols: Sequence[str]) -> Sequence[VendorQuote]:
        return [self._quote(symbol) for symbol in symbols]

    def days(self, symbol: str, *, since: date, until: date) -> History:
        chart = self._days_until_now(symbol, since)
        with expected_format(self.name):
            splits, dividends = actions_of(chart)
            # The last row of today is the newest price, beside the session's own.
            bars = {row.day: _day_bar(row) for row in rows_of(chart, splits)}
            return History(
                bars=[bars[day] for day in sorted(bars) if since <= day <= until],
                splits=[each for each in splits if since <= each.ex_date <= until],
                dividends=[each for each in dividends if since <= each.ex_date <= until],
                currency=text_of(chart["meta"]["currency"]),
            )

    def minutes(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        whole = self._days_until_now(symbol, since.date())
        with expected_format(self.name):
            splits, _ = actions_of(whole)
        bars: dict[datetime, MinuteBar] = {}
        while since < until:
            end = min(since + _MINUTES_PER_CALL, until)
            chart = self._chart(
                symbol, interval="1m", period1=_seconds(since), period2=_seconds(end)
            )
            with expected_format(self.name):
                found = [_minute_bar(row) for row in rows_of(chart, splits)]
            bars |= {bar.at: bar for bar in found if since <= bar.at < end}
            since = end
        return [bars[at] for at in sorted(bars)]

    def search(self, text: str) -> Sequence[Match]:
        parameters = {"q": text, "quotesCount": "20", "newsCount": "0"}
        request = Get(self.name, self.base_url, "/v1/finance/search", parameters, _HEADERS)
        answer = as_json(fetched(request), of=str(request))
        with expected_format(str(request)):
            rows = [object_of(row) for row in list_of(answer["quotes"])]
            # Private companies and the like have no symbol.
            return [_match_of(row) for row in rows if row.get("quoteType") in _ASSET_CLASSES]

    def _quote(self, symbol: str) -> VendorQuote:
        chart = self._read(self._get(symbol, range="1d", interval="1d"))
        with expected_format(self.name):
            meta = chart["meta"]
            before = meta.get("chartPreviousClose")
            return VendorQuote(
                symbol=text_of(meta["symbol"]),
                price=number(meta["regularMarketPrice"]),
                as_of=instant_of(meta["regularMarketTime"]),
                currency=text_of(meta["currency"]),
                previous_close=None if before is None else number(before),
            )

    def _days_until_now(self, symbol: str, since: date) -> dict[str, Any]:
        start = datetime.combine(since, time(), UTC) - timedelta(days=1)
        return self._chart(
            symbol,
            interval="1d",
            period1=_seconds(start),
            period2=str(_ALWAYS),
            events="div,splits",
        )

    def _chart(self, symbol: str, **parameters: str) -> dict[str, Any]:
        return self._read(bulk(self._get(symbol, **parameters)))

    def _get(self, symbol: str, **parameters: str) -> Get:
        path = f"/v8/finance/chart/{quote(symbol, safe='')}"
        return Get(self.name, self.base_url, path, parameters, _HEADERS)

    def _read(self, request: Get) -> dict[str, Any]:
        answer = as_json(fetched(request), of=str(request))
        with expected_format(str(request)):
            (chart,) = list_of(answer["chart"]["result"])
            return object_of(chart)


def _seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


def _day_bar(row: Row) -> DayBar:
    return DayBar(row.day, row.close, row.open, row.high, row.low, row.volume)


def _minute_bar(row: Row) -> MinuteBar:
    if row.open is None or row.high is None or row.low is None:
        raise ValueError("a minute with a close has no other prices")
    return MinuteBar(row.at, row.open, row.high, row.low, row.close, row.volume)


def _match_of(row: dict[str, Any]) -> Match:
    return Match(
        symbol=text_of(row["symbol"]),
        name=text_of(row.get("longname") or row.get("shortname") or row["symbol"]),
        asset_class=_ASSET_CLASSES[row["quoteType"]],
        currency=None,
        exchange=YAHOO.get(text_of(row["exchange"]), ""),
    )
