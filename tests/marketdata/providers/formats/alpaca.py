"""Answers of Alpaca's market data: snapshots, bars by pages, corporate actions."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from marketdata.providers.port import DayBar, MinuteBar
from tests.marketdata.providers.loopback import Answer, Request, json_answer
from tests.marketdata.providers.market import Market, Security

_NEW_YORK = ZoneInfo("America/New_York")
_PAGE = 2


def answer(request: Request, market: Market, key: str) -> Answer:
    names = ("apca-api-key-id", "apca-api-secret-key")
    if [request.headers.get(name) for name in names] != [key, key]:
        return json_answer({"message": "forbidden."}, 403)
    asked = request.query["symbols"].split(",")
    known = [market.securities[each] for each in asked if each in market.securities]
    if request.path == "/v2/stocks/snapshots":
        return json_answer({each.symbol: _snapshot(each) for each in known})
    token = request.query.get("page_token", "0")
    if not token.isdecimal() or len(token) > 6:
        return json_answer({"message": "invalid page token"}, 400)
    if request.path == "/v2/stocks/bars":
        assert request.query["adjustment"] == "raw"
        return json_answer(_bars(known, request))
    assert request.path == "/v1/corporate-actions"
    return json_answer(_actions(known, request))


def _snapshot(security: Security) -> dict[str, object]:
    at = security.quoted_at.astimezone(UTC)
    bar = {"o": 1, "h": 1, "l": 1, "v": 1, "n": 1, "vw": 1}
    return {
        "latestTrade": {
            "t": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}123Z",
            "x": "V",
            "p": security.price,
            "s": 100,
            "c": ["@"],
            "i": 52_983_525,
            "z": "C",
        },
        "latestQuote": {"t": f"{at:%Y-%m-%dT%H:%M:%SZ}", "bp": 1, "ap": 999},
        "minuteBar": {**bar, "t": f"{at:%Y-%m-%dT%H:%M}:00Z", "c": security.price},
        "dailyBar": {**bar, "t": f"{at:%Y-%m-%d}T05:00:00Z", "c": security.price},
        "prevDailyBar": {**bar, "t": f"{at:%Y-%m-%d}T05:00:00Z", "c": security.previous_close},
    }


def _bars(known: Sequence[Security], request: Request) -> dict[str, object]:
    """Return a page of bars from `start` on, at most two or `limit` of them."""
    query = request.query
    rows: list[dict[str, object]] = []
    for security in known:
        bars: Sequence[DayBar | MinuteBar] = (
            security.minutes if query["timeframe"] == "1Min" else security.bars
        )
        rows = [_bar(bar) for bar in bars if _at(bar) >= _start(query["start"])]
    first = int(query.get("page_token", "0"))
    last = first + min(_PAGE, int(query["limit"]))
    page = rows[first:last]
    token = str(last) if last < len(rows) else None
    bars_of = {known[0].symbol: page} if page else {}
    return {"bars": bars_of, "next_page_token": token, "currency": "USD"}


def _start(text: str) -> datetime:
    start = datetime.fromisoformat(text)
    return start if start.tzinfo else start.replace(tzinfo=UTC)


def _at(bar: DayBar | MinuteBar) -> datetime:
    if isinstance(bar, MinuteBar):
        return bar.at
    return datetime.combine(bar.day, time(), _NEW_YORK).astimezone(UTC)


def _bar(bar: DayBar | MinuteBar) -> dict[str, object]:
    return {
        "t": f"{_at(bar):%Y-%m-%dT%H:%M:%SZ}",
        "o": bar.open,
        "h": bar.high,
        "l": bar.low,
        "c": bar.close,
        "v": bar.volume,
        "n": 7,
        "vw": bar.close,
    }


def _actions(known: Sequence[Security], request: Request) -> dict[str, object]:
    forward: list[dict[str, object]] = []
    reverse: list[dict[str, object]] = []
    cash: list[dict[str, object]] = []
    for security in known:
        for split in security.splits:
            row = {
                "symbol": security.symbol,
                "new_rate": split.new,
                "old_rate": split.old,
                "process_date": str(split.ex_date),
                "ex_date": str(split.ex_date),
            }
            (forward if split.new > split.old else reverse).append(row)
        for dividend in security.dividends:
            row = {
                "symbol": security.symbol,
                "rate": dividend.amount,
                "special": False,
                "foreign": False,
                # Its payment, which is what the search goes by.
                "process_date": str(dividend.ex_date.replace(month=12)),
                "ex_date": str(dividend.ex_date),
            }
            if dividend.payment_date is not None:
                row["payable_date"] = str(dividend.payment_date)
            cash.append(row)
    kinds = {"forward_splits": forward, "reverse_splits": reverse, "cash_dividends": cash}
    since, until = request.query["start"], request.query["end"]
    inside = {
        kind: [row for row in rows if since <= str(row["process_date"]) <= until]
        for kind, rows in kinds.items()
    }
    # A kind without any is absent.
    found = {kind: rows for kind, rows in inside.items() if rows}
    return {"corporate_actions": found, "next_page_token": None}


def trade(security: Security) -> dict[str, object]:
    """Return a trade as the stream sends it."""
    at = security.quoted_at.astimezone(UTC)
    return {
        "T": "t",
        "S": security.symbol,
        "i": 96_921,
        "x": "V",
        "p": security.price,
        "s": 1,
        "t": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}208Z",
        "c": ["@", "I"],
        "z": "C",
    }
