"""The demo's ticks: held-back real sessions, replayed and recorded like a provider's quotes."""

import json
import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import redis
from django.db import connection

from marketdata.demo.replay_path import Close, Position, Walk, walk
from marketdata.operations.quotes import IncomingQuote, Recorded, record_quotes
from marketdata.quotes import REPLAY
from stores.redis import redis_client

logger = logging.getLogger(__name__)

SESSIONS_PLAYED = 20
_SESSIONS_BEHIND = 5
_HISTORY_DAYS = 400
_POSITIONS_KEY = "replay:positions"

_CLOSES = """
SELECT asset.symbol, session.date, session.close, session.ahead
  FROM marketdata_asset asset
 CROSS JOIN LATERAL (
       SELECT max(date) AS date FROM marketdata_dailyprice
        WHERE asset_id = asset.id AND date >= %(since)s) AS turn
 CROSS JOIN LATERAL (
       (SELECT date, close, false AS ahead FROM marketdata_dailyprice
         WHERE asset_id = asset.id AND date >= %(since)s ORDER BY date DESC LIMIT %(behind)s)
       UNION ALL
       (SELECT date, close, true FROM marketdata_heldbackprice
         WHERE asset_id = asset.id AND date > turn.date ORDER BY date LIMIT %(ahead)s)
       ) AS session
 WHERE asset.household_id IS NULL AND asset.shifted_days <> 0
 ORDER BY asset.symbol, session.date
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """The walks of all demo assets and their positions."""

    walks: dict[str, Walk]
    previous_closes: dict[str, Decimal]
    positions: dict[str, Position]


def opened(*, as_of: date) -> Replay:
    """Return the walks from the closes in the database, at the positions stored in Redis."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLOSES,
            {
                "since": as_of - timedelta(days=_HISTORY_DAYS),
                "behind": _SESSIONS_BEHIND,
                "ahead": SESSIONS_PLAYED,
            },
        )
        rows = cursor.fetchall()
    closes: dict[str, list[Close]] = {}
    turns: dict[str, Close] = {}
    for symbol, day, price, ahead in rows:
        closes.setdefault(symbol, []).append(Close(day, price))
        if not ahead:
            turns[symbol] = Close(day, price)
    walks = {
        symbol: found
        for symbol in closes
        if symbol in turns
        and (found := walk(symbol=symbol, closes=closes[symbol], turn=turns[symbol].date))
    }
    if len(walks) < len(closes):
        logger.warning(
            "no more sessions to replay for %s, so their prices no longer change",
            ", ".join(sorted(closes.keys() - walks.keys())),
        )
    remembered = _remembered()
    positions = {}
    for symbol, path in walks.items():
        position = remembered.get(symbol)
        positions[symbol] = position if position and path.covers(position) else path.start()
    return Replay(walks, {symbol: turns[symbol].price for symbol in walks}, positions)


def play(*, replay: Replay, now: datetime) -> tuple[Replay, Recorded]:
    """Play one tick: move every walk one step and record its price like any other quote."""
    positions = {
        symbol: path.advanced(replay.positions[symbol]) for symbol, path in replay.walks.items()
    }
    recorded = record_quotes(
        quotes=[
            IncomingQuote(
                symbol=symbol,
                price=path.price(positions[symbol]),
                as_of=now,
                source=REPLAY,
                previous_close=replay.previous_closes[symbol],
            )
            for symbol, path in replay.walks.items()
        ],
        now=now,
    )
    _remember(positions)
    return Replay(replay.walks, replay.previous_closes, positions), recorded


def _remembered() -> dict[str, Position]:
    """Return the stored positions, so that a restart does not jump; otherwise the start."""
    try:
        payload = redis_client().get(_POSITIONS_KEY)
    except redis.RedisError:
        payload = None
    places = json.loads(payload) if payload else {}
    return {symbol: Position(step, forward) for symbol, (step, forward) in places.items()}


def _remember(positions: dict[str, Position]) -> None:
    places = {symbol: [place.step, place.forward] for symbol, place in positions.items()}
    try:
        redis_client().set(_POSITIONS_KEY, json.dumps(places))
    except redis.RedisError:
        logger.warning(
            "Redis is down, the replay's position was not saved: a restart begins it again"
        )
