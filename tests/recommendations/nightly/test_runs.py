"""Beginning, stopping, repeating and cancelling a night; what its proposals live through."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from core.errors import Conflict, InvalidInput
from core.limits import JOB_ATTEMPTS_MAX
from identity.models import User
from jobs.models import Job
from jobs.operations import Claim, LeaseLost
from jobs.operations.claims import claim
from marketdata.models import LatestPrice
from recommendations import tasks
from recommendations.engine.options import Options
from recommendations.engine.result import stored_result
from recommendations.models import (
    NightlyBlock,
    NightlyPrice,
    NightlyResult,
    NightlyRun,
    NightState,
    Outcome,
    Recommendation,
)
from recommendations.operations import decide, replayed
from recommendations.operations.nightly import (
    begin_due_night,
    begin_night,
    cancel_night,
    end_if_done,
    forget_old_nights,
)
from recommendations.operations.nightly.chunks import run_chunk
from recommendations.queries import texts
from recommendations.queries.household_plans import planned_purchases
from recommendations.queries.nights import CHUNK, chunk_jobs, next_chunk
from recommendations.queries.stored import Texts
from tests.recommendations.test_recorded_as_recommended import SEEDS, recorded, wanted
from transactions.ledger.entries import Entry
from transactions.operations import record

pytestmark = pytest.mark.django_db

NO_OPTIONS = Options()


@pytest.fixture
def home(people: Any) -> tuple[Any, datetime]:
    """A household whose accounts all have targets, and a moment to begin a night."""
    rng = random.Random(SEEDS[1])
    told, moment = recorded(SEEDS[1], people)
    for account in sorted(told.accounts.values(), key=lambda row: row.pk):
        account.refresh_from_db()
        cash = Entry("deposit", moment, "USD", amount=max(-account.cash, Decimal(0)) + 5_000)
        record(account=account, entries=[cash], user=told.user, now=timezone.now())
        wanted(told, account, rng, moment)
    return told, moment + timedelta(hours=1)


def begun(moment: datetime) -> NightlyRun:
    return begin_night(night=moment.date(), options=NO_OPTIONS, now=moment)


def worked(run: NightlyRun) -> NightlyRun:
    for job in chunk_jobs(run=run).order_by("id"):
        tasks.nightly_chunk(job.pk)
    run.refresh_from_db()
    return run


def proposals(run: NightlyRun) -> list[Recommendation]:
    rows = Recommendation.objects.filter(run=run).select_related("run", "account")
    return list(rows.order_by("account_id"))


def test_two_schedulers_begin_one_night(home: Any) -> None:
    _, moment = home
    first, second = begun(moment), begun(moment + timedelta(minutes=10))
    assert first.pk == second.pk
    assert NightlyRun.objects.count() == 1
    assert chunk_jobs(run=first).count() == first.chunks
    worked(first)
    again = begun(moment + timedelta(minutes=20))
    assert (again.pk, again.state) == (first.pk, NightState.COMPLETED)
    assert NightlyResult.objects.filter(run_id=first.pk).count() == first.accounts


def test_a_stopped_night_computes_nothing_and_begins_when_the_reason_is_gone(home: Any) -> None:
    _, moment = home
    LatestPrice.objects.update(as_of=moment - timedelta(days=30))
    run = begun(moment)
    assert run.state == NightState.STOPPED
    (found,) = run.findings
    assert (found["code"], found["count"]) == ("prices_stale", 3)
    assert set(found["names"]) == {"A", "B", "C"}
    assert not Job.objects.filter(kind=CHUNK).exists()
    assert not NightlyPrice.objects.exists()
    LatestPrice.objects.update(as_of=moment)
    later = begun(moment + timedelta(minutes=10))
    assert (later.pk, later.state, later.findings) == (run.pk, NightState.RUNNING, [])
    assert worked(later).state == NightState.COMPLETED


def test_an_operator_can_overrule_the_guards_and_is_named(home: Any) -> None:
    told, moment = home
    LatestPrice.objects.update(as_of=moment - timedelta(days=30))
    run = begin_night(night=moment.date(), options=NO_OPTIONS, now=moment, overruled_by=told.user)
    assert (run.state, run.overruled_by) == (NightState.RUNNING, told.user)
    assert [found["code"] for found in run.findings] == ["prices_stale"]
    worked(run)
    # A stale price is not traded, whoever starts the night.
    assert proposals(run) == []


def test_without_targets_there_is_no_night() -> None:
    with pytest.raises(InvalidInput) as refusal:
        begun(timezone.now())
    assert refusal.value.code == "targets_missing"
    # The schedule has nothing to do then, and says nothing.
    saturday = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert begin_due_night(now=saturday) is None
    assert not NightlyRun.objects.exists()
    assert not NightlyRun.objects.exists()


def test_a_cancelled_night_writes_no_more_and_cannot_be_cancelled_twice(home: Any) -> None:
    _, moment = home
    run = begun(moment)
    job = chunk_jobs(run=run).get()
    held = claim(job_id=job.pk)
    assert isinstance(held, Claim)
    cancel_night(run=run, now=moment)
    with pytest.raises(LeaseLost), transaction.atomic():
        run_chunk(claim=held, now=moment, told=lambda percent: None)
    assert not NightlyResult.objects.filter(run_id=run.pk).exists()
    assert proposals(run) == []
    assert next_chunk(run_id=run.pk) is None
    assert not end_if_done(run_id=run.pk, now=moment)
    with pytest.raises(Conflict) as refusal:
        cancel_night(run=run, now=moment)
    assert refusal.value.code == "night_ended"
    run.refresh_from_db()
    assert run.state == NightState.CANCELLED


def test_a_chunk_done_by_two_workers_is_written_once(home: Any) -> None:
    """A worker that lost its lease, and is not dead, finds the job completed by another."""
    _, moment = home
    run = begun(moment)
    job = chunk_jobs(run=run).get()
    slow = claim(job_id=job.pk)
    assert slow is not None
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    tasks.nightly_chunk(job.pk)
    rows = NightlyResult.objects.filter(run_id=run.pk)
    before = sorted(rows.values_list("account_id", "outcome", "turnover"))
    with pytest.raises(LeaseLost), transaction.atomic():
        run_chunk(claim=slow, now=moment, told=lambda percent: None)
    assert sorted(rows.values_list("account_id", "outcome", "turnover")) == before
    assert len(before) == run.accounts


def test_a_chunk_that_kills_its_worker_is_divided_until_one_account_is_refused(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accounts beside the one at fault have their outcomes, and the night ends."""
    monkeypatch.setattr(tasks, "_TURN_S", 0)  # one chunk, then the next is looked at here
    told, moment = home
    run = begun(moment)
    ids = sorted(account.pk for account in told.accounts.values())
    bad = ids[-1]
    for _ in range(40):
        taken = next_chunk(run_id=run.pk)
        if taken is None:
            break
        job = Job.objects.get(pk=taken)
        if job.params["last"] >= bad and job.tries <= JOB_ATTEMPTS_MAX - 1:
            assert claim(job_id=taken) is not None  # and the worker dies
            late = timezone.now() - timedelta(minutes=1)
            Job.objects.filter(pk=taken).update(lease_until=late)
        else:
            tasks.nightly_chunk(taken)
    run.refresh_from_db()
    assert run.state == NightState.COMPLETED
    assert chunk_jobs(run=run).count() == run.chunks > 1
    rows = {row.account_id: row for row in NightlyResult.objects.filter(run_id=run.pk)}
    assert sorted(rows) == ids
    assert (rows[bad].outcome, rows[bad].code) == (Outcome.REFUSED, "attempts_exhausted")
    assert all(rows[pk].outcome != Outcome.REFUSED for pk in ids[:-1])


def test_the_next_night_supersedes_what_nobody_decided_on(home: Any) -> None:
    told, moment = home
    first = worked(begun(moment))
    before = proposals(first)
    assert len(before) >= 2
    decide(recommendation=before[0], status="approved", user=told.user, now=moment)
    LatestPrice.objects.update(as_of=moment + timedelta(days=1))
    second = worked(begun(moment + timedelta(days=1)))
    states = [row.status for row in proposals(first)]
    assert states == ["approved", *["superseded"] * (len(before) - 1)]
    assert {row.status for row in proposals(second)} == {"proposed"}


def test_a_proposal_reads_the_same_after_the_ledger_went_on(home: Any) -> None:
    told, moment = home
    run = worked(begun(moment))
    rows = proposals(run)
    before = {row.pk: texts(row) for row in rows}
    decided = decide(recommendation=rows[0], status="rejected", user=told.user, now=moment)
    assert Texts(str(decided.inputs), str(decided.result)) == before[rows[0].pk]
    for account in told.accounts.values():
        for symbol in "AB":
            bought = Entry(
                "buy", moment + timedelta(hours=2), "USD", symbol, Decimal(3), amount=Decimal(90)
            )
            record(account=account, entries=[bought], user=told.user, now=timezone.now())
    LatestPrice.objects.update(price=Decimal(1))
    User.objects.update(federal_ordinary_rate=Decimal("0.1"))
    for row in proposals(run):
        assert texts(row) == before[row.pk]
        assert replayed(recommendation=row) == before[row.pk].result


def test_after_its_trades_are_recorded_a_second_night_finds_none(home: Any) -> None:
    told, moment = home
    run = worked(begun(moment))
    for row in proposals(run):
        result = stored_result(texts(row).result)
        for trade in result.trades:
            entry = Entry(
                trade.side,
                moment + timedelta(minutes=1),
                "USD",
                trade.symbol,
                trade.quantity,
                amount=trade.amount,
                fee=trade.fee,
            )
            record(account=row.account, entries=[entry], user=told.user, now=timezone.now())
    LatestPrice.objects.update(as_of=moment + timedelta(hours=2))
    again = begin_night(
        night=moment.date() + timedelta(days=1), options=NO_OPTIONS, now=moment + timedelta(hours=3)
    )
    worked(again)
    traded = {row.account_id for row in proposals(run)}
    rows = NightlyResult.objects.filter(run_id=again.pk, account_id__in=traded)
    assert {row.outcome for row in rows} <= {Outcome.IN_BAND, Outcome.NOTHING_WORTHWHILE}
    assert proposals(again) == [row for row in proposals(again) if row.account_id not in traded]


def test_an_account_that_cannot_be_decided_has_a_coded_outcome(home: Any) -> None:
    """Targets that miss 100 %, or a holding without a price, are refusals of that account alone."""
    told, moment = home
    first, second, *_ = sorted(told.accounts.values(), key=lambda row: row.pk)
    first.targets.filter(asset__isnull=True).delete()
    run = worked(begun(moment))
    rows = {row.account_id: row for row in NightlyResult.objects.filter(run_id=run.pk)}
    assert (rows[first.pk].outcome, rows[first.pk].code) == (Outcome.REFUSED, "targets_not_whole")
    assert rows[second.pk].outcome != Outcome.REFUSED
    assert len(rows) == run.accounts == len(told.accounts)


def test_what_a_night_would_buy_is_planned_for_a_harvest(home: Any) -> None:
    told, moment = home
    run = worked(begun(moment))
    bought = sorted(
        (row.account_id, row.public_id, trade.asset_id)
        for row in proposals(run)
        for trade in stored_result(texts(row).result).trades
        if trade.side == "buy"
    )
    assert bought
    ids = [account.pk for account in told.accounts.values()]
    planned = sorted(
        planned_purchases(account_ids=ids, now=timezone.now()),
        key=lambda row: (row.account_id, row.recommendation_id, row.asset_id),
    )
    assert [(row.account_id, row.recommendation_id, row.asset_id) for row in planned] == bought


def test_old_nights_are_forgotten_but_for_what_was_decided(home: Any, settings: Any) -> None:
    told, moment = home
    run = worked(begun(moment))
    rows = proposals(run)
    decided = decide(recommendation=rows[0], status="approved", user=told.user, now=moment)
    late = moment + timedelta(days=settings.NIGHTLY_KEPT_DAYS + 1)
    assert forget_old_nights(now=late) == 1
    assert proposals(run) == [decided]
    assert texts(decided).result == decided.result
    assert not NightlyBlock.objects.filter(run_id=run.pk).exists()
    assert not NightlyPrice.objects.filter(run=run).exists()
    assert forget_old_nights(now=late) == 0
