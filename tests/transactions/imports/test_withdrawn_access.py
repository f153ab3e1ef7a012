"""The job of a file whose adviser loses access while it runs: nothing is written for them."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from identity.models import AdviserLink
from identity.operations.households import withdraw_adviser
from jobs.models import Job
from notifications.models import Notice
from notifications.operations import relay
from tests.transactions.imports.conftest import Desk
from transactions.models import ImportRow, Lot, Transaction
from transactions.operations import imports
from transactions.tasks import work_on_import

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def adviser_desk(
    desk: Desk, people: Any, client_of: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """The adviser brings files; every file takes a job."""
    monkeypatch.setattr(imports, "IMPORT_BYTES_AT_ONCE_MAX", 100)
    monkeypatch.setattr(imports, "IMPORT_ROWS_AT_ONCE_MAX", 2)
    return Desk(client_of(people.adviser), desk.account_id)


def work(answer: Any) -> Job:
    job = Job.objects.get(public_id=answer["job_id"])
    work_on_import(job.pk)
    job.refresh_from_db()
    return job


def grant(people: Any) -> None:
    household = people.owner.household
    AdviserLink.objects.get_or_create(adviser=people.adviser, household=household)


@pytest.mark.parametrize("step", ["read", "commit", "undo"])
def test_a_step_of_a_file_ends_with_the_access_of_its_adviser(
    desk: Desk, adviser_desk: Desk, people: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    answer = batch = adviser_desk.preview()
    if step != "read":
        assert work(batch).status == "completed"
        answer = adviser_desk.commit(batch).json()
    if step == "undo":
        assert work(answer).status == "completed"
        answer = adviser_desk.remove(batch).json()
    before = desk.get(batch)["counts"], Transaction.objects.count(), Lot.objects.count()
    lock = imports._of_claim

    def withdraw() -> None:
        withdraw_adviser(user=people.owner, adviser_id=people.adviser.public_id, now=timezone.now())
        connection.close()

    def locks_and_loses_access(claim: Any) -> Any:
        found = lock(claim)
        thread = threading.Thread(target=withdraw)
        thread.start()
        thread.join()
        return found

    monkeypatch.setattr(imports, "_of_claim", locks_and_loses_access)
    job = work(answer)
    monkeypatch.setattr(imports, "_of_claim", lock)
    assert job.error is not None
    assert (job.status, job.error["code"]) == ("failed", "access_withdrawn")
    shown = desk.get(batch)
    assert shown["error"] == job.error
    assert (shown["counts"], Transaction.objects.count(), Lot.objects.count()) == before
    assert shown["status"] == {"read": "failed", "commit": "preview", "undo": "committed"}[step]
    assert ImportRow.objects.exists() == (step != "read")

    relay(now=timezone.now())
    told = Notice.objects.filter(topic="import_failed").values_list("user__email", flat=True)
    assert sorted(told) == [people.owner.email, people.spouse.email]
    assert adviser_desk.get(batch) == 404
    # The household goes on with the file.
    again = {
        "read": lambda: desk.change(batch, options={"currency": "USD"}),
        "commit": lambda: desk.commit(batch),
        "undo": lambda: desk.remove(batch),
    }[step]()
    assert work(again.json()).status == "completed"
