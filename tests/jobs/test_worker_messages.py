"""A broker that hangs: the real one, stopped."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from jobs.operations.worker_messages import depths, send
from stores import redis as stores_redis
from stores.redis import presence, request_patience


@contextmanager
def stopped_broker(url: str) -> Iterator[None]:
    """The broker's process stands still: connections are taken, nothing is answered."""
    address = url.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    with redis.Redis.from_url(address) as client:
        pid = int(client.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def sent(times: int) -> None:
    """Send heartbeats as a request does."""
    with request_patience():
        for _ in range(times):
            send("jobs.heartbeat", queue="imports", args=[1])


def test_a_request_waits_once_and_briefly_for_a_broker_that_hangs(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BROKER_REQUEST_TIMEOUT_MS = 100
    monkeypatch.setattr(stores_redis, "AWAY_S", 60.0)
    sent(1)
    assert depths(["imports"]) == {"imports": 1}
    assert not caplog.messages
    try:
        with stopped_broker(settings.BROKER_URL):
            sent(3)
        timeout, *unasked = [text.partition(": ")[2] for text in caplog.messages]
        assert timeout.startswith("Timeout")
        assert unasked == ["Redis did not respond a moment ago, so it is not asked again yet."] * 2
    finally:
        presence(os.getpid(), settings.BROKER_URL).answered()  # as after AWAY_S
    before = depths(["imports"])
    assert before is not None
    sent(1)
    assert depths(["imports"]) == {"imports": before["imports"] + 1}
