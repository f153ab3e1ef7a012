"""Redis, a user database and stream processes of their own, because these tests kill them all."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen
from uuid import UUID

import psycopg
import pytest
import redis
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from embedded.binaries import redis_server as redis_binary
from marketdata.quotes import fresh_until

PATIENCE_S = 30.0
START_S_MAX = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(holds: Callable[[], Any], *, what: str, patience_s: float = PATIENCE_S) -> Any:
    """Return the first true answer; on a busy machine it may take a while, but never forever."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if answer := holds():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited {patience_s} s in vain for: {what}")


class RedisServer:
    """A redis-server that can be killed and restarted on its port, without its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        # Over a socket file the first write after a restart fails; over TCP only the answer does.
        self.file_url = f"unix://{folder / 'redis.sock'}?db=0"
        self.client = redis.Redis.from_url(self.url)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        options += ["--unixsocket", str(self._folder / "redis.sock")]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [redis_binary(), *options, "--dir", self._folder], stdout=log, stderr=log
            )
        eventually(self._answers, what="redis-server")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def send_signal(self, signum: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(signum)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def publish(
        self,
        prices: dict[str, str],
        *,
        source: str = "test",
        exchange: str = "",
        age_s: float = 0,
    ) -> None:
        """Publish as marketdata does: to the hash of newest quotes and the channel of changes."""
        moment = datetime.now(UTC) - timedelta(seconds=age_s)
        until = fresh_until(source=source, as_of=moment, exchange=exchange)
        as_of = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        quotes: list[dict[str, Any]] = [
            {
                "symbol": symbol,
                "price": price,
                "as_of": as_of,
                "fresh_until": None if until is None else until.isoformat(),
                "source": source,
                "exchange": exchange,
                "previous_close": "1",
            }
            for symbol, price in prices.items()
        ]
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.hset("quotes", mapping={q["symbol"]: json.dumps(q) for q in quotes})
            pipeline.publish("quotes", json.dumps(quotes))
            pipeline.execute()

    @staticmethod
    def family(user_id: int, log_in: int = 0) -> str:
        """Return a log-in of a user in the user database; each user has three."""
        return str(UUID(int=1000 * user_id + log_in))

    def ticket(self, *, user_id: int = 1, households: tuple[int, ...] = (7,), **fields: Any) -> str:
        """Issue a ticket as identity does for a signed-in user."""
        token = secrets.token_urlsafe(24)
        ticket = {
            "user_id": user_id,
            "household_ids": list(households),
            "epoch": 1,
            "family": self.family(user_id),
            "tier": "standard",
            **fields,
        }
        self.client.set(f"ticket:{token}", json.dumps(ticket), ex=30)
        return token


class Socket:
    """A WebSocket client that speaks JSON."""

    def __init__(self, opening: AbstractContextManager[ClientConnection]) -> None:
        self._opening = opening
        self.connection = opening.__enter__()

    def say(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def hear(self, kind: str | None = None, *, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next message, or the next of a kind."""
        deadline = time.monotonic() + timeout_s
        while True:
            text = self.connection.recv(timeout=max(0.0, deadline - time.monotonic()))
            message: dict[str, Any] = json.loads(text)
            if kind is None or message["type"] == kind:
                return message

    def hear_all(self, *, seconds: float) -> list[dict[str, Any]]:
        """Return all messages that arrive within a time."""
        heard = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                heard.append(self.hear(timeout_s=left))
            except TimeoutError:
                break
        return heard

    def hear_price(self, symbol: str, price: str) -> dict[str, Any]:
        """Return the batch in which a symbol has a price."""
        while True:
            batch = self.hear("price_batch")
            if any(u["symbol"] == symbol and u["price"] == price for u in batch["updates"]):
                return batch

    def hear_close(self) -> tuple[list[dict[str, Any]], int, str]:
        """Return all messages before the close, its code (0: cut off without one) and reason."""
        heard: list[dict[str, Any]] = []
        while True:
            try:
                heard.append(self.hear())
            except ConnectionClosed as closed:
                code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (0, "")
                return heard, code, reason

    def log_in(self, token: str) -> dict[str, Any]:
        self.say(type="auth", ticket=token)
        return self.hear("ready")

    def __enter__(self) -> "Socket":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opening.__exit__(kind, error, trace)


class Stream:
    """A real stream process: uvicorn on its own port."""

    def __init__(
        self, *, redis_url: str, database_url: str, log: Path, settings: dict[str, str]
    ) -> None:
        self.port = free_port()
        self.log = log
        environment = {
            **os.environ,
            "TESTING": "1",
            "REDIS_URL": redis_url,
            "DATABASE_URL": database_url,
            **settings,
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stream.server", "--port", str(self.port)],
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            eventually(
                self.is_ready, what=f"the stream to be ready, see {log}", patience_s=START_S_MAX
            )
        except BaseException:
            self.end()
            raise

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self.get("/readyz")[0] == 200

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and body of an HTTP request; status 0 if nobody answers."""
        request = Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refusal:
            return refusal.code, refusal.read().decode()
        except (URLError, ConnectionError):
            return 0, ""

    def metric(self, name: str) -> float:
        """Return the value of a metric line, with its labels as printed."""
        lines = self.get("/metrics")[1].splitlines()
        return float(next((x.rsplit(" ", 1)[1] for x in lines if x.startswith(f"{name} ")), 0))

    def open(self, **options: Any) -> Socket:
        options.setdefault("compression", None)
        return Socket(connect(f"ws://127.0.0.1:{self.port}/ws/v1/stream", **options))

    def enter(self, token: str) -> Socket:
        """Return a socket that has presented its ticket."""
        opened = self.open()
        opened.log_in(token)
        return opened

    def admits(self, token: str, **options: Any) -> bool:
        """Return whether a socket is admitted now."""
        with self.open(**options) as asking:
            try:
                asking.say(type="auth", ticket=token)
                return bool(asking.hear()["type"] == "ready")
            except ConnectionClosed:
                return False

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(_shared_redis: RedisServer) -> RedisServer:
    """A Redis that contains two quotes and nothing else."""
    _shared_redis.client.flushall()
    _shared_redis.publish({"AAPL": "100.00", "MSFT": "200.00"})
    return _shared_redis


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say that these tests need a database: without one that says so, none is made to copy."""
    for item in items:
        uses_it = "people_database" in getattr(item, "fixturenames", ())
        if uses_it and item.get_closest_marker("django_db") is None:
            item.add_marker(pytest.mark.django_db)


def _address(name: str) -> str:
    """Return the address of another database on the server of the tests."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{name}"))


PEOPLE = 12
LOG_INS = 3


@pytest.fixture(scope="session")
def people_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Return the address of a copied test database in which users 1 to 12 have three log-ins each.

    Commits of a test there are visible to no other suite. Its tests restore what they change.
    """
    with django_db_blocker.unblock():
        name = f"{connection.settings_dict['NAME']}_stream"
        template = connection.settings_dict["NAME"]
        connection.close()  # a template has no other sessions
        url = _address(name)
        with psycopg.connect(_address("postgres"), autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        with psycopg.connect(url) as people:
            people.execute(_PEOPLE, {"people": PEOPLE, "log_ins": LOG_INS})
    yield url
    with psycopg.connect(_address("postgres"), autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


_PEOPLE = """
WITH home AS (
    INSERT INTO identity_household (public_id, name, created_at)
    VALUES (gen_random_uuid(), 'Home', now()) RETURNING id
), users AS (
    INSERT INTO identity_user (id, public_id, email, full_name, household_id, role, base_currency,
        federal_ordinary_rate, federal_long_term_rate, state_rate, net_investment_income_rate,
        active_trader, token_version, access_epoch, is_active, is_staff, is_superuser, is_demo,
        password, created_at)
    SELECT n, gen_random_uuid(), n || '@people.example', '', home.id, 'investor', 'USD',
           0, 0, 0, 0, false, 1, 1, true, false, false, false, '!', now()
      FROM home, generate_series(1, %(people)s) AS n
)
INSERT INTO identity_tokenfamily (id, user_id, serial, created_at, expires_at, revoked_reason)
SELECT lpad(to_hex(1000 * n + log_in), 32, '0')::uuid, n, 1, now(), now() + interval '1 day', ''
  FROM generate_series(1, %(people)s) AS n, generate_series(0, %(log_ins)s - 1) AS log_in
"""


@pytest.fixture
def people_committed(people_database: str) -> Iterator[Callable[..., None]]:
    """Run SQL on the user database; restore a right that a test takes away."""
    with psycopg.connect(people_database, autocommit=True) as people:

        def run(sql: str, **values: object) -> None:
            people.execute(sql, values)

        yield run
        people.execute("SET session_replication_role = replica")  # else no epoch can be lowered
        people.execute(
            "UPDATE identity_user SET is_active = true, access_epoch = 1;"
            "UPDATE identity_tokenfamily SET revoked_at = NULL, revoked_reason = ''"
        )


@pytest.fixture
def start_stream(
    redis_server: RedisServer, people_database: str, tmp_path: Path
) -> Iterator[Callable[..., Stream]]:
    """Start stream processes with settings, and stop them after the test."""
    with ExitStack() as ends:

        def start(**settings: object) -> Stream:
            stream = Stream(
                redis_url=redis_server.url,
                database_url=people_database,
                log=tmp_path / f"stream-{secrets.token_hex(3)}.log",
                settings={name: str(value) for name, value in settings.items()},
            )
            ends.callback(stream.end)
            return stream

        yield start


@pytest.fixture(scope="session")
def _shared_stream(
    _shared_redis: RedisServer, people_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stream]:
    stream = Stream(
        redis_url=_shared_redis.url,
        database_url=people_database,
        log=tmp_path_factory.mktemp("stream") / "stream.log",
        settings={"STREAM_AUTH_TIMEOUT_S": "2"},
    )
    yield stream
    stream.end()


@pytest.fixture
def stream(_shared_stream: Stream, redis_server: RedisServer) -> Stream:
    """A stream process with the usual limits and the two quotes."""
    redis_server.publish({"AAPL": "100.00", "MSFT": "200.00"})
    return _shared_stream


@pytest.fixture(scope="session")
def session_stream(
    people_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stream]:
    """A stream on the Redis and the database that the rest of the application uses.

    It holds a session of that database, so the database is copied before.
    """
    stream = Stream(
        redis_url=os.environ["REDIS_URL"],
        database_url=_address(connection.settings_dict["NAME"]),
        log=tmp_path_factory.mktemp("stream") / "stream.log",
        settings={},
    )
    yield stream
    stream.end()
