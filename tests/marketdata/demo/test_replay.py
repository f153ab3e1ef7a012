"""The replay on real tables: quotes come from real closes, days pass, restarts make no jump."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.management import call_command

from marketdata.demo.replay_path import STEPS_PER_SESSION
from marketdata.models import DailyPrice, HeldBackPrice, LatestPrice
from marketdata.operations import Replay, opened, play, roll_forward
from stores.redis import redis_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_quotes")]

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture
def sample(make_asset: Callable[..., Any]) -> Any:
    """Five real sessions to Friday, thirty held back."""
    asset = make_asset("AAA", exchange="XNYS", shifted_days=1806)
    weekdays = [
        day for n in range(60) if (day := date(2026, 11, 16) + timedelta(days=n)).weekday() < 5
    ]
    for index, day in enumerate(weekdays[:35]):
        model = DailyPrice if day <= FRIDAY else HeldBackPrice
        model.objects.create(asset_id=asset.pk, date=day, close=D(100) + index)
    LatestPrice.objects.create(
        asset=asset, price=D(104), as_of=NOW - timedelta(days=3), source="sample"
    )
    return asset


def ticks(replay: Replay, count: int, *, start: datetime = NOW) -> tuple[Replay, list[D]]:
    prices = []
    for n in range(count):
        replay, recorded = play(replay=replay, now=start + timedelta(seconds=n))
        assert recorded.refused == ()
        payload: Any = redis_client().hget("quotes", "AAA")
        prices.append(D(json.loads(payload)["price"]))
    return replay, prices


def test_the_replay_starts_at_the_last_close_and_meets_the_first_held_back_one(
    sample: Any,
) -> None:
    replay = opened(as_of=MONDAY)
    replay, prices = ticks(replay, STEPS_PER_SESSION)
    assert prices[-1] == D(105), "Monday's real close"
    path = [D(104), *prices]
    assert all(before != after for before, after in zip(path, path[1:], strict=False))
    assert replay.previous_closes == {"AAA": D(104)}
    stored = LatestPrice.objects.get(asset=sample)
    assert (stored.source, stored.previous_close) == ("replay", D(104))


def test_a_restart_goes_on_where_it_stood(sample: Any) -> None:
    replay, _ = ticks(opened(as_of=MONDAY), 30)
    again = opened(as_of=MONDAY)
    assert again.positions == replay.positions
    redis_client().delete("replay:positions")
    assert opened(as_of=MONDAY).positions == {"AAA": replay.walks["AAA"].start()}


def test_a_passed_day_becomes_history_once_and_the_price_does_not_jump(sample: Any) -> None:
    replay, _ = ticks(opened(as_of=MONDAY), 30)
    before = replay.walks["AAA"].price(replay.positions["AAA"])
    assert roll_forward(now=NOW) == 0, "Monday is still under way"

    tuesday = NOW + timedelta(days=1)
    assert roll_forward(now=tuesday) == 1
    assert roll_forward(now=tuesday) == 0
    newest = DailyPrice.objects.filter(asset_id=sample.pk).order_by("-date").first()
    assert newest is not None
    assert (newest.date, newest.close) == (MONDAY, D(105))
    assert HeldBackPrice.objects.count() == 29

    later = opened(as_of=tuesday.date())
    assert later.previous_closes == {"AAA": D(105)}
    assert later.walks["AAA"].price(later.positions["AAA"]) == before


def test_twenty_sessions_are_played_and_then_walked_back(sample: Any) -> None:
    replay = opened(as_of=MONDAY)
    assert [close.price for close in replay.walks["AAA"].closes] == [D(100) + n for n in range(25)]


def test_used_up_sessions_stand_still_and_say_so(
    sample: Any, caplog: pytest.LogCaptureFixture
) -> None:
    HeldBackPrice.objects.all().delete()
    replay = opened(as_of=MONDAY)
    assert replay.walks == {}
    assert "no more sessions to replay for AAA" in caplog.text
    _, recorded = play(replay=replay, now=NOW)
    assert recorded.accepted == 0


def test_assets_that_were_not_moved_are_never_replayed(
    sample: Any, make_asset: Callable[..., Any]
) -> None:
    real = make_asset("REAL", exchange="XNYS")
    DailyPrice.objects.create(asset_id=real.pk, date=FRIDAY, close=D(1))
    HeldBackPrice.objects.create(asset_id=real.pk, date=MONDAY, close=D(2))
    assert set(opened(as_of=MONDAY).walks) == {"AAA"}


def test_the_feed_without_demo_says_so_feeds_nothing_and_beats(
    sample: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEMO = False
    redis_client().delete("heartbeat:feed")
    call_command("run_feed", "--ticks=1")
    assert "no vendor of quotes is named" in caplog.text
    assert redis_client().hlen("quotes") == 0
    assert redis_client().get("heartbeat:feed") is not None
    assert LatestPrice.objects.get(asset=sample).source == "sample"
    assert HeldBackPrice.objects.count() == 30
