"""The questionnaire and models of target weights, as pages without a script."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from core.identifiers import uuid7
from dashboard.presenters.allocations import Change, changes
from jobs.models import Job
from portfolios.holdings.targets import TargetWeight
from portfolios.queries import target_weights
from recommendations.models import AllocationModel, RiskAssessment
from tests.config.fitted_models import allocations

pytestmark = pytest.mark.django_db

PageClient = Callable[[Any], Client]
ANSWERS = {
    "horizon": "over_15_years",
    "reserve": "over_12_months",
    "income": "steady",
    "share": "a_quarter_to_half",
    "withdrawals": "later",
    "fall": "wait",
    "range": "medium",
    "sure_or_chance": "sure_500",
    "experience": "funds",
    "word": "price",
}


def weights(account: Any) -> dict[str, Decimal]:
    return {row.symbol: row.target_percentage for row in target_weights(account_pk=account.pk)}


def test_all_answers_give_a_profile_and_missing_ones_are_marked(
    people: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    partly = client.post("/plan/questionnaire", {"horizon": "over_15_years"})
    assert partly.status_code == 400
    assert partly.content.decode().count("Choose one of the answers.") == 9
    assert not RiskAssessment.objects.exists()
    body = client.post("/plan/questionnaire", ANSWERS, follow=True).content.decode()
    assert "Your profile: Balanced" in body
    assert RiskAssessment.objects.get().answers == ANSWERS
    assert "Your profile: Balanced" not in (
        page_client(people.stranger).get("/plan/questionnaire").content.decode()
    )


def test_holdings_fill_in_the_form_and_fit_makes_one_job(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    address = f"/plan/models?account={invest.public_id}"
    assert ">\nAAA BBB</textarea>" in client.get(address).content.decode()
    form = {
        "symbols": "aaa, bbb",
        "model": "equal_weight",
        "risk_profile": "none",
        "years": "5",
        "weight_min": "0",
        "weight_max": "100",
    }
    first, again = client.post(address, form), client.post(address, form)
    row = AllocationModel.objects.get()
    assert first["Location"] == again["Location"] == f"/plan/models/{row.public_id}"
    assert (row.request["symbols"], row.request["years"]) == (["AAA", "BBB"], 5)
    waiting = client.get(first["Location"]).content.decode()
    assert "Waiting for a worker" in waiting
    assert "Reload this page" in waiting


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"symbols": "AAA"}, "at least 2 symbols"),
        ({"symbols": "AAA NOPE"}, "not known: NOPE"),
        ({"symbols": ""}, "This field is required"),
        ({"weight_max": "40"}, "No weights within these bounds"),
        ({"years": "99"}, "less than or equal to 20"),
    ],
)
def test_a_refused_request_says_why_and_makes_no_job(
    people: Any, assets: Any, page_client: PageClient, wrong: dict[str, str], words: str
) -> None:
    form = {
        "symbols": "AAA BBB",
        "model": "equal_weight",
        "risk_profile": "none",
        "years": "5",
        "weight_min": "0",
        "weight_max": "100",
    }
    answer = page_client(people.owner).post("/plan/models", form | wrong)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Job.objects.exists()


def test_a_preview_shows_what_would_change_and_changes_nothing_until_it_is_adopted(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client, row = page_client(people.owner), allocations(people.owner, 1)
    before = weights(invest)
    body = client.get(f"/plan/models/{row.public_id}?account={invest.public_id}").content.decode()
    assert f"Replace the targets of {invest.name}" in body
    assert "36.50%" in body
    assert weights(invest) == before
    adopted = client.post(f"/plan/models/{row.public_id}/adopt", {"account": str(invest.public_id)})
    assert adopted["Location"] == f"/accounts/{invest.public_id}/targets"
    assert weights(invest) == {"CASH": 40, "AAA": Decimal("36.5"), "BBB": Decimal("23.5")}


def test_a_stranger_sees_no_model_and_adopts_none(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    row, stranger = allocations(people.owner, 1), page_client(people.stranger)
    before = weights(invest)
    for name in ("", "/progress"):
        assert stranger.get(f"/plan/models/{row.public_id}{name}").status_code == 404
    form = {"account": str(invest.public_id)}
    assert stranger.post(f"/plan/models/{row.public_id}/adopt", form).status_code == 404
    assert stranger.get(f"/plan/models?account={invest.public_id}").status_code == 404
    assert "Risk parity</a>" not in stranger.get("/plan/models").content.decode()
    own = allocations(people.stranger, 1)
    assert stranger.post(f"/plan/models/{own.public_id}/adopt", form).status_code == 404
    assert page_client(people.owner).get(f"/plan/models/{uuid7()}").status_code == 404
    assert weights(invest) == before


def test_changes_name_every_symbol_of_either_side() -> None:
    def targets(**percent: int) -> list[TargetWeight]:
        return [TargetWeight(name, Decimal(value), Decimal(5)) for name, value in percent.items()]

    found = changes(targets(A=60, B=40), targets(B=70, C=30))
    assert found == [
        Change("B", Decimal(40), Decimal(70)),
        Change("C", Decimal(0), Decimal(30)),
        Change("A", Decimal(60), Decimal(0)),
    ]
    assert [row.difference for row in found] == [30, 30, -60]
