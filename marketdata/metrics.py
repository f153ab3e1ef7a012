"""Gauges of vendors, for Prometheus: read in Redis when they are asked for."""

from collections.abc import Iterator

import redis
from django.conf import settings
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from marketdata.operations.asking import limits
from marketdata.operations.provider_state import states

STAGES = {"closed": 0, "half_open": 1, "open": 2}


class Vendors(Collector):
    """The breaker, the calls left and the last answer of each vendor in PROVIDERS."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        known = {name: limits(name) for name in settings.PROVIDERS}
        try:
            found = states(limits=known, now=timezone.now()) if known else []
        except redis.RedisError:
            return
        breaker = GaugeMetricFamily(
            "ballast_provider_breaker",
            "Breaker of a vendor: 0 closed, 1 half-open, 2 open.",
            labels=["provider"],
        )
        answered = GaugeMetricFamily(
            "ballast_provider_answered_seconds",
            "When a vendor answered last, in Unix time.",
            labels=["provider"],
        )
        left = GaugeMetricFamily(
            "ballast_provider_calls_left",
            "Calls of a vendor's quota that are left, by the length of its window.",
            labels=["provider", "window_s"],
        )
        for state in found:
            breaker.add_metric([state.name], STAGES[state.stage])
            if state.answered_at is not None:
                answered.add_metric([state.name], state.answered_at.timestamp())
            for limit, tokens in zip(known[state.name], state.tokens, strict=True):
                left.add_metric([state.name, f"{limit.window_ms // 1000}"], tokens)
        yield from (breaker, answered, left)
