"""The web process with clients that are slow, idle or too many: real sockets to granian."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge import front
from edge.front import CACHED_NAME_LENGTH_MAX, environ_of
from embedded.children import die_with_parent

HERE = Path(__file__).parent
PATIENCE_S = 60.0
THREADS, WAITING_MAX, HELD_BYTES = 2, 2, 4_000_000
PIECE = b"0123456789abcdef" * 4096
MEGABYTE_PIECES = 1_000_000 // len(PIECE)
LIMITS = {
    "WEB_THREADS": THREADS,
    "WEB_WAITING_MAX": WAITING_MAX,
    "WEB_WAIT_S": 3,
    "WEB_STUCK_S": 2,
    "WEB_STANDSTILL_S": 6,
    "BODY_GRACE_S": 1,
    "BODY_BYTES_PER_S_MIN": 1_000_000,
    "BODIES_BYTES_PER_CALLER_MAX": HELD_BYTES,
    "ANSWERS_BYTES_MAX": 50_000_000,
    "ANSWER_PIECE_S": 20,
    "LOG_LEVEL": "INFO",
    "LOG_JSON": 1,
}


def eventually(holds: Callable[[], object], *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.05)


class Web:
    """One granian worker with the front before a few views of our own (front_copy.py)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "static").mkdir()
        shutil.copy(HERE / "front_copy.py", folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = folder / "web.log"
        environment = {
            **os.environ,
            **{name: str(value) for name, value in LIMITS.items()},
            "DATA_DIR": str(folder),
            "PYTHONPATH": str(folder),
            "DJANGO_SETTINGS_MODULE": "front_copy",
            "TESTING": "1",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge.server", "--port", str(self.port), "--workers", "1"],
                env=environment,
                cwd=folder,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
            )
        eventually(self.alive, what="the web process")

    def alive(self) -> bool:
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def socket(self, text: str = "", content: bytes = b"") -> socket.socket:
        """Open a connection, send these bytes and leave it open."""
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        opened.sendall(text.replace("\n", "\r\n").encode() + content)
        return opened

    def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body or None)
            return answer_of(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        return self.send("GET", path)

    @property
    def seen(self) -> str:
        """Return the addresses that reached Django."""
        found = self.folder / "seen"
        return found.read_text() if found.exists() else ""

    def let_go(self, *, held: bool) -> None:
        mark = self.folder / "let-go"
        mark.unlink(missing_ok=True) if held else mark.touch()

    def logged(self, **fields: Any) -> list[dict[str, Any]]:
        """Return the access lines with these values."""
        lines = [json.loads(x) for x in self.log.read_text().splitlines() if x.startswith("{")]
        return [x for x in lines if all(x.get(name) == value for name, value in fields.items())]


def answer_of(response: HTTPResponse) -> tuple[int, dict[str, str], bytes]:
    content = response.read()
    return response.status, {name.lower(): x for name, x in response.getheaders()}, content


def read(opened: socket.socket) -> tuple[int, dict[str, str], bytes]:
    response = HTTPResponse(opened)
    response.begin()
    return answer_of(response)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    folder = Path(tempfile.mkdtemp(prefix="ballast-front-"))
    running = Web(folder)
    yield running
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_slow_bodies_hold_no_thread_and_end_with_408(web: Web, opened: ExitStack) -> None:
    head = "POST /api/v1/echo?slow HTTP/1.1\nHost: localhost\nContent-Length: 5000\n\n"
    slow = [opened.enter_context(web.socket(head, b"x")) for _ in range(40)]
    assert web.get("/healthz")[0] == 200
    assert [web.get("/echo")[0] for _ in range(2 * THREADS)] == [200] * 2 * THREADS
    for connection in slow:
        status, headers, content = read(connection)
        assert (status, json.loads(content)["code"]) == (408, "body_timeout")
        assert headers["connection"] == "close"
    assert "slow" not in web.seen
    assert len(web.logged(status=408, code="body_timeout")) >= 40


def test_a_large_body_must_keep_its_rate(web: Web, opened: ExitStack) -> None:
    head = "POST /api/v1/imports?crawls HTTP/1.1\nHost: localhost\nContent-Length: 3000000\n\n"
    connection = opened.enter_context(web.socket(head, b"x" * 100_000))
    assert read(connection)[0] == 408
    assert "crawls" not in web.seen


def test_idle_connections_keep_nobody_out(web: Web, opened: ExitStack) -> None:
    for number in range(400):
        opened.enter_context(web.socket("" if number % 2 else "GET /echo HTTP/1.1\n"))
    assert web.get("/healthz")[0] == 200
    assert web.get("/echo")[0] == 200


def test_busy_threads_refuse_in_time_and_health_still_answers(web: Web, opened: ExitStack) -> None:
    web.let_go(held=True)
    opened.callback(web.let_go, held=False)
    head = "GET /api/v1/hold?{} HTTP/1.1\nHost: localhost\n\n"
    held = [opened.enter_context(web.socket(head.format(f"held{n}"))) for n in range(THREADS)]
    eventually(lambda: web.seen.count("?held") == THREADS, what="busy threads")
    late = [opened.enter_context(web.socket(head.format("late"))) for _ in range(WAITING_MAX + 1)]
    assert web.get("/healthz")[0] == 200
    for connection in late:  # one finds the queue full, the others leave it in time
        status, headers, content = read(connection)
        assert (status, json.loads(content)["code"]) == (503, "server_busy")
        assert int(headers["retry-after"]) >= 1
    web.let_go(held=False)
    assert [read(connection)[0] for connection in held] == [200] * THREADS
    assert "late" not in web.seen
    assert web.get("/echo")[0] == 200


def test_health_says_when_no_thread_gets_anything_done(web: Web, opened: ExitStack) -> None:
    web.let_go(held=True)
    opened.callback(web.let_go, held=False)
    head = "GET /hold HTTP/1.1\nHost: localhost\n\n"
    held = [opened.enter_context(web.socket(head)) for _ in range(THREADS)]
    eventually(lambda: web.get("/healthz")[0] == 503, what="health to report stuck threads")
    web.let_go(held=False)
    assert [read(connection)[0] for connection in held] == [200] * THREADS
    assert web.get("/healthz")[0] == 200


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 900_000])
def test_a_body_arrives_as_it_was_sent(web: Web, size: int) -> None:
    body = os.urandom(size)
    status, _, content = web.send("POST", "/api/v1/echo", body)
    found = json.loads(content)
    assert status == 200
    assert (found["size"], found["digest"]) == (size, sha256(body).hexdigest())


def test_a_file_larger_than_memory_arrives_on_the_routes_of_files_only(web: Web) -> None:
    body = os.urandom(3_500_000)
    found = json.loads(web.send("POST", "/api/v1/imports", body)[2])
    assert found["digest"] == sha256(body).hexdigest()
    head = f"POST /api/v1/echo?large HTTP/1.1\nHost: localhost\nContent-Length: {len(body)}\n\n"
    with web.socket(head) as connection:
        status, _, content = read(connection)
    assert (status, json.loads(content)["code"]) == (413, "body_too_large")
    assert "large" not in web.seen


def test_one_caller_holds_a_bounded_number_of_bytes(web: Web, opened: ExitStack) -> None:
    size = HELD_BYTES - 500_000
    head = f"POST /api/v1/imports?half HTTP/1.1\nHost: localhost\nContent-Length: {size}\n\n"
    first, second = (
        opened.enter_context(web.socket(head, b"x" * (size - 1_000_000))) for _ in range(2)
    )
    answers = [read(connection) for connection in (second, first)]
    codes = sorted(json.loads(content)["code"] for _, _, content in answers)
    assert codes == ["body_timeout", "too_many_bodies"]
    assert "half" not in web.seen
    assert web.send("POST", "/api/v1/imports", b"x" * (size - 1))[0] == 200  # all released


def test_a_body_without_length_and_one_cut_short_never_reach_django(web: Web) -> None:
    head = "POST /api/v1/echo?cut HTTP/1.1\nHost: localhost\n"
    with web.socket(head + "Transfer-Encoding: chunked\n\n2\nab\n0\n\n") as connection:
        status, _, content = read(connection)
    assert (status, json.loads(content)["code"]) == (411, "length_required")
    for length, sent in ((100, 50), (100_000, 90_000)):
        web.socket(f"{head}Content-Length: {length}\n\n", b"x" * sent).close()
    assert web.get("/echo")[0] == 200
    assert "cut" not in web.seen


def test_django_sees_the_request_as_it_was_sent(web: Web) -> None:
    head = (
        "GET /%C3%A9cho/../api/v1/echo HTTP/1.1\nHost: localhost\n\n",
        "GET /api/v1/echo?a=%20b&c HTTP/1.1\nHost: localhost\nX-Two: 1\nX-Two: 2\n"
        "Cookie: a=1\nCookie: b=2\nX_Forwarded_For: 6.6.6.6\nX-Request-ID: a-request-id\n\n",
    )
    with web.socket(head[0]) as connection:
        assert read(connection)[0] == 404
    with web.socket(head[1]) as connection:
        status, headers, content = read(connection)
    found = json.loads(content)
    assert (status, headers["x-request-id"]) == (200, "a-request-id")
    assert headers["server"] == "ballast"
    assert (found["address"], found["query"]) == ("127.0.0.1", "a=%20b&c")
    assert found["headers"]["HTTP_X_TWO"] == "1,2"
    assert found["headers"]["HTTP_COOKIE"] == "a=1; b=2"
    assert "HTTP_X_FORWARDED_FOR" not in found["headers"]


def test_refusals_for_people_are_text_with_the_request_id(web: Web) -> None:
    head = "POST /echo HTTP/1.1\nHost: localhost\nX-Request-ID: a-request-id\n"
    with web.socket(head + "Content-Length: 9000000\n\n") as connection:
        status, headers, content = read(connection)
    assert (status, headers["content-type"]) == (413, "text/plain; charset=utf-8")
    assert content.decode() == (
        "Request Entity Too Large. The body is too large. Split it.\nRequest a-request-id\n"
    )


@pytest.mark.parametrize("pieces", [0, 1, 15, 17, 100])
def test_long_answers_arrive_whole(web: Web, pieces: int) -> None:
    status, _, content = web.get(f"/streamed?pieces={pieces}")
    assert (status, content[:1000]) == (200, PIECE[: 1000 * min(pieces, 1)])
    assert len(content) == len(PIECE) * pieces
    assert content == PIECE * pieces, "the bytes differ"


def test_files_arrive_whole_and_a_head_request_has_no_body(web: Web) -> None:
    expected = Path(sys.executable).resolve().read_bytes()
    status, headers, content = web.get("/filed")
    assert (status, content == expected) == (200, True)
    assert headers["content-length"] == str(len(expected))
    status, headers, content = web.send("HEAD", "/echo")
    assert (status, content) == (200, b"")


def test_http2_is_not_spoken(web: Web) -> None:
    with web.socket("PRI * HTTP/2.0\n\nSM\n\n") as connection:
        assert b"HTTP/2" not in connection.recv(100)


def test_a_process_that_stands_still_is_replaced(web: Web, opened: ExitStack) -> None:
    connection = opened.enter_context(web.socket("GET /standstill HTTP/1.1\nHost: localhost\n\n"))
    assert connection.recv(100) == b""  # its process has ended
    eventually(web.alive, what="another process")
    assert "standstill" in web.log.read_text()  # the traceback names the view
    assert web.get("/echo")[0] == 200


def test_large_answers_that_nobody_reads_are_bounded_and_released(
    web: Web, opened: ExitStack
) -> None:
    ask = "GET /streamed?pieces={} HTTP/1.1\nHost: localhost\n\n"
    # Neither reads: what fits into the sockets is sent, the rest waits and counts.
    waiting = [opened.enter_context(web.socket(ask.format(20 * MEGABYTE_PIECES))) for _ in "12"]
    for connection in waiting:  # an answer is whole before its first byte is sent
        assert connection.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 200"
    with web.socket(ask.format(20 * MEGABYTE_PIECES)) as third:
        status, headers, content = read(third)
    assert (status, headers["retry-after"]) == (503, "5")
    assert b"Too many large answers wait" in content
    assert web.get("/streamed?pieces=1")[2] == PIECE  # small ones count nothing
    waiting[0].close()

    def answered() -> bool:
        with web.socket(ask.format(20 * MEGABYTE_PIECES)) as again:
            return read(again)[0] == 200

    eventually(answered, what="the bytes of the client that left")
    with waiting[1]:
        assert read(waiting[1])[2] == PIECE * 20 * MEGABYTE_PIECES  # slow, and whole


def test_a_reader_that_takes_nothing_is_cut_off(web: Web) -> None:
    with web.socket(
        f"GET /streamed?pieces={20 * MEGABYTE_PIECES} HTTP/1.1\nHost: localhost\n\n"
    ) as idle:
        eventually(lambda: "whole response: TimeoutError" in web.log.read_text(), what="the end")
        with pytest.raises((IncompleteRead, ConnectionError)):
            read(idle)


def test_long_names_of_headers_fill_no_cache() -> None:
    before = front._cached_key.cache_info()
    name = "x-" + "a" * CACHED_NAME_LENGTH_MAX
    scope = SimpleNamespace(
        server="127.0.0.1:80", http_version="1.1", method="GET", path="/", query_string="",
        client="127.0.0.1:5", scheme="http", headers={name: "1", "x_forged": "2", "accept": "*"},
    )  # fmt: skip
    environ = environ_of(scope)
    assert environ[f"HTTP_{name.upper().replace('-', '_')}"] == "1"
    assert (environ["HTTP_ACCEPT"], "HTTP_X_FORGED" in environ) == ("*", False)
    assert front._cached_key.cache_info().currsize <= before.currsize + 2
