"""Reports, decisions and appeals in the operators' admin."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import DatabaseError, transaction
from django.utils import timezone

from core.errors import Conflict, InvalidInput, NotFound
from recommendations.models import (
    Strategy,
    StrategyAuthor,
    StrategyModeration,
    StrategyReport,
)
from recommendations.operations.moderation import appeal, moderate
from recommendations.queries.strategies import listed, visible_strategy
from tests.recommendations.strategies.published import asset, day, publish, strategy

URL = "/admin/recommendations/strategymoderation/"


@pytest.fixture
def core(people: Any) -> Strategy:
    row = strategy(people.owner)
    publish(row, {asset("ONE"): "100"}, day(1))
    StrategyAuthor.objects.create(
        user=people.owner, name="Author", name_key="author", created_at=timezone.now()
    )
    StrategyReport.objects.create(
        strategy=row, reporter=people.stranger, reason="misleading", created_at=timezone.now()
    )
    return row


@pytest.fixture
def desk(client: Any, people: Any) -> Any:
    client.force_login(people.operator)
    return client


def decide(desk: Any, row: Strategy, kind: str, reason: str = "Promises returns") -> list[str]:
    answer = desk.post(f"{URL}add/", {"strategy": row.pk, "kind": kind, "reason": reason})
    assert answer.status_code == 302, answer.context["errors"]
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_a_hidden_strategy_is_its_author_s_alone_and_its_reports_are_closed(
    desk: Any, core: Strategy, people: Any
) -> None:
    assert decide(desk, core, "hide") == ["Core: Hide."]
    with pytest.raises(NotFound):
        visible_strategy(user=people.stranger, public_id=core.public_id)
    assert visible_strategy(user=people.owner, public_id=core.public_id) == core
    assert not listed().exists()
    report = StrategyReport.objects.get()
    assert (report.closed_at is not None, report.closed_by) == (True, people.operator)
    (row,) = StrategyModeration.objects.all()
    assert (row.kind, row.reason, row.by) == ("hide", "Promises returns", people.operator)
    decide(desk, core, "show", "Was changed")
    assert listed().get() == core


def test_a_decision_without_effect_or_reason_is_refused_and_changes_nothing(
    desk: Any, core: Strategy
) -> None:
    (text,) = decide(desk, core, "show")
    assert "would change nothing" in text
    refused = desk.post(f"{URL}add/", {"strategy": core.pk, "kind": "hide", "reason": " "})
    assert refused.status_code == 200
    for kind in ("appeal", "nonsense"):
        refused = desk.post(f"{URL}add/", {"strategy": core.pk, "kind": kind, "reason": "x"})
        assert refused.status_code == 200
    core.refresh_from_db()
    assert core.hidden_at is None
    assert StrategyReport.objects.get().closed_at is None
    assert not StrategyModeration.objects.exists()


def test_a_ban_and_its_end(desk: Any, core: Strategy) -> None:
    decide(desk, core, "ban")
    assert StrategyAuthor.objects.get().banned_at is not None
    core.refresh_from_db()
    assert core.hidden_at is None
    decide(desk, core, "allow")
    assert StrategyAuthor.objects.get().banned_at is None


def test_reports_are_dismissed(desk: Any, core: Strategy) -> None:
    decide(desk, core, "dismiss", "Nothing wrong")
    assert StrategyReport.objects.get().closed_at is not None
    assert "would change nothing" in decide(desk, core, "dismiss", "Again")[-1]
    assert StrategyModeration.objects.count() == 1


def test_an_author_appeals_once_and_gets_an_answer(desk: Any, core: Strategy, people: Any) -> None:
    now = timezone.now()
    with pytest.raises(Conflict):
        appeal(strategy=core, reason="Why?", user=people.owner, now=now)
    decide(desk, core, "hide")
    with pytest.raises(InvalidInput):
        appeal(strategy=core, reason=" ", user=people.owner, now=now)
    appeal(strategy=core, reason="It promises nothing", user=people.owner, now=now)
    with pytest.raises(Conflict):
        appeal(strategy=core, reason="Again", user=people.owner, now=now)
    assert [row.kind for row in StrategyModeration.objects.order_by("id")] == ["hide", "appeal"]
    moderate(strategy=core, kind="uphold", reason="It does", user=people.operator, now=now)
    core.refresh_from_db()
    assert core.hidden_at is not None


def test_decisions_are_never_changed(desk: Any, core: Strategy, people: Any) -> None:
    decide(desk, core, "hide")
    row = StrategyModeration.objects.get()
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        StrategyModeration.objects.update(reason="Another")
    assert desk.post(f"{URL}{row.pk}/change/", {"reason": "Another"}).status_code == 403
    assert desk.post(f"{URL}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert StrategyModeration.objects.get().reason == "Promises returns"


def test_only_operators_moderate(client: Any, core: Strategy, people: Any) -> None:
    client.force_login(people.owner)
    client.post(f"{URL}add/", {"strategy": core.pk, "kind": "hide", "reason": "x"})
    core.refresh_from_db()
    assert core.hidden_at is None
