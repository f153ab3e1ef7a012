"""Benchmark of performance: 100 holdings over ten years, by stage, beside a plain loop."""

import statistics
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from identity.models import Household, User
from marketdata.models import Asset, AssetClass, DailyPrice
from marketdata.operations.partitions import ensure_partitions
from portfolios.api.performance import performance_row
from portfolios.performance.answer import answer
from portfolios.performance.daily_values import board
from portfolios.performance.period import Performance, Question, performance
from portfolios.prices.rule import Points
from portfolios.queries.performance import account_performance
from portfolios.queries.performance_inputs import Asked, Period, asset_ids, forget, inputs, sources
from transactions.models import Account

TARGETS = {"answer_ms_max": 1000, "times_faster_min": 5}
# A quarter of the holdings is in euro, to exercise exchange rates.
_FOREIGN_EVERY = 4

_RATES = """
INSERT INTO marketdata_exchangerate (currency, date, rate, source)
SELECT 'USD', day, round((1.1 + 0.1 * sin(extract(doy FROM day) / 60))::numeric, 4), 'bench'
  FROM generate_series(%(first)s::date, %(last)s::date, '1 day') day
 WHERE extract(isodow FROM day) < 6
ON CONFLICT DO NOTHING
"""
_CLOSES = """
INSERT INTO marketdata_dailyprice (asset_id, date, close)
SELECT asset.id, day,
       round((60 + 30 * sin(extract(epoch FROM day) / 86400 / (90 + asset.id %% 60))
              + 5 * random())::numeric, 2)
  FROM marketdata_asset asset
 CROSS JOIN generate_series(%(first)s::date, %(last)s::date, '1 day') day
 WHERE asset.id = ANY(%(assets)s) AND extract(isodow FROM day) < 6
"""
# A deposit, then one purchase of every asset each month, stored as the ledger stores them.
_FACTS = """
INSERT INTO transactions_transaction (public_id, account_id, type, asset_id, quantity, price,
    amount, fee, currency, fx_rate, cash_effect, executed_at, trade_date, recorded_at,
    recorded_by_id, order_id, external_id, tax_rates, lot_method, lots, note)
SELECT gen_random_uuid(), %(account)s, fact.type, fact.asset, fact.quantity, fact.price,
       fact.amount, fact.fee, fact.currency, fact.rate,
       round(fact.sign * fact.amount * fact.rate - fact.fee * fact.rate, 2),
       fact.at, fact.at::date, %(now)s, %(owner)s, '', '', '{}', '', '[]', ''
  FROM (SELECT 'deposit' AS type, NULL::bigint AS asset, NULL::numeric AS quantity,
               NULL::numeric AS price, 100000000::numeric AS amount, 0::numeric AS fee,
               'USD' AS currency, 1::numeric AS rate, 1 AS sign,
               %(first)s::date + interval '1 hour' AS at
        UNION ALL
        SELECT 'buy', price.asset_id, 7, price.close, 7 * price.close, 1, asset.currency,
               CASE asset.currency WHEN 'USD' THEN 1 ELSE 1.1 END, -1,
               price.date + interval '15 hours'
          FROM marketdata_dailyprice price JOIN marketdata_asset asset ON asset.id = price.asset_id
         WHERE price.asset_id = ANY(%(assets)s)
           AND price.date IN (SELECT min(date) FROM marketdata_dailyprice
                               WHERE asset_id = %(one)s GROUP BY date_trunc('month', date))
        UNION ALL
        SELECT 'dividend', price.asset_id, NULL, NULL, 3, 0, asset.currency,
               CASE asset.currency WHEN 'USD' THEN 1 ELSE 1.1 END, 1,
               price.date + interval '15 hours'
          FROM marketdata_dailyprice price JOIN marketdata_asset asset ON asset.id = price.asset_id
         WHERE price.asset_id = ANY(%(assets)s)
           AND price.date IN (SELECT max(date) FROM marketdata_dailyprice
                               WHERE asset_id = %(one)s GROUP BY date_trunc('quarter', date))
       ) fact
"""


def run(*, holdings: int = 100, years: int = 10, repeats: int = 5) -> dict[str, Any]:
    """Return the median milliseconds of the answer and of each stage.

    `times_faster` is the plain loop's time divided by the engine's."""
    now = timezone.now()
    account = _seed(holdings=holdings, years=years, now=now)
    answer_ms, reading_ms, engine_ms, rows_ms, again_ms = [], [], [], [], []
    valuing_ms, loop_ms = [], []
    for number in range(repeats + 1):
        forget()
        start = time.perf_counter()
        asked = _read(Asked([account], "USD", Period(), account.household_id), now)
        read = time.perf_counter()
        found = performance(asked)
        computed = time.perf_counter()
        performance_row(answer(found))
        done = time.perf_counter()
        account_performance(
            user=account.owner, account_id=account.public_id, period=Period(), now=now
        )
        again = time.perf_counter()
        _values(found)
        valued = time.perf_counter()
        if number:  # the first run warms the caches
            valuing_ms.append((valued - again) * 1000)
            answer_ms.append((done - start) * 1000)
            reading_ms.append((read - start) * 1000)
            engine_ms.append((computed - read) * 1000)
            rows_ms.append((done - computed) * 1000)
            again_ms.append((again - done) * 1000)
    for _ in range(2):
        start = time.perf_counter()
        looped = _plain_loop(found)
        loop_ms.append((time.perf_counter() - start) * 1000)
    shown = found.figures["final_value"].value
    assert shown is not None
    if abs(float(looped) - shown) > 0.01:
        raise AssertionError(f"the loop finds {looped}, the engine {shown}")
    return {
        "targets": TARGETS,
        "days": len(found.series.values),
        "holdings": len(found.question.past.units),
        "facts": len(found.question.past.payments),
        "answer_ms": round(statistics.median(answer_ms), 1),
        "reading_ms": round(statistics.median(reading_ms), 1),
        "engine_ms": round(statistics.median(engine_ms), 1),
        "rows_ms": round(statistics.median(rows_ms), 1),
        "again_ms": round(statistics.median(again_ms), 1),
        "valuing_ms": round(statistics.median(valuing_ms), 1),
        "plain_loop_valuing_ms": round(min(loop_ms), 1),
        "times_faster": round(min(loop_ms) / statistics.median(valuing_ms), 1),
    }


def _read(asked: Asked, now: datetime) -> Question:
    """Read everything as a cold request does, without Redis."""
    ids = asset_ids(asked=asked, beside=None)
    read = sources(asked=asked, ids=ids, until=now.date(), now=now)
    return inputs(asked=asked, beside=None, read=read, now=now)


def _values(found: Performance) -> float:
    """Value every holding on every day with the engine; return the last value."""
    asked = found.question
    shown = board(
        past=asked.past,
        lines=asked.lines,
        fixings=asked.fixings,
        reporting=asked.currency,
        first=asked.from_date.toordinal() - 1,
        last=asked.to_date.toordinal(),
    )
    return float(shown.values[-1])


def _plain_loop(found: Performance) -> Decimal:
    """Compute the same values with a plain loop over days in Decimal; return the last value."""
    asked, past = found.question, found.question.past
    closes = {
        asset: {int(day): Decimal(int(price)) / 10**8 for day, price in
                zip(line.closes.days, line.closes.prices, strict=True)}
        for asset, line in asked.lines.items()
    }  # fmt: skip
    units, balances = _by_day(past.units), _by_day(past.cash)
    fixings = dict(asked.fixings.get("USD", ()))
    held = dict.fromkeys(units, Decimal(0))
    price = dict.fromkeys(units, Decimal(0))
    cash = dict.fromkeys(balances, Decimal(0))
    rate, value = Decimal(1), Decimal(0)
    day = asked.from_date
    while day <= asked.to_date:
        number = day.toordinal()
        rate = fixings.get(day, rate)
        for currency, points in balances.items():
            if number in points:
                cash[currency] = Decimal(points[number]) / 10**4
        value = sum(cash.values(), Decimal(0))
        for asset, points in units.items():
            if number in points:
                held[asset] = Decimal(points[number]) / 10**10
            price[asset] = closes[asset].get(number, price[asset])
            foreign = asked.lines[asset].currency != asked.currency
            value += held[asset] * price[asset] * (rate if foreign else 1)
        day += timedelta(days=1)
    return value


def _by_day(points: Mapping[Any, Points]) -> dict[Any, dict[int, int]]:
    return {
        key: dict(zip(one.days.tolist(), one.values.tolist(), strict=True))
        for key, one in points.items()
    }


def _seed(*, holdings: int, years: int, now: datetime) -> Account:
    """Create an account with assets, closes on every weekday, and transactions."""
    ensure_partitions(as_of=now.date())
    tag = f"P{int(now.timestamp())}"
    last = now.date() - timedelta(days=1)
    first = date(last.year - years, last.month, 1)
    household = Household.objects.create(name=tag)
    owner = User.objects.create_user(
        email=f"{tag.lower()}@bench.example", password=None, household=household
    )
    account = Account.objects.create(
        household=household, owner=owner, name=tag, type="taxable", currency="USD", created_at=now
    )
    assets = Asset.objects.bulk_create(
        [
            Asset(
                symbol=f"{tag}N{number}",
                name=f"Bench {number}",
                asset_class=AssetClass.EQUITY,
                currency="EUR" if number % _FOREIGN_EVERY == 0 else "USD",
                household=household,
            )
            for number in range(holdings)
        ]
    )
    values: dict[str, Any] = {
        "first": first,
        "last": last,
        "assets": [asset.pk for asset in assets],
        "one": assets[0].pk,
        "account": account.pk,
        "owner": owner.pk,
        "now": now,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for statement in (_RATES, _CLOSES, _FACTS):
            cursor.execute(statement, values)
        cursor.execute("ANALYZE marketdata_dailyprice, transactions_transaction")
    assert DailyPrice.objects.filter(asset_id=assets[0].pk).exists()
    return account
