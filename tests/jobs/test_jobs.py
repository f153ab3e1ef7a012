"""The queue of record: one job per request, one writer per attempt, nothing lost."""

import socket
import threading
from datetime import timedelta
from queue import Empty
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from celery.app import app_or_default
from django.db import connection, transaction
from django.utils import timezone
from kombu import Connection

from core.errors import Conflict
from core.limits import JOB_TWIN_S_MAX, WAKE_UPS_WAITING_MAX
from jobs import operations
from jobs.models import Job, JobStatus, Outbox, Queue
from jobs.operations import LeaseLost

pytestmark = pytest.mark.django_db

KIND = "recommendations.rebalance"


class Messages:
    """The messages in the broker's real queue, removed as they are read."""

    def __init__(self) -> None:
        self.taken()

    def taken(self) -> list[tuple[str, list[int]]]:
        found = []
        with current_app.connection_for_write() as link:
            for name in Queue.values:
                queue = link.SimpleQueue(name)
                while True:
                    try:
                        message = queue.get(block=False)
                    except Empty:
                        break
                    message.ack()
                    found.append((message.headers["task"], message.payload[0]))
                queue.close()
        return found


@pytest.fixture
def messages() -> Messages:
    return Messages()


def ask(user: Any, subject: Any, *, queue: str = "interactive", **params: Any) -> Job:
    return operations.enqueue(
        kind=KIND,
        queue=queue,
        user=user,
        household_id=user.household_id,
        subject_id=subject,
        params=params,
        now=timezone.now(),
        estimate_s=2,
    )


def expire_lease(job: Job) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Job.objects.filter(pk=job.pk).update(lease_until=past, woken_at=past)


def make_due(job: Job) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Job.objects.filter(pk=job.pk).update(next_at=past, woken_at=past)


def fail(claim: operations.Claim) -> None:
    operations.fail(claim=claim, code="late", detail="Late.", account_name="A", now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_two_hundred_identical_requests_at_once_make_one_job(
    people: Any, messages: Messages
) -> None:
    subject, start = uuid4(), threading.Barrier(20)
    found: list[int] = []

    def rival() -> None:
        start.wait()
        try:
            found.extend(ask(people.owner, subject, a="1").pk for _ in range(10))
        finally:
            connection.close()

    rivals = [threading.Thread(target=rival) for _ in range(20)]
    for thread in rivals:
        thread.start()
    for thread in rivals:
        thread.join(timeout=60)
    assert len(found) == 200
    assert len(set(found)) == Job.objects.count() == 1
    assert messages.taken() == [(KIND, [found[0]])]


def test_another_request_or_a_finished_job_makes_a_new_one(people: Any, messages: Messages) -> None:
    subject = uuid4()
    first = ask(people.owner, subject, a="1")
    assert ask(people.owner, subject, a="2").pk != first.pk
    claim = operations.claim(job_id=first.pk)
    assert claim is not None
    operations.complete(claim=claim, result={"x": 1})
    assert ask(people.owner, subject, a="1").pk != first.pk


def test_a_finished_twin_is_the_same_job_while_it_is_young_and_still_true(
    people: Any, messages: Messages
) -> None:
    subject = uuid4()

    def again(*, still_true: bool) -> Job:
        return operations.enqueue(
            kind=KIND,
            queue="interactive",
            user=people.owner,
            household_id=people.owner.household_id,
            subject_id=subject,
            params={},
            now=timezone.now(),
            estimate_s=2,
            still_true=lambda job: still_true,
        )

    first = again(still_true=False)
    claim = operations.claim(job_id=first.pk)
    assert claim is not None
    operations.complete(claim=claim, result={})
    assert again(still_true=True) == first
    second = again(still_true=False)
    assert second != first
    assert again(still_true=False) == second, "an active job is a twin whatever has changed"
    operations.cancel(job=second)
    past = timezone.now() - timedelta(seconds=JOB_TWIN_S_MAX + 1)
    Job.objects.filter(pk=first.pk).update(finished_at=past)
    assert again(still_true=True) not in (first, second)


def test_the_message_leaves_after_the_commit_and_a_rolled_back_job_sends_none(
    people: Any, messages: Messages, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = ask(people.owner, uuid4())
        assert messages.taken() == []
    assert messages.taken() == [(KIND, [job.pk])]
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        ask(people.owner, uuid4())
        transaction.set_rollback(True)
    assert messages.taken() == []


def test_a_claimed_job_is_nobody_elses_until_its_lease_runs_out(
    people: Any, messages: Messages
) -> None:
    job = ask(people.owner, uuid4())
    first = operations.claim(job_id=job.pk)
    assert first is not None
    assert first.attempt == 1
    assert operations.claim(job_id=job.pk) is None
    expire_lease(job)
    second = operations.claim(job_id=job.pk)
    assert second is not None
    assert second.attempt == 2

    # The first worker was only slow: everything it still does is refused.
    with pytest.raises(LeaseLost):
        operations.complete(claim=first, result={"late": True})
    with pytest.raises(LeaseLost):
        operations.report_progress(claim=first, percent=10)
    with pytest.raises(LeaseLost):
        fail(first)
    operations.complete(claim=second, result={"ok": True})
    job.refresh_from_db()
    assert (job.status, job.result, job.attempt) == ("completed", {"ok": True}, 2)


def test_the_sweeper_wakes_the_forgotten_and_ends_what_no_worker_could(
    people: Any, messages: Messages
) -> None:
    forgotten, fresh, hopeless = (ask(people.adviser, uuid4()) for _ in range(3))
    make_due(forgotten)
    for _ in range(6):
        assert operations.claim(job_id=hopeless.pk) is not None
        expire_lease(hopeless)
    assert operations.claim(job_id=hopeless.pk) is None
    messages.taken()

    assert operations.sweep(now=timezone.now()) == (1, 1)
    assert messages.taken() == [(KIND, [forgotten.pk])]
    hopeless.refresh_from_db()
    fresh.refresh_from_db()
    assert hopeless.error is not None
    assert (hopeless.status, hopeless.error["code"]) == ("failed", "attempts_exhausted")
    assert fresh.status == "pending"
    assert operations.sweep(now=timezone.now()) == (0, 0)
    told = Outbox.objects.get()
    assert (told.topic, told.payload["job_id"]) == ("rebalance_failed", str(hopeless.public_id))
    assert told.asked_by == people.adviser


@pytest.mark.parametrize("known", [0, 1])
def test_a_backlog_is_woken_in_portions_and_never_the_same_job_each_time(
    people: Any, messages: Messages, known: int
) -> None:
    for _ in range(known):
        ask(people.owner, uuid4())
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE jobs_job"
        )  # the plan depends on the rows known; the portion must not
    Job.objects.all().delete()
    messages.taken()
    backlog = [ask(people.owner, uuid4()) for _ in range(WAKE_UPS_WAITING_MAX + 10)]
    importing = ask(people.owner, uuid4(), queue="imports")
    past = timezone.now() - timedelta(minutes=1)
    Job.objects.update(next_at=past, woken_at=past)
    # The messages are still in the queue: none is sent again, whatever waits in other queues.
    assert operations.sweep(now=timezone.now()) == (WAKE_UPS_WAITING_MAX + 1, 0)
    assert operations.sweep(now=timezone.now()) == (0, 0)
    first = {job_id for _, (job_id,) in messages.taken()}
    assert len(first) == WAKE_UPS_WAITING_MAX + 1
    assert importing.pk in first
    # All messages were lost: the others are next.
    assert operations.sweep(now=timezone.now()) == (10, 0)
    assert {job.pk for job in backlog} <= first | {pk for _, (pk,) in messages.taken()}


def test_the_sweeper_goes_on_after_its_broker_was_away(
    people: Any, messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask(people.owner, uuid4())
    make_due(job)
    assert operations.sweep(now=timezone.now()) == (1, 0)
    make_due(job)
    with socket.socket() as nobody:  # bound and not listening: every connection is refused
        nobody.bind(("127.0.0.1", 0))
        nowhere = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        with monkeypatch.context() as away:
            app: Any = app_or_default()
            away.setattr(app, "connection_for_write", lambda: Connection(nowhere))
            assert operations.sweep(now=timezone.now()) == (0, 0)
    messages.taken()
    assert operations.sweep(now=timezone.now()) == (1, 0)
    assert messages.taken() == [(KIND, [job.pk])]


def test_the_longer_a_job_waits_for_its_turn_the_more_rarely_it_is_woken(
    people: Any, messages: Messages
) -> None:
    job, now = ask(people.owner, uuid4()), timezone.now()

    def woken(*, due_s: int, woken_s: int) -> int:
        Job.objects.filter(pk=job.pk).update(
            next_at=now - timedelta(seconds=due_s), woken_at=now - timedelta(seconds=woken_s)
        )
        return operations.sweep(now=now)[0]

    messages.taken()
    assert woken(due_s=9, woken_s=9) == 1
    assert woken(due_s=20, woken_s=7) == 0
    assert woken(due_s=100, woken_s=30) == 0
    assert woken(due_s=100, woken_s=60) == 1
    assert woken(due_s=100_000, woken_s=590) == 0
    assert woken(due_s=100_000, woken_s=610) == 1
    assert woken(due_s=-100, woken_s=900) == 0, "its back-off is not over"


def test_a_worker_of_before_a_retry_writes_nothing_after_it(
    people: Any, messages: Messages
) -> None:
    job = ask(people.owner, uuid4())
    asleep = operations.claim(job_id=job.pk)
    assert asleep is not None
    operations.cancel(job=job)
    operations.retry(job=job, now=timezone.now())
    awake = operations.claim(job_id=job.pk)
    assert awake is not None
    with pytest.raises(LeaseLost):
        operations.complete(claim=asleep, result={"old": True})
    with pytest.raises(LeaseLost):
        fail(asleep)
    assert not operations.wait(claim=asleep)
    assert not operations.try_again(claim=asleep)
    operations.complete(claim=awake, result={"new": True})
    job.refresh_from_db()
    assert (job.status, job.result, job.attempt) == ("completed", {"new": True}, 2)


def test_a_retry_gives_three_new_tries_and_the_last_one_knows_it(
    people: Any, messages: Messages
) -> None:
    job = ask(people.owner, uuid4())
    for lives in range(2):
        for tries in range(1, 7):
            claim = operations.claim(job_id=job.pk)
            assert claim is not None
            assert (claim.attempt, claim.tries) == (6 * lives + tries, tries)
            assert (claim.last, claim.spent) == (tries >= 3, tries > 3)
            expire_lease(job)
        assert operations.claim(job_id=job.pk) is None
        assert operations.sweep(now=timezone.now()) == (0, 1)
        operations.retry(job=job, now=timezone.now())
    keys = sorted(Outbox.objects.values_list("dedup_key", flat=True))
    assert keys == [f"rebalance:{job.public_id}:{attempt}" for attempt in (12, 6)]


def test_a_retry_beside_an_identical_new_request_is_refused(
    people: Any, messages: Messages
) -> None:
    subject = uuid4()
    job = ask(people.owner, subject)
    operations.cancel(job=job)
    other = ask(people.owner, subject)
    with pytest.raises(Conflict) as refusal:
        operations.retry(job=job, now=timezone.now())
    assert refusal.value.code == "job_active"
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert Job.objects.get(status="pending") == other


def test_a_cancelled_job_takes_no_result_and_finished_ones_cannot_be_cancelled(
    people: Any, messages: Messages
) -> None:
    job = ask(people.owner, uuid4())
    claim = operations.claim(job_id=job.pk)
    assert claim is not None
    operations.cancel(job=job)
    with pytest.raises(LeaseLost):
        operations.complete(claim=claim, result={"too": "late"})
    job.refresh_from_db()
    assert (job.status, job.result) == ("cancelled", None)
    operations.cancel(job=job)  # canceling twice is the same as once

    done = ask(people.owner, uuid4())
    claim = operations.claim(job_id=done.pk)
    assert claim is not None
    operations.complete(claim=claim, result={})
    with pytest.raises(Conflict) as refusal:
        operations.cancel(job=done)
    assert refusal.value.code == "job_finished"
    done.refresh_from_db()
    assert done.status == "completed"


def test_operators_retry_what_failed_but_not_what_runs(
    people: Any, messages: Messages, django_capture_on_commit_callbacks: Any
) -> None:
    job = ask(people.owner, uuid4())
    with pytest.raises(Conflict) as refusal:
        operations.retry(job=job, now=timezone.now())
    assert refusal.value.code == "job_not_retriable"
    operations.cancel(job=job)
    messages.taken()
    with django_capture_on_commit_callbacks(execute=True):
        again = operations.retry(job=job, now=timezone.now())
    assert (again.status, again.progress) == (JobStatus.PENDING, 0)
    assert messages.taken() == [(KIND, [job.pk])]
    assert operations.claim(job_id=job.pk) is not None


def test_an_announcement_outside_a_transaction_is_refused(people: Any, messages: Messages) -> None:
    def announce(key: str) -> None:
        operations.announce(
            topic="t",
            household_id=people.owner.household_id,
            dedup_key=key,
            payload={},
            now=timezone.now(),
        )

    with transaction.atomic():
        announce("k")
        announce("k")
    assert Outbox.objects.count() == 1
    operations.outbox_failed(row=Outbox.objects.get(), error="down")
    row = Outbox.objects.get()
    assert (row.attempts, row.state) == (1, "waiting")
    assert row.next_at > timezone.now()
    for _ in range(2):
        operations.outbox_failed(row=Outbox.objects.get(), error="down")
    assert Outbox.objects.get().state == "dead"
    operations.replay_dead(row=row, now=timezone.now())
    assert (Outbox.objects.get().state, Outbox.objects.get().attempts) == ("waiting", 0)
    with pytest.raises(Conflict):
        operations.replay_dead(row=row, now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_promise_made_outside_a_transaction_is_a_fault_of_ours(people: Any) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        operations.announce(
            topic="t",
            household_id=people.owner.household_id,
            dedup_key="k",
            payload={},
            now=timezone.now(),
        )
    assert not Outbox.objects.exists()
