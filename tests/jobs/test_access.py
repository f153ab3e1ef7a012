"""A job belongs to its household: users who lose access to it lose the jobs they requested."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from identity.models import Household, Role
from identity.operations.households import withdraw_adviser
from identity.operations.users import change_role, deactivate, move
from jobs import operations
from jobs.models import Job, JobStatus, Outbox
from jobs.operations import Claim, Ending, Told
from jobs.operations.working import WATCH_S
from notifications.models import Notice
from notifications.operations import relay

pytestmark = pytest.mark.django_db


def withdraw(people: Any) -> None:
    withdraw_adviser(user=people.owner, adviser_id=people.adviser.public_id, now=timezone.now())


def no_adviser_any_more(people: Any) -> None:
    change_role(user=people.adviser, role=Role.INVESTOR)


def close(people: Any) -> None:
    deactivate(user=people.adviser, now=timezone.now())


def leave(people: Any) -> None:
    move(user=people.spouse, household=Household.objects.create(name="Own"))


def asked_by(user: Any, people: Any, subject: Any = None) -> Job:
    return operations.enqueue(
        kind="tests.counting",
        queue="interactive",
        user=user,
        household_id=people.owner.household_id,
        subject_id=subject or uuid4(),
        params={},
        now=timezone.now(),
        estimate_s=1,
    )


def writes(claim: Claim, now: datetime, told: Told) -> None:
    """What a kind does: rows, then the end of the job, in one transaction."""
    with operations.result_written():
        Household.objects.create(name="written by the job")
        operations.complete(claim=claim, result={"done": True})


def give_up(claim: Claim, ending: Ending, now: datetime) -> None:
    operations.fail(
        claim=claim, code=ending.code, detail=ending.detail, account_name="Main", now=now
    )


def work(job: Job, run: Callable[[Claim, datetime, Told], object] = writes) -> Job:
    operations.work(job_id=job.pk, run=run, give_up=give_up, limit_s=60, clock=timezone.now)
    job.refresh_from_db()
    return job


def is_stopped(job: Job) -> bool:
    """The job failed for this reason, the household is told, and nothing was written."""
    assert job.error is not None
    assert (job.status, job.error["code"]) == ("failed", "access_withdrawn")
    assert job.result is None
    assert Outbox.objects.exclude(topic="security").get().topic == "counting_failed"
    return not Household.objects.filter(name="written by the job").exists()


ENDS = [
    ("adviser", withdraw),
    ("adviser", no_adviser_any_more),
    ("adviser", close),
    ("spouse", leave),
]


@pytest.mark.parametrize(("who", "end"), ENDS)
def test_a_waiting_job_does_not_start_for_someone_without_access(
    people: Any, who: str, end: Callable[[Any], None]
) -> None:
    job, own = asked_by(getattr(people, who), people), asked_by(people.owner, people)
    end(people)

    def never(claim: Claim, now: datetime, told: Told) -> None:
        pytest.fail("it was started")

    assert is_stopped(work(job, never))
    assert work(own).status == "completed", "the household's own jobs go on"


@pytest.mark.parametrize(("who", "end"), ENDS)
def test_a_running_job_writes_nothing_for_someone_without_access(
    people: Any, who: str, end: Callable[[Any], None]
) -> None:
    def run(claim: Claim, now: datetime, told: Told) -> None:
        end(people)
        writes(claim, now, told)

    assert is_stopped(work(asked_by(getattr(people, who), people), run))


def test_a_change_that_ends_no_access_stops_no_job(people: Any) -> None:
    own, theirs = asked_by(people.spouse, people), asked_by(people.adviser, people)
    change_role(user=people.spouse, role=Role.ADVISER)
    move(user=people.adviser, household=people.stranger.household)
    assert [work(job).status for job in (own, theirs)] == ["completed", "completed"]


def test_a_job_the_household_asked_for_too_goes_on(people: Any) -> None:
    subject = uuid4()
    job = asked_by(people.adviser, people, subject)
    for _ in range(2):
        assert asked_by(people.owner, people, subject) == job
        assert asked_by(people.adviser, people, subject) == job
    job.refresh_from_db()
    assert job.also_asked == [people.owner.pk]
    withdraw(people)
    assert work(job).status == "completed"


def test_who_asks_for_a_job_that_has_just_ended_gets_a_new_one(
    people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.operations import askers, requests

    subject = uuid4()
    job = asked_by(people.adviser, people, subject)

    def join(**words: Any) -> bool:
        operations.cancel(job=job)
        return askers.join(**words)

    monkeypatch.setattr(requests, "join", join)
    found = asked_by(people.owner, people, subject)
    assert found != job
    assert (found.status, found.requested_by) == ("pending", people.owner)


def in_another_connection(change: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            change()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cause", ["withdrawn", "cancelled"])
def test_a_running_job_stops_when_it_next_reports_progress(people: Any, cause: str) -> None:
    """The bound of two seconds: one look a second, then the next report."""
    assert WATCH_S <= 1
    job = asked_by(people.adviser, people)
    reports: list[float] = []

    def run(claim: Claim, now: datetime, told: Told) -> None:
        change = withdraw if cause == "withdrawn" else lambda _: operations.cancel(job=job)
        in_another_connection(lambda: change(people)).join()
        begun = time.monotonic()
        while time.monotonic() < begun + 60:
            told(10)
            reports.append(time.monotonic())
            time.sleep(0.01)
        writes(claim, now, told)

    work(job, run)
    assert reports, "it had begun"
    if cause == "withdrawn":
        assert is_stopped(job)
    else:
        assert (job.status, job.result) == ("cancelled", None)
        assert not Outbox.objects.exists()
    assert not Household.objects.filter(name="written by the job").exists()


@pytest.mark.django_db(transaction=True)
def test_a_result_waits_for_a_withdrawal_that_is_being_committed(people: Any) -> None:
    job = asked_by(people.adviser, people)
    withdrawn, threads = threading.Event(), []

    def slowly() -> None:
        with transaction.atomic():
            withdraw(people)
            withdrawn.set()
            with connection.cursor() as cursor:
                for _ in range(3000):
                    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                    if cursor.fetchone()[0]:
                        return
                    time.sleep(0.01)
            pytest.fail("the result did not wait")

    def run(claim: Claim, now: datetime, told: Told) -> None:
        threads.append(in_another_connection(slowly))
        assert withdrawn.wait(30)
        writes(claim, now, told)

    work(job, run)
    threads[0].join()
    assert is_stopped(job)


def _finish(job: Job, *, asked_by_id: int) -> None:
    assert job.household_id is not None
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(
            status=JobStatus.COMPLETED, result={"trades": 1}, finished_at=timezone.now()
        )
        operations.announce(
            topic="rebalance_complete",
            household_id=job.household_id,
            dedup_key="rebalance:1",
            payload={"job_id": str(job.public_id), "account_id": "a", "trades": 1},
            now=timezone.now(),
            asked_by_id=asked_by_id,
        )


def test_a_withdrawn_adviser_sees_nothing_of_the_job_they_asked_for(
    people: Any, client_of: Callable[[Any], Any], django_capture_on_commit_callbacks: Any
) -> None:
    adviser, owner = client_of(people.adviser), client_of(people.owner)
    job = asked_by(people.adviser, people)
    address = f"/api/v1/jobs/{job.public_id}"
    assert adviser.get(address).status_code == owner.get(address).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        withdraw_adviser(user=people.owner, adviser_id=people.adviser.public_id, now=timezone.now())
    for answer in (adviser.get(address), adviser.post(f"{address}/cancel")):
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING

    _finish(job, asked_by_id=people.adviser.pk)
    relay(now=timezone.now())
    assert set(Notice.objects.values_list("user__email", flat=True)) == {
        people.owner.email,
        people.spouse.email,
    }
    assert adviser.get(address).status_code == 404
    assert owner.get(address).json()["result"] == {"trades": 1}
