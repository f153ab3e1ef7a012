"""Metrics for Prometheus: one histogram each for routes, queries and jobs, with few labels.

One process exports its own figures. Several processes (granian workers, Celery) share a directory
named by PROMETHEUS_MULTIPROC_DIR, which the starter empties; then any of them answers for all.
A full disk stops none of them; see `metric_files.py`.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import connections
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from edge import metric_files
from edge.slow_queries import log_slow
from stores.redis import redis_client

metric_files.install()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

REQUEST_SECONDS = Histogram(
    "ballast_request_seconds",
    "Time to respond to a request, in seconds.",
    ["route", "method", "status"],
    buckets=_SECONDS,
)
REQUEST_QUERIES = Histogram(
    "ballast_request_queries",
    "Number of database queries per request.",
    ["route"],
    buckets=(0, 1, 2, 3, 5, 8, 13, 21, 50, 100),
)
QUERY_SECONDS = Histogram(
    "ballast_query_seconds",
    "Time of one database query, in seconds, by route or job.",
    ["scope", "kind"],
    buckets=_SECONDS,
)
JOB_SECONDS = Histogram(
    "ballast_job_seconds",
    "Time of one attempt of a background job, in seconds.",
    ["kind", "outcome"],
    buckets=(*_SECONDS, 300, 3600),
)
THROTTLED = Counter("ballast_throttled", "Requests refused by rate limiting.", ["name", "by"])
REFUSED_EARLY = Counter(
    "ballast_front_refused", "Requests refused before they reached Django.", ["code"]
)
UNHANDLED = Counter("ballast_unhandled_errors", "Responses with status 500.", ["route"])

_COLLECTORS: list[Collector] = []
_KEPT_S = 120

# Name of a gauge -> value of its label -> figure.
Figures = Mapping[str, Mapping[str, float]]

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_KINDS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COPY", "SAVEPOINT"})


class QueryTally:
    """Counts and times the database queries of one request or job; see `counting`."""

    __slots__ = ("scope", "seconds", "timings")

    def __init__(self, scope: str) -> None:
        self.scope = scope  # for the log of slow statements
        self.timings: list[tuple[str, float]] = []
        self.seconds = 0.0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        started = time.perf_counter()
        try:
            result = execute(sql, params, many, context)
        finally:
            took_s = time.perf_counter() - started
            self.seconds += took_s
            self.timings.append((sql[:12] if isinstance(sql, str) else "", took_s))
        slow_ms = settings.SLOW_QUERY_MS
        if slow_ms and took_s * 1000 >= slow_ms and not many:
            log_slow(sql, params, took_s=took_s, scope=self.scope)
        return result

    def observe(self, scope: str) -> None:
        """Export the counts."""
        for start, took_s in self.timings:
            _query_child(scope, _kind(start)).observe(took_s)


@contextmanager
def counting(scope: str = "") -> Iterator[QueryTally]:
    """Count the queries of the default database on this thread; `scope` names them in the log."""
    tally = QueryTally(scope)
    wrappers = connections["default"].execute_wrappers
    wrappers.append(tally)
    try:
        yield tally
    finally:
        wrappers.remove(tally)


@contextmanager
def job(kind: str) -> Iterator[None]:
    """Time one attempt of a job and its queries; `kind` is as in `recommendations.rebalance`."""
    started = time.perf_counter()
    outcome = "failed"
    with counting(kind) as tally:
        try:
            yield
            outcome = "done"
        finally:
            JOB_SECONDS.labels(kind, outcome).observe(time.perf_counter() - started)
            tally.observe(kind)


def observe_request(
    *, route: str, method: str, status: int, seconds: float, tally: QueryTally
) -> None:
    """Record the metrics of one finished request."""
    _request_child(route, method if method in _METHODS else "OTHER", status).observe(seconds)
    _queries_child(route).observe(len(tally.timings))
    if tally.timings:
        tally.observe(route)
    if status == 500:
        UNHANDLED.labels(route).inc()


def export(collector: Collector) -> None:
    """Add a collector whose values come from a store that all processes share."""
    _COLLECTORS.append(collector)


class KeptFigures(Collector):
    """Gauges that a scheduled task measures and keeps in Redis for a while.

    The process that answers /metrics reads them there, so any process can answer, wherever the task
    ran. What was measured too long ago is not shown.
    """

    def __init__(self, *, key: str, gauges: Mapping[str, tuple[str, str]]) -> None:
        """`gauges`: name of a gauge -> its label and its description."""
        self._key, self._gauges = key, gauges

    def keep(self, figures: Figures) -> None:
        """Store the measured figures."""
        assert set(figures) <= set(self._gauges), "every gauge is described"
        redis_client().set(self._key, json.dumps(figures), ex=_KEPT_S)

    def last(self) -> Figures:
        """Return the figures as last measured; none if that was too long ago."""
        text = redis_client().get(self._key)
        return json.loads(text) if text else {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the gauges as last measured."""
        try:
            figures = self.last()
        except redis.RedisError:
            return
        for name, by_label in figures.items():
            label, description = self._gauges[name]
            family = GaugeMetricFamily(name, description, labels=[label])
            for value, figure in by_label.items():
                family.add_metric([value], figure)
            yield family


def exposition() -> bytes:
    """Return the metrics text for Prometheus, of all processes if they share a directory."""
    together = CollectorRegistry()
    for collector in _COLLECTORS:
        together.register(collector)
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY) + generate_latest(together)
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def _kind(start: str) -> str:
    word = start.lstrip().split(" ", 1)[0].split("\n", 1)[0].upper()
    return word if word in _KINDS else "OTHER"


# Routes come from the URL configuration and statuses from HTTP, so these caches stay small.
@cache
def _request_child(route: str, method: str, status: int) -> Histogram:
    return REQUEST_SECONDS.labels(route, method, str(status))


@cache
def _queries_child(route: str) -> Histogram:
    return REQUEST_QUERIES.labels(route)


@cache
def _query_child(scope: str, kind: str) -> Histogram:
    return QUERY_SECONDS.labels(scope, kind)
