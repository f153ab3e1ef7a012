"""The work of an action stops half way, is taken up by others, and meets rivals."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from jobs.models import Job, JobStatus
from jobs.operations.claims import claim
from marketdata.models import CorporateAction
from marketdata.operations import confirm_for_everyone, withdraw_for_everyone
from tests.conftest import make_assets, make_people
from tests.transactions.actions.conftest import Ledgers, follow
from transactions.models import ActionRun, AppliedAction, Holding, Transaction
from transactions.operations import ledger
from transactions.operations.actions import booking, follow_actions, list_households, run, runs
from transactions.tasks import follow_corporate_action


class Killed(BaseException):
    """The worker's process ends here."""


def household(name: str) -> Any:
    from identity.models import Household, User

    home = Household.objects.create(name=name)
    return User.objects.create_user(email=f"{name}@ballast.example", password=None, household=home)


@pytest.fixture
def homes(ledgers: Any) -> list[Any]:
    """Five households with one account of ten shares each."""
    accounts = []
    for number in range(5):
        account = ledgers.account(household(f"home{number}"))
        ledgers.trade(account, "buy", "2024-03-01", "10", "500")
        accounts.append(account)
    return accounts


def units() -> list[D]:
    rows = Holding.objects.filter(asset__symbol="AAA").order_by("account_id")
    return [row.quantity.normalize() + 0 for row in rows]


@pytest.mark.django_db
def test_a_worker_killed_between_writes_leaves_nothing_of_that_household(
    homes: list[Any],
    ledgers: Any,
    people: Any,
    announce: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It dies in the third household, after the split is written and before it is linked."""
    action = confirm_for_everyone(
        action=announce("split", "2024-06-10", "2:1"), user=people.operator, now=timezone.now()
    )
    written: list[int] = []
    real = ledger.record_made

    def dying(**stated: Any) -> Any:
        rows = real(**stated)
        written.append(len(rows))
        if len(written) == 3:
            raise Killed
        return rows

    monkeypatch.setattr(booking, "record_made", dying)
    with pytest.raises(Killed):
        follow(action)
    assert sorted(units()) == [D(10)] * 3 + [D(20)] * 2
    assert Transaction.objects.filter(type="split").count() == 2
    assert AppliedAction.objects.count() == 2
    monkeypatch.setattr(booking, "record_made", real)
    assert follow(action) == [True] * 3
    assert units() == [D(20)] * 5
    assert Transaction.objects.filter(type="split").count() == AppliedAction.objects.count() == 5
    ledgers.ensure_right()


@pytest.mark.django_db
def test_a_job_books_some_and_the_schedule_starts_another_for_the_rest(
    homes: list[Any], people: Any, announce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    action = confirm_for_everyone(
        action=announce("split", "2024-06-10", "2:1"), user=people.operator, now=now
    )
    (job,) = Job.objects.filter(subject_id=action.public_id, params__state="confirmed")
    held = claim(job_id=job.pk)
    assert held is not None
    ticks = iter([now, now, now, now, now + timedelta(seconds=runs.RUN_S_MAX + 1)])
    run(held, now, lambda percent: None, clock=lambda: next(ticks))
    job.refresh_from_db()
    assert (job.status, job.result) == (JobStatus.COMPLETED, {"households": 2, "failed": 0})
    assert sorted(units()) == [D(10)] * 3 + [D(20)] * 2
    assert follow_actions(now=now + timedelta(minutes=1)) == 1
    again = Job.objects.filter(subject_id=action.public_id, status=JobStatus.PENDING)
    (another,) = again.exclude(params__state="proposed")
    follow_corporate_action.run(another.pk)
    another.refresh_from_db()
    assert another.result == {"households": 3, "failed": 0}
    assert units() == [D(20)] * 5
    assert follow_actions(now=now + timedelta(minutes=2)) == 0


@pytest.mark.django_db
def test_an_action_that_lies_ahead_is_listed_when_its_day_has_come(
    homes: list[Any], people: Any, announce: Any, ledgers: Any
) -> None:
    """Whoever buys until then takes part."""
    soon = timezone.now() + timedelta(days=3)
    action = confirm_for_everyone(
        action=announce("split", soon.date().isoformat(), "2:1"),
        user=people.operator,
        now=timezone.now(),
    )
    assert follow(action) == []
    assert follow_actions(now=timezone.now()) == 0
    late = ledgers.account(people.owner)
    ledgers.trade(late, "buy", "2025-01-02", "4", "200")
    assert follow_actions(now=soon) == 1
    assert follow(action, now=soon) == [True] * 6


@pytest.mark.django_db
def test_withdrawn_half_way_what_was_booked_is_reversed_and_the_rest_is_not_booked(
    homes: list[Any], people: Any, announce: Any, ledgers: Any
) -> None:
    now = timezone.now()
    action = confirm_for_everyone(
        action=announce("split", "2024-06-10", "2:1"), user=people.operator, now=now
    )
    list_households(action=action, now=now)
    for _ in range(2):
        assert runs.book_next(action=action, now=now)
    withdraw_for_everyone(action=action, user=people.operator, now=now)
    assert follow(action) == [True] * 5
    assert units() == [D(10)] * 5
    assert AppliedAction.objects.count() == 0
    assert Transaction.objects.filter(type="split", reverses=None).count() == 2
    ledgers.ensure_right()


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_households_and_book_each_once() -> None:
    people, assets = make_people(), make_assets()
    ledgers = Ledgers(people)
    for number in range(6):
        account = ledgers.account(household(f"home{number}"))
        ledgers.trade(account, "buy", "2024-03-01", "10", "500")
    action = CorporateAction.objects.create(
        asset=assets["AAA"],
        kind="split",
        ex_date="2024-06-10",
        ratio_new=2,
        ratio_old=1,
        currency="USD",
        source="operator",
        proposed_by=people.operator,
        proposed_at=timezone.now(),
    )
    confirm_for_everyone(action=action, user=people.operator, now=timezone.now())
    list_households(action=action, now=timezone.now())

    def work(_: int) -> int:
        done = 0
        try:
            while runs.book_next(action=action, now=timezone.now()) is not None:
                done += 1
        finally:
            connection.close()
        return done

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, range(2))) == 6
    assert units() == [D(20)] * 6
    assert Transaction.objects.filter(type="split").count() == 6
    assert ActionRun.objects.filter(done_at=None).count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_household_that_is_being_written_is_waited_for_and_others_are_not_held_up() -> None:
    """A claimed run is skipped by the next worker, which takes the others."""
    people, assets = make_people(), make_assets()
    ledgers = Ledgers(people)
    for number in range(3):
        account = ledgers.account(household(f"home{number}"))
        ledgers.trade(account, "buy", "2024-03-01", "10", "500")
    action = CorporateAction.objects.create(
        asset=assets["AAA"],
        kind="split",
        ex_date="2024-06-10",
        ratio_new=2,
        ratio_old=1,
        currency="USD",
        source="operator",
        proposed_by=people.operator,
        proposed_at=timezone.now(),
    )
    confirm_for_everyone(action=action, user=people.operator, now=timezone.now())
    list_households(action=action, now=timezone.now())

    def rest() -> list[bool | None]:
        try:
            return [runs.book_next(action=action, now=timezone.now()) for _ in range(3)]
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        rows = ActionRun.objects.select_for_update(skip_locked=True).order_by("id")
        assert rows.first() is not None
        assert pool.submit(rest).result() == [True, True, None]
    assert runs.book_next(action=action, now=timezone.now()) is True
    assert units() == [D(20)] * 3
