"""Recording one transaction in a large account: in time order, and backdated."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from bench.scale import seed
from identity.models import User
from transactions.ledger.entries import Entry
from transactions.models import Account, WashSale
from transactions.operations import record

TARGETS = {"p95_ms_max": 50, "sale_in_order_p95_ms_max": 12, "young_sale_ms_max": 300}


def run(*, lots: int = 10_000, samples: int = 100) -> dict[str, Any]:
    """p50 and p95 in ms, of wall time and of this process's CPU, of recording one transaction.

    The account has `lots` lots over ten years. `spread`: over 100 assets, bought, sold at a loss
    and bought again, so that wash sales are looked for and found. `one_asset`: the same lots of a
    single asset, the hardest book there is. The sales of both sell at a loss and meet what was
    bought in the 30 days before. `back_dated` buys at the beginning; `back_dated_sale` sells in the
    last fifth, so every later sale of the asset changes.

    `young`: one sale of half the shares at a loss. All lots were bought in the last 25 days, so
    each share sold has a replacement.
    """
    return {
        "lots": lots,
        "targets": TARGETS,
        "spread": _account(assets=100, lots=lots, samples=samples),
        "one_asset": _account(assets=1, lots=lots, samples=samples),
        "young": _young(lots=lots),
    }


def _account(*, assets: int, lots: int, samples: int) -> dict[str, Any]:
    now = timezone.now()
    user, account, symbols = seeded(f"{assets}", now)
    symbols = symbols[:assets]
    begin = now - timedelta(days=3650)
    history = []
    for number in range(lots):
        day = begin + timedelta(hours=number * 8)
        symbol = symbols[number % assets]
        history.append(trade("buy", symbol, day, "3"))
        if number % 10 == 9:
            history.append(trade("sell", symbol, day + timedelta(hours=2), "0.5"))
    start = time.perf_counter()
    record(account=account, entries=history, user=user, now=now)
    loaded_s = time.perf_counter() - start

    several = [symbols[n % assets] for n in range(samples)]
    latest = [
        trade("buy", symbol, now - timedelta(seconds=900 - n), "3")
        for n, symbol in enumerate(several)
    ]
    sales = [
        trade("sell", symbol, now - timedelta(seconds=600 - n), "0.5")
        for n, symbol in enumerate(several)
    ]
    back_dated = [
        trade("buy", symbol, begin + timedelta(days=n * 30, minutes=7), "3")
        for n, symbol in enumerate(several)
    ]
    back_dated_sales = [
        trade("sell", symbol, begin + timedelta(hours=lots * 8 * (80 + n / 5) / 100), "0.5")
        for n, symbol in enumerate(several[:20])
    ]
    return {
        "history_recorded_s": round(loaded_s, 2),
        "wash_sales_found": WashSale.objects.filter(loss_account=account).count(),
        "buy_in_order": _timed(account, user, latest),
        "sale_in_order": _timed(account, user, sales),
        "back_dated": _timed(account, user, back_dated),
        "back_dated_sale": _timed(account, user, back_dated_sales),
    }


def seeded(tag: str, now: datetime) -> tuple[User, Account, list[str]]:
    seeded = seed(accounts=1, holdings=100, tag=f"ledger{tag}n{int(now.timestamp())}", now=now)
    user_id, _, account_id = seeded.members[0]
    account = Account.objects.get(public_id=account_id)
    symbols = list(account.holdings.order_by("asset_id").values_list("asset__symbol", flat=True))
    return User.objects.get(pk=user_id), account, symbols


def _young(*, lots: int) -> dict[str, Any]:
    now = timezone.now()
    user, account, (symbol, *_) = seeded("young", now)
    begin, step = now - timedelta(days=25), timedelta(days=24) / lots
    bought = [trade("buy", symbol, begin + number * step, "3") for number in range(lots)]
    record(account=account, entries=bought, user=user, now=now)
    sale = trade("sell", symbol, now - timedelta(seconds=5), f"{lots * 3 // 2}")
    figures = _timed(account, user, [sale])
    return {
        "ms": figures["max_ms"],
        "cpu_ms": figures["cpu_max_ms"],
        "wash_sales_found": WashSale.objects.filter(loss_account=account).count(),
    }


def trade(kind: str, symbol: str, executed_at: Any, quantity: str) -> Entry:
    price = "12.34" if kind == "buy" else "11.02"
    return Entry(kind, executed_at, "USD", symbol, Decimal(quantity), Decimal(price))


def _timed(account: Account, user: User, entries: list[Entry]) -> dict[str, float]:
    times_ms, cpu_ms = [], []
    for entry in entries:
        start, cpu = time.perf_counter(), time.process_time()
        record(account=account, entries=[entry], user=user, now=timezone.now())
        times_ms.append((time.perf_counter() - start) * 1000)
        cpu_ms.append((time.process_time() - cpu) * 1000)
    return {**_spread(times_ms), **{f"cpu_{name}": ms for name, ms in _spread(cpu_ms).items()}}


def _spread(times_ms: list[float]) -> dict[str, float]:
    times_ms.sort()
    return {
        "p50_ms": round(times_ms[len(times_ms) // 2], 2),
        "p95_ms": round(times_ms[int(len(times_ms) * 0.95)], 2),
        "max_ms": round(times_ms[-1], 2),
    }
