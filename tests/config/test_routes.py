"""Rules for every route of the schema: pages, strangers, and the number of queries."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolios.queries import performance_inputs
from stores.redis import redis_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compiled_engine")]

QUERY = {"symbols": "AAA,BBB", "base": "EUR", "quote": "USD"}


def query_of(route: Any, **more: Any) -> dict[str, Any]:
    return {name: value for name, value in QUERY.items() if name in route.parameters} | more


def test_every_list_comes_in_pages_of_its_own_shape(
    list_routes: list[Any], people: Any, furnish: Any, client_of: Any
) -> None:
    home = furnish(people.owner, 3)
    client = client_of(people.owner)
    for route in list_routes:
        url = home.url(route)
        body = client.get(url, query_of(route, page_size=2)).json()
        assert {"data", "total", "page", "page_size"} <= set(body), route.name
        assert (len(body["data"]), body["page_size"]) == (2, 2), route.name
        assert body["total"] >= 3, route.name
        second = client.get(url, query_of(route, page_size=2, page=2)).json()
        assert second["data"], route.name
        assert not [row for row in second["data"] if row in body["data"]], route.name
        assert client.get(url, query_of(route)).json()["page_size"] == 100, route.name


WRONG_PAGES: list[tuple[str, Any, str]] = [
    ("page_size", 1001, "page_size_too_large"),
    ("page_size", 10**9, "page_size_too_large"),
    ("page_size", 0, "page_size_invalid"),
    ("page_size", "ten", "page_size_invalid"),
    ("page", -1, "page_invalid"),
    ("page", 10**20, "page_too_large"),
]


def test_a_page_beyond_the_limits_is_refused(
    list_routes: list[Any], people: Any, furnish: Any, client_of: Any
) -> None:
    home, client = furnish(people.owner, 1), client_of(people.owner)
    for route in list_routes:
        for name, value, code in WRONG_PAGES:
            answer = client.get(home.url(route), query_of(route, **{name: value}))
            assert (answer.status_code, answer.json()["code"]) == (400, code), route.name


def test_cursors_walk_through_ties_without_losing_or_doubling_a_row(
    list_routes: list[Any], people: Any, furnish: Any, client_of: Any
) -> None:
    home = furnish(people.owner, 25)  # all at one instant: the sort key ties everywhere
    client, walked = client_of(people.owner), 0
    for route in list_routes:
        if "cursor" not in route.parameters:
            assert "next_cursor" not in route.parameters
            continue
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            body = client.get(home.url(route), {"page_size": 4, "cursor": cursor}).json()
            seen += [row["id"] for row in body["data"]]
            cursor = body["next_cursor"]
        assert body["total"] is None, route.name
        total = client.get(home.url(route), {"page_size": 1}).json()["total"]
        assert len(seen) == len(set(seen)) == total >= 25, route.name
        forged = client.get(home.url(route), {"cursor": "forged"})
        assert (forged.status_code, forged.json()["code"]) == (400, "cursor_invalid"), route.name
        walked += 1
    assert walked


def test_a_page_by_cursor_counts_nothing(
    list_routes: list[Any], people: Any, furnish: Any, client_of: Any
) -> None:
    home, client, asked = furnish(people.owner, 5), client_of(people.owner), 0
    for route in list_routes:
        if "cursor" not in route.parameters:
            continue
        url = home.url(route)
        following = client.get(url, {"page_size": 2}).json()["next_cursor"]
        assert following, route.name
        for cursor in ("", following):
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(url, {"page_size": 2, "cursor": cursor})
            assert (answer.status_code, answer.json()["total"]) == (200, None), route.name
            counting = [x["sql"] for x in captured.captured_queries if "COUNT(" in x["sql"].upper()]
            assert counting == [], route.name
            asked += 1
    assert asked >= 6


def test_a_stranger_finds_nothing_and_changes_nothing(
    id_routes: list[Any], people: Any, furnish: Any, client_of: Any, digests: Any
) -> None:
    home = furnish(people.owner, 2)
    furnish(people.stranger, 2)
    client = client_of(people.stranger)
    bodies: dict[str, Any] = {
        "orders_fills_create": [
            {"quantity": "1", "price": "1", "executed_at": "2024-01-02T00:00:00Z"}
        ],
        "targets_replace": [{"symbol": "AAA", "target_percentage": "100"}],
        "restrictions_replace": [{"symbol": "AAA", "kind": "no_buy"}],
        "market_asset_prices_create": [{"date": "2024-01-02", "close": "1"}],
        "accounts_update": {"name": "Mine now"},
        "allocations_models_adopt": {"account_id": home.ids["account_id"]},
        "notes_update": {"body": "Mine now"},
        "dividends_due_record": [{"symbol": home.ids["symbol"], "ex_date": "2024-06-10"}],
        "dividends_due_skip": [{"symbol": home.ids["symbol"], "ex_date": "2024-06-10"}],
        "transactions_correct": {
            "account_id": home.ids["account_id"],
            "type": "deposit",
            "amount": "1",
            "executed_at": "2024-01-02T00:00:00Z",
        },
    }
    before = digests()
    for route in id_routes:
        answer = client.generic(
            route.method,
            home.url(route),
            data=json.dumps(bodies.get(route.name, {})),
            content_type="application/json",
        )
        assert answer.status_code == 404, (route.name, answer.content)
        text = answer.content.decode()
        assert "owner@" not in text, route.name
        assert "Secret" not in text, route.name
    after = digests()
    del before["identity_tokenfamily"], after["identity_tokenfamily"]
    assert after == before


def test_ids_in_bodies_and_queries_are_as_closed_as_those_in_paths(
    people: Any, furnish: Any, client_of: Any, digests: Any
) -> None:
    home, client = furnish(people.owner, 1), client_of(people.stranger)
    before = digests()
    for path in ("transactions", "recommendations", "orders"):
        answer = client.get(f"/api/v1/{path}", {"account_id": home.ids["account_id"]})
        assert answer.status_code == 404
    wished = {"recommendation_id": home.ids["recommendation_id"]}
    assert client.get("/api/v1/orders", wished).status_code == 404
    assert client.post("/api/v1/orders", wished).status_code == 404
    mine = client.get("/api/v1/transactions").json()
    assert mine["total"] == 0
    entry = {
        "type": "deposit",
        "amount": "1",
        "executed_at": "2024-01-02T00:00:00Z",
        "account_id": home.ids["account_id"],
    }
    assert client.post("/api/v1/transactions", entry).status_code == 404
    prices = client.get("/api/v1/market/prices", {"symbols": home.ids["symbol"]})
    assert prices.status_code in (400, 404)
    assert "Secret" not in prices.content.decode()
    found = client.get("/api/v1/market/assets", {"q": home.ids["symbol"]}).json()
    assert found["total"] == 0
    assert digests() == before


def test_nobody_gets_in_without_a_token(closed_route: Any, client: Any) -> None:
    path = closed_route.path
    for name in (
        "account",
        "transaction",
        "lot",
        "job",
        "recommendation",
        "notice",
        "note",
        "strategy",
        "invitation",
        "adviser",
        "import",
        "action",
        "reconciliation",
        "webhook",
        "alert",
        "order",
        "model",
        "subscription",
    ):
        path = path.replace(f"{{{name}_id}}", "01a20a30-7263-7db1-aedd-8d50271f4780")
    path = path.replace("{symbol}", "AAA").replace("{file_format}", "ballast")
    path = path.replace("{tax_file_format}", "txf")
    answer = client.generic(closed_route.method, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


PERSONAL = (
    *("/api/v1/notifications", "/api/v1/households", "/api/v1/webhooks", "/api/v1/push"),
    *("/api/v1/strategies/{strategy_id}", "/api/v1/users/me/export"),
)


def test_the_spouse_and_the_adviser_see_what_the_owner_sees(
    get_routes: list[Any], people: Any, furnish: Any, client_of: Any
) -> None:
    home = furnish(people.owner, 2)
    for person in (people.owner, people.spouse, people.adviser):
        client = client_of(person)
        for route in get_routes:
            answer = client.get(home.url(route), query_of(route))
            personal = route.path.startswith(PERSONAL)
            if person is people.owner or not personal:
                assert answer.status_code == 200, (person, route.name, answer.content)


def _queries(client: Any, url: str, query: dict[str, Any]) -> int:
    redis_client().flushdb()
    cache.clear()
    performance_inputs.forget()
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url, query)
    assert answer.status_code == 200, answer.content
    return len(captured)


def test_one_row_or_a_thousand_cost_the_same_queries(
    get_routes: list[Any], people: Any, furnish: Callable[[Any, int], Any], client_of: Any
) -> None:
    small, large = furnish(people.owner, 1), furnish(people.stranger, 1000)
    few, many = client_of(people.owner), client_of(people.stranger)
    # The lineage and the preview of an action rebook an asset of the household; performance reads
    # eight series and tables; a harvest reads the ledger, the return and all that may wash a loss;
    # income reads payments, positions, sales, announced dividends and the rates of many days.
    # Accounts that follow a strategy are read with their targets, restrictions and assets.
    most = {
        "strategies_accounts": 9,
        "lot_lineage": 20,
        "corporate_actions_preview": 20,
        "household_performance": 9,
        "household_me_performance": 9,
        "household_income": 10,
        "harvest_opportunities_list": 32,
        "harvest_calendar_list": 18,
        "harvest_ledger": 11,
        "portfolio_rebalance_curve": 20,
        "strategies_list": 9,  # two of them bound how long the others may take
    }
    counted = {}
    for route in get_routes:
        query = query_of(route) | ({"page_size": 1000} if route.paged else {})
        counted[route.name] = (
            _queries(few, small.url(route), query),
            _queries(many, large.url(route), query),
        )
    assert {name: pair for name, pair in counted.items() if pair[0] != pair[1]} == {}
    assert {name: pair for name, pair in counted.items() if pair[1] > most.get(name, 8)} == {}


def test_holdings_take_two_queries_cold_and_none_warm(
    people: Any, furnish: Any, client_of: Any
) -> None:
    home, client = furnish(people.owner, 100), client_of(people.owner)
    url = f"/api/v1/portfolios/{home.ids['account_id']}/holdings"
    client.get(url)
    keys = list(redis_client().scan_iter("positions:*")) + list(redis_client().scan_iter("h*"))
    redis_client().delete(*keys)
    with CaptureQueriesContext(connection) as cold:
        assert len(client.get(url).json()["data"]) == 100
    assert len(cold) <= 2
    with CaptureQueriesContext(connection) as warm:
        assert len(client.get(url).json()["data"]) == 100
    assert len(warm) == 0
