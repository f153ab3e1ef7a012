"""The feed as a command: a vendor that hangs, and a feed of vendors that ends."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from marketdata.management.commands import run_feed
from marketdata.operations.feeding import Feed
from stores.redis import redis_client

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_vendor_that_hangs_delays_neither_the_replay_nor_the_heartbeat(
    pair: Any,
    listed: Callable[..., Any],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.DEMO = True
    redis_client().delete("heartbeat:feed")
    played, hanging = threading.Event(), threading.Event()
    plays: list[Any] = []
    waited: list[bool] = []

    def hang(self: Feed, **options: Any) -> int:
        hanging.set()
        waited.append(played.wait(30))
        return 0

    def play(*, replay: Any, now: Any) -> tuple[Any, None]:
        hanging.wait(30)
        plays.append(now)
        if len(plays) == 3:
            played.set()
        return replay, None

    monkeypatch.setattr(Feed, "tick", hang)
    monkeypatch.setattr(run_feed, "play", play)
    monkeypatch.setattr(run_feed, "roll_forward", lambda **options: False)
    monkeypatch.setattr(run_feed, "TICK_S", 0.01)
    call_command("run_feed", "--ticks=3")
    assert len(plays) == 3
    assert waited[0] is True
    assert redis_client().get("heartbeat:feed") is not None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_when_the_feed_of_the_vendors_ends_the_process_ends_and_is_started_again(
    pair: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = False

    def broken(self: Feed, **options: Any) -> int:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(Feed, "tick", broken)
    monkeypatch.setattr(run_feed, "TICK_S", 0.01)
    with pytest.raises(RuntimeError, match="has ended"):
        call_command("run_feed", "--ticks=1000")


def test_a_feed_of_vendors_that_does_nothing_ends_the_heartbeat(
    pair: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = False
    redis_client().delete("heartbeat:feed")
    over = threading.Event()
    monkeypatch.setattr(Feed, "tick", lambda self, **options: int(over.wait(30)))
    monkeypatch.setattr(run_feed, "SILENT_S_MAX", -1.0)
    monkeypatch.setattr(run_feed, "TICK_S", 0.01)
    ticks = iter(range(5))

    def counted(self: Any, number: int, tick: Any = run_feed._Feed.tick) -> None:
        tick(self, number)
        if next(ticks) == 4:
            over.set()

    monkeypatch.setattr(run_feed._Feed, "tick", counted)
    call_command("run_feed", "--ticks=5")
    assert redis_client().get("heartbeat:feed") is None
