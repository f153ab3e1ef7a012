"""The search over strategies: who is found, by what, in which order, and who never."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from recommendations.models import Strategy, StrategyListing
from recommendations.queries import strategy_search
from recommendations.queries.strategy_search import Filters, Found, Sort, search, search_text
from tests.recommendations.strategies.published import MONDAY, noon, publish, strategy

pytestmark = pytest.mark.django_db

URL = "/api/v1/strategies"


def published(author: Any, name: str, **fields: Any) -> Strategy:
    row = strategy(author, name)
    publish(row, {None: "100"}, MONDAY)
    if fields:
        Strategy.objects.filter(pk=row.pk).update(**fields)
    row.refresh_from_db()
    return row


def asked(q: str = "", *, sort: Sort = Sort.RELEVANCE, size: int = 20, **filters: Any) -> Found:
    return search(text=search_text(q), filters=Filters(**filters), sort=sort, size=size)


def names(found: Found) -> list[str]:
    return [hit.strategy.name for hit in found.hits]


# what is searched, and what is found of: Growing dividends / Étoile de croissance / Low cost core
FOUND = {
    "dividend": ["Growing dividends"],
    "DIVIDENDS grow": ["Growing dividends"],
    "etoile": ["Étoile de croissance"],
    "étoile": ["Étoile de croissance"],
    '"low cost"': ["Low cost core"],
    '"cost low"': [],
    "core or etoile": ["Low cost core", "Étoile de croissance"],
    "income -dividend": ["Low cost core"],
    "pelican": ["Low cost core"],
    "lighthouse": ["Low cost core"],
    "ladder": ["Growing dividends"],
    "the": [],
    "%": [],
    "_": [],
    "\\": [],
    "'": [],
    '"': [],
    "a:* | b & !c <-> (": [],
    "'); DROP TABLE recommendations_strategy; --": [],
    "growing:* & dividends": ["Growing dividends"],
}


@pytest.mark.parametrize("q", FOUND)
def test_words_find_what_has_them(q: str, people: Any) -> None:
    published(people.owner, "Growing dividends", tags=["ladder"])
    published(people.owner, "Étoile de croissance")
    published(
        people.owner,
        "Low cost core",
        summary="Plain income of a pelican",
        description="Built beside the *lighthouse*.",
    )
    found = asked(q)
    assert sorted(names(found)) == sorted(FOUND[q])
    assert found.total == len(FOUND[q])
    assert found.exact


def test_a_match_in_the_name_precedes_one_in_the_text(people: Any) -> None:
    published(people.owner, "Other", description="momentum")
    published(people.owner, "Plain", summary="momentum and more")
    published(people.owner, "Momentum")
    assert names(asked("momentum")) == ["Momentum", "Plain", "Other"]


STATES: dict[str, dict[str, Any]] = {
    "draft": {"state": "draft", "published_at": None, "current_version": None},
    "unlisted": {"state": "unlisted"},
    "retired": {"state": "retired", "retired_at": noon(MONDAY)},
    "hidden": {"hidden_at": noon(MONDAY)},
}


@pytest.mark.parametrize("case", STATES)
def test_what_is_not_listed_is_nowhere(case: str, people: Any, client_of: Any) -> None:
    row = published(
        people.owner, "Quokka harbour", tags=["zebra"], summary="walrus", description="narwhal"
    )
    client = client_of(people.stranger)
    everywhere = ("quokka", "zebra", "walrus", "narwhal", "quokak", "quok", "")
    assert client.get(URL, {"q": "quokka"}).json()["total"] == 1
    assert client.get(f"{URL}/suggest", {"q": "quok"}).json()["data"]
    Strategy.objects.filter(pk=row.pk).update(**STATES[case])
    for person in (people.stranger, people.owner):
        client = client_of(person)
        for q in everywhere:
            for sort in Sort:
                body = client.get(URL, {"q": q, "sort": sort.value}).json()
                assert (body["data"], body["total"], body["corrected"]) == ([], 0, ""), (q, sort)
                assert not any(body["facets"].values())
            assert client.get(f"{URL}/suggest", {"q": q}).json() == {"data": []}
    assert not StrategyListing.objects.exists()
    Strategy.objects.filter(pk=row.pk).update(
        state="published",
        published_at=row.published_at,
        current_version=row.current_version,
        hidden_at=None,
        retired_at=None,
    )
    assert names(asked("quokka")) == ["Quokka harbour"]


def test_a_change_is_found_by_the_next_search(people: Any) -> None:
    row = published(people.owner, "Quokka")
    row.name = "Wombat"
    row.save()
    assert names(asked("wombat")) == ["Wombat"]
    assert names(asked("quokka")) == []


def test_figures_and_followers_change_no_words(people: Any) -> None:
    row = published(people.owner, "Quokka")
    before = StrategyListing.objects.values_list("words", "title").get()
    Strategy.objects.filter(pk=row.pk).update(
        followers=7, record_days=89, return_1y=Decimal("0.5"), max_drawdown=Decimal("-0.2")
    )
    listing = StrategyListing.objects.get()
    assert (listing.followers, listing.record_days, listing.return_1y) == (7, 89, None)
    Strategy.objects.filter(pk=row.pk).update(record_days=90)
    listing.refresh_from_db()
    assert (listing.return_1y, listing.max_drawdown) == (Decimal("0.5"), Decimal("0.2"))
    assert StrategyListing.objects.values_list("words", "title").get() == before


def shelf(author: Any) -> None:
    record = {"record_days": 400, "sharpe": Decimal("0.5"), "max_drawdown": Decimal("-0.1")}
    published(
        author,
        "Fund one",
        asset_classes=["etf", "bond"],
        tags=["calm", "old"],
        followers=5,
        return_1y=Decimal("0.04"),
        **record,
    )
    published(
        author,
        "Fund two",
        asset_classes=["etf"],
        tags=["old"],
        risk_profile="growth",
        followers=12,
        published_at=noon(MONDAY) - timedelta(days=9),
        return_1y=Decimal("0.2"),
        **record | {"max_drawdown": Decimal("-0.4"), "sharpe": Decimal("1.5")},
    )
    published(
        author,
        "Fund three",
        asset_classes=["bond"],
        published_at=noon(MONDAY) + timedelta(days=9),
        return_1y=Decimal("9"),
        **record | {"record_days": 30},
    )


FILTERED: dict[str, tuple[dict[str, str], set[str]]] = {
    "none": ({}, {"one", "two", "three"}),
    "a class": ({"asset_classes": "bond"}, {"one", "three"}),
    "two classes": ({"asset_classes": "bond,etf"}, {"one"}),
    "profiles": ({"risk_profile": "growth,aggressive"}, {"two"}),
    "a tag": ({"tags": "old"}, {"one", "two"}),
    "two tags": ({"tags": "old,Calm"}, {"one"}),
    "return": ({"min_return": "0.05"}, {"two"}),
    "a thin record has no return": ({"min_return": "1"}, set()),
    "sharpe": ({"min_sharpe": "1"}, {"two"}),
    "drawdown": ({"max_drawdown": "0.1"}, {"one"}),
    "record": ({"min_record_days": "31"}, {"one", "two"}),
    "all": ({"tags": "old", "min_return": "0.01", "max_drawdown": "0.5"}, {"one", "two"}),
}


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("case", FILTERED)
def test_filters_hold_in_every_order(case: str, sort: Sort, people: Any, client_of: Any) -> None:
    shelf(people.owner)
    query, wanted = FILTERED[case]
    if sort == Sort.RETURN:  # thin records are not compared
        wanted = wanted - {"three"}
    body = client_of(people.stranger).get(URL, {"q": "fund", "sort": sort.value, **query}).json()
    assert {row["name"].removeprefix("Fund ") for row in body["data"]} == wanted


ORDERS = {
    "followers": ["two", "one", "three"],
    "return": ["two", "one"],
    "recency": ["three", "one", "two"],
}


@pytest.mark.parametrize("sort", ORDERS)
def test_sorts_are_walked_by_cursor(sort: str, people: Any, client_of: Any) -> None:
    shelf(people.owner)
    client = client_of(people.stranger)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        body = client.get(URL, {"sort": sort, "page_size": 1, "cursor": cursor}).json()
        seen += [row["name"].removeprefix("Fund ") for row in body["data"]]
        cursor = body["next_cursor"]
        assert (body["total"], body["facets"]) == (None, None)
    assert seen == ORDERS[sort]


def test_a_cursor_of_another_sort_is_refused(people: Any, client_of: Any) -> None:
    shelf(people.owner)
    client = client_of(people.owner)
    cursor = client.get(URL, {"sort": "followers", "page_size": 1}).json()["next_cursor"]
    refused = client.get(URL, {"sort": "recency", "cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")


def test_counts_are_of_the_matches(people: Any, client_of: Any) -> None:
    shelf(people.owner)
    body = client_of(people.owner).get(URL, {"q": "fund", "tags": "old"}).json()
    assert body["facets"] == {
        "asset_classes": [{"value": "etf", "count": 2}, {"value": "bond", "count": 1}],
        "risk_profile": [{"value": "growth", "count": 1}, {"value": "balanced", "count": 1}],
        "tags": [{"value": "old", "count": 2}, {"value": "calm", "count": 1}],
    }
    assert (body["total"], body["total_is_exact"]) == (2, True)


def test_of_many_matches_the_most_followed_and_the_newest_are_ranked(
    people: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(strategy_search, "CANDIDATES_MAX", 2)
    monkeypatch.setattr(strategy_search, "FRESH_MAX", 1)
    for number in range(5):
        day = noon(MONDAY) + timedelta(days=number)
        published(people.owner, f"Fund {number}", followers=10 - number, published_at=day)
    found = asked("fund")
    assert names(found) == ["Fund 0", "Fund 1", "Fund 2", "Fund 4"][: len(found.hits)]
    assert "Fund 4" in names(found)
    assert (found.total, found.exact) == (2, False)
    walked = asked("fund", sort=Sort.FOLLOWERS)
    assert len(walked.hits) == 5


TYPOS = {"divdend": "dividend", "rebalncing": "rebalancing", "dividnd rebalancing": "rebalancing"}


@pytest.mark.parametrize("q", TYPOS)
def test_a_mistyped_word_finds_what_was_meant(q: str, people: Any, client_of: Any) -> None:
    published(people.owner, "Dividend rebalancing")
    body = client_of(people.owner).get(URL, {"q": q}).json()
    assert [row["name"] for row in body["data"]] == ["Dividend rebalancing"]
    assert TYPOS[q] in body["corrected"]


def test_suggestions_begin_with_what_is_typed(people: Any, client_of: Any) -> None:
    published(people.owner, "Dividend ladder", followers=3)
    published(people.owner, "Divided world", followers=9)
    published(people.owner, "Core", description="dividend")
    client = client_of(people.stranger)

    def suggested(q: str) -> list[str]:
        return [row["name"] for row in client.get(f"{URL}/suggest", {"q": q}).json()["data"]]

    assert suggested("divi") == ["Divided world", "Dividend ladder"]
    assert suggested("ladder divid") == ["Dividend ladder"]
    assert suggested("d") == []
    assert suggested("") == []
    for hostile in ("divi:*", "' | a", "di\0vi", "%", "\\"):
        assert client.get(f"{URL}/suggest", {"q": hostile}).status_code == 200


def test_what_was_found_is_marked_and_nothing_else_is_markup(people: Any, client_of: Any) -> None:
    published(
        people.owner,
        "<img src=x onerror=alert(1)> dividend",
        summary="</mark><script>alert(1)</script> dividends",
    )
    published(people.owner, "Core", description="before <b>dividend</b> after")
    rows = client_of(people.owner).get(URL, {"q": "dividend"}).json()["data"]
    first, second = (row["highlights"] for row in rows)
    assert first["name"].endswith("&gt; <mark>dividend</mark>")
    assert "<mark>dividends</mark>" in first["summary"]
    assert "<mark>dividend</mark>" in second["description"]
    for text in (*first.values(), *second.values()):
        rest = text.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in rest
        assert ">" not in rest


REFUSED = {
    "ten kilobytes": ({"q": "x" * 10_000}, "query_too_long"),
    "a class": ({"asset_classes": "houses"}, "unknown_value"),
    "a profile": ({"risk_profile": "wild"}, "unknown_value"),
    "many tags": ({"tags": ",".join(map(str, range(11)))}, "too_many_values"),
    "no number": ({"min_return": "NaN"}, "invalid"),
    "infinity": ({"min_sharpe": "Infinity"}, "invalid"),
    "a drawdown above all": ({"max_drawdown": "2"}, "max_value"),
    "a sort": ({"sort": "name; DROP TABLE x"}, "invalid_choice"),
    "a deep page": ({"page": "1000", "page_size": "1000"}, "page_too_large"),
    "an unknown parameter": ({"author": "1"}, "unknown_parameter"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_search_is_refused_by_code(case: str, people: Any, client_of: Any) -> None:
    query, code = REFUSED[case]
    answer = client_of(people.owner).get(URL, query)
    body = answer.json()
    assert answer.status_code == 400, body
    assert code in {body["code"], *(error["code"] for error in body["errors"])}


def test_a_search_that_takes_too_long_is_ended(
    people: Any, client_of: Any, monkeypatch: Any
) -> None:
    def slow(statement: str, values: Any) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        return []

    monkeypatch.setattr(strategy_search, "STATEMENT_MS_MAX", 50)
    monkeypatch.setattr(strategy_search, "rows_of", slow)
    answer = client_of(people.owner).get(URL, {"q": "dividend"})
    assert (answer.status_code, answer.json()["code"]) == (503, "search_too_slow")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("50ms",)
