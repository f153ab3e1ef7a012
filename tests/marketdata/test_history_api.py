"""History of days, hours and minutes: pages, gaps, splits, and CSV."""

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import CorporateAction, DailyPrice, MinuteBar
from marketdata.operations import archive_prices
from marketdata.ticks import PRICE_UNIT

pytestmark = pytest.mark.django_db
API = "/api/v1/market/history"


@pytest.fixture
def owner(people: Any, client_of: Any) -> Any:
    return client_of(people.owner)


@pytest.fixture
def listed(make_asset: Callable[..., Any]) -> Any:
    """A share listed in New York, with prices around Thanksgiving 2024; one session is missing."""
    asset = make_asset("NYSE1", exchange="XNYS")
    days = [date(2024, 11, day) for day in (22, 25, 27, 29)]
    DailyPrice.objects.bulk_create(
        DailyPrice(asset_id=asset.pk, date=day, close=D(90 + n), open=D(90), volume=300)
        for n, day in enumerate(days)
    )
    return asset


def minute(asset: Any, at: datetime, price: str, volume: int = 10) -> MinuteBar:
    whole = int(D(price) * PRICE_UNIT)
    return MinuteBar.objects.create(
        asset_id=asset.pk, at=at, open=whole, high=whole, low=whole, close=whole, volume=volume
    )


def read(client: Any, query: str) -> Any:
    answer = client.get(f"{API}/{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_sessions_without_a_price_are_gaps_and_holidays_are_not(owner: Any, listed: Any) -> None:
    body = read(owner, "NYSE1?from=2024-11-01&to=2024-12-04")
    assert [row["date"] for row in body["data"]] == [
        *("2024-11-22", "2024-11-25", "2024-11-27", "2024-11-29"),
    ]
    # The 28th was Thanksgiving; before the first close there is nothing to miss.
    assert body["gaps"] == [
        {"from_date": "2024-11-26", "to_date": "2024-11-26", "reason": "no_data"},
        {"from_date": "2024-12-02", "to_date": "2024-12-04", "reason": "no_data"},
    ]
    assert (body["next_cursor"], body["adjustment"]) == (None, "published")


def test_pages_follow_each_other_by_time(owner: Any, listed: Any) -> None:
    whole = read(owner, "NYSE1?from=2024-11-01&to=2024-12-04")
    rows: list[Any] = []
    gaps: list[Any] = []
    cursor: Any = ""
    for expected in (3, 1):
        body = read(owner, f"NYSE1?from=2024-11-01&to=2024-12-04&limit=3&cursor={cursor}")
        assert len(body["data"]) == expected
        rows, gaps, cursor = rows + body["data"], gaps + body["gaps"], body["next_cursor"]
    assert (rows, gaps, cursor) == (whole["data"], whole["gaps"], None)


def test_own_prices_come_before_the_first_close_in_the_same_pages(
    owner: Any, people: Any, listed: Any
) -> None:
    from marketdata.models import OwnPrice

    for day, price in ((date(2024, 11, 4), 70), (date(2024, 11, 5), 71), (date(2024, 11, 25), 1)):
        OwnPrice.objects.create(
            household=people.owner.household,
            asset=listed,
            date=day,
            price=price,
            stated=price,
            stated_currency="USD",
            origin="manual",
            recorded_at=timezone.now(),
            recorded_by=people.owner,
        )
    closes: list[Any] = []
    cursor: Any = ""
    while cursor is not None:
        body = read(owner, f"NYSE1?from=2024-11-01&to=2024-12-04&limit=2&cursor={cursor}")
        closes.append([row["close"] for row in body["data"]])
        cursor = body["next_cursor"]
    assert closes == [["70", "71"], ["90", "91"], ["92", "93"]]


def test_minutes_and_hours_are_those_of_the_trades(owner: Any, listed: Any) -> None:
    opens = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    for after, price in ((0, "50"), (1, "52"), (29, "51"), (30, "49.5")):
        minute(listed, opens + timedelta(minutes=after), price)
    body = read(owner, "NYSE1?from=2026-11-19&to=2026-11-20&interval=1m")
    assert [(row["at"], row["close"]) for row in body["data"]] == [
        ("2026-11-20T14:30:00Z", "50"),
        ("2026-11-20T14:31:00Z", "52"),
        ("2026-11-20T14:59:00Z", "51"),
        ("2026-11-20T15:00:00Z", "49.5"),
    ]
    assert [gap["from_date"] for gap in body["gaps"]] == ["2026-11-19"]
    hours = read(owner, "NYSE1?from=2026-11-20&to=2026-11-20&interval=1h")["data"]
    assert [
        tuple(row[name] for name in ("date", "at", "open", "high", "low", "close", "volume"))
        for row in hours
    ] == [
        ("2026-11-20", "2026-11-20T14:00:00Z", "50", "52", "50", "51", 30),
        ("2026-11-20", "2026-11-20T15:00:00Z", "49.5", "49.5", "49.5", "49.5", 10),
    ]
    first = read(owner, "NYSE1?from=2026-11-20&to=2026-11-20&interval=1h&limit=1")
    cursor = first["next_cursor"]
    rest = read(owner, f"NYSE1?from=2026-11-20&to=2026-11-20&interval=1h&cursor={cursor}")
    assert [first["data"], rest["data"]] == [hours[:1], hours[1:]]


def split(asset: Any, user: Any, **fields: Any) -> None:
    now = timezone.now()
    CorporateAction.objects.create(
        **{
            "asset": asset,
            "kind": "split",
            "ex_date": date(2024, 11, 27),
            "ratio_new": 3,
            "ratio_old": 1,
            "currency": "USD",
            "source": "vendor",
            "state": "confirmed",
            "proposed_by": user,
            "proposed_at": now,
            "confirmed_at": now,
            **fields,
        }
    )


def closes(client: Any, adjustment: str) -> list[tuple[str, int]]:
    query = f"NYSE1?from=2024-11-01&to=2024-12-04&adjustment={adjustment}"
    return [(row["close"], row["volume"]) for row in read(client, query)["data"]]


def test_splits_are_applied_or_undone(owner: Any, people: Any, listed: Any) -> None:
    raw = [("90", 300), ("91", 300), ("92", 300), ("93", 300)]
    split(listed, people.owner)
    split(listed, people.owner, state="proposed", confirmed_at=None, ex_date=date(2024, 11, 29))
    split(listed, people.owner, household=people.stranger.household, ex_date=date(2024, 11, 29))
    assert closes(owner, "published") == closes(owner, "raw") == raw
    adjusted = [("30", 900), ("30.33333333", 900), ("92", 300), ("93", 300)]
    assert closes(owner, "splits") == adjusted
    listed.price_adjustment = "splits"
    listed.save()
    assert closes(owner, "published") == closes(owner, "splits") == raw
    assert closes(owner, "raw") == [("270", 100), ("273", 100), ("92", 300), ("93", 300)]


def test_dividends_that_were_taken_out_cannot_be_put_back(owner: Any, listed: Any) -> None:
    listed.price_adjustment = "splits_and_dividends"
    listed.save()
    for adjustment in ("raw", "splits"):
        answer = owner.get(f"{API}/NYSE1?adjustment={adjustment}")
        assert (answer.status_code, answer.json()["code"]) == (409, "adjustment_not_available")


def test_announced_dividends_come_with_the_first_page(owner: Any, listed: Any) -> None:
    from marketdata.models import AnnouncedDividend, Listing

    for rank, provider in enumerate(("second", "first")):
        Listing.objects.create(
            asset=listed,
            provider=provider,
            provider_symbol="NYSE1",
            rank=2 - rank,
            added_at=timezone.now(),
        )
    for day, provider, amount in (
        (date(2024, 11, 27), "second", "0.26"),
        (date(2024, 11, 27), "first", "0.25"),
        (date(2024, 11, 26), "second", "0.25"),  # the same, a day off
        (date(2024, 11, 21), "second", "0.25"),
        (date(2024, 8, 27), "first", "0.24"),
    ):
        AnnouncedDividend.objects.create(
            asset=listed,
            ex_date=day,
            provider=provider,
            amount=D(amount),
            currency="USD",
            payment_date=day + timedelta(days=14) if provider == "first" else None,
        )
    query = "NYSE1?from=2024-11-01&to=2024-12-04&limit=2"
    body = read(owner, query)
    one = {"amount": "0.25", "currency": "USD"}
    assert body["dividends"] == [
        {"ex_date": "2024-11-21", **one, "payment_date": None},
        {"ex_date": "2024-11-27", **one, "payment_date": "2024-12-11"},
    ]
    assert read(owner, f"{query}&cursor={body['next_cursor']}")["dividends"] == []


def test_a_page_as_csv_links_the_next_one(owner: Any, listed: Any) -> None:
    query = f"{API}/NYSE1?from=2024-11-01&to=2024-12-04&limit=3"
    answer = owner.get(query, headers={"accept": "text/csv"})
    rows = list(csv.DictReader(answer.content.decode().splitlines()))
    assert [row["close"] for row in rows] == ["90", "91", "92"]
    assert (rows[0]["open"], rows[0]["high"], rows[0]["at"]) == ("90", "", "")
    link = answer["Link"].removeprefix("<").removesuffix('>; rel="next"')
    following = owner.get(link, headers={"accept": "text/csv"})
    assert "2024-11-29" in following.content.decode()
    assert "Link" not in following


def test_an_archive_that_is_away_is_stated_and_refuses_a_file(
    owner: Any, listed: Any, settings: Any, tmp_path: Path
) -> None:
    settings.PRICE_ARCHIVE_URL = (tmp_path / "archive").as_uri()
    moved = list(archive_prices(as_of=date(2027, 1, 10), now=timezone.now()))
    assert [one.outcome for one in moved] == ["moved"]
    query = "NYSE1?from=2024-11-20&to=2025-01-03"
    whole = read(owner, query)
    assert len(whole["data"]) == 4
    (tmp_path / "archive").rename(tmp_path / "away")
    body = read(owner, query)
    assert body["data"] == []
    assert body["gaps"] == [
        {"from_date": "2024-11-20", "to_date": "2024-12-31", "reason": "cold_unavailable"},
        {"from_date": "2025-01-02", "to_date": "2025-01-03", "reason": "no_data"},
    ]
    refusal = owner.get(f"{API}/{query}", headers={"accept": "text/csv"})
    assert (refusal.status_code, refusal.json()["code"]) == (503, "prices_unavailable")
    (tmp_path / "away").rename(tmp_path / "archive")
    assert read(owner, query) == whole
