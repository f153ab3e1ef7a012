"""Finding assets, and whose they are."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import BallastError
from core.limits import OWN_ASSETS_PER_HOUSEHOLD_MAX, OWN_PRICES_PER_REQUEST_MAX
from marketdata.models import Asset, DailyPrice, LatestPrice, OwnPrice
from marketdata.operations import create_own_asset, record_own_prices
from marketdata.own_prices import StatedPrice
from marketdata.queries import asset, assets, assets_by_symbol, newest_prices

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def shares(make_asset: Callable[..., Any]) -> None:
    for symbol, name, isin in [
        ("AAPL", "Apple Inc.", "US0378331005"),
        ("APLE", "Apple Hospitality REIT", ""),
        ("MSFT", "Microsoft Corporation", "US5949181045"),
        ("MS", "Morgan Stanley", ""),
        ("KO", "The Coca-Cola Company", ""),
    ]:
        make_asset(symbol, name=name, isin=isin)


SEARCHES = """
AAPL          AAPL
aap           AAPL
ms            MS MSFT
US0378331005  AAPL
us5949181045  MSFT
apple         AAPL APLE
microsft      MSFT
coca cola     KO
zzzz          -
%             -
_             -
"""


@pytest.mark.parametrize("line", SEARCHES.strip().splitlines())
def test_search_by_symbol_name_and_isin(people: Any, shares: None, line: str) -> None:
    words = line.split()
    split = 2 if line.startswith("coca") else 1
    q, expected = " ".join(words[:split]), words[split:]
    found = [row.symbol for row in assets(user=people.owner, q=q)]
    assert found == ([] if expected == ["-"] else expected)


def test_without_a_question_all_come_by_symbol(people: Any, shares: None) -> None:
    found = [row.symbol for row in assets(user=people.owner)]
    assert found == ["AAPL", "APLE", "KO", "MS", "MSFT"]


def own(user: Any, symbol: str = "HOUSE", **fields: Any) -> Asset:
    defaults = {"name": "Our house", "currency": "USD", "asset_class": "fund"}
    return create_own_asset(user=user, symbol=symbol, **{**defaults, **fields})


def test_an_own_asset_is_seen_by_its_household_and_its_adviser_only(people: Any) -> None:
    own(people.owner)
    for user, sees in [
        (people.owner, True),
        (people.spouse, True),
        (people.adviser, True),
        (people.stranger, False),
        (people.operator, False),
    ]:
        assert [row.symbol for row in assets(user=user, q="HOUSE")] == ["HOUSE"] * sees
        assert [row.symbol for row in assets(user=user)] == ["HOUSE"] * sees
        if not sees:
            with pytest.raises(BallastError) as refusal:
                asset(user=user, symbol="HOUSE")
            assert refusal.value.status == 404
    assert assets_by_symbol(household_id=people.stranger.household_id, symbols=["HOUSE"]) == {}


def test_two_households_may_use_the_same_symbol(people: Any) -> None:
    mine, theirs = own(people.owner), own(people.stranger)
    assert asset(user=people.owner, symbol="HOUSE") == mine
    assert asset(user=people.stranger, symbol="HOUSE") == theirs


def test_the_own_asset_goes_before_a_public_one_that_came_later(
    people: Any, make_asset: Callable[..., Any]
) -> None:
    mine = own(people.owner)
    public = make_asset("HOUSE")
    known = assets_by_symbol(household_id=people.owner.household_id, symbols=["HOUSE"])
    assert known == {"HOUSE": mine}
    assert asset(user=people.owner, symbol="HOUSE") == mine
    assert asset(user=people.stranger, symbol="HOUSE") == public


def test_identical_securities_are_named_within_the_household_s_sight(
    people: Any, shares: None
) -> None:
    made = own(people.owner, "AAPL2", substantially_identical_to="AAPL")
    assert made.substantially_identical_to == Asset.objects.get(symbol="AAPL")


REFUSED_ASSETS: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "AAPL"}, "symbol_taken"),
    ({"symbol": "MINE"}, "symbol_taken"),
    ({"symbol": "CASH"}, "symbol_reserved"),
    ({"symbol": "lower"}, "symbol_invalid"),
    ({"symbol": "A B"}, "symbol_invalid"),
    ({"symbol": "-A"}, "symbol_invalid"),
    ({"symbol": ""}, "symbol_invalid"),
    ({"symbol": "A" * 25}, "symbol_invalid"),
    ({"symbol": "ÄÖÜ"}, "symbol_invalid"),
    ({"currency": "XYZ"}, "currency_unknown"),
    ({"asset_class": "boat"}, "asset_class_unknown"),
    ({"substantially_identical_to": "ZZZ"}, "symbol_unknown"),
    ({"substantially_identical_to": "THEIRS"}, "symbol_unknown"),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED_ASSETS)
def test_what_cannot_be_an_own_asset_is_refused(
    people: Any, shares: None, fields: dict[str, Any], code: str
) -> None:
    own(people.owner, "MINE")
    own(people.stranger, "THEIRS")
    before = Asset.objects.count()
    with pytest.raises(BallastError) as refusal:
        own(people.owner, **fields)
    assert refusal.value.code == code
    assert Asset.objects.count() == before


def test_a_household_has_a_bounded_number_of_own_assets(people: Any) -> None:
    Asset.objects.bulk_create(
        Asset(
            symbol=f"S{n}",
            name="x",
            currency="USD",
            asset_class="fund",
            household=people.owner.household,
        )
        for n in range(OWN_ASSETS_PER_HOUSEHOLD_MAX)
    )
    with pytest.raises(BallastError) as refusal:
        own(people.owner)
    assert refusal.value.code == "too_many_own_assets"
    assert Asset.objects.count() == OWN_ASSETS_PER_HOUSEHOLD_MAX


def prices(*rows: tuple[str, str]) -> list[StatedPrice]:
    return [StatedPrice(date.fromisoformat(day), D(close)) for day, close in rows]


def history_of(made: Asset) -> list[tuple[str, D]]:
    rows = OwnPrice.objects.filter(asset=made).order_by("date")
    return [(row.date.isoformat(), row.price) for row in rows]


def write(user: Any, rows: list[StatedPrice], symbol: str = "HOUSE") -> int:
    return len(record_own_prices(user=user, symbol=symbol, prices=rows, now=NOW))


def test_prices_of_an_own_asset_are_written_corrected_and_become_its_latest(
    people: Any,
) -> None:
    made = own(people.owner)
    assert write(people.owner, prices(("2026-01-31", "100"), ("2026-02-28", "110"))) == 2
    assert write(people.spouse, prices(("2026-01-31", "105"), ("1950-01-01", "1"))) == 2
    assert history_of(made) == [
        ("1950-01-01", D(1)),
        ("2026-01-31", D(105)),
        ("2026-02-28", D(110)),
    ]
    key = (people.owner.household_id, made.pk)
    newest = newest_prices(wanted=[key])[key].own
    assert newest is not None
    assert (newest.price, newest.origin, newest.day) == (D(110), "manual", date(2026, 2, 28))
    # What is entered by hand is nobody's feed.
    assert not LatestPrice.objects.exists()
    assert not DailyPrice.objects.exists()


REFUSED_PRICES: list[tuple[list[StatedPrice], str]] = [
    ([], "prices_required"),
    (prices(("2026-11-21", "1")), "date_in_future"),
    (prices(("1949-12-31", "1")), "date_too_early"),
    (prices(("2026-01-01", "0")), "price_not_positive"),
    (prices(("2026-01-01", "-1")), "price_not_positive"),
    (prices(("2026-01-01", "NaN")), "price_not_finite"),
    (prices(("2026-01-01", "1e40")), "price_too_large"),
    (prices(("2026-01-01", "1"), ("2026-01-01", "2")), "date_repeated"),
    (prices(*[("2026-01-01", "1")] * (OWN_PRICES_PER_REQUEST_MAX + 1)), "too_many_rows"),
]


@pytest.mark.parametrize(("rows", "code"), REFUSED_PRICES, ids=[code for _, code in REFUSED_PRICES])
def test_a_price_that_cannot_be_leaves_all_as_it_was(
    people: Any, rows: list[StatedPrice], code: str
) -> None:
    made = own(people.owner)
    write(people.owner, prices(("2026-01-31", "100")))
    with pytest.raises(BallastError) as refusal:
        write(people.owner, [*prices(("2026-03-31", "3")), *rows] if rows else rows)
    assert refusal.value.code == code
    assert history_of(made) == [("2026-01-31", D(100))]


def test_nobody_else_prices_an_own_asset(people: Any) -> None:
    made = own(people.owner)
    for user in (people.stranger, people.adviser, people.operator):
        with pytest.raises(BallastError) as refusal:
            write(user, prices(("2026-01-31", "100")))
        assert (refusal.value.status, refusal.value.code) == (404, "symbol_unknown")
    assert history_of(made) == []
    assert not OwnPrice.objects.exists()


def test_a_price_of_a_public_asset_belongs_to_the_household_that_entered_it(
    people: Any, shares: None
) -> None:
    public = Asset.objects.get(symbol="AAPL")
    write(people.owner, prices(("2026-01-31", "100")), "AAPL")
    write(people.stranger, prices(("2026-01-31", "7")), "AAPL")
    found = newest_prices(
        wanted=[(user.household_id, public.pk) for user in (people.owner, people.stranger)]
    )
    assert {key[0]: row.own and row.own.price for key, row in found.items()} == {
        people.owner.household_id: D(100),
        people.stranger.household_id: D(7),
    }
    assert not DailyPrice.objects.exists()
    assert not LatestPrice.objects.exists()


def test_five_thousand_prices_are_one_request(people: Any) -> None:
    made = own(people.owner)
    days = [date.fromordinal(TODAY.toordinal() - n) for n in range(OWN_PRICES_PER_REQUEST_MAX)]
    with CaptureQueriesContext(connection) as asked:
        assert write(people.owner, [StatedPrice(day, D("1.5")) for day in days]) == 5000
    assert len(asked) < 15
    assert len(history_of(made)) == 5000
