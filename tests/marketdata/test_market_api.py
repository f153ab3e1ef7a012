"""Market data over HTTP, as the owner, the adviser and the stranger see it."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import Asset, OwnPrice
from marketdata.operations import IncomingQuote, record_quotes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_quotes", "assets")]

API = "/api/v1/market"
HOUSE = {"symbol": "HOUSE", "name": "Our house", "currency": "USD", "asset_class": "fund"}


@pytest.fixture
def owner(people: Any, client_of: Callable[[Any], Any]) -> Any:
    return client_of(people.owner)


@pytest.fixture
def stranger(people: Any, client_of: Callable[[Any], Any]) -> Any:
    return client_of(people.stranger)


def test_assets_come_in_pages_and_by_search(owner: Any) -> None:
    body = owner.get(f"{API}/assets?page_size=2").json()
    assert (body["total"], body["page"], body["page_size"]) == (3, 1, 2)
    assert [row["symbol"] for row in body["data"]] == ["AAA", "BBB"]
    assert owner.get(f"{API}/assets?page=3&page_size=2").json()["data"] == []
    found = owner.get(f"{API}/assets?q=bb").json()["data"]
    assert [(row["symbol"], row["own"], row["shifted_days"]) for row in found] == [
        ("BBB", False, 0)
    ]
    assert owner.get(f"{API}/assets?page_size=1000000000").status_code == 400


def test_an_own_asset_is_made_once_under_its_key(owner: Any, stranger: Any) -> None:
    first = owner.post(f"{API}/assets", HOUSE, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    again = owner.post(f"{API}/assets", HOUSE, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Asset.objects.filter(symbol="HOUSE").count() == 1
    assert owner.get(f"{API}/history/HOUSE").status_code == 200
    for address in (f"{API}/history/HOUSE", f"{API}/prices?symbols=HOUSE"):
        answer = stranger.get(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "symbol_unknown")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "AAA"}, "symbol_taken"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"asset_class": "boat"}, "invalid_choice"),
        ({"colour": "red"}, "unknown_field"),
        ({"name": "x" * 121}, "max_length"),
    ],
)
def test_a_wrong_own_asset_is_a_problem_and_nothing_is_written(
    owner: Any, change: dict[str, Any], code: str
) -> None:
    before = Asset.objects.count()
    answer = owner.post(f"{API}/assets", {**HOUSE, **change}, format="json")
    assert answer.status_code in (400, 409)
    assert answer.json()["code"] == code
    assert Asset.objects.count() == before


def test_own_prices_are_written_and_read_back(owner: Any, stranger: Any) -> None:
    owner.post(f"{API}/assets", HOUSE, format="json")
    today = timezone.now().date()
    rows = [
        {"date": str(today - timedelta(days=1)), "close": "100"},
        {"date": str(today), "close": "101.5"},
    ]
    address = f"{API}/assets/HOUSE/prices"
    assert stranger.post(address, rows, format="json").status_code == 404
    assert not OwnPrice.objects.exists()
    answer = owner.post(address, rows, format="json")
    assert (answer.status_code, answer.json()) == (
        200,
        {"symbol": "HOUSE", "recorded": 2, "warnings": []},
    )
    (price,) = owner.get(f"{API}/prices?symbols=HOUSE").json()["data"]
    assert (price["price"], price["source"], price["stale"]) == ("101.5", "manual", False)
    history = owner.get(f"{API}/history/HOUSE").json()
    assert [row["close"] for row in history["data"]] == ["100", "101.5"]
    assert history["shifted_days"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"date": "2026-01-01", "close": "1"}, "list_required"),
        ([], "prices_required"),
        ([{"date": "2999-01-01", "close": "1"}], "date_in_future"),
        ([{"date": "2026-01-01", "close": "NaN"}], "number_not_finite"),
        ([{"date": "2026-01-01", "close": "-1"}], "not_positive"),
        ([{"date": "2026-01-01", "close": "1", "open": "1"}], "unknown_field"),
        ([{"date": "2026-01-01", "close": "1"}] * 5001, "too_many_rows"),
    ],
)
def test_wrong_prices_are_a_problem_and_nothing_is_written(
    owner: Any, body: Any, code: str
) -> None:
    owner.post(f"{API}/assets", HOUSE, format="json")
    answer = owner.post(f"{API}/assets/HOUSE/prices", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not OwnPrice.objects.exists()


def test_prices_come_in_the_order_asked_live_where_there_is_a_quote(owner: Any) -> None:
    now = timezone.now()
    record_quotes(quotes=[IncomingQuote("BBB", D("21"), now, "replay", D("20"))], now=now)
    body = owner.get(f"{API}/prices?symbols=bbb,AAA,BBB").json()
    assert body["total"] == 2
    assert [(row["symbol"], row["price"], row["source"]) for row in body["data"]] == [
        ("BBB", "21", "replay"),
        ("AAA", "50", "test"),
    ]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "symbols_required"),
        ("symbols=", 400, "parameter_empty"),
        ("symbols=NOPE,NADA", 404, "symbol_unknown"),
        ("symbols=" + ",".join(f"S{n}" for n in range(1001)), 400, "too_many_symbols"),
    ],
)
def test_wrong_symbols_are_named(owner: Any, query: str, status: int, code: str) -> None:
    answer = owner.get(f"{API}/prices?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("AAA?adjustment=dividends", 400, "adjustment_unknown"),
        ("AAA?limit=0", 400, "limit_invalid"),
        ("AAA?limit=10001", 400, "limit_invalid"),
        ("AAA?limit=\u0663", 400, "limit_invalid"),
        ("AAA?cursor=tomorrow", 400, "cursor_invalid"),
        ("AAA?cursor=99999999999", 400, "cursor_invalid"),
        ("AAA?cursor=99999999999&interval=1m", 400, "cursor_invalid"),
        ("AAA?interval=1m&from=2020-01-01&to=2026-01-01", 400, "range_too_long"),
        ("AAA?interval=7d", 400, "interval_unknown"),
        ("AAA?from=2020-01-01&to=2026-01-01", 400, "range_too_long"),
        ("AAA?from=2026-01-02&to=2026-01-01", 400, "range_reversed"),
        ("AAA?from=yesterday", 400, "date_invalid"),
        ("NOPE", 404, "symbol_unknown"),
    ],
)
def test_wrong_history_questions_are_refused(
    owner: Any, query: str, status: int, code: str
) -> None:
    answer = owner.get(f"{API}/history/{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_rate_says_its_day_and_an_unknown_one_is_404(owner: Any) -> None:
    body = owner.get(f"{API}/fx?base=USD&quote=EUR").json()
    assert (body["rate"], body["stale"]) == ("0.8", False)
    assert owner.get(f"{API}/fx?base=USD&quote=GBP").json()["code"] == "exchange_rate_unknown"
    answer = owner.get(f"{API}/fx?base=USD&quote=dollar")
    assert (answer.status_code, answer.json()["code"]) == (400, "currency_unknown")


def test_nobody_anonymous_reads_market_data(client: Any) -> None:
    for address in ("assets", "prices?symbols=AAA", "history/AAA", "fx?base=USD&quote=EUR"):
        assert client.get(f"{API}/{address}").status_code == 401


def test_one_unknown_symbol_does_not_spoil_a_batch_of_prices(owner: Any) -> None:
    body = owner.get(f"{API}/prices?symbols=BBB,NOPE,AAA").json()
    assert [row["symbol"] for row in body["data"]] == ["BBB", "AAA"]
    assert (body["unknown_symbols"], body["total"]) == (["NOPE"], 2)
