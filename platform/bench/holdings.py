"""Holdings of 100 rows, cached and uncached, beside a bare view on the same server."""

from typing import Any

from django.utils import timezone

from bench import web
from bench.scale import seed
from stores.redis import redis_client

TARGETS = {
    "cached_per_second_min": 3000,
    "uncached_per_second_min": 1200,
    "uncached_p95_ms_max": 20,
}

# Caches cleared before a round: holdings only, or holdings and users.
HOLDINGS = ("positions:*", "holdings:*", "ledger-version:*")
USERS = ("principal:*",)


def run(*, accounts: int = 400, rounds: int = 5) -> dict[str, Any]:
    """Measure closed-loop requests per second (medians), and latency at 70 % of that rate."""
    now = timezone.now()
    seeded = seed(accounts=accounts, holdings=100, tag=f"bench{int(now.timestamp())}", now=now)
    bare = [web.get("/api/v1/bare")]
    bearers = web.tokens(seeded.members)
    pages = [
        web.get(f"/api/v1/portfolios/{account}/holdings", bearer)
        for (_, _, account), bearer in zip(seeded.members, bearers, strict=True)
    ]
    one = pages[:1]
    figures: dict[str, list[dict[str, Any]]] = {
        "bare": [],
        "cached": [],
        "uncached": [],
        "cold": [],
    }
    with web.server(workers=2, threads=2) as port:
        web.loaded(port=port, requests=bare + one, total=400, connections=8)
        for _ in range(rounds):
            figures["bare"].append(web.loaded(port=port, requests=bare, total=4000, connections=16))
            figures["cached"].append(
                web.loaded(port=port, requests=one, total=4000, connections=16)
            )
            for name, patterns in (("cold", (*HOLDINGS, *USERS)), ("uncached", HOLDINGS)):
                _forget(patterns)
                figures[name].append(
                    web.loaded(port=port, requests=pages, total=accounts, connections=16)
                )
        medians = {name: _median(rows) for name, rows in figures.items()}
        _forget(HOLDINGS)
        steady = web.loaded(
            port=port,
            requests=pages,
            total=accounts,
            connections=32,
            rate=0.7 * medians["uncached"],
        )
    return {
        "rows": 100,
        "accounts": accounts,
        "targets": TARGETS,
        "per_second": medians,
        "ratio_to_bare": {
            name: round(value / medians["bare"], 3) for name, value in medians.items()
        },
        "uncached_at_70_percent": steady,
    }


def _median(rows: list[dict[str, Any]]) -> float:
    ordered = sorted(float(row["per_second"]) for row in rows)
    return ordered[len(ordered) // 2]


def _forget(patterns: tuple[str, ...]) -> None:
    """Clear the caches, so that the next reads go to the database."""
    client = redis_client()
    for pattern in patterns:
        keys = list(client.scan_iter(match=pattern, count=5000))
        if keys:
            client.delete(*keys)
