"""A whole copy of Ballast for the session: the servers and processes of `make run`, free ports.

It is started with the plan and the supervisor of `make run`. Nothing watches in the background: a
killed process is restarted only while a test waits in `Stack.until`, so a test decides how long a
process stays down.
"""

import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from websockets.sync.client import ClientConnection, connect

from embedded import plan
from embedded.children import Child
from embedded.places import UNREACHABLE_BELOW, Places, places
from embedded.servers import start
from embedded.supervisor import Supervisor

PASSWORD = "a-long-enough-password"
LEASE_S = 3
PATIENCE_S = 60.0
GIVEN_UP = (
    "SELECT error::text FROM jobs_job WHERE status = 'failed' AND subject_id::text = %s",
    "SELECT error FROM jobs_outbox WHERE state = 'dead' AND payload->>'account_id' = %s",
)


def bound_ports() -> dict[str, socket.socket]:
    """Return the sockets of PORT and STREAM_PORT, bound to free ports."""
    bound = {"PORT": socket.socket(), "STREAM_PORT": socket.socket()}
    for listening in bound.values():
        listening.bind((plan.HOST, 0))
    return bound


@dataclass(frozen=True)
class Answer:
    """The server's answer, and the time it took."""

    status: int
    body: Any
    headers: dict[str, str]
    took_s: float


class Api:
    """A client like a mobile application: JSON, a token, nothing else."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.access = ""
        self.refresh = ""

    def send(self, method: str, path: str, body: Any = None, *, key: str = "") -> Answer:
        headers = {"Content-Type": "application/json"}
        if self.access:
            headers["Authorization"] = f"Bearer {self.access}"
        if key:
            headers["Idempotency-Key"] = key
        payload = None if body is None else json.dumps(body)
        connection = HTTPConnection(plan.HOST, int(self.port), timeout=PATIENCE_S)
        began = time.monotonic()
        try:
            connection.request(method, f"/api/v1{path}", payload, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        return Answer(
            response.status,
            json.loads(text) if text else None,
            {name.lower(): value for name, value in response.getheaders()},
            time.monotonic() - began,
        )

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        assert answer.status == 200, answer
        return answer.body

    def post(self, path: str, body: Any = None, *, status: int = 201, key: str = "") -> Any:
        answer = self.send("POST", path, body, key=key)
        assert answer.status == status, answer
        return answer.body

    def put(self, path: str, body: Any) -> Any:
        answer = self.send("PUT", path, body)
        assert answer.status == 200, answer
        return answer.body

    def log_in(self, email: str) -> None:
        pair = self.post("/auth/token", {"email": email, "password": PASSWORD}, status=200)
        self.access, self.refresh = pair["access"], pair["refresh"]


class Socket:
    """The stream as a client sees it; keeps every message it received."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []

    def say(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def hear(self, kind: str, *, s_max: float = 30.0) -> dict[str, Any]:
        """Return the next message of a kind."""
        deadline = time.monotonic() + s_max
        while True:
            text = self.connection.recv(timeout=max(0.0, deadline - time.monotonic()))
            self.heard.append(json.loads(text))
            if self.heard[-1]["type"] == kind:
                return self.heard[-1]

    def drain(self, *, seconds: float) -> None:
        """Return all messages that arrive within a time."""
        deadline = time.monotonic() + seconds
        with suppress(TimeoutError):
            while (left := deadline - time.monotonic()) > 0:
                self.heard.append(json.loads(self.connection.recv(timeout=left)))

    def events(self, job_id: str) -> int:
        """Return how often the end of a job was announced."""
        return sum(message.get("job_id") == job_id for message in self.heard)


class Stack:
    """The running copy, and the actions of tests on it."""

    def __init__(self, where: Places) -> None:
        self.supervisor = Supervisor(where)
        signal.signal(signal.SIGUSR1, self.supervisor.reload_on_signal)
        running = start(where, given={}, lasting=True)
        self.supervisor.adopt(running)
        self.ports = bound_ports()
        self.port, stream_port = (str(x.getsockname()[1]) for x in self.ports.values())
        told = plan.environment(where, running.urls)
        told.pop("TESTING", None)
        told |= {"DEMO": "1", "PORT": self.port, "STREAM_PORT": stream_port}
        self.variables = told | {"JOB_LEASE_S": str(LEASE_S)}

    def open(self) -> None:
        """Start the parts of `make run`, without static files; the demo loads meanwhile."""
        told = self.variables
        self.manage("migrate", "--noinput", "-v0")
        edges = plan.edges(self.supervisor.where, told, ports=self.ports)
        wanted = [program for program in edges if program.name != "worker-nightly"]
        self.supervisor.start([replace(program, quiet=True) for program in wanted])
        self.manage("load_demo")
        self.until(lambda: self.ready(self.port), what="the web process")
        self.until(lambda: self.ready(told["STREAM_PORT"]), what="the stream")
        self.until(lambda: "ready." in self.log("worker-interactive"), what="the worker")

    def ready(self, port: str) -> bool:
        connection = HTTPConnection(plan.HOST, int(port), timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def until(self, holds: Callable[[], Any], *, what: str, s_max: float = PATIENCE_S) -> Any:
        """Wait, and restart killed processes meanwhile."""
        deadline = time.monotonic() + s_max
        while not (found := holds()):
            if time.monotonic() > deadline:
                tails = [
                    self.log(name)[-3000:]
                    for name in ("beat", "worker-interactive", "relief", "postgres")
                ]
                raise AssertionError("\n".join([f"waited {s_max} s in vain for {what}", *tails]))
            self.supervisor.watch_once()
        return found

    def log(self, name: str) -> str:
        path = self.supervisor.where.logs / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def child_or_none(self, name: str) -> Child | None:
        (slot,) = [slot for slot in self.supervisor.slots if slot.program.name == name]
        return slot.child

    def child(self, name: str) -> Child:
        found = self.child_or_none(name)
        assert found is not None, f"{name} does not run"
        return found

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and everything it started."""
        os.killpg(self.child(name).process.pid, number)

    def kill(self, name: str) -> None:
        """kill -9 a process and everything it started; it stays down until a test waits."""
        child = self.child(name)
        child.kill_group()
        child.process.wait()
        slot = next(slot for slot in self.supervisor.slots if slot.child is child)
        slot.pause_s = 1.0

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.variables["DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def value(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    @contextmanager
    def results_held_back(self) -> Iterator[None]:
        """Let no worker write a recommendation: jobs are computed and stay `processing`."""
        with psycopg.connect(self.variables["DATABASE_URL"]) as connection:
            connection.execute("LOCK TABLE recommendations_recommendation IN SHARE MODE")
            yield

    def until_results_wait(self, count: int = 1) -> None:
        """Wait until this many workers hold a claim and are about to write their results."""
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted "
            "AND relation = 'recommendations_recommendation'::regclass"
        )
        self.until(lambda: self.value(waiting) >= count, what="results to be held back")

    @contextmanager
    def socket_of(self, api: Api) -> Iterator[Socket]:
        """Return a socket that has presented its ticket."""
        ticket = api.post("/auth/stream-ticket", status=200)
        with connect(ticket["url"], compression=None) as connection:
            opened = Socket(connection)
            opened.say(type="auth", ticket=ticket["ticket"])
            opened.hear("ready")
            yield opened

    def manage(self, *words: str) -> None:
        """Run `manage.py` with arguments; fail as the command does."""
        self.supervisor.run_steps([plan.manage(words[0], *words, environment=self.variables)])

    def close(self) -> None:
        """Stop the servers in order and everything else at once, which these processes tolerate."""
        for slot in self.supervisor.slots:
            if slot.child is not None and not slot.is_server:
                slot.child.kill_group()
        self.supervisor.shut_down()
        for listening in self.ports.values():
            listening.close()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The copy all these tests share."""
    folder = Path(tempfile.mkdtemp(prefix="ballast-whole-"))
    folder.chmod(0o755)
    where = places(folder)
    running = None
    try:
        running = Stack(where)
        running.open()
        yield running
    finally:
        if running is not None:
            running.close()
        for path in (folder, where.sockets, UNREACHABLE_BELOW / where.sockets.name):
            shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Home:
    """A household of two with an account that needs rebalancing."""

    owner: Api
    spouse: Api
    account_id: str
    stack: Stack

    def rebalance(self, **options: Any) -> str:
        """Request a rebalance; return the job."""
        path = f"/portfolios/{self.account_id}/rebalance"
        return str(self.owner.post(path, options, status=202)["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.owner.get(f"/jobs/{job_id}")
        return found

    def until_status(self, job_id: str, status: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            job = self.job(job_id)
            if job["status"] == status:
                return job
            assert job["status"] in ("pending", "processing"), job
            return None

        job: dict[str, Any] = self.stack.until(found, what=f"job {job_id} to be {status}")
        return job

    def told(self, job_id: str) -> list[int]:
        """Return how many notices of a job each member has."""
        return [
            sum(
                row["payload"].get("job_id") == job_id
                for row in member.get("/notifications?page_size=1000")["data"]
            )
            for member in (self.owner, self.spouse)
        ]

    def until_told(self, job_id: str) -> None:
        self.stack.until(lambda: min(self.told(job_id)) > 0, what=f"notices of job {job_id}")

    def recommendations(self, job_id: str) -> int:
        return int(
            self.stack.value(
                "SELECT count(*) FROM recommendations_recommendation row "
                "JOIN jobs_job job ON job.id = row.job_id WHERE job.public_id = %s",
                job_id,
            )
        )


@pytest.fixture(autouse=True, scope="module")
def _books_are_right(stack: Stack) -> Iterator[None]:
    """After each file rebuild the whole ledger once, because a fault's damage there would last."""
    yield
    stack.manage("verify_ledger")


@pytest.fixture
def register(stack: Stack) -> Callable[..., tuple[str, Api]]:
    """Register a user and log in."""

    def register(**fields: Any) -> tuple[str, Api]:
        email = fields.pop("email", f"{uuid4().hex[:12]}@ballast.example")
        api = Api(stack.port)
        api.post("/auth/register", {"email": email, "password": PASSWORD, **fields})
        api.log_in(email)
        return email, api

    return register


@pytest.fixture(scope="session")
def _couple(stack: Stack) -> tuple[Api, Api]:
    """Two users who share a household, for every test of faults."""
    owner, spouse = Api(stack.port), Api(stack.port)
    emails = [f"{name}-{uuid4().hex[:8]}@ballast.example" for name in ("owner", "spouse")]
    owner.post("/auth/register", {"email": emails[0], "password": PASSWORD})
    owner.log_in(emails[0])
    invited = owner.post("/households/invitations", {"email": emails[1]})
    spouse.post(
        "/auth/register",
        {"email": emails[1], "password": PASSWORD, "invitation": invited["token"]},
    )
    spouse.log_in(emails[1])
    return owner, spouse


@pytest.fixture
def home(stack: Stack, _couple: tuple[Api, Api]) -> Iterator[Home]:
    """An account out of balance; after the test none of its work has been given up."""
    owner, spouse = _couple
    account = owner.post("/accounts", {"name": "Faulty", "type": "roth_ira", "currency": "USD"})
    own = {"account_id": account["id"], "executed_at": "2023-05-01T15:00:00Z"}
    owner.post("/transactions", {**own, "type": "deposit", "amount": "100000"})
    for symbol, quantity in (("AAPL", "300"), ("KO", "100"), ("MSFT", "40")):
        trade = {"type": "buy", "symbol": symbol, "quantity": quantity, "price": "50"}
        owner.post("/transactions", {**own, **trade, "executed_at": "2023-05-02T15:00:00Z"})
    weights = {"AAPL": "30", "KO": "30", "MSFT": "30", "CASH": "10"}
    owner.put(
        f"/portfolios/{account['id']}/targets",
        [
            {"symbol": symbol, "target_percentage": weight, "rebalance_threshold": "1"}
            for symbol, weight in weights.items()
        ],
    )
    yield Home(owner, spouse, account["id"], stack)
    for query in GIVEN_UP:
        assert stack.rows(query, account["id"]) == []
