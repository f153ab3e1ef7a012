"""The one step of every task: reasons to end a job, to wait, and to retry."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from core.errors import InvalidInput, Unavailable
from jobs import operations
from jobs.models import Job, Outbox
from jobs.operations import Claim, Ending, Told
from jobs.operations.back_off import back_off
from jobs.operations.working import passes
from notifications.models import Notice
from notifications.operations import relay

pytestmark = pytest.mark.django_db


def of_database(kind: type[Exception], cause: type[Exception]) -> Exception:
    fault = kind("said by the server")
    fault.__cause__ = cause()
    return fault


LOCKED = of_database(OperationalError, psycopg.errors.LockNotAvailable)


def step(*outcomes: Exception | None) -> Callable[[Claim, datetime, Told], None]:
    """A run that raises these faults, one each time; None is success."""
    left = list(outcomes)

    def run(claim: Claim, now: datetime, told: Told) -> None:
        fault = left.pop(0)
        if fault is not None:
            raise fault
        operations.complete(claim=claim, result={"done": True})

    return run


def give_up(claim: Claim, ending: Ending, now: datetime) -> None:
    operations.fail(
        claim=claim, code=ending.code, detail=ending.detail, account_name="Main", now=now
    )


@pytest.fixture
def job(people: Any) -> Job:
    return operations.enqueue(
        kind="recommendations.rebalance",
        queue="interactive",
        user=people.adviser,
        household_id=people.owner.household_id,
        subject_id=uuid4(),
        params={},
        now=timezone.now(),
        estimate_s=1,
    )


def work(job: Job, run: Callable[[Claim, datetime, Told], object], ending: Any = give_up) -> Job:
    """Deliver one message to a worker, once the job's back-off is over."""
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk, status="pending").update(next_at=past)
    operations.work(job_id=job.pk, run=run, give_up=ending, limit_s=60, clock=timezone.now)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize(
    "fault",
    [
        LOCKED,
        of_database(OperationalError, psycopg.errors.DeadlockDetected),
        of_database(OperationalError, psycopg.errors.AdminShutdown),
        of_database(OperationalError, psycopg.errors.TooManyConnections),
        of_database(OperationalError, psycopg.OperationalError),
        InterfaceError("connection already closed"),
        redis.ConnectionError("away"),
        BrokerError("away"),
        Unavailable("Busy.", code="household_busy"),
    ],
    ids=lambda fault: type(fault.__cause__ or fault).__name__,
)
def test_a_lock_or_a_server_out_of_reach_is_no_attempt(job: Job, fault: Exception) -> None:
    for waits in range(1, 6):
        work(job, step(fault))
        assert (job.status, job.tries, job.waits, job.attempt) == ("pending", 0, waits, waits)
        assert job.next_at > timezone.now(), "it backs off"
        assert operations.claim(job_id=job.pk) is None, "nobody takes it before it is due"
    work(job, step(None))
    assert (job.status, job.result, job.tries) == ("completed", {"done": True}, 1)
    assert not Outbox.objects.exists()


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("a fault of ours"),
        of_database(OperationalError, psycopg.errors.QueryCanceled),
        IntegrityError("a constraint"),
        DataError("a value"),
    ],
    ids=lambda fault: type(fault.__cause__ or fault).__name__,
)
def test_any_other_fault_is_tried_three_times_and_then_told(job: Job, fault: Exception) -> None:
    assert not passes(fault)
    for tries in (1, 2):
        work(job, step(fault))
        assert (job.status, job.tries, job.waits) == ("pending", tries, 0)
        assert job.next_at > timezone.now()
    work(job, step(fault))
    assert job.error is not None
    assert (job.status, job.error["code"]) == ("failed", "internal_error")


def test_a_refusal_and_the_time_limit_end_a_job_at_once(people: Any, job: Job) -> None:
    work(job, step(InvalidInput("Set targets first.", code="targets_missing")))
    assert job.error == {"code": "targets_missing", "detail": "Set targets first."}
    operations.retry(job=job, now=timezone.now())
    work(job, step(SoftTimeLimitExceeded()))
    assert job.error is not None
    assert job.error["code"] == "computation_timeout"
    assert "60 seconds" in job.error["detail"]
    relay(now=timezone.now())
    for person in (people.owner, people.spouse, people.adviser):
        titles = Notice.objects.filter(user=person).values_list("title", flat=True)
        assert (
            list(titles) == ["Rebalancing Main failed. Nothing was changed. Start it again."] * 2
        ), "whoever asked is told, too"


def test_who_waited_for_too_long_is_told_so(job: Job) -> None:
    work(job, step(LOCKED))
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(give_up_at=past)
    work(job, step(LOCKED))
    assert job.status == "pending"
    work(job, step())
    assert job.error is not None
    assert (job.status, job.error["code"]) == ("failed", "waited_too_long")


def test_a_late_start_is_no_reason_to_give_up(job: Job) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(give_up_at=past)
    assert work(job, step(None)).status == "completed"


def test_the_kind_itself_ends_a_job_whose_workers_died(job: Job) -> None:
    for _ in range(3):
        assert operations.claim(job_id=job.pk) is not None
        past = timezone.now() - timedelta(minutes=1)
        Job.objects.filter(pk=job.pk).update(lease_until=past)
    endings: list[Ending] = []

    def ended(claim: Claim, ending: Ending, now: datetime) -> None:
        endings.append(ending)
        if len(endings) < 3:
            raise ValueError("a fault of its own")
        give_up(claim, ending, now)

    for _ in range(3):
        assert job.status != "failed"
        work(job, step(), ended)
    assert [ending.code for ending in endings] == ["attempts_exhausted"] * 3
    assert (job.status, job.error and job.error["code"]) == ("failed", "attempts_exhausted")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_went_away_gets_its_job_back_when_it_is_there_again(job: Job) -> None:
    def cut(claim: Claim, now: datetime, told: Told) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            own = cursor.fetchone()[0]
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [own])
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    work(job, cut)
    assert (job.status, job.tries, job.waits) == ("pending", 0, 1)
    assert work(job, step(None)).status == "completed"


def test_pauses_double_up_to_a_bound_and_are_scattered() -> None:
    for number, longest_s in ((1, 2), (2, 4), (3, 8), (6, 60), (1000, 60)):
        pauses = {back_off(number, 2, 60).total_seconds() for _ in range(50)}
        assert longest_s / 2 <= min(pauses) < max(pauses) <= longest_s
