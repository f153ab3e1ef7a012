"""The engine over many accounts: CPU time an account, beside the solver of one account.

"read" is the time from PostgreSQL to columns, wall and CPU of this process, an account of 20
holdings of one lot.

The accounts are random: values between 60 % and 140 % of their targets, three lots a holding, one
asset in twenty blocked on a side. "plain" weighs taxes, costs and bands. "full" also harvests
losses, knows a minimum trade, and pairs the securities into identity groups.
"""

import time
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.utils import timezone

from bench.scale import seed
from recommendations.engine.arrays.packing import packed
from recommendations.engine.arrays.solving import solved
from recommendations.engine.options import Options
from recommendations.engine.problem import (
    ENGINE_VERSION,
    Block,
    Lot,
    RebalanceInputs,
    Security,
    Settings,
)
from recommendations.engine.program import aims, program
from recommendations.engine.solver import solve
from recommendations.queries.columns import columns_of
from recommendations.queries.market import live_market
from recommendations.queries.nights import traded_assets
from transactions.models import Account

TARGETS = {
    "plain_us_max": {20: 25, 100: 150, 1000: 2000},
    "full_us_max": {20: 75, 100: 500, 1000: 5000},
}
AS_OF = date(2026, 6, 1)
LOTS = 3
# Accounts of each size, and how many of them the solver of one account also solves.
SIZES = {20: (2000, 40), 100: (400, 10), 1000: (40, 2)}
REPEATS = 3
READ = 5000


def run() -> dict[str, Any]:
    """Return microseconds of CPU time an account, and the proven gaps in basis points."""
    found: dict[str, Any] = {"targets": TARGETS, "compiled_or_loaded_s": _warmed()}
    found["read"] = _read()
    for full in (False, True):
        for holdings, (count, alone) in SIZES.items():
            problems = [_account(number, holdings, full=full) for number in range(count)]
            name = f"{'full' if full else 'plain'} {holdings} holdings"
            found[name] = _measured(problems, alone)
    return found


def _warmed() -> float:
    start = time.process_time()
    solved(columns=packed([_account(0, 2, full=True)]))
    return round(time.process_time() - start, 2)


def _read() -> dict[str, Any]:
    now = timezone.now()
    seed(accounts=READ, holdings=20, tag=f"en{int(now.timestamp())}", now=now)
    last = Account.objects.order_by("-pk").values_list("pk", flat=True)[0]
    first = Account.objects.order_by("-pk").values_list("pk", flat=True)[READ - 1]
    market = live_market(asset_ids=traded_assets(), currencies=["USD"], now=now)
    wall_us, cpu_us, count = [], [], 0
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        batch = columns_of(
            first=first, last=last, options=Options(), market=market, currencies=["USD"]
        )
        count = len(batch.account_ids)
        wall_us.append((time.perf_counter() - wall) / count * 1e6)
        cpu_us.append((time.process_time() - cpu) / count * 1e6)
    return {
        "accounts": count,
        "alone": int(batch.alone.sum()),
        "securities": len(batch.columns.securities),
        "wall_us": round(min(wall_us), 1),
        "cpu_us": round(min(cpu_us), 1),
    }


def _measured(problems: list[RebalanceInputs], alone: int) -> dict[str, Any]:
    columns = packed(problems)
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        answers = solved(columns=columns)
        spent.append((time.process_time() - start) / len(problems) * 1e6)
    start = time.process_time()
    for problem in problems[:alone]:
        solve(program=program(inputs=problem, aims=aims(inputs=problem)))
    alone_us = (time.process_time() - start) / alone * 1e6
    gaps = (answers.objective - answers.lower_bound) / answers.value * 10_000
    return {
        "us": round(min(spent), 1),
        "solver_of_one_account_us": round(alone_us, 1),
        "ratio": round(alone_us / min(spent), 1),
        "nodes_mean": round(float(answers.nodes.mean()), 2),
        "nodes_max": int(answers.nodes.max()),
        "gap_bps_p95": f"{np.quantile(gaps, 0.95):.2g}",
        "gap_bps_max": f"{gaps.max():.2g}",
    }


def _account(number: int, holdings: int, *, full: bool) -> RebalanceInputs:
    dice = np.random.default_rng((number, holdings))
    value = 5000.0 * holdings
    weights = (dice.dirichlet(np.ones(holdings)) * 0.98).round(6)
    securities = []
    for k, weight in enumerate(weights):
        price = round(dice.uniform(5, 400), 2)
        shares = weight * value * dice.uniform(0.6, 1.4) / price
        lots = []
        for n, part in enumerate(dice.dirichlet(np.ones(LOTS))):
            quantity = max(round(shares * part, 6), 0.000001)
            opened = AS_OF - timedelta(days=int(dice.integers(1, 1200)))
            basis = quantity * price * dice.uniform(0.5, 1.3 if full else 1.0)
            lots.append(Lot(f"{n}", _decimal(quantity, 6), _decimal(basis, 2), opened, opened))
        securities.append(
            Security(
                symbol=f"S{k:04}",
                asset_id=str(k),
                price=_decimal(price, 2),
                target_weight=_decimal(weight, 6),
                threshold=_decimal(min(0.02, 0.2 * weight), 6),
                lots=tuple(lots),
                half_spread_bp=_decimal(dice.uniform(0, 8), 2),
                identity_group=f"G{k // 2:04}" if full else None,
                fee_market="US",
                buy_block=Block("restricted") if dice.random() < 0.05 else None,
                sell_block=Block("restricted") if dice.random() < 0.05 else None,
            )
        )
    given = sum((security.target_weight for security in securities), Decimal(0))
    return RebalanceInputs(
        account_id=str(number),
        as_of=AS_OF,
        currency="USD",
        cash=_decimal(dice.uniform(0, 0.05) * value, 2),
        cash_target_weight=1 - given,
        cash_threshold=Decimal("0.01"),
        securities=tuple(securities),
        settings=Settings(
            short_term_rate=Decimal("0.408"),
            long_term_rate=Decimal("0.238"),
            minimum_trade=_decimal(value / 1000 if full else 0, 2),
            loss_harvesting=full,
        ),
        engine_version=ENGINE_VERSION,
    )


def _decimal(value: float, places: int) -> Decimal:
    return Decimal(f"{value:.{places}f}")
