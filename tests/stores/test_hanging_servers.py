"""PostgreSQL and Redis that hang: stopped processes and a silent relay, not simulations of ours."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.db import OperationalError, close_old_connections, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from stores import redis as stores_redis
from stores.postgresql.base import DatabaseWrapper
from stores.postgresql.connection import NoAnswer
from stores.redis import Away, redis_client, request_patience
from stores.single_flight import cached


def asked(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("answered")


urlpatterns = [path("api/v1/asked", asked)]


@contextmanager
def stopped_backend() -> Iterator[None]:
    """The server process of our connection stands still, as all do when a disk hangs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.django_db(transaction=True)
def test_a_statement_ends_although_the_server_hangs() -> None:
    with stopped_backend():
        connection.connection.answer_s_max = 0.3
        with (
            pytest.raises(OperationalError, match="did not answer within 0.3 s") as caught,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
        assert isinstance(caught.value.__cause__, NoAnswer)
        with connection.cursor() as cursor:  # a new connection, while the old one still hangs
            cursor.execute("SELECT 2")
            assert cursor.fetchone() == (2,)


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_lost_transaction_does_not_wait_for_the_server_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[object] = []
    connect = DatabaseWrapper.get_new_connection

    def counted(self: Any, parameters: Any) -> Any:
        opened.append(parameters)
        return connect(self, parameters)

    with stopped_backend():
        connection.connection.answer_s_max = 0.3
        monkeypatch.setattr(DatabaseWrapper, "get_new_connection", counted)
        with pytest.raises(OperationalError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert opened == []
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 2")
            assert cursor.fetchone() == (2,)
        assert len(opened) == 1
        assert connection.get_autocommit()


@pytest.mark.django_db(transaction=True)
def test_a_request_gets_503_from_a_server_that_hangs_and_the_next_one_heals(settings: Any) -> None:
    settings.ROOT_URLCONF = tuple(urlpatterns)
    with stopped_backend():
        connection.connection.answer_s_max = 0.3
        answer = Client().get("/api/v1/asked")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert int(answer["Retry-After"]) >= 1
        close_old_connections()  # as at the end of each request, outside of tests
        assert Client().get("/api/v1/asked").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_check_of_an_old_connection_does_not_wait_as_long_as_a_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stores.postgresql.base.CHECK_S", 0.3)
    with stopped_backend():
        assert connection.connection.answer_s_max > 30  # statement_timeout and a margin
        assert not connection.is_usable()
        connection.close()  # as Django does with a connection that is not usable


class Relay:
    """A TCP port before the real Redis that can fall silent: bytes go in, none come back."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.speaks = threading.Event()
        self.speaks.set()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.server.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self.target))
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self.speaks.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(settings: Any) -> Iterator[Relay]:
    running = Relay(Path(urlsplit(settings.REDIS_URL).path))
    settings.REDIS_URL = running.url
    settings.REDIS_REQUEST_TIMEOUT_MS = 100
    yield running
    running.speaks.set()
    running.server.close()


def refusals(count: int) -> list[type[BaseException]]:
    """What so many commands of one request end with."""
    found: list[type[BaseException]] = []
    with request_patience():
        for _ in range(count):
            try:
                redis_client().get("anything")
            except redis.RedisError as error:
                found.append(type(error))
    return found


def test_a_request_waits_once_for_a_redis_that_hangs(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores_redis, "AWAY_S", 60.0)
    assert refusals(3) == []
    relay.speaks.clear()
    assert refusals(40) == [redis.TimeoutError] + [Away] * 39
    with request_patience(), redis_client().pipeline() as pipe:
        pipe.get("anything")
        with pytest.raises(Away):
            pipe.execute()


def test_one_caller_finds_out_that_redis_is_back(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores_redis, "AWAY_S", 0.0)
    relay.speaks.clear()
    assert refusals(2) == [redis.TimeoutError] * 2  # the time is over at once: each one asks
    relay.speaks.set()
    assert refusals(3) == []


def test_a_flight_computes_when_redis_is_lost_while_it_waits(relay: Relay) -> None:
    redis_client().set("key:lock", "somebody else", px=60_000)
    computed: list[int] = []

    def compute() -> bytes:
        computed.append(1)
        return b"value"

    class Lost(redis.Redis):
        """The client of a process whose Redis falls silent after the lock was asked for."""

        def mget(self, *keys: Any) -> Any:
            relay.speaks.clear()
            return super().mget(*keys)

    with request_patience():
        client = Lost(connection_pool=redis_client().connection_pool)
        assert cached(client, key="key", ttl_ms=1_000, compute=compute) == b"value"
    assert computed == [1]
