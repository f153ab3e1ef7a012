"""The benchmark reports its observations correctly; the speed itself is not tested."""

import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis

from bench.stream import measured
from identity.socket_rights import Right


@pytest.fixture
def empty_redis(redis_server: Any, tmp_path: Path) -> Any:
    server = type(redis_server)(tmp_path)
    server.start()
    yield server
    server.kill()


def test_every_client_sees_every_publication(
    empty_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "TESTING", "1")
    monkeypatch.setitem(os.environ, "DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    rights = [Right(number, 1, str(UUID(int=number))) for number in range(20)]
    figures = measured(
        redis_url=empty_redis.url, rights=rights, symbols=30, watched=5, seconds=2, processes=2
    )
    assert figures["sockets"] == 20
    # A publication delivered late by a busy machine may share a frame with the next.
    assert 20 <= figures["frames"] <= figures["frames_expected"] == 40
    assert set(figures["latency_ms"]) == {"p50", "p95", "p99", "max"}
    assert redis.Redis.from_url(empty_redis.url).keys() == []


def test_a_redis_that_a_stream_listens_to_is_left_alone(stream: Any, redis_server: Any) -> None:
    before = redis_server.client.hgetall("quotes")
    with pytest.raises(ValueError, match="another stream process uses this Redis"):
        measured(redis_url=redis_server.url, rights=[Right(1, 1, "")], seconds=1)
    assert redis_server.client.hgetall("quotes") == before
