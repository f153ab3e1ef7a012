"""Answers of Tiingo: https://www.tiingo.com/documentation (end-of-day, iex, utilities/search)."""

from decimal import Decimal

from marketdata.providers.port import DayBar
from tests.marketdata.providers.loopback import Answer, Request, json_answer
from tests.marketdata.providers.market import Market, Security

_TYPES = {"equity": "Stock", "etf": "ETF", "fund": "Mutual Fund"}


def answer(request: Request, market: Market, key: str) -> Answer:
    if request.headers.get("authorization") != f"Token {key}":
        return json_answer({"detail": "Invalid token."}, 401)
    parts = request.path.strip("/").split("/")
    if parts == ["iex"]:
        asked = request.query["tickers"].upper().split(",")
        return json_answer(
            [_top(market.securities[each]) for each in asked if each in market.securities]
        )
    if parts == ["tiingo", "utilities", "search"]:
        return json_answer(_matches(market, request.query["query"].lower()))
    security = market.securities.get(parts[-2].upper())
    if security is None:
        return json_answer({"detail": "Not found."}, 404)
    since, until = request.query["startDate"], request.query["endDate"]
    if parts[0] == "iex":
        assert request.query["resampleFreq"] == "1min"
        return json_answer(_minutes(security, since, until))
    return json_answer(_days(security, since, until))


def _top(security: Security) -> dict[str, object]:
    at = security.quoted_at.isoformat()
    return {
        "ticker": security.symbol,
        "timestamp": at,
        "quoteTimestamp": None,
        "lastSaleTimestamp": None,
        "last": None,
        "lastSize": None,
        "tngoLast": security.price,
        "prevClose": security.previous_close,
        "open": security.previous_close,
        "high": security.price,
        "low": security.previous_close,
        "mid": None,
        "volume": 125_000,
        "bidSize": None,
        "bidPrice": None,
        "askSize": None,
        "askPrice": None,
    }


def _days(security: Security, since: str, until: str) -> list[dict[str, object]]:
    return [_day(security, bar) for bar in security.bars if since <= bar.day.isoformat() <= until]


def _day(security: Security, bar: DayBar) -> dict[str, object]:
    factor = sum((x.new / x.old for x in security.splits if x.ex_date == bar.day), Decimal(0))
    cash = sum((x.amount for x in security.dividends if x.ex_date == bar.day), Decimal(0))
    return {
        "date": f"{bar.day}T00:00:00.000Z",
        "close": bar.close,
        "high": bar.high,
        "low": bar.low,
        "open": bar.open,
        "volume": bar.volume,
        # Not what is wanted: a reader that takes these is found out.
        "adjClose": bar.close / 3,
        "adjHigh": bar.close / 3,
        "adjLow": bar.close / 3,
        "adjOpen": bar.close / 3,
        "adjVolume": bar.volume,
        "divCash": cash,
        "splitFactor": factor or Decimal(1),
    }


def _minutes(security: Security, since: str, until: str) -> list[dict[str, object]]:
    return [
        {
            "date": f"{bar.at:%Y-%m-%dT%H:%M:%S}.000Z",
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "volume": bar.volume,
        }
        for bar in security.minutes
        if since <= bar.at.date().isoformat() <= until
    ]


def _matches(market: Market, text: str) -> list[dict[str, object]]:
    return [
        {
            "ticker": each.symbol,
            "name": each.name,
            "assetType": _TYPES[each.asset_class],
            "isActive": True,
            "permaTicker": "US000000000001",
            "openFIGI": None,
        }
        for each in market.securities.values()
        if text in f"{each.symbol} {each.name}".lower() and each.currency == "USD"
    ]
