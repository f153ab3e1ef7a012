"""The pages of corporate actions: propose, see before and after, confirm, withdraw."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import CorporateAction
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

LIST = "/corporate-actions"


def form(**fields: str) -> dict[str, str]:
    """A 2:1 split of AAA between the two purchases of the account."""
    day = (timezone.now() - timedelta(days=300)).date().isoformat()
    return {"kind": "split", "symbol": "aaa", "ex_date": day, "ratio": "2:1", **fields}


def test_an_event_is_proposed_shown_before_and_after_confirmed_and_withdrawn(
    people: Any, invest: Any, page_client: Any
) -> None:
    client = page_client(people.owner)
    proposed = client.post(LIST, form())
    assert proposed.status_code == 302
    address = proposed["Location"]
    text = client.get(address).content.decode()
    assert "2:1 split of AAA" in text
    assert "Waiting for confirmation" in text
    assert "To be booked" in text
    # 80 shares were held on the ex-day, the other 40 were bought later.
    assert '<td class="number">80</td><td class="number">160</td>' in text
    assert not Transaction.objects.filter(type="split").exists()
    client.post(address, {"decision": "confirm"})
    text = client.get(address).content.decode()
    assert "Withdraw from my accounts" in text
    assert "Confirm for my accounts" not in text
    assert "2:1 split of AAA" in client.get(LIST).content.decode()
    assert Transaction.objects.filter(type="split", account=invest).count() == 1
    client.post(address, {"decision": "withdraw"})
    text = client.get(address).content.decode()
    assert "Withdrawn" in text
    assert "Confirm for my accounts" not in text


def test_a_refused_form_says_why_at_its_field(people: Any, invest: Any, page_client: Any) -> None:
    client = page_client(people.owner)
    missing = client.post(LIST, form(ratio=""))
    assert missing.status_code == 400
    assert "Split needs the ratio. Add it." in missing.content.decode()
    unknown = client.post(LIST, form(symbol="NOSUCH"))
    assert "The symbol NOSUCH is not known." in unknown.content.decode()
    assert not CorporateAction.objects.exists()


def test_strangers_find_nothing_and_advisers_decide_nothing(
    people: Any, invest: Any, page_client: Any
) -> None:
    address = page_client(people.owner).post(LIST, form())["Location"]
    stranger = page_client(people.stranger)
    assert stranger.get(address).status_code == 404
    assert stranger.post(address, {"decision": "confirm"}).status_code == 404
    assert b"split" not in stranger.get(LIST).content.split(b"Propose an event")[0]
    adviser = page_client(people.adviser)
    text = adviser.get(address).content.decode()
    assert "Harbour" in text
    assert "Confirm for my accounts" not in text
    adviser.post(address, {"decision": "confirm"})
    assert not Transaction.objects.filter(type="split").exists()
    assert CorporateAction.objects.get().state == "proposed"
