"""Gauges of deliveries, for Prometheus: measured by a task, kept in Redis, read by any process."""

import json
from collections.abc import Iterator, Mapping

import redis
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stores.redis import redis_client

_KEY = "figures:deliveries"
_KEPT_S = 120

Figures = Mapping[str, Mapping[str, float]]

NAMES = {
    "ballast_deliveries_due": "Deliveries that are due and not sent.",
    "ballast_deliveries_oldest_due_seconds": "Seconds since the oldest of these was due.",
    "ballast_deliveries_dead": "Deliveries that failed for good.",
}


def keep(figures: Figures) -> None:
    """Store the measured figures: name of a gauge -> channel -> figure."""
    assert set(figures) <= set(NAMES), "every gauge is described"
    redis_client().set(_KEY, json.dumps(figures), ex=_KEPT_S)


class WaitingDeliveries(Collector):
    """The gauges as last measured; none of them if that is too long ago."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            text = redis_client().get(_KEY)
        except redis.RedisError:
            return
        figures: Figures = json.loads(text) if text else {}
        for name, by_channel in figures.items():
            family = GaugeMetricFamily(name, NAMES[name], labels=["channel"])
            for channel, figure in by_channel.items():
                family.add_metric([channel], figure)
            yield family
