"""The archiver is killed before every one of its steps: no price is lost, none is there twice."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from marketdata.models import DailyPrice, PriceBlock
from marketdata.operations import price_copies
from marketdata.partitions import DAILY
from marketdata.queries.partitions import partition_names
from marketdata.queries.price_tiers import cold_store
from tests.effort import size
from tests.marketdata import tiers as world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]
SCRIPT = Path(__file__).with_name("killed_archiver.py")
ROOT = SCRIPT.parent.parent.parent
EVERY = size("KILLED_EVERY", usual=10, proof=5)

Order = Callable[[str, int], int]


@pytest.fixture(params=["cold", "warm"])
def order(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, db: None
) -> Iterator[Order]:
    """Orders a move from another process and returns its number of events, or -1 if killed."""
    settings.PRICE_ARCHIVE_URL = (tmp_path / "archive").as_uri()
    given = {"archive": settings.PRICE_ARCHIVE_URL, "warm": ""}
    named = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{named['USER']}@/{named['NAME']}?host={named['HOST']}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "CRITICAL",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }
    if request.param == "warm":
        with world.second_postgres(tmp_path / "warm") as url:
            world.use_warm(url)
            yield from _ordered({**given, "warm": url}, environment)
            world.forget_warm()
    else:
        yield from _ordered(given, environment)
    with connection.cursor() as cursor:
        for name in partition_names(table=DAILY):
            cursor.execute(f"DROP TRIGGER IF EXISTS prices_archived ON {name}")
        cursor.execute(f"TRUNCATE {DAILY}")  # the flush leaves tables without a managed model


def _ordered(given: dict[str, str], environment: dict[str, str]) -> Iterator[Order]:
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), json.dumps(given)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def order(what: str, number: int) -> int:
            process.stdin.write(f"{what} {number}\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return int(process.stdout.readline())  # type: ignore[union-attr]

        yield order
        process.stdin.close()
        process.wait(timeout=20)


def test_rows_are_the_same_wherever_it_is_killed(
    order: Order, assets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before one event after the other of archiving and of restoring, then run to the end.

    KILLED_EVERY=1 takes each of some two hundred events, which takes minutes.
    """
    ids = sorted(asset.pk for asset in assets.values())
    world.daily_prices(ids, first=date(2022, 3, 1), last=date(2022, 6, 20))
    before = world.digest(ids)
    rows = list(DailyPrice.objects.order_by("asset_id", "date").values_list())
    killed = {"archive": 0, "restore": 0}
    number = 1 - EVERY
    while True:
        number += EVERY
        ended = []
        for what in ("archive", "restore"):
            count = order(what, number)
            killed[what] += count == -1
            ended.append(count != -1)
            assert world.digest(ids) == before, f"{what} killed before event {number}"
            assert order(what, 0) > 0 or count != -1
            assert world.digest(ids) == before, f"{what} after being killed at {number}"
            there = DailyPrice.objects.filter(asset_id__in=ids).count()
            assert there == (0 if what == "archive" else len(rows))
        assert list(DailyPrice.objects.order_by("asset_id", "date").values_list()) == rows
        assert PriceBlock.objects.count() == 0
        assert cold_store().paths(DAILY) == []
        assert copies_left_in_warm() == 0
        if all(ended):
            break
    assert min(killed.values()) * EVERY >= 40, killed


def copies_left_in_warm() -> int:
    if "warm" not in connections.settings:
        return 0
    with connections["warm"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM prices_daily")
        return int(cursor.fetchone()[0])


def test_blocks_hold_as_many_rows_as_one_request_should_read() -> None:
    divided = price_copies._divided([(1, 10_000), (2, 7_000), (5, 20_000), (6, 3), (9, 4)])
    assert [(one.first_asset, one.last_asset, one.rows) for one in divided] == [
        (1, 2, 17_000),
        (5, 5, 20_000),
        (6, 9, 7),
    ]
