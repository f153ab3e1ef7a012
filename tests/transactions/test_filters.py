"""Transactions by symbol, type, days and text."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from transactions.ledger.entries import Entry
from transactions.operations import record

pytestmark = pytest.mark.django_db


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


@pytest.fixture
def listed(account: Any, people: Any, assets: Any, client_of: Any) -> Any:
    record(
        account=account,
        entries=[
            Entry("deposit", at("2024-01-02"), "USD", amount=D(500), note="Salary of January"),
            Entry("buy", at("2024-01-03"), "USD", "AAA", D(2), D(50), external_id="T-778"),
            Entry("buy", at("2024-01-04"), "USD", "BBB", D(3), D(20)),
            Entry("sell", at("2024-02-01T23:59:59"), "USD", "AAA", D(1), D(60), order_id="ORD-5"),
        ],
        user=people.owner,
        now=timezone.now(),
    )
    client = client_of(people.owner)

    def listed(**query: str) -> list[str]:
        body = client.get("/api/v1/transactions", query).json()
        assert "data" in body, body
        return [f"{row['type']} {row['symbol'] or ''}".strip() for row in body["data"]]

    listed.client = client  # type: ignore[attr-defined]
    return listed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"symbol": "aaa"}, ["sell AAA", "buy AAA"]),
        ({"symbol": "AAA,BBB"}, ["sell AAA", "buy BBB", "buy AAA"]),
        ({"symbol": "ZZZ"}, []),
        ({"type": "buy"}, ["buy BBB", "buy AAA"]),
        ({"type": "sell,deposit"}, ["sell AAA", "deposit"]),
        ({"from": "2024-01-03", "to": "2024-01-04"}, ["buy BBB", "buy AAA"]),
        ({"from": "2024-02-01", "to": "2024-02-01"}, ["sell AAA"]),
        ({"q": "salary"}, ["deposit"]),
        ({"q": "t-778"}, ["buy AAA"]),
        ({"q": "ord-5"}, ["sell AAA"]),
        ({"q": "bbb inc"}, ["buy BBB"]),
        ({"type": "buy", "symbol": "AAA", "q": "778"}, ["buy AAA"]),
    ],
)
def test_a_filter_keeps_what_matches(
    listed: Any, query: dict[str, str], expected: list[str]
) -> None:
    assert listed(**query) == expected


def test_filters_and_cursors_go_together(listed: Any) -> None:
    first = listed.client.get(
        "/api/v1/transactions", {"type": "buy", "page_size": 1, "cursor": ""}
    ).json()
    assert [row["symbol"] for row in first["data"]] == ["BBB"]
    following = {"type": "buy", "page_size": 1, "cursor": first["next_cursor"]}
    second = listed.client.get("/api/v1/transactions", following).json()
    assert ([row["symbol"] for row in second["data"]], second["next_cursor"]) == (["AAA"], None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"type": "gift"}, "type"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2024-02-30"}, "to"),
        ({"symbol": ",".join(["A"] * 51)}, "symbol"),
        ({"q": "x" * 121}, "q"),
        ({"q": "a\0b"}, "q"),
    ],
)
def test_a_filter_that_is_not_valid_is_refused_by_name(
    listed: Any, query: dict[str, str], field: str
) -> None:
    answer = listed.client.get("/api/v1/transactions", query)
    assert (answer.status_code, answer.json()["code"]) == (400, "filter_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
