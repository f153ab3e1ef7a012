"""Processes are killed, stopped, hung and flooded; the rest must stay correct afterwards."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
import redis
from django.conf import settings as django_settings

EVENT = '{"type":"notification","n":1}'
SILENCE_S = float(os.environ.get("STREAM_SILENCE_S", "7"))


def send_event(redis_server: Any, group: str) -> int:
    """Publish an account event; return how many Redis connections received it."""
    event = msgpack.packb({"type": "account.event", "text": EVENT})
    try:
        return int(redis_server.client.publish(f"asgi__group__{group}", event))
    except redis.RedisError:
        return 0


@pytest.fixture
def mortal_redis(redis_server: Any, tmp_path: Path) -> Iterator[Any]:
    """A Redis of this test alone, which it may kill."""
    server = type(redis_server)(tmp_path)
    server.start()
    server.publish({"AAPL": "100.00", "MSFT": "200.00"})
    yield server
    server.send_signal(signal.SIGCONT)
    server.kill()


def wait_until(holds: Any, *, what: str, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.1)


def test_sockets_outlive_redis_and_hear_what_changed_meanwhile(
    mortal_redis: Any, start_stream: Any
) -> None:
    stream = start_stream(REDIS_URL=mortal_redis.url, STREAM_STALE_AFTER_S=1)
    with stream.enter(mortal_redis.ticket(households=(7,))) as investor:
        investor.say(type="subscribe", symbols=["AAPL", "MSFT"])
        investor.hear("price_batch")
        mortal_redis.kill()
        stale = investor.hear("price_batch")
        assert {u["symbol"]: u["stale"] for u in stale["updates"]} == {"AAPL": True, "MSFT": True}
        assert stream.get("/readyz")[0] == 503
        with stream.open() as too_early:
            heard, code, _ = too_early.hear_close()
            assert (heard[-1]["code"], code) == ("unavailable", 1013)

        mortal_redis.start()
        mortal_redis.publish({"AAPL": "150.00", "MSFT": "200.00"})
        back: dict[str, tuple[str, bool]] = {}
        while back != {"AAPL": ("150.00", False), "MSFT": ("200.00", False)}:
            for update in investor.hear("price_batch")["updates"]:
                back[update["symbol"]] = (update["price"], update["stale"])
        mortal_redis.publish({"MSFT": "250.00"})
        batch = investor.hear_price("MSFT", "250.00")
        assert [u["symbol"] for u in batch["updates"]] == ["MSFT"]
        wait_until(lambda: send_event(mortal_redis, "household.7"), what="the group")
        assert investor.hear("notification")["n"] == 1
        with stream.enter(mortal_redis.ticket()) as newcomer:
            newcomer.say(type="ping")
            assert newcomer.hear("pong")


def test_the_first_socket_after_a_restart_of_redis_is_served(
    mortal_redis: Any, start_stream: Any
) -> None:
    stream = start_stream(REDIS_URL=mortal_redis.file_url)
    with stream.enter(mortal_redis.ticket()) as first:
        first.say(type="ping")
        assert first.hear("pong")
    # Nobody is connected now, so nothing notices that the connection of account events is lost.
    mortal_redis.kill()
    wait_until(lambda: stream.get("/readyz")[0] == 503, what="the stream to notice")
    mortal_redis.start()
    wait_until(lambda: stream.get("/readyz")[0] == 200, what="the stream to come back")
    with stream.enter(mortal_redis.ticket(households=(7,))) as second:
        second.say(type="ping")
        assert second.hear("pong")
        wait_until(lambda: send_event(mortal_redis, "household.7"), what="the group")
        assert second.hear("notification")["n"] == 1


def test_a_redis_that_hangs_is_noticed_and_left(mortal_redis: Any, start_stream: Any) -> None:
    stream = start_stream(REDIS_URL=mortal_redis.url)
    with stream.enter(mortal_redis.ticket()) as investor:
        investor.say(type="subscribe", symbols=["AAPL"])
        investor.hear("price_batch")
        mortal_redis.send_signal(signal.SIGSTOP)
        wait_until(lambda: stream.get("/readyz")[0] == 503, what="the stream to notice")
        mortal_redis.send_signal(signal.SIGCONT)
        wait_until(lambda: stream.get("/readyz")[0] == 200, what="the stream to come back")
        mortal_redis.publish({"AAPL": "150.00"})
        assert investor.hear_price("AAPL", "150.00")


def test_the_counts_of_sockets_survive_a_restart_of_redis(
    mortal_redis: Any, start_stream: Any
) -> None:
    settings = {
        "REDIS_URL": mortal_redis.url,
        "STREAM_CONNECTIONS_PER_ADDRESS_MAX": 1,
        "STREAM_LEASE_S": 3,
    }
    stream = start_stream(**settings)
    with stream.enter(mortal_redis.ticket()):
        mortal_redis.kill()
        mortal_redis.start()
        key_of = "{stream}:sockets:*"
        wait_until(lambda: list(mortal_redis.client.scan_iter(key_of)), what="the count")
        wait_until(lambda: stream.get("/readyz")[0] == 200, what="the stream to come back")
        with stream.open() as second:
            assert second.hear_close()[1] == 4429


def test_a_killed_process_frees_its_sockets(start_stream: Any, redis_server: Any) -> None:
    settings = {"STREAM_CONNECTIONS_PER_ADDRESS_MAX": 2, "STREAM_LEASE_S": 2}
    doomed = start_stream(**settings)
    heir = start_stream(**settings)
    with doomed.enter(redis_server.ticket()), doomed.enter(redis_server.ticket()):
        with heir.open() as early:
            assert early.hear_close()[1] == 4429
        doomed.process.send_signal(signal.SIGKILL)
        doomed.process.wait()

        wait_until(
            lambda: heir.admits(redis_server.ticket()),
            what="the counts of the killed process to end",
        )


def test_a_process_told_to_go_closes_its_sockets_one_by_one(
    start_stream: Any, redis_server: Any
) -> None:
    stream = start_stream(STREAM_DRAIN_S=2)
    sockets = [stream.enter(redis_server.ticket()) for _ in range(12)]

    def closed_at(opened: Any) -> tuple[float, int]:
        code = opened.hear_close()[1]
        return time.monotonic(), code

    with ThreadPoolExecutor(len(sockets)) as pool:
        stream.process.send_signal(signal.SIGTERM)
        ends = list(pool.map(closed_at, sockets))
    assert {code for _, code in ends} == {1012}
    moments = [moment for moment, _ in ends]
    assert max(moments) - min(moments) > 0.2  # twelve at random over two seconds
    assert stream.process.wait(timeout=30) in (0, -signal.SIGTERM)
    assert not list(redis_server.client.scan_iter("{stream}:sockets:*"))
    assert "Traceback" not in stream.log.read_text()


def raw_socket(stream: Any, token: str) -> socket.socket:
    """A client with the smallest receive buffer, which has subscribed and then reads nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(60)
    raw.connect(("127.0.0.1", stream.port))
    raw.sendall(
        b"GET /ws/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += raw.recv(1024)
    raw.sendall(text_frame({"type": "auth", "ticket": token}))
    return raw


def text_frame(message: dict[str, Any]) -> bytes:
    """A masked text frame, its mask all zeros."""
    payload = json.dumps(message).encode()
    return b"\x81\xfe" + len(payload).to_bytes(2, "big") + bytes(4) + payload


def read_to_the_end(raw: socket.socket, *, end: bytes = b"") -> bytes:
    """Return all bytes until the connection ends, or until they end as given."""
    heard = b""
    with suppress(ConnectionError):
        while part := raw.recv(1_048_576):
            heard += part
            if end and heard.endswith(end):
                break
    return heard


def test_a_client_that_does_not_read_holds_nobody_back_and_is_closed(
    start_stream: Any, redis_server: Any
) -> None:
    stream = start_stream(STREAM_BLOCKED_S=3)
    names = [f"S{number:04d}" for number in range(1000)]
    redis_server.publish(dict.fromkeys(names, "1.00"))
    with (
        raw_socket(stream, redis_server.ticket(tier="active")) as slow,
        stream.enter(redis_server.ticket(tier="active")) as fast,
    ):
        wait_until(lambda: stream.metric("ballast_stream_symbols") >= 1000, what="the symbols")
        slow.sendall(text_frame({"type": "subscribe", "symbols": names}))
        fast.say(type="subscribe", symbols=names[:3])
        fast.hear("price_batch")
        step = 0
        while not stream.metric('ballast_stream_closed_total{reason="too_slow"}'):
            step += 1
            assert step < 1000, "the slow client was never given up"
            price = f"{1 + step}.00"
            redis_server.publish(dict.fromkeys(names, price))
            batch = fast.hear_price("S0002", price)  # the fast client receives every step
        assert stream.metric("ballast_stream_coalesced_total") > 0
        fast_seq = batch["seq"]
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_048_576)
        farewell = (1013).to_bytes(2, "big") + b"too_slow"
        heard = read_to_the_end(slow, end=farewell)
        assert heard.count(b'"price_batch"') < fast_seq
        assert heard.endswith(farewell)
        fast.say(type="ping")
        assert fast.hear("pong")


def test_a_connection_that_never_asks_for_anything_is_cut_off(start_stream: Any) -> None:
    stream = start_stream(STREAM_HEADERS_S=1)
    with socket.create_connection(("127.0.0.1", stream.port), timeout=30) as half_open:
        half_open.sendall(b"GET /ws/v1/stream HTTP/1.1\r\n")
        assert read_to_the_end(half_open) == b""


def test_a_quiet_stream_stays_open_and_still_delivers(stream: Any, redis_server: Any) -> None:
    """A channel layer whose sockets time out must not drop a client that hears nothing for longer.

    The test waits seven seconds; STREAM_SILENCE_S=35 runs the long one.
    """
    layers: dict[str, Any] = django_settings.CHANNEL_LAYERS
    hosts = layers["default"]["CONFIG"]["hosts"]
    assert [host["socket_timeout"] < SILENCE_S for host in hosts] == [True]
    with stream.enter(redis_server.ticket(households=(7,))) as quiet:
        quiet.say(type="subscribe", symbols=["AAPL"])
        quiet.hear("price_batch")
        lost = stream.metric("ballast_stream_source_lost_total")
        assert quiet.hear_all(seconds=SILENCE_S) == []
        assert send_event(redis_server, "household.7") == 1
        assert quiet.hear()["n"] == 1
        redis_server.publish({"AAPL": "123.00"})
        quiet.hear_price("AAPL", "123.00")
        assert stream.metric("ballast_stream_source_lost_total") == lost
