"""Finding a security at a vendor and following it, over HTTP, as people do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from tests.marketdata.providers.vendors import KEY

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/market"
ACME = {"provider": "first", "provider_symbol": "ACME"}


@pytest.fixture
def owner(people: Any, client_of: Callable[[Any], Any], pair: Any) -> Any:
    return client_of(people.owner)


def counts() -> tuple[int, int]:
    from marketdata.models import Asset, Listing

    return Asset.objects.count(), Listing.objects.count()


def test_a_newcomer_searches_follows_and_sees_a_real_price(owner: Any, pair: Any) -> None:
    from marketdata.models import Listing

    pair.set_price("ACME", "101.25", as_of=timezone.now())
    found = owner.get(f"{API}/vendor-assets?q=acme").json()
    assert found["total"] == 1
    assert found["data"][0] == {
        "provider": "first",
        "provider_symbol": "ACME",
        "name": "Acme Corporation",
        "asset_class": "equity",
        "currency": None,
        "exchange": "XNYS",
        "isin": "",
        "known_as": None,
    }
    answer = owner.post(f"{API}/listings", ACME, format="json")
    assert answer.status_code == 201, answer.json()
    asset = answer.json()
    assert (asset["symbol"], asset["currency"], asset["own"]) == ("ACME", "USD", False)
    price = owner.get(f"{API}/prices?symbols=ACME").json()["data"][0]
    assert (price["price"], price["source"], price["stale"]) == ("101.25", "first", False)
    listing = Listing.objects.get()
    assert (listing.provider, listing.days_due_at is not None) == ("first", True)
    again = owner.get(f"{API}/vendor-assets?q=acme").json()["data"][0]
    assert again["known_as"] == "ACME"


def test_a_search_is_kept_for_a_day(owner: Any, pair: Any) -> None:
    for _ in range(3):
        assert owner.get(f"{API}/vendor-assets?q=acme").json()["total"] == 1
    assert pair.calls("first") == 1


def test_following_twice_changes_nothing(owner: Any, pair: Any) -> None:
    for _ in range(2):
        assert owner.post(f"{API}/listings", ACME, format="json").status_code == 201
    assert counts() == (1, 1)


def test_the_second_vendor_searches_while_the_first_is_down(owner: Any, pair: Any) -> None:
    pair.behave("first", "500")
    found = owner.get(f"{API}/vendor-assets?q=acme").json()["data"]
    assert [row["provider"] for row in found] == ["second"]


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [("silent", 503, "vendor_unavailable"), ("429", 503, "vendor_quota_used")],
)
def test_when_no_vendor_answers_it_says_so_and_nothing_is_written(
    owner: Any, pair: Any, behaviour: str, status: int, code: str
) -> None:
    for which in ("first", "second"):
        pair.behave(which, behaviour)
    for answer in (
        owner.get(f"{API}/vendor-assets?q=acme"),
        owner.post(f"{API}/listings", ACME, format="json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert int(answer.headers["Retry-After"]) > 0
    assert counts() == (0, 0)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"provider": "nobody"}, 400, "vendor_unknown"),
        ({"provider_symbol": "NOSUCH"}, 404, "vendor_symbol_unknown"),
        ({"provider_symbol": ""}, 400, "blank"),
        ({"provider_symbol": "A" * 65}, 400, "max_length"),
        ({"rank": 1}, 400, "unknown_field"),
    ],
)
def test_a_wrong_wish_is_a_problem_and_nothing_is_written(
    owner: Any, change: dict[str, Any], status: int, code: str
) -> None:
    answer = owner.post(f"{API}/listings", {**ACME, **change}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
    assert counts() == (0, 0)


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", "?q=" + "x" * 65, "?q=%01", "?q=a&q2=b"])
def test_a_search_for_nothing_is_refused(owner: Any, pair: Any, query: str) -> None:
    assert owner.get(f"{API}/vendor-assets{query}").status_code == 400
    assert pair.calls("first") == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"currency": "EUR"},
        {"is_active": False},
        {"source": "sample"},
        {"asset_class": "cash"},
        {"asset_class": "crypto"},
        {"tradable": False},
    ],
)
def test_a_symbol_that_means_something_else_is_refused_and_nothing_changes(
    owner: Any, make_asset: Callable[..., Any], fields: dict[str, Any]
) -> None:
    from marketdata.models import Source

    if "source" in fields:
        fields = {"source": Source.objects.create(name="old prices", kind="package")}
    asset = make_asset("ACME", **fields)
    answer = owner.post(f"{API}/listings", ACME, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "symbol_taken")
    assert counts() == (1, 0)
    asset.refresh_from_db()
    assert asset.name == "ACME Inc"


def test_an_asset_that_stands_there_already_gets_the_vendor_s_prices(
    owner: Any, pair: Any, make_asset: Callable[..., Any]
) -> None:
    asset = make_asset("ACME")
    pair.set_price("ACME", "101.25", as_of=timezone.now())
    assert owner.post(f"{API}/listings", ACME, format="json").status_code == 201
    assert counts() == (1, 1)
    assert asset.latest_price.price == D("101.25")


def test_strangers_without_a_log_in_are_refused(client: Any, pair: Any) -> None:
    assert client.get(f"{API}/vendor-assets?q=acme").status_code == 401
    assert client.post(f"{API}/listings", ACME, content_type="application/json").status_code == 401
    assert pair.calls("first") == 0


def test_searches_are_bounded(owner: Any, pair: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {"vendor_search.per_subject": "2/minute"}
    answers = [owner.get(f"{API}/vendor-assets?q=a{n}").status_code for n in range(4)]
    assert answers == [200, 200, 429, 429]


def test_pence_that_a_vendor_s_quotes_do_not_name_are_refused(
    people: Any,
    client_of: Callable[[Any], Any],
    vendors: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Alpha Vantage finds PLUM.LON in GBX, and quotes 812.5 of nothing: no pounds."""
    from marketdata.operations import asking
    from tests.marketdata.vendors.conftest import forget

    settings.PROVIDERS = ["alpha_vantage"]
    monkeypatch.setenv("ALPHA_VANTAGE_KEY", KEY)
    monkeypatch.setenv("ALPHA_VANTAGE_URL", vendors.url("alpha_vantage"))
    monkeypatch.setenv("ALPHA_VANTAGE_QUOTA", "1000/second")
    forget(asking)
    plum = vendors.market.securities["PLUM.L"]
    friday = datetime(2026, 11, 27, 12, tzinfo=UTC)
    vendors.market.securities["PLUM.L"] = replace(
        plum, name="PLUM.LON", currency="GBX", as_of=friday
    )
    body = {"provider": "alpha_vantage", "provider_symbol": "PLUM.LON"}
    answer = client_of(people.owner).post(f"{API}/listings", body, format="json")
    forget(asking)
    assert (answer.status_code, answer.json()["code"]) == (409, "vendor_currency_unknown")
    assert counts() == (0, 0)


def test_the_symbol_of_a_household_s_own_asset_is_shown_to_nobody(
    owner: Any, people: Any, make_asset: Callable[..., Any]
) -> None:
    from marketdata.models import Listing

    asset = make_asset("SECRET", household=people.stranger.household)
    Listing.objects.create(
        asset=asset, provider="first", provider_symbol="ACME", rank=0, added_at=timezone.now()
    )
    assert owner.get(f"{API}/vendor-assets?q=acme").json()["data"][0]["known_as"] is None
