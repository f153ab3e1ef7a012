"""Liveness, readiness and metrics of the process."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from time import monotonic

import kombu
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from edge.addresses import client_address
from edge.metrics import exposition
from stores.redis import redis_client

logger = logging.getLogger(__name__)

CHECK_TIMEOUT_S = 2.0


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """/healthz: the process answers. Nothing behind it is checked."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """/readyz: everything this process needs answers within two seconds, else 503."""
    results = examined(CHECKS)
    failed = sorted(name for name, problem in results.items() if problem)
    body = {
        "status": "unready" if failed else "ready",
        "failed": failed,
        "checks": {name: problem or "ok" for name, problem in results.items()},
    }
    return JsonResponse(body, status=503 if failed else 200)


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """/metrics, for the networks named in METRICS_ALLOWED_NETWORKS only."""
    if not _may_read_figures(request):
        raise Http404
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def database() -> None:
    """The database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def migrations() -> None:
    """Every migration of this code is applied; queried until true, then cached."""
    if not _applied:
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                raise RuntimeError("migrations are not applied")
        finally:
            connection.close()
        _applied.append(True)


def cache_redis() -> None:
    """The cache's Redis answers."""
    redis_client().ping()


def broker() -> None:
    """The broker takes connections."""
    with kombu.Connection(settings.BROKER_URL, connect_timeout=CHECK_TIMEOUT_S) as link:
        link.ensure_connection(max_retries=1, timeout=2)


Check = Callable[[], object]
CHECKS: Mapping[str, Check] = {
    "database": database,
    "migrations": migrations,
    "redis": cache_redis,
    "broker": broker,
}
_applied: list[bool] = []


def examined(checks: Mapping[str, Check]) -> dict[str, str]:
    """Run the checks side by side; return each name with its fault, empty if there is none."""
    deadline = monotonic() + CHECK_TIMEOUT_S
    running = {name: _threads().submit(check) for name, check in checks.items()}
    return {name: _outcome(name, future, deadline) for name, future in running.items()}


def _outcome(name: str, future: "Future[object]", deadline: float) -> str:
    try:
        future.result(timeout=max(0.0, deadline - monotonic()))
    except TookTooLong:
        future.cancel()
        return "timeout"
    except Exception as error:
        logger.warning("not ready: %s: %s", name, error)
        return "failed"
    return ""


@cache
def _threads() -> ThreadPoolExecutor:
    # Bounded: hanging checks do not pile up; later ones time out waiting for a thread.
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="health")


def _may_read_figures(request: HttpRequest) -> bool:
    forwarded = "HTTP_X_FORWARDED_FOR" in request.META
    if forwarded and settings.TRUSTED_PROXY_COUNT == 0:
        return False  # through a proxy missing from the settings, so the peer proves nothing
    try:
        address = ip_address(client_address(request))
    except ValueError:
        return False
    return any(address in network for network in _networks())


@cache
def _networks() -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in settings.METRICS_ALLOWED_NETWORKS)
