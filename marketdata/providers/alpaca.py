"""Alpaca's market data: stocks and ETFs of the United States.

Follows https://docs.alpaca.markets/reference, pages stocksnapshots-1, stockbars and
corporateactions-1.

    quotes    /v2/stocks/snapshots: the latest trade, on the free plan that of IEX alone
    days      /v2/stocks/bars?timeframe=1Day&adjustment=raw, of all exchanges (feed=sip). A bar is
              stamped with midnight in New York. `end` is left out: it then is the newest moment
              that the plan may see, 15 minutes ago on the free one, which refuses any later end
    splits    /v1/corporate-actions, which is searched by the day of processing. That of a dividend
              is the day of its payment, weeks after the ex-date
    minutes   as days, with timeframe=1Min
    search    the data API has none

A dividend paid in shares and a spin-off are not read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marketdata.providers.http import Get, bulk, fetched
from marketdata.providers.port import (
    Capability,
    DayBar,
    Dividend,
    Fault,
    History,
    MinuteBar,
    ProviderFault,
    Split,
    VendorQuote,
)
from marketdata.providers.reading import (
    Reader,
    as_json,
    changed,
    day_of,
    decimal_of,
    expected_format,
    instant_of,
    list_of,
    object_of,
    readable,
    text_of,
    whole_or_none,
)
from marketdata.providers.unable import Unable

BASE_URL = "https://data.alpaca.markets"
_CURRENCY = "USD"
_NEW_YORK = ZoneInfo("America/New_York")
_BARS_PER_PAGE_MAX = 10_000
# A century of minutes is less; a vendor whose pages never end is refused.
_PAGES_MAX = 2_000
_SPLITS = ("forward_splits", "reverse_splits")
_BEFORE_EX_DATE = timedelta(days=10)
_PAID_AFTER_EX_DATE = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Alpaca(Unable):
    key: str = field(repr=False)
    secret: str = field(repr=False)
    base_url: str = BASE_URL
    # Of quotes: "iex", or "sip" (all exchanges) where the plan has it.
    feed: str = "iex"
    name: str = "alpaca"
    capabilities: frozenset[Capability] = frozenset(
        {Capability.QUOTES, Capability.DAYS, Capability.MINUTES}
    )
    quotes_per_call: int = 100

    def quotes(self, symbols: Sequence[str]) -> Sequence[VendorQuote]:
        request = self._get("/v2/stocks/snapshots", symbols=",".join(symbols), feed=self.feed)
        answer = as_json(fetched(request), of=str(request))
        with expected_format(str(request)):
            snapshots = list(object_of(answer).items())
        # Null where IEX traded nothing yet.
        traded = [row for row in snapshots if row[1] is not None and not _is_untraded(row[1])]
        return readable(traded, lambda row: _quote_of(*row), of=self.name)

    def days(self, symbol: str, *, since: date, until: date) -> History:
        found, reader = [], Reader(self.name)
        for row in self._bars(symbol, "1Day", since.isoformat(), (until - since).days + 1):
            bar = reader.row(_day_bar, row)
            if bar is None or bar.day < since:
                continue
            if bar.day > until:
                break
            found.append(bar)
        reader.ensure_few_refused()
        splits, dividends = self._actions(symbol, since, until)
        return History(found, splits, dividends, _CURRENCY)

    def minutes(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        found, reader = [], Reader(self.name)
        count = int((until - since) / timedelta(minutes=1)) + 1
        for row in self._bars(symbol, "1Min", since.isoformat(), count):
            bar = reader.row(_minute_bar, row)
            if bar is None or bar.at < since:
                continue
            if bar.at >= until:
                break
            found.append(bar)
        reader.ensure_few_refused()
        return found

    def _bars(self, symbol: str, timeframe: str, start: str, count_max: int) -> Iterator[Any]:
        request = self._get(
            "/v2/stocks/bars",
            symbols=symbol,
            timeframe=timeframe,
            start=start,
            limit=str(max(1, min(count_max, _BARS_PER_PAGE_MAX))),
            adjustment="raw",
            feed="sip",
            sort="asc",
        )
        for page in self._pages(request):
            with expected_format(str(request)):
                rows = list_of(page["bars"].get(symbol, []))
            yield from rows

    def _actions(self, symbol: str, since: date, until: date) -> tuple[list[Split], list[Dividend]]:
        request = self._get(
            "/v1/corporate-actions",
            symbols=symbol,
            types="forward_split,reverse_split,cash_dividend",
            start=(since - _BEFORE_EX_DATE).isoformat(),
            end=(until + _PAID_AFTER_EX_DATE).isoformat(),
            limit="1000",
        )
        splits: list[Split] = []
        dividends: list[Dividend] = []
        for page in self._pages(request):
            with expected_format(str(request)):
                actions = object_of(page["corporate_actions"])
                rows = [row for kind in _SPLITS for row in list_of(actions.get(kind, []))]
                splits += [_split(row) for row in rows if row["symbol"] == symbol]
                rows = list(list_of(actions.get("cash_dividends", [])))
                dividends += [_dividend(row) for row in rows if row["symbol"] == symbol]
        return (
            sorted((x for x in splits if since <= x.ex_date <= until), key=lambda x: x.ex_date),
            sorted((x for x in dividends if since <= x.ex_date <= until), key=lambda x: x.ex_date),
        )

    def _pages(self, request: Get) -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        for _ in range(_PAGES_MAX):
            asked = self._get(request.path, **request.parameters, **more)
            try:
                body = fetched(bulk(asked))
            except ProviderFault as fault:
                if more and fault.fault is Fault.NOT_FOUND:
                    raise changed(str(request), "it does not know the page it named") from None
                raise
            with expected_format(str(request)):
                page = object_of(as_json(body, of=str(request)))
                token = page["next_page_token"]
                more = {} if token is None else {"page_token": text_of(token)}
            yield page
            if not more:
                return
        raise changed(str(request), f"it has more than {_PAGES_MAX} pages")

    def _get(self, path: str, **parameters: str) -> Get:
        headers = {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret}
        return Get(self.name, self.base_url, path, parameters, headers)


def _is_untraded(snapshot: Any) -> bool:
    return isinstance(snapshot, dict) and snapshot.get("latestTrade", "") is None


def _quote_of(symbol: str, snapshot: dict[str, Any]) -> VendorQuote:
    trade, before = snapshot["latestTrade"], snapshot["prevDailyBar"]
    return VendorQuote(
        symbol=symbol,
        price=decimal_of(trade["p"]),
        as_of=instant_of(trade["t"]),
        currency=_CURRENCY,
        previous_close=None if before is None else decimal_of(before["c"]),
    )


def _prices(row: dict[str, Any]) -> dict[str, Any]:
    names = {"open": "o", "high": "h", "low": "l", "close": "c"}
    prices = {name: decimal_of(row[letter]) for name, letter in names.items()}
    return {**prices, "volume": whole_or_none(row["v"])}


def _day_bar(row: dict[str, Any]) -> DayBar:
    return DayBar(day=instant_of(row["t"]).astimezone(_NEW_YORK).date(), **_prices(row))


def _minute_bar(row: dict[str, Any]) -> MinuteBar:
    return MinuteBar(at=instant_of(row["t"]), **_prices(row))


def _split(row: dict[str, Any]) -> Split:
    new, old = decimal_of(row["new_rate"]), decimal_of(row["old_rate"])
    if new <= 0 or old <= 0:
        raise ValueError(f"{new}:{old} is no ratio of a split")
    return Split(day_of(row["ex_date"]), new, old)


def _dividend(row: dict[str, Any]) -> Dividend:
    paid = row.get("payable_date")
    return Dividend(day_of(row["ex_date"]), decimal_of(row["rate"]), day_of(paid) if paid else None)
