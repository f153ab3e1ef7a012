"""Record trades: once each, in any order, and the minute bars and latest prices made of them.

    lock       one writer at a time, until the commit
    sort out   refused reports are counted; of reports about one trade the last one counts
    compare    only trades that are not later than the newest stored one of their asset can be
               known already: they are looked up, and are duplicates, corrections or late
    write      new trades by COPY; corrections and cancellations one statement each
    bars       a minute that only grew at its end is extended; a minute with a late, corrected or
               cancelled trade is built again from its stored trades
    publish    after the commit, the newest price of each asset, like any other quote

A feed collects the reports of a second and calls this once, so a bar or a latest price is written
once a second, however many trades it had.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray
from prometheus_client import Counter, Histogram

from marketdata.operations.partitions import oldest_tick_day
from marketdata.operations.quotes import IncomingQuote, record_quotes
from marketdata.partitions import TICKS
from marketdata.ticks import (
    PRICE_UNIT,
    Ticks,
    after,
    latest_reports,
    minutes,
    newest,
    refused,
)
from stores.copying import EPOCH_S, copy_records
from stores.rows import execute, rows_of

logger = logging.getLogger(__name__)

TICKS_COUNTED = Counter("ballast_ticks", "Reports of trades, by outcome.", ["outcome"])
BATCH_SECONDS = Histogram(
    "ballast_tick_batch_seconds",
    "Time to record one batch of trades, in seconds.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
REPORTS_MAX = 500_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_ASSETS = """
SELECT asset.id, asset.symbol, (latest.price * 100000000)::float8
  FROM unnest(%(ids)s::bigint[]) AS wanted(id)
  JOIN marketdata_asset asset ON asset.id = wanted.id AND asset.household_id IS NULL
  LEFT JOIN marketdata_latestprice latest ON latest.asset_id = asset.id
"""
_INSTANT = "timestamptz 'epoch' + {} * interval '1 microsecond'"
# The bounds leave the partitions of other days out.
_MARKS = """
SELECT wanted.id, (extract(epoch FROM last.at) * 1000000)::bigint
  FROM unnest(%(ids)s::bigint[]) AS wanted(id)
 CROSS JOIN LATERAL (
       SELECT max(at) AS at FROM marketdata_tick
        WHERE asset_id = wanted.id AND at >= %(since)s AND at < %(until)s) AS last
 WHERE last.at IS NOT NULL
"""
_KNOWN = f"""
SELECT wanted.place, tick.price, tick.size
  FROM unnest(%(assets)s::bigint[], %(instants)s::bigint[], %(numbers)s::bigint[])
       WITH ORDINALITY AS wanted(asset_id, at, number, place)
  JOIN marketdata_tick tick
    ON tick.asset_id = wanted.asset_id AND tick.number = wanted.number
   AND tick.at = {_INSTANT.format("wanted.at")}
   AND tick.at >= %(since)s AND tick.at < %(until)s
"""
_CORRECT = f"""
UPDATE marketdata_tick tick SET price = given.price, size = given.size
  FROM unnest(%(assets)s::bigint[], %(instants)s::bigint[], %(numbers)s::bigint[],
              %(prices)s::bigint[], %(sizes)s::bigint[])
       AS given(asset_id, at, number, price, size)
 WHERE tick.asset_id = given.asset_id AND tick.number = given.number
   AND tick.at = {_INSTANT.format("given.at")}
"""
_CANCEL = f"""
DELETE FROM marketdata_tick tick
 USING unnest(%(assets)s::bigint[], %(instants)s::bigint[], %(numbers)s::bigint[])
       AS given(asset_id, at, number)
 WHERE tick.asset_id = given.asset_id AND tick.number = given.number
   AND tick.at = {_INSTANT.format("given.at")}
"""
_EXTEND = f"""
INSERT INTO marketdata_minutebar (asset_id, at, open, high, low, close, volume)
SELECT asset_id, {_INSTANT.format("at")}, open, high, low, close, volume
  FROM unnest(%(asset_id)s::bigint[], %(at)s::bigint[], %(open)s::bigint[], %(high)s::bigint[],
              %(low)s::bigint[], %(close)s::bigint[], %(volume)s::bigint[])
       AS given(asset_id, at, open, high, low, close, volume)
ON CONFLICT (asset_id, at) DO UPDATE
   SET high = greatest(marketdata_minutebar.high, EXCLUDED.high),
       low = least(marketdata_minutebar.low, EXCLUDED.low),
       close = EXCLUDED.close,
       volume = marketdata_minutebar.volume + EXCLUDED.volume
"""
_FORGET = f"""
DELETE FROM marketdata_minutebar bar
 USING unnest(%(assets)s::bigint[], %(instants)s::bigint[]) AS given(asset_id, at)
 WHERE bar.asset_id = given.asset_id AND bar.at = {_INSTANT.format("given.at")}
"""
_BUILD = f"""
INSERT INTO marketdata_minutebar (asset_id, at, open, high, low, close, volume)
SELECT given.asset_id, {_INSTANT.format("given.at")},
       (array_agg(tick.price ORDER BY tick.at, tick.number))[1], max(tick.price), min(tick.price),
       (array_agg(tick.price ORDER BY tick.at DESC, tick.number DESC))[1], sum(tick.size)
  FROM unnest(%(assets)s::bigint[], %(instants)s::bigint[]) AS given(asset_id, at)
  JOIN marketdata_tick tick
    ON tick.asset_id = given.asset_id
   AND tick.at >= {_INSTANT.format("given.at")}
   AND tick.at < {_INSTANT.format("given.at")} + interval '1 minute'
 GROUP BY given.asset_id, given.at
"""


@dataclass(frozen=True, slots=True)
class RecordedTicks:
    """How many reports were new trades, and what the others were; `refused` by code.

    `late` trades are new ones before a stored trade of their asset. Duplicates changed nothing:
    trades known with the same figures, cancellations of trades that are not stored, and reports
    that a later one in the same batch superseded.
    """

    new: int
    late: int
    duplicates: int
    corrected: int
    cancelled: int
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Reports by what is done with them. All but `new` changed what is stored."""

    new: Ticks
    late: NDArray[np.bool_]
    corrected: Ticks
    cancelled: Ticks


def record_ticks(*, reports: Ticks, source: str, now: datetime) -> RecordedTicks:
    """Write trades and the bars and prices they change. Repeating a call changes nothing."""
    if len(reports) > REPORTS_MAX:
        raise ValueError(f"more than {REPORTS_MAX} reports in one batch")
    with BATCH_SECONDS.time():
        symbols, last = _assets(np.unique(reports.asset_id).tolist())
        since = datetime.combine(oldest_tick_day(as_of=now.date()), time(), UTC)
        faults = refused(
            reports,
            prices=last,
            now_us=_microseconds(now),
            since_us=_microseconds(since),
        )
        plausible = reports
        if faults:
            plausible = reports.where(~np.logical_or.reduce(list(faults.values())))
        counted = {code: int(faulty.sum()) for code, faulty in faults.items()}
        span = {"since": since, "until": now + timedelta(minutes=1)}
        with transaction.atomic():
            _take_turn()
            found = _sorted_out(latest_reports(plausible), span)
            _write(found)
            _update_bars(found)
    outcome = RecordedTicks(
        new=len(found.new),
        late=int(found.late.sum()),
        duplicates=len(plausible) - len(found.new) - len(found.corrected) - len(found.cancelled),
        corrected=len(found.corrected),
        cancelled=len(found.cancelled),
        refused=counted,
    )
    _count(outcome)
    _publish(found.new.where(~found.late), symbols, source=source, now=now)
    return outcome


def _assets(ids: list[int]) -> tuple[dict[int, str], dict[int, float | None]]:
    """Return the symbols of public assets, and their last prices."""
    rows = rows_of(_ASSETS, {"ids": ids})
    return {pk: symbol for pk, symbol, _ in rows}, {pk: price for pk, _, price in rows}


def _take_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('marketdata_tick writers'))")


def _sorted_out(given: Ticks, span: Mapping[str, datetime]) -> _Sorted:
    marks = dict(rows_of(_MARKS, {"ids": np.unique(given.asset_id).tolist(), **span}))
    later = after(given, marks)
    cancelling = given.price == 0
    asked = np.flatnonzero(~later)
    known = np.zeros(len(given), np.bool_)
    same = np.zeros(len(given), np.bool_)
    if len(asked):
        for place, price, size in rows_of(_KNOWN, {**_keys(given.where(asked)), **span}):
            row = asked[place - 1]
            known[row] = True
            same[row] = price == given.price[row] and size == given.size[row]
    new = ~known & ~cancelling
    return _Sorted(
        new=given.where(new),
        late=~later[new],
        corrected=given.where(known & ~cancelling & ~same),
        cancelled=given.where(known & cancelling),
    )


def _keys(given: Ticks) -> dict[str, list[int]]:
    return {
        "assets": given.asset_id.tolist(),
        "instants": given.at.tolist(),
        "numbers": given.number.tolist(),
    }


def _write(found: _Sorted) -> None:
    if len(found.new):
        copy_records(
            table=TICKS,
            columns={
                "asset_id": ("int8", found.new.asset_id),
                "at": ("timestamptz", found.new.at - EPOCH_S * 1_000_000),
                "number": ("int8", found.new.number),
                "price": ("int8", found.new.price),
                "size": ("int8", found.new.size),
            },
        )
    if len(found.corrected):
        figures = {"prices": found.corrected.price.tolist(), "sizes": found.corrected.size.tolist()}
        execute(_CORRECT, {**_keys(found.corrected), **figures})
    if len(found.cancelled):
        execute(_CANCEL, _keys(found.cancelled))


def _update_bars(found: _Sorted) -> None:
    """Extend the minutes that only grew; build the others again from their trades."""
    grown = minutes(found.new)
    changed = [
        minutes(found.new.where(found.late)),
        minutes(found.corrected),
        minutes(found.cancelled),
    ]
    again = {
        key for one in changed for key in zip(one.asset_id.tolist(), one.at.tolist(), strict=True)
    }
    extended = np.ones(len(grown.asset_id), np.bool_)
    if again:
        keys = zip(grown.asset_id.tolist(), grown.at.tolist(), strict=True)
        extended = np.array([key not in again for key in keys], np.bool_)
    if extended.any():
        execute(
            _EXTEND,
            {
                name: getattr(grown, name)[extended].tolist()
                for name in ("asset_id", "at", "open", "high", "low", "close", "volume")
            },
        )
    if again:
        assets, instants = zip(*sorted(again), strict=True)
        keys_of = {"assets": list(assets), "instants": list(instants)}
        execute(_FORGET, keys_of)
        execute(_BUILD, keys_of)


def _count(outcome: RecordedTicks) -> None:
    for name in ("new", "late", "duplicates", "corrected", "cancelled"):
        TICKS_COUNTED.labels(name).inc(getattr(outcome, name))
    for code, count in outcome.refused.items():
        TICKS_COUNTED.labels(code).inc(count)
    if outcome.refused:
        logger.warning("refused reports of trades: %s", dict(outcome.refused))


def _publish(given: Ticks, symbols: Mapping[int, str], *, source: str, now: datetime) -> None:
    last = newest(given)
    if not len(last):
        return
    record_quotes(
        quotes=[
            IncomingQuote(
                symbol=symbols[pk],
                price=Decimal(price) / PRICE_UNIT,
                as_of=_EPOCH + at * _MICROSECOND,
                source=source,
            )
            for pk, at, price in zip(
                last.asset_id.tolist(), last.at.tolist(), last.price.tolist(), strict=True
            )
        ],
        now=now,
    )


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND
