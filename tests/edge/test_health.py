"""Liveness, readiness and metrics."""

import socket
import time
from typing import Any

import pytest
from rest_framework.test import APIClient

from edge import health


def test_alive_asks_nothing_behind_it() -> None:
    assert APIClient().get("/healthz").content == b"ok\n"


@pytest.mark.django_db(transaction=True)
def test_ready_when_everything_answers() -> None:
    answer = APIClient().get("/readyz")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "status": "ready",
        "failed": [],
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok", "broker": "ok"},
    }


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_away_is_named(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    answer = APIClient().get("/readyz")
    assert (answer.status_code, answer.json()["failed"]) == (503, ["broker", "redis"])
    assert b"127.0.0.1" not in answer.content


@pytest.mark.django_db(transaction=True)
def test_a_server_that_hangs_costs_two_seconds_and_is_named(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.monotonic()
        answer = APIClient().get("/readyz")
        took_s = time.monotonic() - started
    assert (answer.status_code, answer.json()["failed"]) == (503, ["redis"])
    assert took_s < health.CHECK_TIMEOUT_S + 1


def test_a_migration_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise RuntimeError("migrations are not applied")

    results = health.examined({"migrations": missing, "fine": lambda: None})
    assert results == {"migrations": "failed", "fine": ""}


@pytest.mark.parametrize(
    ("address", "forwarded", "proxies", "status"),
    [
        ("127.0.0.1", None, 0, 200),
        ("::1", None, 0, 200),
        ("203.0.113.9", None, 0, 404),
        ("127.0.0.1", "203.0.113.9", 0, 404),
        ("127.0.0.1", "127.0.0.1", 0, 404),
        ("127.0.0.1", "203.0.113.9", 1, 404),
        ("10.0.0.1", "127.0.0.1", 1, 200),
        ("unknown", None, 0, 404),
    ],
)
def test_figures_are_for_our_own_networks(
    settings: Any, address: str, forwarded: str | None, proxies: int, status: int
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    answer = APIClient().get("/metrics", REMOTE_ADDR=address, headers=headers)
    assert answer.status_code == status
    assert (b"ballast_request_seconds" in answer.content) == (status == 200)
