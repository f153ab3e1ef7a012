"""Concurrent rivals: the second one waits or is refused, and the figures still add up."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import BallastError
from core.limits import ACCOUNTS_PER_HOUSEHOLD_MAX
from jobs import operations as jobs
from jobs.models import Job, Outbox
from notifications.models import Notice
from notifications.operations import relay
from portfolios.models import Target
from portfolios.operations import TargetWeight, set_targets
from recommendations.engine.options import Options
from recommendations.models import Recommendation
from recommendations.operations import decide, request_rebalance, run_rebalance
from transactions.ledger.entries import Entry
from transactions.models import Account, Holding, Transaction
from transactions.operations import open_account, record, reverse
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db(transaction=True)

DAY = datetime(2024, 3, 1, 15, tzinfo=UTC)


def at_once(*rivals: Callable[[], object]) -> list[object]:
    """Run all at once, each on its own connection; return answers and refusals in order."""
    start = threading.Barrier(len(rivals))
    answers: list[object] = [None] * len(rivals)

    def run(place: int, rival: Callable[[], object]) -> None:
        start.wait()
        try:
            answers[place] = rival()
        except BallastError as refusal:
            answers[place] = refusal.code
        except Exception as fault:
            answers[place] = fault
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(rivals)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    return answers


def entry(side: str, quantity: str, days: int = 0) -> Entry:
    return Entry(side, DAY + timedelta(days=days), "USD", "AAA", D(quantity), D(10))


def write(account: Account, user: Any, *entries: Entry) -> list[Transaction]:
    return record(account=account, entries=entries, user=user, now=timezone.now())


def weights(**shares: str) -> list[TargetWeight]:
    return [TargetWeight(symbol, D(share), D(5)) for symbol, share in shares.items()]


def differences() -> list[Any]:
    return [found for batch in verified() for found in batch.differences]


def test_trades_targets_and_a_rebalance_at_once(account: Any, people: Any, assets: Any) -> None:
    user = people.owner
    write(account, user, Entry("deposit", DAY, "USD", amount=D(10_000)), entry("buy", "10"))
    set_targets(account=account, weights=weights(AAA="100"))

    def rebalance() -> object:
        fresh = Account.objects.get(pk=account.pk)
        job = request_rebalance(account=fresh, options=Options(), user=user, now=timezone.now())
        claim = jobs.claim(job_id=job.pk)
        return claim and run_rebalance(claim=claim, now=timezone.now()).pk

    answers = at_once(
        lambda: len(write(account, user, entry("buy", "3", 1))),
        lambda: len(write(account, user, entry("sell", "5", 2))),
        rebalance,
        lambda: set_targets(account=account, weights=weights(AAA="40", BBB="60")),
        lambda: len(write(account, user, entry("buy", "1", -5))),
        rebalance,
    )
    assert [answers[0], answers[1], answers[4]] == [1, 1, 1]
    account.refresh_from_db()
    assert account.cash == D(10_000) - 100 - 30 + 50 - 10
    assert Holding.objects.get().quantity == D(9)
    assert Recommendation.objects.count() == Job.objects.filter(status="completed").count() >= 1
    assert account.ledger_version == 6
    assert differences() == []


def test_a_sale_and_the_reversal_of_what_it_sells(account: Any, people: Any, assets: Any) -> None:
    for _ in range(5):
        (bought,) = write(account, people.owner, entry("buy", "10"))
        answers = at_once(
            lambda: write(account, people.owner, entry("sell", "10", 1)),
            lambda row=bought: reverse(original=row, user=people.owner, now=timezone.now()),  # type: ignore[misc]
        )
        refused = [answer for answer in answers if isinstance(answer, str)]
        assert refused in (["insufficient_quantity"], ["reversal_breaks_ledger"]), answers
        assert not Holding.objects.exists()
    assert differences() == []


def test_shares_are_sold_once_and_a_mistake_reversed_once(
    account: Any, people: Any, assets: Any
) -> None:
    (bought,) = write(account, people.owner, entry("buy", "10"))
    sold = at_once(*[lambda: len(write(account, people.owner, entry("sell", "6", 1)))] * 4)
    assert sorted(map(str, sold)) == ["1", *["insufficient_quantity"] * 3]
    sale = Transaction.objects.get(type="sell")
    undo: Sequence[Any] = [
        lambda: reverse(original=sale, user=people.owner, now=timezone.now()).type
    ] * 4
    assert sorted(map(str, at_once(*undo))) == [*["already_reversed"] * 3, "sell"]
    assert Holding.objects.get().quantity == D(10)
    assert differences() == []


def test_of_two_sets_of_targets_one_whole_set_stands(
    account: Any, people: Any, assets: Any
) -> None:
    for _ in range(5):
        at_once(
            lambda: set_targets(account=account, weights=weights(AAA="40", BBB="60")),
            lambda: set_targets(account=account, weights=weights(AAA="70", BBB="20", CASH="10")),
        )
        rows = Target.objects.order_by("asset_id").values_list("target_percentage", flat=True)
        assert list(rows) in ([D(40), D(60)], [D(70), D(20), D(10)])


def test_the_last_free_account_is_opened_once(people: Any) -> None:
    now = timezone.now()
    Account.objects.bulk_create(
        [
            Account(
                household_id=people.owner.household_id,
                owner=people.owner,
                name=str(n),
                type="ira",
                currency="USD",
                created_at=now,
            )
            for n in range(ACCOUNTS_PER_HOUSEHOLD_MAX - 1)
        ]
    )

    def another() -> str:
        return open_account(
            user=people.owner, name="last", type="ira", currency="USD", now=now
        ).name

    assert sorted(map(str, at_once(*[another] * 5))) == ["last", *["too_many_accounts"] * 4]
    assert Account.objects.count() == ACCOUNTS_PER_HOUSEHOLD_MAX


def test_a_recommendation_is_decided_one_way(account: Any, people: Any) -> None:
    now = timezone.now()
    for _ in range(5):
        row = Recommendation.objects.create(
            account=account,
            kind="rebalance",
            engine_version="x",
            inputs="{}",
            result="{}",
            created_at=now,
        )

        def verdict(status: str, row: Recommendation = row) -> Callable[[], object]:
            own = Recommendation.objects.get(pk=row.pk)
            return lambda: (
                decide(recommendation=own, status=status, user=people.spouse, now=now).status
            )

        answers = at_once(verdict("approved"), verdict("rejected"), verdict("approved"))
        row.refresh_from_db()
        assert row.status in answers
        loser = "rejected" if row.status == "approved" else "approved"
        assert loser not in answers
        assert "already_decided" in answers


def test_two_relays_tell_everybody_once(people: Any) -> None:
    now = timezone.now()
    Outbox.objects.bulk_create(
        [
            Outbox(
                topic="rebalance_complete",
                household_id=people.owner.household_id,
                dedup_key=f"k{n}",
                payload={"job_id": "j", "account_id": "a", "trades": n},
                created_at=now,
                next_at=now,
            )
            for n in range(30)
        ]
    )
    answers: list[Any] = at_once(*[lambda: relay(now=timezone.now())] * 3)
    assert sum(delivered for delivered, _ in answers) == 30
    assert sum(failed for _, failed in answers) == 0
    assert Notice.objects.count() == 30 * 2  # owner and spouse
    assert set(Outbox.objects.values_list("state", "attempts")) == {("sent", 0)}


def test_sweepers_and_workers_share_a_job_out_to_one(account: Any, people: Any) -> None:
    old = timezone.now() - timedelta(minutes=5)
    for number in range(5):
        job = jobs.enqueue(
            kind="recommendations.rebalance",
            queue="interactive",
            user=people.owner,
            household_id=account.household_id,
            subject_id=account.public_id,
            params={"n": str(number)},
            now=old,
            estimate_s=1,
        )

        def claimed(job: Job = job) -> object:
            return jobs.claim(job_id=job.pk)

        answers: list[Any] = at_once(
            claimed, lambda: jobs.sweep(now=old), claimed, lambda: jobs.sweep(now=old), claimed
        )
        claims = [answer for place, answer in enumerate(answers) if place % 2 == 0 and answer]
        assert len(claims) == 1
        woken = sum(answers[place][0] for place in (1, 3))
        assert woken <= 1
        assert all(answers[place][1] == 0 for place in (1, 3))
        job.refresh_from_db()
        assert (job.status, job.attempt) == ("processing", 1)
