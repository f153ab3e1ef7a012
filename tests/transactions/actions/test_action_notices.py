"""Who is told that an event of a security waits for confirmation."""

from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Job
from marketdata.models import CorporateAction
from notifications import operations
from notifications.models import Notice
from transactions.tasks import follow_corporate_action

pytestmark = pytest.mark.django_db


def work(action: CorporateAction) -> None:
    """Do the jobs of an action as a worker does, then relay the messages."""
    for job in Job.objects.filter(subject_id=action.public_id, status="pending").order_by("id"):
        follow_corporate_action.run(job.pk)
    operations.relay(now=timezone.now())


def told() -> list[tuple[str, str]]:
    rows = Notice.objects.order_by("user__email").values_list("user__email", "title")
    return [(email.partition("@")[0], title) for email, title in rows]


def test_holders_are_told_once_that_a_public_event_waits(
    ledgers: Any, people: Any, announce: Any, client_of: Any
) -> None:
    """Not the stranger, who has sold everything."""
    ledgers.trade(ledgers.account(people.owner), "buy", "2024-03-01", "10", "500")
    gone = ledgers.account(people.stranger)
    ledgers.trade(gone, "buy", "2024-03-01", "10", "500")
    ledgers.trade(gone, "sell", "2024-04-01", "10", "600")
    action = announce("split", "2024-06-10", "2:1")
    text = (
        "2:1 split of AAA (ex-day 2024-06-10) waits for confirmation. See what it does to your "
        "accounts."
    )
    work(action)
    announce("split", "2024-06-11", "2:1")  # the same event, told again
    work(action)
    assert told() == [("owner", text), ("spouse", text)]
    payload = Notice.objects.all()[0].payload
    api = client_of(people.owner)
    seen = api.get(f"/api/v1/corporate-actions/{payload['corporate_action_id']}")
    assert seen.json()["state"] == "proposed"


def test_a_household_s_own_proposal_is_told_to_nobody(
    ledgers: Any, people: Any, client_of: Any
) -> None:
    for person in (people.owner, people.stranger):
        ledgers.trade(ledgers.account(person), "buy", "2024-03-01", "10", "500")
    stated = {"symbol": "AAA", "kind": "split", "ex_date": "2024-06-10", "ratio": "2:1"}
    client_of(people.owner).post("/api/v1/corporate-actions", stated, format="json")
    work(CorporateAction.objects.get())
    assert told() == []
