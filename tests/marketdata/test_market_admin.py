"""Operators find assets and prices; lists do not count tables."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketdata.models import DailyPrice, LatestPrice, Source

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
