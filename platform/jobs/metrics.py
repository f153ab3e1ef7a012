"""Gauges of waiting work, for Prometheus.

A scheduled task measures and keeps the figures in Redis for a while; the process that answers
/metrics reads them there. So any process can answer, wherever the task ran.
"""

import json
from collections.abc import Iterator, Mapping

import redis
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stores.redis import redis_client

_KEY = "figures:jobs"
_KEPT_S = 120

Figures = Mapping[str, Mapping[str, float]]

NAMES = {
    "ballast_jobs_waiting": ("queue", "Unfinished jobs that no worker is running."),
    "ballast_jobs_oldest_due_seconds": ("queue", "Seconds since the oldest of these jobs was due."),
    "ballast_jobs_running": ("queue", "Jobs that a worker is running."),
    "ballast_queue_messages": ("queue", "Messages in the broker's queue."),
    "ballast_outbox_rows": (
        "state",
        "Events to households that are not sent yet or have failed for good.",
    ),
    "ballast_outbox_oldest_seconds": ("state", "Age in seconds of the oldest of these events."),
}


def keep(figures: Figures) -> None:
    """Store the measured figures: name of a gauge -> its label's value -> figure."""
    assert set(figures) <= set(NAMES), "every gauge is described"
    redis_client().set(_KEY, json.dumps(figures), ex=_KEPT_S)


class WaitingWork(Collector):
    """The gauges as last measured; none of them if that is too long ago."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            text = redis_client().get(_KEY)
        except redis.RedisError:
            return
        figures: Figures = json.loads(text) if text else {}
        for name, by_label in figures.items():
            label, description = NAMES[name]
            family = GaugeMetricFamily(name, description, labels=[label])
            for value, figure in by_label.items():
                family.add_metric([value], figure)
            yield family
