"""Goals: what a projection says, whose they are, and the page."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.errors import BallastError, Conflict
from dashboard.presenters.goals import drawing, months_until, rows
from portfolios.goals import projection
from portfolios.goals.projection import MONTHS_MIN, project
from portfolios.models import Goal
from portfolios.operations import goals as operations
from portfolios.queries.goals import Start

PageClient = Callable[[Any], Client]
STEADY = [D("0.01")] * MONTHS_MIN


def of(**given: Any) -> projection.Projection:
    wanted: dict[str, Any] = {
        "value": D(1000), "contribution": D(100), "months": 2, "target": D(1221),
        "returns": STEADY, "currency": "USD",
    }  # fmt: skip
    return project(**{**wanted, **given})


def test_the_worked_example() -> None:
    found = of()
    assert [band.middle for band in found.bands] == [D("1000.00"), D("1110.00"), D("1221.10")]
    assert [band.low for band in found.bands] == [band.high for band in found.bands]
    assert found.chance == 100
    assert of(target=D("1221.11")).chance == 0
    assert found.return_a_year == D("12.68")


def test_the_same_question_has_the_same_answer_and_a_band() -> None:
    returns = [D(number % 7 - 3) / 50 for number in range(60)]
    found = of(returns=returns, months=120)
    assert found == of(returns=returns, months=120)
    last = found.bands[-1]
    assert last.low < last.middle < last.high
    # More paid in, a better year or more time never makes any percentile worse.
    assert of(returns=returns, months=120, contribution=D(200)).bands[-1].low > last.low
    assert of(returns=returns, months=120, shift=D("0.02")).bands[-1].low > last.low


def test_a_loss_takes_at_most_everything() -> None:
    found = of(returns=[D(-1)] * MONTHS_MIN, months=3, shift=D("-0.2"))
    assert [band.low for band in found.bands[1:]] == [D(100)] * 3


def test_too_short_a_history_is_no_projection() -> None:
    with pytest.raises(Conflict) as refused:
        of(returns=STEADY[1:])
    assert refused.value.code == "months_too_few"


def test_a_projection_is_drawn_and_tabled_within_bounds() -> None:
    found = of(months=600)
    shapes = drawing(found, D(10**9))
    assert len(shapes.middle.split()) == 601
    assert len(rows(found.bands, date(2026, 11, 28))) <= 13
    assert rows(found.bands, date(2026, 11, 28))[-1].day == date(2076, 11, 1)
    assert months_until(date(2027, 1, 31), date(2026, 11, 28)) == 2


def stated(**given: Any) -> operations.StatedGoal:
    year = timezone.now().year + 5
    wanted: dict[str, Any] = {
        "name": "House", "target": D(50_000), "currency": "USD",
        "target_date": date(year, 6, 1), "contribution": D(300),
    }  # fmt: skip
    return operations.StatedGoal(**{**wanted, **given})


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A household with a value and three years of months."""
    months = tuple(D(number % 7 - 2) / 100 for number in range(36))
    begin = Start("USD", D(20_000), months, D(250))
    monkeypatch.setattr("dashboard.pages.goals.start", lambda user, now: begin)


FORM = {"name": "House", "target": "50000", "target_date": "2031-06-01", "contribution": "300"}


@pytest.mark.django_db
def test_a_goal_is_added_looked_at_changed_and_deleted(
    people: Any, begun: None, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    answer = client.post("/goals", FORM)
    goal = Goal.objects.get()
    own = f"/goals/{goal.public_id}"
    assert answer["Location"] == own
    page = client.get(own).content.decode()
    assert "of paths get there" in page
    assert "36 whole months" in page
    more = client.get(f"{own}?contribution=3000&shift=2&by=2035-01-01").content.decode()
    assert ("what if" in more, "100% of paths" in more) == (True, True)
    client.post(own, {**FORM, "name": "Boat"})
    goal.refresh_from_db()
    assert goal.name == "Boat"
    assert "Boat" in page_client(people.spouse).get("/goals").content.decode()
    client.post(f"{own}/delete")
    assert not Goal.objects.exists()


@pytest.mark.django_db
def test_goals_are_the_households_own(people: Any, begun: None, page_client: PageClient) -> None:
    goal = operations.add_goal(user=people.owner, stated=stated(), now=timezone.now())
    own = f"/goals/{goal.public_id}"
    for person in (people.stranger, people.adviser):
        client = page_client(person)
        assert client.get(own).status_code == 404
        assert client.post(own, FORM).status_code == 404
        assert client.post(f"{own}/delete").status_code == 404
        assert "House" not in client.get("/goals").content.decode()
    goal.refresh_from_db()
    assert goal.name == "House"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", "0"),
        ("target", "1e999999"),
        ("target_date", "2020-01-01"),
        ("target_date", "9999-12-31"),
        ("contribution", "-1"),
        ("name", ""),
    ],
)
def test_a_goal_that_cannot_be_is_refused(
    people: Any, page_client: PageClient, field: str, value: str
) -> None:
    answer = page_client(people.owner).post("/goals", {**FORM, field: value})
    assert answer.status_code == 400
    assert not Goal.objects.exists()


@pytest.mark.django_db
def test_goals_are_bounded(people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "GOALS_PER_HOUSEHOLD_MAX", 1)
    operations.add_goal(user=people.owner, stated=stated(), now=timezone.now())
    with pytest.raises(BallastError) as refused:
        operations.add_goal(user=people.spouse, stated=stated(), now=timezone.now())
    assert (refused.value.code, Goal.objects.count()) == ("too_many_goals", 1)


@pytest.mark.django_db
def test_what_if_is_refused_at_its_field_and_without_history_there_is_a_reason(
    people: Any,
    invest: Any,
    page_client: PageClient,
    quote: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quote(AAA="50", BBB="20")
    monkeypatch.setattr(projection, "MONTHS_MIN", 100)
    goal = operations.add_goal(user=people.owner, stated=stated(), now=timezone.now())
    client = page_client(people.owner)
    page = client.get(f"/goals/{goal.public_id}").content.decode()
    assert "No projection" in page
    assert "needs 100" in page
    odd = client.get(f"/goals/{goal.public_id}?shift=NaN&by=9999-12-31&contribution=x")
    assert odd.status_code == 200
