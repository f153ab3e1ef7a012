"""Answers of Alpha Vantage. All have status 200, and some sentences quote the key."""

from collections.abc import Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from marketdata.providers.port import DayBar, MinuteBar
from tests.marketdata.providers.loopback import Answer, Request, json_answer
from tests.marketdata.providers.market import Market, Security

SENTENCES = {
    "daily": (
        "Information",
        "We have detected your API key as {key} and our standard API rate limit is 25 requests per "
        "day. Please subscribe to any of the premium plans to instantly remove all daily rate "
        "limits.",
    ),
    "burst": (
        "Information",
        "Thank you for using Alpha Vantage! Please consider spreading out your free API requests "
        "more sparingly (1 request per second).",
    ),
    "old quota": (
        "Note",
        "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute.",
    ),
    "paid": (
        "Information",
        "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any "
        "of the premium plans to instantly unlock all premium endpoints",
    ),
    "key": (
        "Error Message",
        "the parameter apikey is invalid or missing. Please claim your free API key.",
    ),
    "symbol": (
        "Error Message",
        "Invalid API call. Please retry or visit the documentation for TIME_SERIES_DAILY.",
    ),
    "unknown": ("Information", "We have moved."),
}
_TYPES = {"equity": "Equity", "etf": "ETF", "fund": "Mutual Fund"}
_SUFFIXES = {"XLON": ".LON"}
_COMPACT = 100
_NEW_YORK = ZoneInfo("America/New_York")


def sentence(name: str, key: str) -> Answer:
    label, text = SENTENCES[name]
    return json_answer({label: text.format(key=key)})


def answer(request: Request, market: Market, key: str) -> Answer:
    query = request.query
    if query["apikey"] != key:
        return sentence("key", key)
    if query["function"] == "SYMBOL_SEARCH":
        return json_answer({"bestMatches": _matches(market, query["keywords"].lower())})
    # A table may name a security of London PLUM.L; this vendor calls it PLUM.LON.
    known = {_symbol(each): each for each in market.securities.values()}
    security = known.get(query["symbol"])
    if query["function"] == "GLOBAL_QUOTE":
        return json_answer({"Global Quote": _quote(security) if security else {}})
    if security is None:
        if query["function"] in {"SPLITS", "DIVIDENDS"}:
            return json_answer({"symbol": query["symbol"], "data": []})
        return sentence("symbol", key)
    return json_answer(_FUNCTIONS[query["function"]](security, query))


def _symbol(security: Security) -> str:
    return security.symbol.partition(".")[0] + _SUFFIXES.get(security.exchange, "")


def _text(price: Decimal | None) -> str:
    return "NaN" if price is None or price.is_nan() else f"{price:.4f}"


def _quote(security: Security) -> dict[str, object]:
    return {
        "01. symbol": _symbol(security),
        "02. open": "1.0000",
        "03. high": "1.0000",
        "04. low": "1.0000",
        "05. price": _text(security.price),
        "06. volume": "1",
        "07. latest trading day": str(security.quoted_at.date()),
        "08. previous close": _text(security.previous_close),
        "09. change": "0.0000",
        "10. change percent": "0.0000%",
    }


def _days(security: Security, query: Mapping[str, str]) -> dict[str, object]:
    bars = list(reversed(security.bars))
    bars = bars if query["outputsize"] == "full" else bars[:_COMPACT]
    return {
        "Meta Data": {
            "1. Information": "Daily Prices (open, high, low, close) and Volumes",
            "2. Symbol": _symbol(security),
            "3. Last Refreshed": str(bars[0].day) if bars else "",
            "4. Output Size": query["outputsize"].title(),
            "5. Time Zone": "US/Eastern",
        },
        "Time Series (Daily)": {str(bar.day): _row(bar) for bar in bars},
    }


def _minutes(security: Security, query: Mapping[str, str]) -> dict[str, object]:
    assert (query["interval"], query["adjusted"]) == ("1min", "false")
    local = [(bar.at.astimezone(_NEW_YORK), bar) for bar in reversed(security.minutes)]
    return {
        "Meta Data": {"1. Information": "Intraday (1min)", "6. Time Zone": "US/Eastern"},
        "Time Series (1min)": {
            f"{at:%Y-%m-%d %H:%M:%S}": _row(bar)
            for at, bar in local
            if f"{at:%Y-%m}" == query["month"]
        },
    }


def _row(bar: DayBar | MinuteBar) -> dict[str, str]:
    return {
        "1. open": _text(bar.open),
        "2. high": _text(bar.high),
        "3. low": _text(bar.low),
        "4. close": _text(bar.close),
        "5. volume": str(bar.volume),
    }


def _splits(security: Security, query: Mapping[str, str]) -> dict[str, object]:
    rows = [
        {"effective_date": str(each.ex_date), "split_factor": f"{each.new / each.old:.4f}"}
        for each in reversed(security.splits)
    ]
    return {"symbol": _symbol(security), "data": rows}


def _dividends(security: Security, query: Mapping[str, str]) -> dict[str, object]:
    rows = [
        {
            "ex_dividend_date": str(each.ex_date),
            "declaration_date": "None",
            "record_date": "None",
            "payment_date": str(each.payment_date),  # the text None where it is not known
            "amount": str(each.amount),
        }
        for each in reversed(security.dividends)
    ]
    return {"symbol": _symbol(security), "data": rows}


_FUNCTIONS = {
    "TIME_SERIES_DAILY": _days,
    "TIME_SERIES_INTRADAY": _minutes,
    "SPLITS": _splits,
    "DIVIDENDS": _dividends,
}


def _matches(market: Market, text: str) -> list[dict[str, object]]:
    return [
        {
            "1. symbol": _symbol(each),
            "2. name": each.name,
            "3. type": _TYPES[each.asset_class],
            "4. region": "United States",
            "5. marketOpen": "09:30",
            "6. marketClose": "16:00",
            "7. timezone": "UTC-04",
            "8. currency": "GBX" if each.currency == "GBp" else each.currency,
            "9. matchScore": "0.8889",
        }
        for each in market.securities.values()
        if text in f"{each.symbol} {each.name}".lower()
    ]
