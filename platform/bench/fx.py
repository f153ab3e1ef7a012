"""Exchange rates of a portfolio: warm, cold, on a day of its own, and without Redis."""

import logging
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.currencies import CURRENCIES
from marketdata.models import ExchangeRate
from marketdata.queries import exchange_rates, exchange_rates_on
from marketdata.queries.exchange_rates import forget_fixings

TARGETS = {"queries_of_5_currencies_max": 1, "warm_queries": 0}
YEARS = 12
REPEATS = 300
# Two that are fixed, three that are crossed through the euro.
PAIRS = [("USD", "EUR"), ("EUR", "GBP"), ("JPY", "USD"), ("CHF", "GBP"), ("USD", "JPY")]


def run() -> dict[str, Any]:
    """Return p50, p95 and p99 in milliseconds, and the number of queries, for each way to ask."""
    today = timezone.now().date()
    rows = _fill(today)
    days = [today - timedelta(days=n * 11) for n in range(60)]
    triples = [(base, quote, day) for base, quote in PAIRS for day in days]

    def now() -> None:
        exchange_rates(pairs=PAIRS, as_of=today)

    def history() -> None:
        exchange_rates_on(wanted=triples)

    figures: dict[str, Any] = {"targets": TARGETS, "fixings": rows}
    exchange_rates(pairs=PAIRS, as_of=today)
    figures["5 pairs, warm"] = _timed(now)
    figures["5 pairs, cold"] = _timed(now, before=forget_fixings)
    figures["5 pairs on 60 days"] = _timed(history)
    address, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    logging.disable(logging.WARNING)  # each call would say that Redis is down
    try:
        figures["5 pairs, no Redis"] = _timed(now)
    finally:
        settings.REDIS_URL = address
        logging.disable(logging.NOTSET)
    return figures


def _fill(today: date) -> int:
    """Write a fixing of every currency for each working day of the years, where there is none."""
    first = today - timedelta(days=YEARS * 365)
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    rows = [
        ExchangeRate(currency=currency, date=day, rate=1 + place / 10, source="bench")
        for place, currency in enumerate(
            [
                "USD",
                "GBP",
                "JPY",
                "CHF",
                *sorted(CURRENCIES - {"EUR", "USD", "GBP", "JPY", "CHF"})[:28],
            ]
        )
        for day in days
        if day.weekday() < 5
    ]
    ExchangeRate.objects.bulk_create(rows, batch_size=20_000, ignore_conflicts=True)
    forget_fixings()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE marketdata_exchangerate")
    return ExchangeRate.objects.count()


def _timed(
    call: Callable[[], object], *, before: Callable[[], object] | None = None
) -> dict[str, Any]:
    took: list[float] = []
    for _ in range(REPEATS):
        if before is not None:
            before()
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1000)
    if before is not None:
        before()
    with CaptureQueriesContext(connection) as asked:
        call()
    took.sort()
    return {
        **{
            f"p{share}_ms": round(took[min(len(took) - 1, len(took) * share // 100)], 3)
            for share in (50, 95, 99)
        },
        "queries": len(asked),
    }
