"""Rebalancing 20, 100 and 1000 holdings: the engine, and reading its inputs."""

import statistics
import time
from typing import Any

from django.utils import timezone

from bench.scale import seed
from recommendations.engine.options import Options
from recommendations.engine.rebalancing import rebalance
from recommendations.queries import rebalance_inputs
from transactions.models import Account

TARGETS = {"under_100_ms_max": 20, "under_1000_ms_max": 200}


def run(*, repeats: int = 7) -> dict[str, Any]:
    """Return median milliseconds of computing and of reading inputs, for three sizes."""
    now = timezone.now()
    sizes: dict[str, Any] = {}
    for holdings in (20, 100, 1000):
        seeded = seed(
            accounts=1, holdings=holdings, tag=f"re{holdings}n{int(now.timestamp())}", now=now
        )
        account = Account.objects.select_related("owner").get(public_id=seeded.members[0][2])
        read_ms, solve_ms = [], []
        for _ in range(repeats):
            start = time.perf_counter()
            inputs = rebalance_inputs(account=account, options=Options(), now=now)
            read_ms.append((time.perf_counter() - start) * 1000)
            start = time.perf_counter()
            result = rebalance(inputs=inputs)
            solve_ms.append((time.perf_counter() - start) * 1000)
        sizes[str(holdings)] = {
            "read_ms": round(statistics.median(read_ms), 2),
            "compute_ms": round(statistics.median(solve_ms), 2),
            "trades": len(result.trades),
            "optimality_gap_bps": str(result.optimality_gap_bps),
        }
    return {"targets": TARGETS, "holdings": sizes}
