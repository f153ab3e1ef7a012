"""Answers of Yahoo's chart and search: adjusted for splits, in 32-bit floats, as its pages get."""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from marketdata.providers.port import DayBar, MinuteBar
from tests.marketdata.providers.loopback import Answer, Request, json_answer
from tests.marketdata.providers.market import Market, Security

_TYPES = {"equity": "EQUITY", "etf": "ETF", "fund": "MUTUALFUND"}
_EXCHANGES = {"XNYS": "NYQ", "XNAS": "NMS", "XLON": "LSE"}
_ZONES = {"XLON": "Europe/London"}


def answer(request: Request, market: Market, key: str) -> Answer:
    if request.path == "/v1/finance/search":
        return json_answer({"count": 9, "quotes": _matches(market, request.query["q"].lower())})
    security = market.securities.get(request.path.rsplit("/", 1)[1])
    if security is None:
        error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return json_answer({"chart": {"result": None, "error": error}}, 404)
    return json_answer({"chart": {"result": [_chart(security, request.query)], "error": None}})


def _chart(security: Security, query: Mapping[str, str]) -> dict[str, object]:
    zone = ZoneInfo(_ZONES.get(security.exchange, "America/New_York"))
    bars: Sequence[DayBar | MinuteBar] = (
        security.minutes if query["interval"] == "1m" else security.bars
    )
    start, end = int(query.get("period1", 0)), int(query.get("period2", 9_999_999_999))
    if query.get("range") == "1d":
        bars = bars[-1:]
    rows = [(at, bar) for bar in bars if start <= (at := _at(bar, zone)) <= end]
    chart: dict[str, object] = {
        "meta": {
            "currency": security.currency,
            "symbol": security.symbol,
            "exchangeName": _EXCHANGES.get(security.exchange, "XXX"),
            "instrumentType": _TYPES[security.asset_class],
            "regularMarketTime": int(security.quoted_at.timestamp()),
            "gmtoffset": -18000,
            "timezone": "EST",
            "exchangeTimezoneName": str(zone),
            "regularMarketPrice": security.price,
            "chartPreviousClose": security.previous_close,
            "priceHint": 2,
            "dataGranularity": query["interval"],
        },
        "indicators": {"quote": [_columns(security, [bar for _, bar in rows], zone)]},
    }
    if rows:
        chart["timestamp"] = [at for at, _ in rows]
    if "events" in query:
        chart["events"] = _events(security, zone)
    return chart


def _at(bar: DayBar | MinuteBar, zone: ZoneInfo) -> int:
    if isinstance(bar, MinuteBar):
        return int(bar.at.timestamp())
    return int(_opened(bar.day, zone).timestamp())


def _opened(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(9, 30), zone).astimezone(UTC)


def _single(value: Decimal) -> float:
    return float(struct.unpack("f", struct.pack("f", float(value)))[0])


def _columns(
    security: Security, bars: Sequence[DayBar | MinuteBar], zone: ZoneInfo
) -> dict[str, list[object]]:
    if not bars:
        return {}
    columns: dict[str, list[object]] = {
        name: [] for name in ("open", "high", "low", "close", "volume")
    }
    for bar in bars:
        day = bar.day if isinstance(bar, DayBar) else bar.at.astimezone(zone).date()
        factor = _factor(security, day)
        for name in ("open", "high", "low", "close"):
            columns[name].append(_single(getattr(bar, name) / factor))
        assert bar.volume is not None
        columns["volume"].append(int(bar.volume * factor))
    return columns


def _factor(security: Security, day: date) -> Decimal:
    factor = Decimal(1)
    for split in security.splits:
        if split.ex_date > day:
            factor *= split.new / split.old
    return factor


def _events(security: Security, zone: ZoneInfo) -> dict[str, object]:
    events: dict[str, dict[str, object]] = {}
    for dividend in security.dividends:
        at = int(_opened(dividend.ex_date, zone).timestamp())
        amount = _single(dividend.amount / _factor(security, dividend.ex_date))
        events.setdefault("dividends", {})[str(at)] = {"amount": amount, "date": at}
    for split in security.splits:
        at = int(_opened(split.ex_date, zone).timestamp())
        events.setdefault("splits", {})[str(at)] = {
            "date": at,
            "numerator": split.new,
            "denominator": split.old,
            "splitRatio": f"{split.new}:{split.old}",
        }
    return dict(events)


def _matches(market: Market, text: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {
            "exchange": _EXCHANGES.get(each.exchange, "XXX"),
            "shortname": each.name[:10],
            "longname": each.name,
            "quoteType": _TYPES[each.asset_class],
            "symbol": each.symbol,
            "isYahooFinance": True,
        }
        for each in market.securities.values()
        if text in f"{each.symbol} {each.name}".lower()
    ]
    # What is no security of ours, and a private company, which has no symbol at all.
    future: dict[str, object] = {
        "exchange": "CMX",
        "quoteType": "FUTURE",
        "symbol": "GC=F",
        "shortname": "Gold",
    }
    return [*found, future, {"index": "private", "isYahooFinance": False, "name": text}]
