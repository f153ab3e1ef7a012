"""The page Discover: what it finds, how it filters, and what it never shows."""

from typing import Any

import pytest
from django.urls import reverse

from recommendations.models import Strategy
from tests.recommendations.strategies.published import MONDAY, noon, publish, strategy

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(people: Any) -> list[Strategy]:
    made = []
    for number in range(25):
        row = strategy(people.owner, f"Dividend ladder {number}")
        publish(row, {None: "100"}, MONDAY)
        Strategy.objects.filter(pk=row.pk).update(
            followers=number,
            tags=["calm"] if number % 2 else ["<b>bold</b>"],
            asset_classes=["bond"],
            summary="<script>alert(1)</script>",
        )
        made.append(row)
    return made


def page(client: Any, fragment: bool = False, **query: Any) -> Any:
    headers = {"HX-Request": "true"} if fragment else {}
    return client.get(reverse("discover"), query, headers=headers)


def test_strategies_are_found_without_a_script(
    shelf: list[Strategy], people: Any, page_client: Any
) -> None:
    client = page_client(people.stranger)
    text = page(client, q="divid").content.decode()
    assert "25 strategies" in text
    assert "<mark>Dividend</mark> ladder 24" in text
    assert "<script>alert" not in text
    assert "<b>bold" not in text
    assert text.count('class="discover-hit"') == 20
    (more,) = {part.split('"')[0] for part in text.split('hx-get="?')[1:]}
    rest = client.get(reverse("discover") + "?" + more.replace("&amp;", "&")).content.decode()
    assert rest.count('class="discover-hit"') == 5


def test_typing_replaces_the_results_alone(
    shelf: list[Strategy], people: Any, page_client: Any
) -> None:
    client = page_client(people.stranger)
    fragment = page(client, fragment=True, q="divid", tags="calm").content.decode()
    assert "<html" not in fragment
    assert "12 strategies" in fragment
    assert 'value="calm" checked' in fragment
    assert "No strategy matches" in page(client, fragment=True, q="xylophone").content.decode()


def test_a_typo_is_corrected_in_the_open(
    shelf: list[Strategy], people: Any, page_client: Any
) -> None:
    text = page(page_client(people.stranger), q="divdiend ").content.decode()
    assert "results for <strong>dividend</strong>" in text


def test_hidden_strategies_are_not_on_the_page(
    shelf: list[Strategy], people: Any, page_client: Any
) -> None:
    Strategy.objects.all().update(hidden_at=noon(MONDAY))
    text = page(page_client(people.owner)).content.decode()
    assert "Nothing is published yet" in text
    assert "Dividend ladder" not in text


BAD = [
    {"q": "x" * 10_000},
    {"sort": "name"},
    {"min_return": "much"},
    {"max_drawdown": "101"},
    {"risk_profile": "wild"},
    {"tags": [str(number) for number in range(11)]},
    {"cursor": "forged"},
    {"q": "a\0b"},
]


@pytest.mark.parametrize("query", BAD, ids=lambda query: next(iter(query)))
def test_a_bad_query_is_refused_as_a_page(
    query: dict[str, Any], people: Any, page_client: Any
) -> None:
    assert page(page_client(people.owner), **query).status_code == 400
