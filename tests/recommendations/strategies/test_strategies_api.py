"""Strategies over HTTP: who sees what, what is refused, and what a version keeps."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import DatabaseError, close_old_connections, connection, transaction

from jobs.models import Job, Outbox
from marketdata.models import Asset
from portfolios.models import TargetSetVersion
from recommendations.models import (
    Strategy,
    StrategyAuthor,
    StrategyFollow,
    StrategyReport,
    StrategyVersion,
)
from recommendations.strategies.chain import VersionFacts, broken

pytestmark = pytest.mark.django_db

BODY = {
    "name": "Patient growth",
    "summary": "Shares and bonds.",
    "description": "Why **so**.",
    "risk_profile": "growth",
    "tags": ["Low Turnover", "etf", "etf"],
    "weights": [
        {"symbol": "VTI", "target_percentage": "60"},
        {"asset_class": "bond", "funds": ["BND", "AGG"], "target_percentage": "35"},
        {"symbol": "CASH", "target_percentage": "5", "rebalance_threshold": "1"},
    ],
    "rules": {"schedule": "quarterly", "bands": True},
}
URL = "/api/v1/strategies"


def create(api: Any, **fields: Any) -> dict[str, Any]:
    answer = api.post(URL, {**BODY, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_strategy_is_written_published_and_read(town: Any, client_of: Any) -> None:
    author, reader = client_of(town.author), client_of(town.reader)
    made = create(author)
    assert (made["state"], made["version"], made["own"]) == ("draft", None, True)
    assert made["tags"] == ["etf", "low-turnover"]
    assert made["asset_classes"] == ["etf", "bond", "cash"]
    assert made["author_name"].startswith("Investor ")
    assert made["weights"] == []
    assert made["draft"]["weights"][1]["funds"] == ["BND", "AGG"]
    url = f"{URL}/{made['id']}"
    assert reader.get(url).status_code == 404
    shown = author.post(f"{url}/publish", {"change_note": "First."}, format="json").json()
    assert (shown["state"], shown["version"]) == ("published", 1)
    seen = reader.get(url).json()
    assert (seen["own"], seen["draft"], seen["following"]) == (False, None, False)
    assert [row["target_percentage"] for row in seen["weights"]] == ["60", "35", "5"]
    assert "author@example.com" not in str(seen)
    assert "Real author" not in str(seen)


def test_a_published_version_stays_while_the_draft_changes(town: Any, client_of: Any) -> None:
    author, reader = client_of(town.author), client_of(town.reader)
    url = f"{URL}/{create(author)['id']}"
    author.post(f"{url}/publish", {"change_note": "First."}, format="json")
    changed = [
        {"symbol": "VTI", "target_percentage": "70"},
        {"symbol": "KO", "target_percentage": "30"},
    ]
    assert author.patch(url, {"weights": changed}, format="json").status_code == 200
    seen = reader.get(url).json()
    assert (seen["version"], seen["weights"][0]["target_percentage"]) == (1, "60")
    assert "KO" not in str(seen)
    author.post(f"{url}/publish", {"change_note": "More shares."}, format="json")
    rows = reader.get(f"{url}/versions").json()["data"]
    assert [row["number"] for row in rows] == [2, 1]
    assert rows[0]["changes"] == [
        {"symbol": "VTI", "before": "60", "after": "70", "detail": False},
        {"symbol": "KO", "before": None, "after": "30", "detail": False},
        {"symbol": "bond", "before": "35", "after": None, "detail": False},
        {"symbol": "CASH", "before": "5", "after": None, "detail": False},
    ]
    assert rows[0]["previous_hash"] == rows[1]["hash"]
    assert rows[1]["previous_hash"] == ""
    alone = reader.get(f"{url}/versions", {"page_size": 1}).json()["data"]
    assert alone == rows[:1]


def facts(strategy: Strategy) -> list[tuple[VersionFacts, str]]:
    rows = StrategyVersion.objects.filter(strategy=strategy).select_related("targets")
    return [
        (
            VersionFacts(
                str(strategy.public_id),
                row.number,
                row.targets.weights,
                row.rules,
                row.change_note,
                row.published_at,
                row.previous_hash,
            ),
            row.hash,
        )
        for row in rows.order_by("number")
    ]


def test_the_stored_chain_holds_and_the_database_refuses_to_change_it(
    town: Any, client_of: Any
) -> None:
    author = client_of(town.author)
    made = create(author)
    url = f"{URL}/{made['id']}"
    author.post(f"{url}/publish", {"change_note": "First."}, format="json")
    author.patch(url, {"rules": {"schedule": "yearly", "bands": False}}, format="json")
    author.post(f"{url}/publish", {"change_note": "Slower."}, format="json")
    strategy = Strategy.objects.get(public_id=made["id"])
    assert len(facts(strategy)) == 2
    assert list(broken(facts(strategy))) == []
    for model in (StrategyVersion, TargetSetVersion):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(number=9)
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()
    assert list(broken(facts(strategy))) == []


@pytest.mark.parametrize("kind", ["draft", "hidden", "retired draft"])
def test_what_is_not_public_leaks_to_nobody(
    kind: str, town: Any, draft: Any, published: Any, client_of: Any, digests_of: Any
) -> None:
    row = published(name="Secret words") if kind == "hidden" else draft(name="Secret words")
    if kind == "hidden":
        Strategy.objects.filter(pk=row.pk).update(hidden_at=row.created_at)
    author, stranger = client_of(town.author), client_of(town.stranger)
    url = f"{URL}/{row.public_id}"
    if kind == "retired draft":
        assert author.post(f"{url}/retire").json()["state"] == "retired"
    assert author.get(url).json()["name"] == "Secret words"
    before = digests_of()
    unknown = stranger.get(f"{URL}/{uuid.uuid4()}").json()
    for method, path, body in (
        ("get", "", None),
        ("patch", "", {"name": "Mine"}),
        ("post", "/publish", {}),
        ("post", "/retire", {}),
        ("get", "/versions", None),
        ("post", "/follow", {}),
        ("delete", "/follow", None),
        ("post", "/report", {"reason": "spam"}),
    ):
        answer = getattr(stranger, method)(f"{url}{path}", body, format="json")
        assert answer.status_code == 404, (method, path)
        assert "Secret" not in answer.content.decode()
        shown = answer.json()
        assert (shown["detail"], shown["code"]) == (unknown["detail"], unknown["code"])
    assert digests_of() == before


@pytest.fixture
def digests_of() -> Callable[[], list[Any]]:
    def digests() -> list[Any]:
        return [
            list(model.objects.order_by("pk").values())
            for model in (Strategy, StrategyVersion, StrategyFollow, StrategyReport, StrategyAuthor)
        ]

    return digests


def test_an_unlisted_strategy_is_open_to_those_who_know_its_address(
    town: Any, published: Any, client_of: Any
) -> None:
    from recommendations.queries.strategies import listed

    row = published(listed=False)
    assert client_of(town.reader).get(f"{URL}/{row.public_id}").json()["state"] == "unlisted"
    assert list(listed()) == []
    author = client_of(town.author)
    assert author.post(f"{URL}/{row.public_id}/publish", {}, format="json").status_code == 200
    assert list(listed()) == [row]
    assert StrategyVersion.objects.count() == 1


def test_others_change_nothing_of_a_published_strategy(
    town: Any, published: Any, client_of: Any, digests_of: Any
) -> None:
    row, reader, before = published(), client_of(town.reader), digests_of()
    url = f"{URL}/{row.public_id}"
    assert reader.patch(url, {"name": "Mine"}, format="json").status_code == 404
    assert reader.post(f"{url}/publish", {}, format="json").status_code == 404
    assert reader.post(f"{url}/retire").status_code == 404
    assert digests_of() == before


def test_a_retired_strategy_keeps_its_page_and_changes_no_more(
    town: Any, published: Any, client_of: Any, digests_of: Any
) -> None:
    row, author, reader = published(), client_of(town.author), client_of(town.reader)
    url = f"{URL}/{row.public_id}"
    assert author.post(f"{url}/retire").json()["state"] == "retired"
    seen = reader.get(url).json()
    assert (seen["state"], seen["version"], len(seen["weights"])) == ("retired", 1, 2)
    before = digests_of()
    for answer in (
        author.patch(url, {"name": "Other"}, format="json"),
        author.post(f"{url}/publish", {}, format="json"),
        author.post(f"{url}/retire"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "strategy_retired")
    assert digests_of() == before


LONG = [{"symbol": "VTI", "target_percentage": "1"}] * 101
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"weights": [{"symbol": "NONE", "target_percentage": "100"}]}, "strategy_asset_unknown"),
    ({"weights": [{"symbol": "HOUSE", "target_percentage": "100"}]}, "strategy_asset_unknown"),
    ({"weights": [{"target_percentage": "100"}]}, "weight_ambiguous"),
    ({"weights": [{"asset_class": "bond", "target_percentage": "9"}]}, "weight_ambiguous"),
    (
        {"weights": [{"symbol": "VTI", "asset_class": "etf", "target_percentage": "9"}]},
        "weight_ambiguous",
    ),
    (
        {"weights": [{"symbol": "VTI", "target_percentage": "50"}] * 2},
        "target_twice",
    ),
    (
        {"weights": [{"asset_class": "bond", "funds": ["BND"] * 2, "target_percentage": "5"}]},
        "target_twice",
    ),
    ({"name": "Ballast Official"}, "name_reserved"),
    ({"name": "B\u0430ll\u0430st pick"}, "name_reserved"),
    ({"name": "The 0fficial one"}, "name_reserved"),
    ({"name": "\u202egnp.exe"}, "text_invalid"),
    ({"name": "---"}, "name_unreadable"),
    ({"author_name": "Support"}, "name_reserved"),
    ({"author_name": "Adm\u0131n"}, "name_reserved"),
    ({"tags": ["<b>"]}, "tag_invalid"),
    ({"summary": "a\u200bb"}, "text_invalid"),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED)
def test_what_is_refused_writes_nothing(
    fields: dict[str, Any], code: str, town: Any, client_of: Any, digests_of: Any
) -> None:
    Asset.objects.create(
        symbol="HOUSE",
        name="House",
        asset_class="fund",
        currency="USD",
        household=town.author.household,
    )
    before = digests_of()
    answer = client_of(town.author).post(URL, {**BODY, **fields}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.content
    assert digests_of() == before


@pytest.mark.parametrize(
    "fields",
    [
        {"weights": LONG},
        {"name": "n" * 81},
        {"summary": "s" * 301},
        {"description": "d" * 20_001},
        {"tags": ["t"] * 11},
        {"risk_profile": "wild"},
        {"state": "published"},
        {"rules": {"schedule": "hourly", "bands": True}},
        {"weights": [{"symbol": "VTI", "target_percentage": "101"}]},
    ],
)
def test_what_is_too_long_or_unknown_is_refused(
    fields: dict[str, Any], town: Any, client_of: Any, digests_of: Any
) -> None:
    before = digests_of()
    answer = client_of(town.author).post(URL, {**BODY, **fields}, format="json")
    assert answer.status_code == 400
    assert digests_of() == before


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ([], "weights_missing"),
        ([{"symbol": "VTI", "target_percentage": "99.9999"}], "targets_not_100"),
        (
            [
                {"symbol": "VTI", "target_percentage": "100"},
                {"symbol": "KO", "target_percentage": "0"},
            ],
            "weight_zero",
        ),
    ],
)
def test_an_unfinished_strategy_is_not_published(
    weights: list[Any], code: str, town: Any, client_of: Any, digests_of: Any
) -> None:
    author = client_of(town.author)
    url = f"{URL}/{create(author, weights=weights)['id']}"
    before = digests_of()
    answer = author.post(f"{url}/publish", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert digests_of() == before


def test_a_hidden_strategy_and_a_banned_author_publish_nothing(
    town: Any, published: Any, draft: Any, client_of: Any, digests_of: Any
) -> None:
    hidden, other = published(), draft(name="Other")
    Strategy.objects.filter(pk=hidden.pk).update(hidden_at=hidden.created_at)
    author = client_of(town.author)
    url = f"{URL}/{hidden.public_id}"
    author.patch(url, {"weights": [{"symbol": "KO", "target_percentage": "100"}]}, format="json")
    before = digests_of()
    answer = author.post(f"{url}/publish", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "strategy_hidden")
    assert digests_of() == before
    StrategyAuthor.objects.update(banned_at=hidden.created_at)
    before = digests_of()
    answer = author.post(f"{URL}/{other.public_id}/publish", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "author_banned")
    assert digests_of() == before


def test_no_two_authors_have_names_that_read_alike(town: Any, client_of: Any) -> None:
    made = create(client_of(town.author), author_name="Jane Bogle")
    taken = client_of(town.reader).post(
        URL, {**BODY, "author_name": "J\u0430ne  BOGLE"}, format="json"
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "author_name_taken")
    assert Strategy.objects.count() == 1
    author = client_of(town.author)
    renamed = author.patch(f"{URL}/{made['id']}", {"author_name": "Jane B"}, format="json")
    assert renamed.json()["author_name"] == "Jane B"


def test_publishing_is_limited(town: Any, published: Any, client_of: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {"publish.per_subject": "2/hour"}
    row, author = published(), client_of(town.author)
    answers = [
        author.post(f"{URL}/{row.public_id}/publish", {}, format="json").status_code
        for _ in range(3)
    ]
    assert answers == [409, 409, 429]


def test_a_household_follows_once(town: Any, published: Any, client_of: Any) -> None:
    row = published()
    url = f"{URL}/{row.public_id}/follow"
    for person in (town.reader, town.reader, town.partner):
        assert client_of(person).post(url).json() == {"following": True, "followers": 1}
    assert client_of(town.stranger).post(url).json()["followers"] == 2
    own = client_of(town.author).post(url)
    assert (own.status_code, own.json()["code"]) == (409, "own_strategy")
    seen = client_of(town.author).get(f"{URL}/{row.public_id}").json()
    assert seen["followers"] == 2
    assert "reader" not in str(seen)
    for _ in range(2):
        assert client_of(town.partner).delete(url).status_code == 204
    assert Strategy.objects.get().followers == StrategyFollow.objects.count() == 1


def test_who_follows_can_stop_after_it_was_hidden(
    town: Any, published: Any, client_of: Any
) -> None:
    row = published()
    url = f"{URL}/{row.public_id}"
    client_of(town.reader).post(f"{url}/follow")
    Strategy.objects.filter(pk=row.pk).update(hidden_at=row.created_at)
    assert client_of(town.reader).get(url).status_code == 404
    assert client_of(town.reader).delete(f"{url}/follow").status_code == 204
    assert Strategy.objects.get().followers == 0


def test_a_report_is_one_however_often_it_is_sent(
    town: Any, published: Any, client_of: Any
) -> None:
    url, reader = f"{URL}/{published().public_id}/report", client_of(town.reader)
    first = reader.post(url, {"reason": "spam"}, format="json").json()
    second = reader.post(url, {"reason": "abuse", "details": "Rude."}, format="json").json()
    assert second["id"] == first["id"]
    assert list(StrategyReport.objects.values_list("reason", "details")) == [("abuse", "Rude.")]
    own = client_of(town.author).post(url, {"reason": "spam"}, format="json")
    assert (own.status_code, own.json()["code"]) == (409, "own_strategy")


def test_followers_hear_of_a_new_version(town: Any, published: Any, client_of: Any) -> None:
    from django.utils import timezone

    from recommendations.operations.strategies.news import STRATEGY_NEWS
    from recommendations.tasks import strategy_news

    row = published()
    assert not Job.objects.filter(kind=STRATEGY_NEWS).exists()
    url = f"{URL}/{row.public_id}"
    client_of(town.reader).post(f"{url}/follow")
    author = client_of(town.author)
    author.patch(url, {"weights": [{"symbol": "KO", "target_percentage": "100"}]}, format="json")
    assert author.post(f"{url}/publish", {}, format="json").status_code == 200
    job = Job.objects.get(kind=STRATEGY_NEWS)
    strategy_news(job.pk)
    strategy_news(job.pk)
    job.refresh_from_db()
    assert job.status == "completed"
    messages = Outbox.objects.filter(topic="strategy_version")
    assert [one.household_id for one in messages] == [town.reader.household_id]
    assert messages[0].payload["number"] == 2
    assert messages[0].created_at <= timezone.now()


def _at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run acts in threads that begin together; return what each gave or raised."""
    barrier = Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(place: int) -> None:
        barrier.wait(timeout=60)
        try:
            found[place] = acts[place]()
        except Exception as error:
            found[place] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    close_old_connections()
    return found


@pytest.mark.django_db(transaction=True)
def test_two_publishes_at_once_make_one_version(town: Any, draft: Any) -> None:
    from recommendations.operations.strategies import publish

    row = draft()
    now = row.created_at

    def act() -> Any:
        return publish(strategy=row, user=town.author, change_note="", listed=True, now=now)

    found = _at_once([act] * 4)
    assert len([one for one in found if isinstance(one, Strategy)]) == 1, found
    codes = {getattr(one, "code", None) for one in found if not isinstance(one, Strategy)}
    assert codes == {"nothing_to_publish"}
    assert StrategyVersion.objects.count() == 1
    assert list(broken(facts(row))) == []


@pytest.mark.django_db(transaction=True)
def test_two_follows_at_once_count_once(town: Any, published: Any) -> None:
    from recommendations.operations.strategies import follow

    row = published()
    people = [town.reader, town.partner, town.reader, town.partner]
    now = row.created_at
    found = _at_once([partial(follow, strategy=row, user=one, now=now) for one in people])
    assert not [one for one in found if isinstance(one, Exception)], found
    assert Strategy.objects.get().followers == StrategyFollow.objects.count() == 1


def test_nobody_has_more_strategies_than_the_limit(
    town: Any, draft: Any, client_of: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("core.limits.STRATEGIES_PER_AUTHOR_MAX", 1)
    draft()
    answer = client_of(town.author).post(URL, BODY, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_strategies")
    assert Strategy.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_first_drafts_at_once_are_both_written(town: Any) -> None:
    from recommendations.operations.strategies import Content, create_strategy

    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    content = Content(name="Patient", risk_profile="growth")
    found = _at_once([partial(create_strategy, user=town.author, content=content, now=now)] * 4)
    assert not [one for one in found if isinstance(one, Exception)], found
    assert (Strategy.objects.count(), StrategyAuthor.objects.count()) == (4, 1)
