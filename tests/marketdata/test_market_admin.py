"""Operators find assets and prices; lists do not count tables."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketdata.models import DailyPrice, IdentityDecision, LatestPrice, Source
from transactions.ledger.entries import Entry
from transactions.models import WashSale
from transactions.operations import record
from transactions.operations.rebookings import follow_identity_decisions
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(people: Any, client: Any) -> Any:
    client.force_login(people.operator)
    return client


@pytest.mark.parametrize("model", ["asset", "latestprice", "exchangerate", "source"])
def test_every_list_opens(operator: Any, assets: Any, model: str) -> None:
    Source.objects.create(name="acme", kind="provider")
    assert operator.get(f"/admin/marketdata/{model}/").status_code == 200
    assert operator.get(f"/admin/marketdata/{model}/?q=AAA").status_code == 200


def test_assets_are_found_by_symbol_isin_and_name(
    operator: Any, make_asset: Callable[..., Any]
) -> None:
    make_asset("AAPL", name="Apple Inc.", isin="US0378331005")
    make_asset("KO", name="Coca-Cola")
    for q in ("aap", "US0378331005", "apple"):
        page = operator.get(f"/admin/marketdata/asset/?q={q}").content.decode()
        assert "Apple Inc." in page
        assert "Coca-Cola" not in page


def test_an_asset_shows_its_newest_sessions_and_where_they_come_from(
    operator: Any, make_asset: Callable[..., Any]
) -> None:
    asset = make_asset("AAPL", shifted_days=1806)
    yesterday = timezone.now().date() - timedelta(days=1)
    DailyPrice.objects.create(asset_id=asset.pk, date=yesterday, close=D("12.34"))
    page = operator.get(f"/admin/marketdata/asset/{asset.pk}/change/").content.decode()
    assert "12.34<" in page
    assert "1806" in page


def test_a_list_of_many_prices_asks_as_little_as_a_list_of_one(
    operator: Any, make_asset: Callable[..., Any]
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert operator.get("/admin/marketdata/latestprice/").status_code == 200
        return len(queries)

    def price(symbol: str) -> None:
        LatestPrice.objects.create(
            asset=make_asset(symbol), price=1, as_of=timezone.now(), source="acme"
        )

    price("S0")
    asked()
    one = asked()
    for n in range(1, 40):
        price(f"S{n}")
    assert asked() == one


def changed(operator: Any, asset: Any, **fields: str) -> Any:
    """Sends the change form of an asset as the page shows it, with some fields changed."""
    path = f"/admin/marketdata/asset/{asset.pk}/change/"
    form = operator.get(path).context["adminform"].form
    shown = {
        name: "on" if value is True else value
        for name, value in form.initial.items()
        if name in form.fields and value not in (None, False)
    }
    return operator.post(path, {**shown, **fields}, follow=True)


def test_the_currency_of_an_asset_stays_once_it_was_traded(
    operator: Any, people: Any, account: Any, assets: Any
) -> None:
    assert changed(operator, assets["BBB"], currency="EUR").status_code == 200
    assets["BBB"].refresh_from_db()
    assert assets["BBB"].currency == "EUR"
    bought(account, people, "AAA")
    page = changed(operator, assets["AAA"], currency="EUR").content.decode()
    assets["AAA"].refresh_from_db()
    assert assets["AAA"].currency == "USD"
    assert "error" not in page


def test_a_change_of_class_is_counted_before_and_rebooks_the_ledgers(
    operator: Any, people: Any, account: Any, assets: Any
) -> None:
    bought(account, people, "AAA")
    asset = assets["AAA"]
    page = operator.get(f"/admin/marketdata/asset/{asset.pk}/change/").content.decode()
    assert "1. A change of class or identity rebooks their ledgers" in page
    page = changed(operator, asset, asset_class="crypto").content.decode()
    assert "A worker will rebook the ledgers of 1 household(s)." in page
    decision = IdentityDecision.objects.get()
    assert decision.reason == "The asset class was changed from equity to crypto."
    assert (decision.identical_to_id, decision.previously_id) == (None, None)
    assert WashSale.objects.count() == 1
    assert follow_identity_decisions(now=timezone.now()) == 1
    assert WashSale.objects.count() == 0
    assert [found for batch in verified() for found in batch.differences] == []
    changed(operator, asset, name="Another name")
    assert IdentityDecision.objects.count() == 1


def bought(account: Any, people: Any, symbol: str) -> None:
    """A loss that a purchase of the window replaces."""
    rows = [("buy", 6, "50"), ("sell", 20, "40"), ("buy", 27, "41")]
    entries = [
        Entry(kind, datetime(2025, 1, day, 12, tzinfo=UTC), "USD", symbol, D(10), D(price))
        for kind, day, price in rows
    ]
    record(account=account, entries=entries, user=people.owner, now=timezone.now())
