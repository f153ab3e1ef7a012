"""Tiingo: stocks, ETFs and funds of the United States.

Follows https://www.tiingo.com/documentation, pages end-of-day, iex and utilities/search.

    quotes    /iex/?tickers=A,B: `tngoLast` at `timestamp`. It is the last price of IEX, or the
              middle of a narrow bid and ask, and the official close once there is one
    days      /tiingo/daily/<ticker>/prices: raw prices beside adjusted ones; `divCash` and
              `splitFactor` stand at the ex-date
    minutes   /iex/<ticker>/prices?resampleFreq=1min: volume is that of IEX alone. Clients report a
              bound of some thousands of bars, so a long range may begin later than it was asked for
    search    by ticker or name; the answer names neither exchange nor currency

A used-up quota is told with status 429, or with status 200 and a sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from marketdata.providers.http import Get, bulk, fetched
from marketdata.providers.port import (
    Capability,
    DayBar,
    Dividend,
    Fault,
    History,
    Match,
    MinuteBar,
    ProviderFault,
    VendorQuote,
)
from marketdata.providers.reading import (
    as_json,
    day_of,
    decimal_of,
    decimal_or_none,
    expected_format,
    instant_of,
    list_of,
    object_of,
    readable,
    split_of,
    text_of,
    whole_or_none,
)
from marketdata.providers.unable import Unable

BASE_URL = "https://api.tiingo.com"
_CURRENCY = "USD"
_ASSET_CLASSES = {"stock": "equity", "etf": "etf", "mutual fund": "fund"}


@dataclass(frozen=True, slots=True)
class Tiingo(Unable):
    key: str = field(repr=False)
    base_url: str = BASE_URL
    name: str = "tiingo"
    capabilities: frozenset[Capability] = frozenset(
        {Capability.QUOTES, Capability.DAYS, Capability.MINUTES, Capability.SEARCH}
    )
    quotes_per_call: int = 100

    def quotes(self, symbols: Sequence[str]) -> Sequence[VendorQuote]:
        rows = self._rows(self._get("/iex/", tickers=",".join(symbols)))
        traded = [row for row in rows if not _is_untraded(row)]
        return readable(traded, lambda row: _quote_of(object_of(row)), of=self.name)

    def days(self, symbol: str, *, since: date, until: date) -> History:
        path = f"/tiingo/daily/{quote(symbol, safe='')}/prices"
        asked = self._get(path, startDate=since.isoformat(), endDate=until.isoformat())
        rows = self._rows(bulk(asked))
        with expected_format(self.name):
            return _history_of(rows, since, until)

    def minutes(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        asked = self._get(
            f"/iex/{quote(symbol, safe='')}/prices",
            startDate=since.date().isoformat(),
            endDate=until.date().isoformat(),
            resampleFreq="1min",
            columns="open,high,low,close,volume",
        )
        rows = self._rows(bulk(asked))
        bars = readable(rows, lambda row: _minute_of(object_of(row)), of=self.name)
        return [bar for bar in sorted(bars, key=lambda bar: bar.at) if since <= bar.at < until]

    def search(self, text: str) -> Sequence[Match]:
        rows = self._rows(self._get("/tiingo/utilities/search", query=text))
        with expected_format(self.name):
            found = [_match_of(object_of(row)) for row in rows]
        return [match for match in found if match.asset_class]

    def _get(self, path: str, **parameters: str) -> Get:
        headers = {"Authorization": f"Token {self.key}"}
        return Get(self.name, self.base_url, path, parameters, headers)

    def _rows(self, request: Get) -> Sequence[Any]:
        body = fetched(request)
        if b"request allocation" in body[:500]:
            raise ProviderFault(Fault.QUOTA_USED, f"{request} says that its quota is used up")
        answer = as_json(body, of=str(request))
        with expected_format(str(request)):
            return list_of(answer)


def _is_untraded(row: Any) -> bool:
    return isinstance(row, dict) and row.get("tngoLast", "") is None


def _quote_of(row: dict[str, Any]) -> VendorQuote:
    return VendorQuote(
        symbol=text_of(row["ticker"]),
        price=decimal_of(row["tngoLast"]),
        as_of=instant_of(row["timestamp"]),
        currency=_CURRENCY,
        previous_close=decimal_or_none(row["prevClose"]),
    )


def _history_of(rows: Sequence[Any], since: date, until: date) -> History:
    bars, splits, dividends = [], [], []
    for row in sorted(map(object_of, rows), key=lambda row: day_of(row["date"])):
        day = day_of(row["date"])
        if not since <= day <= until:
            continue
        bars.append(
            DayBar(
                day=day,
                close=decimal_of(row["close"]),
                open=decimal_of(row["open"]),
                high=decimal_of(row["high"]),
                low=decimal_of(row["low"]),
                volume=whole_or_none(row["volume"]),
            )
        )
        factor, cash = decimal_of(row["splitFactor"]), decimal_of(row["divCash"])
        if factor != 1:
            splits.append(split_of(day, factor))
        if cash:
            dividends.append(Dividend(day, cash))
    return History(bars, splits, dividends, _CURRENCY)


def _minute_of(row: dict[str, Any]) -> MinuteBar:
    return MinuteBar(
        at=instant_of(row["date"]),
        open=decimal_of(row["open"]),
        high=decimal_of(row["high"]),
        low=decimal_of(row["low"]),
        close=decimal_of(row["close"]),
        volume=whole_or_none(row["volume"]),
    )


def _match_of(row: dict[str, Any]) -> Match:
    symbol = text_of(row["ticker"])
    asset_class = _ASSET_CLASSES.get(text_of(row["assetType"]).lower(), "")
    # Tickers of mainland China are numbers; the others trade in the United States, whose exchanges
    # keep the hours of New York. A mutual fund trades on none.
    american = symbol[:1].isalpha() and asset_class in {"equity", "etf"}
    return Match(
        symbol=symbol,
        name=text_of(row["name"]),
        asset_class=asset_class,
        currency=None,
        exchange="XNYS" if american else "",
    )
