"""Recording one transaction in a large account: in time order, and back-dated."""

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from config.bench.scale import seed
from identity.models import User
from transactions.entries import Entry
from transactions.models import Account
from transactions.operations import record

TARGETS = {"p95_ms_max": 50}


def run(*, lots: int = 10_000, samples: int = 100) -> dict[str, Any]:
    """p50 and p95 in ms of recording a buy in an account with `lots` lots over ten years."""
    now = timezone.now()
    seeded = seed(accounts=1, holdings=100, tag=f"ledger{int(now.timestamp())}", now=now)
    user_id, _, account_id = seeded.members[0]
    user = User.objects.get(pk=user_id)
    account = Account.objects.get(public_id=account_id)
    symbols = list(account.holdings.order_by("asset_id").values_list("asset__symbol", flat=True))
    begin = now - timedelta(days=3650)
    history = [
        _buy(symbols[number % len(symbols)], begin + timedelta(hours=number * 8))
        for number in range(lots)
    ]
    start = time.perf_counter()
    record(account=account, entries=history, user=user, now=now)
    loaded_s = time.perf_counter() - start
    latest = [_buy(symbols[n % 100], now - timedelta(seconds=samples - n)) for n in range(samples)]
    back_dated = [
        _buy(symbols[n % 100], begin + timedelta(days=n * 30, minutes=7)) for n in range(samples)
    ]
    return {
        "lots": lots,
        "targets": TARGETS,
        "history_recorded_s": round(loaded_s, 2),
        "in_order": _timed(account, user, latest),
        "back_dated": _timed(account, user, back_dated),
    }


def _buy(symbol: str, executed_at: Any) -> Entry:
    return Entry("buy", executed_at, "USD", symbol, Decimal(3), Decimal("12.34"))


def _timed(account: Account, user: User, entries: list[Entry]) -> dict[str, float]:
    times_ms = []
    for entry in entries:
        start = time.perf_counter()
        record(account=account, entries=[entry], user=user, now=timezone.now())
        times_ms.append((time.perf_counter() - start) * 1000)
    times_ms.sort()
    return {
        "p50_ms": round(times_ms[len(times_ms) // 2], 2),
        "p95_ms": round(times_ms[int(len(times_ms) * 0.95)], 2),
        "max_ms": round(times_ms[-1], 2),
    }
