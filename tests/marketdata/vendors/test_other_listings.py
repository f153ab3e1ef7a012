"""An asset found at one vendor is listed at the others, once their price proves that it is it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import Listing
from marketdata.operations.other_listings import list_elsewhere
from tests.marketdata.providers.vendors import KEY
from tests.marketdata.vendors.conftest import forget

pytestmark = pytest.mark.django_db(transaction=True)


def look_up(now: datetime | None = None) -> list[str]:
    found = list_elsewhere(now=now or timezone.now(), stop=lambda: False)
    return [str(listing) for listing in found]


@pytest.fixture
def follow(people: Any, client_of: Callable[[Any], Any], pair: Any) -> Callable[..., None]:
    """Follow ACME at the first vendor, at 101.25; the second has another price of that symbol."""

    def made(second: str = "101.30") -> None:
        pair.first.set_price("ACME", "101.25", as_of=timezone.now())
        pair.second.set_price("ACME", second, as_of=timezone.now())
        body = {"provider": "first", "provider_symbol": "ACME"}
        answer = client_of(people.owner).post("/api/v1/market/listings", body, format="json")
        assert answer.status_code == 201, answer.content

    return made


def test_the_second_vendor_is_listed_behind_the_first(pair: Any, follow: Any) -> None:
    follow()
    assert look_up() == ["second:ACME"]
    rows = Listing.objects.order_by("rank").values_list("provider", "rank", "days_due_at")
    assert [(name, rank, due is None) for name, rank, due in rows] == [
        ("first", 0, False),
        ("second", 1, True),
    ]
    calls = pair.calls("second")
    assert look_up() == []
    assert pair.calls("second") == calls


def test_another_company_of_that_symbol_is_not_listed_and_not_asked_again(
    pair: Any, follow: Any
) -> None:
    follow("107.40")
    assert look_up() == []
    calls = pair.calls("second")
    assert calls > 0
    assert look_up() == []
    assert pair.calls("second") == calls
    assert Listing.objects.get().provider == "first"


def test_a_vendor_that_does_not_answer_is_asked_again(pair: Any, follow: Any) -> None:
    follow()
    pair.behave("second", "500")
    assert look_up() == []
    pair.behave("second", "right")
    assert look_up() == ["second:ACME"]


def test_an_old_price_proves_nothing_and_nobody_is_asked(pair: Any, follow: Any) -> None:
    follow()
    assert look_up(timezone.now() + timedelta(days=30)) == []
    assert pair.calls("second") == 0
    assert look_up() == ["second:ACME"]


@pytest.mark.parametrize(("exchange", "expected"), [("XNYS", ["alpaca:ACME"]), ("XETR", [])])
def test_a_vendor_without_search_is_asked_for_american_symbols_only(
    pair: Any,
    follow: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    exchange: str,
    expected: list[str],
) -> None:
    from marketdata.operations import asking

    follow()
    type(Listing.objects.get().asset).objects.update(exchange=exchange)
    for name in ("KEY", "SECRET"):
        monkeypatch.setenv(f"ALPACA_{name}", KEY)
    monkeypatch.setenv("ALPACA_URL", pair.second.url("alpaca"))
    settings.PROVIDERS = ["first", "alpaca"]
    forget(asking)
    assert look_up() == expected
    assert look_up() == []


def test_a_listing_that_an_operator_removed_does_not_come_back(pair: Any, follow: Any) -> None:
    follow()
    look_up()
    Listing.objects.filter(provider="second").delete()
    assert look_up() == []
