"""Pages and cursors over a real table."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request

from core.errors import InvalidInput
from edge.pagination import Keyset, Pages
from identity.models import Household, Invitation, User

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _request(query: str) -> Request:
    return Request(RequestFactory().get(f"/?{query}"))


@pytest.fixture
def invitations(db: None) -> list[Invitation]:
    """250 rows, of which 200 tie on the sort key."""
    household = Household.objects.create(name="Home")
    user = User.objects.create_user(email="a@ballast.example", password=None, household=household)
    return Invitation.objects.bulk_create(
        Invitation(
            household=household,
            email=f"{index}@ballast.example",
            token_hash=str(index),
            invited_by=user,
            created_at=NOW + timedelta(seconds=max(0, index - 199)),
            expires_at=NOW,
        )
        for index in range(250)
    )


def _page(paginator: Pages, query: str) -> Any:
    found = paginator.paginate_queryset(Invitation.objects.order_by("-id"), _request(query))
    return paginator.get_paginated_response([row.pk for row in found]).data


def test_a_list_comes_in_pages_of_a_hundred(invitations: list[Invitation]) -> None:
    first = _page(Pages(), "")
    assert (len(first["data"]), first["total"]) == (100, 250)
    assert (first["page"], first["page_size"]) == (1, 100)
    last = _page(Pages(), "page=3")
    assert len(last["data"]) == 50
    assert set(first["data"]).isdisjoint(last["data"])


def test_a_page_after_the_last_is_empty_and_still_knows_the_total(
    invitations: list[Invitation],
) -> None:
    assert _page(Pages(), "page=4") == {"data": [], "total": 250, "page": 4, "page_size": 100}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page_size=1001", "page_size_too_large"),
        ("page_size=1000000000", "page_size_too_large"),
        ("page_size=" + "9" * 5000, "page_size_too_large"),
        ("page_size=0", "page_size_invalid"),
        ("page_size=-1", "page_size_invalid"),
        ("page_size=ten", "page_size_invalid"),
        ("page_size=1e3", "page_size_invalid"),
        ("page_size=%D9%A1", "page_size_invalid"),
        ("page=0", "page_invalid"),
        ("page=1000001", "page_too_large"),
        ("cursor=nonsense", "cursor_invalid"),
        ("cursor=WzEsMl0:1abc:xyz", "cursor_invalid"),
    ],
)
def test_a_page_that_cannot_be_is_refused_before_anything_is_read(
    db: None, query: str, code: str
) -> None:
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        pytest.raises(InvalidInput) as refusal,
    ):
        _page(Keyset(sort_key="created_at"), query)
    assert (refusal.value.status, refusal.value.code) == (400, code)
    assert not [
        query for query in queries if "invitation" in query["sql"] and "WHERE" in query["sql"]
    ]


def test_a_cursor_sees_every_row_once_though_most_tie(invitations: list[Invitation]) -> None:
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = _page(Keyset(), f"page_size=37&cursor={cursor}")
        assert (page["total"], page["page"]) == (None, None)
        seen += page["data"]
        cursor = page["next_cursor"]
    assert seen == [row.pk for row in reversed(invitations)]


def test_a_row_added_while_walking_does_not_move_the_others(
    invitations: list[Invitation],
) -> None:
    first = _page(Keyset(), "page_size=100")
    Invitation.objects.create(
        household=invitations[0].household,
        email="late@ballast.example",
        token_hash="late",
        invited_by=invitations[0].invited_by,
        created_at=NOW + timedelta(days=1),
        expires_at=NOW,
    )
    second = _page(Keyset(), f"page_size=100&cursor={first['next_cursor']}")
    assert set(first["data"]).isdisjoint(second["data"])
    assert first["data"] + second["data"] == [row.pk for row in reversed(invitations)][:200]


def test_a_cursor_is_one_row_comparison(invitations: list[Invitation]) -> None:
    cursor = _page(Keyset(), "page_size=10")["next_cursor"]
    with CaptureQueriesContext(connection) as queries:
        _page(Keyset(), f"page_size=10&cursor={cursor}")
    sql = queries[0]["sql"]
    table = '"identity_invitation"'
    assert f'({table}."created_at", {table}."id") < (' in sql
    assert len(queries) == 1


def test_a_cursor_of_another_list_is_refused(invitations: list[Invitation]) -> None:
    cursor = _page(Keyset(sort_key="expires_at"), "page_size=10")["next_cursor"]
    with pytest.raises(InvalidInput, match="The cursor is not valid"):
        _page(Keyset(sort_key="created_at"), f"cursor={cursor}")
