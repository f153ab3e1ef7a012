"""Operators propose, confirm and withdraw corporate actions of public securities."""

from typing import Any

import pytest
from django.contrib.messages import get_messages

from jobs.models import Job
from marketdata.models import Asset, CorporateAction

pytestmark = pytest.mark.django_db

URL = "/admin/marketdata/corporateaction/"


@pytest.fixture
def operator(people: Any, client: Any) -> Any:
    client.force_login(people.operator)
    return client


def form(asset: Asset, **fields: Any) -> dict[str, Any]:
    stated = {
        "asset": asset.pk,
        "kind": "split",
        "ex_date": "2024-06-10",
        "ratio_new": "2",
        "ratio_old": "1",
        "currency": "USD",
        "reference": "Form 8937",
    }
    return {**stated, **fields}


def decide(operator: Any, action: CorporateAction, name: str) -> list[str]:
    answer = operator.post(URL, {"action": name, "_selected_action": [action.pk]})
    assert answer.status_code == 302
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_an_operator_proposes_confirms_and_withdraws_for_everyone(
    operator: Any, people: Any, assets: Any
) -> None:
    assert operator.post(f"{URL}add/", form(assets["AAA"])).status_code == 302
    action = CorporateAction.objects.get()
    assert (action.household, action.source, action.state) == (None, "operator", "proposed")
    assert action.proposed_by == people.operator
    assert "1 actions confirmed." in decide(operator, action, "confirm")
    action.refresh_from_db()
    assert (action.state, action.confirmed_by) == ("confirmed", people.operator)
    decide(operator, action, "withdraw")
    action.refresh_from_db()
    assert (action.state, action.withdrawn_by) == ("withdrawn", people.operator)
    states = Job.objects.filter(subject_id=action.public_id).order_by("id")
    assert [job.params["state"] for job in states] == ["proposed", "confirmed", "withdrawn"]
    refused = decide(operator, action, "confirm")
    assert any("was withdrawn" in text for text in refused)


def test_told_again_it_stays_one_and_its_terms_cannot_be_edited(operator: Any, assets: Any) -> None:
    operator.post(f"{URL}add/", form(assets["AAA"]))
    again = operator.post(f"{URL}add/", form(assets["AAA"], ex_date="2024-06-12"))
    assert again.status_code == 302
    action = CorporateAction.objects.get()
    operator.post(f"{URL}{action.pk}/change/", form(assets["AAA"], ratio_new="7"))
    action.refresh_from_db()
    assert action.ratio_new == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ratio_new": "", "ratio_old": ""}, "Split needs the ratio. Add it."),
        ({"basis_percentage": "20"}, "Split has no basis percentage. Remove it."),
    ],
)
def test_wrong_terms_are_refused_in_the_form(
    operator: Any, assets: Any, fields: dict[str, str], said: str
) -> None:
    answer = operator.post(f"{URL}add/", form(assets["AAA"], **fields))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not CorporateAction.objects.exists()


def test_a_household_s_proposal_is_confirmed_for_everyone_only_after_it_is_proposed_for_them(
    operator: Any, people: Any, assets: Any, client_of: Any
) -> None:
    stated = {"symbol": "AAA", "kind": "split", "ex_date": "2024-06-10", "ratio": "2:1"}
    client_of(people.owner).post("/api/v1/corporate-actions", stated, format="json")
    own = CorporateAction.objects.get()
    assert any(
        "Propose it for everyone first." in text for text in decide(operator, own, "confirm")
    )
    own.refresh_from_db()
    assert own.state == "proposed"
    decide(operator, own, "propose_again")
    public = CorporateAction.objects.get(household=None)
    decide(operator, public, "confirm")
    public.refresh_from_db()
    assert (public.state, public.kind, str(public.ex_date)) == ("confirmed", "split", "2024-06-10")


def test_an_own_asset_is_nobody_else_s_business(operator: Any, people: Any) -> None:
    own = Asset.objects.create(
        symbol="MINE",
        name="Mine",
        asset_class="fund",
        currency="USD",
        household=people.owner.household,
    )
    answer = operator.post(f"{URL}add/", form(own))
    assert answer.status_code == 200
    assert "Only public securities" in answer.content.decode()
    assert not CorporateAction.objects.exists()


def test_others_do_not_get_in(client: Any, people: Any, assets: Any) -> None:
    client.force_login(people.owner)
    assert client.get(URL).status_code == 302
    assert client.post(f"{URL}add/", form(assets["AAA"])).status_code == 302
    assert not CorporateAction.objects.exists()
