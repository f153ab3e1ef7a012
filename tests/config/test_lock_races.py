"""Concurrent writers of one household: no deadlocks and no needless refusals.

In the first tests both writers hold all their locks when they begin to commit, where PostgreSQL
checks foreign keys. The other tests race freely, many times.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from queue import Queue
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.errors import BallastError
from core.limits import WRITERS_WAITING_MAX
from identity.models import Invitation, User
from identity.operations.households import invite
from identity.operations.users import register
from marketdata.models import Asset
from marketdata.operations.identity import decide_identity
from recommendations.engine.options import Options
from recommendations.operations import request_rebalance
from transactions.ledger.entries import Entry
from transactions.models import Account, Import, Transaction
from transactions.operations import imports, open_account, record
from transactions.operations.archiving import delete_account
from transactions.operations.rebookings import follow_identity_decisions
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db(transaction=True)

DAY = datetime(2024, 3, 1, 15, tzinfo=UTC)
ROUNDS = 10
FILE = (
    b"type,executed_at,symbol,quantity,price,currency,lot_method\r\n"
    b"buy,2024-01-03T12:00:00Z,AAA,1,5,USD,\r\n"
)


def together(*rivals: Callable[[], object]) -> list[object]:
    """Run all at once, each on its own connection; return answers and refusals."""
    start = threading.Barrier(len(rivals))
    answers: list[object] = [None] * len(rivals)

    def run(place: int, rival: Callable[[], object]) -> None:
        try:
            start.wait(timeout=30)
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
        thread.join(timeout=60)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    return answers


def patiently(work: Callable[[], Any]) -> Any:
    """Do the work; retry as a client does that is told to come again (503, Retry-After)."""
    for _ in range(20):
        try:
            return work()
        except BallastError as refusal:
            if refusal.code != "household_busy":
                raise
            time.sleep(0.5)
    return work()


def committed_together(*rivals: Callable[[], object]) -> list[object]:
    """Like `together`, but nobody begins to commit before all have done their work."""
    done = threading.Barrier(len(rivals))

    def whole(rival: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            with transaction.atomic():
                answer = rival()
                done.wait(timeout=30)
            return answer

        return run

    return together(*[whole(rival) for rival in rivals])


@pytest.fixture
def second(people: Any) -> Account:
    return open_account(
        user=people.spouse,
        name="Second",
        type="ira",
        currency="USD",
        lot_method="fifo",
        now=timezone.now(),
    )


def write(account: Account, user: Any, *entries: Entry) -> int:
    return len(record(account=account, entries=entries, user=user, now=timezone.now()))


def deposit() -> Entry:
    return Entry("deposit", DAY, "USD", amount=D(10))


def trade() -> Entry:
    return Entry("buy", DAY, "USD", "AAA", D(1), D(10))


def upload(account: Account, user: Any, data: bytes = FILE, **said: Any) -> Import:
    brought = imports.Upload(name="a.csv", pieces=[data], **said)
    return imports.bring(account=account, upload=brought, user=user, now=timezone.now())


def test_an_upload_and_a_deposit_commit_at_one_moment(
    account: Any, people: Any, assets: Any
) -> None:
    for number in range(ROUNDS):
        committed_together(
            lambda: upload(account, people.owner),
            lambda: write(account, people.spouse, deposit()),
        )
        assert (Import.objects.count(), Transaction.objects.count()) == (number + 1, number + 1)


def test_a_trade_and_whatever_announces_or_joins_commit_at_one_moment(
    account: Any, second: Any, people: Any, assets: Any
) -> None:
    for number in range(ROUNDS):
        email = f"child{number}@ballast.example"
        _, token = invite(user=people.owner, email=email, now=timezone.now())
        public = assets["AAA"]
        committed_together(
            lambda: write(account, people.owner, trade()),
            lambda email=email, token=token: register(  # type: ignore[misc]
                email=email,
                password="a-long-enough-password",
                full_name="Child",
                invitation=token,
                now=timezone.now(),
            ),
            lambda public=public: decide_identity(  # type: ignore[misc]
                asset=public, identical_to=assets["BBB"], user=people.operator, now=timezone.now()
            ),
        )
        # Make room for the next one: a household has a bounded number of members.
        User.objects.filter(email=email).update(is_active=False)
    assert Transaction.objects.count() == ROUNDS
    assert Invitation.objects.filter(accepted_at__isnull=False).count() == ROUNDS


def test_an_account_is_deleted_or_traded_in_and_never_both(people: Any, assets: Any) -> None:
    for number in range(ROUNDS):
        young = open_account(
            user=people.owner,
            name=f"Young {number}",
            type="ira",
            currency="USD",
            lot_method="fifo",
            now=timezone.now(),
        )
        entry = deposit() if number % 2 else trade()
        answers = together(
            lambda young=young: delete_account(account=Account.objects.get(pk=young.pk)),  # type: ignore[misc]
            lambda young=young, entry=entry: write(young, people.owner, entry),  # type: ignore[misc]
        )
        assert answers in ([None, "account_not_found"], ["account_not_empty", 1])
        left = Account.objects.filter(pk=young.pk).count()
        assert left == Transaction.objects.filter(account_id=young.pk).count() == (answers[1] == 1)


def test_a_household_invites_while_an_earlier_invitation_is_accepted(people: Any) -> None:
    for number in range(ROUNDS):
        email = f"child{number}@ballast.example"
        _, token = invite(user=people.owner, email=email, now=timezone.now())
        answers = together(
            lambda email=email: invite(user=people.owner, email=email, now=timezone.now()) and 1,  # type: ignore[misc]
            lambda email=email, token=token: register(  # type: ignore[misc]
                email=email,
                password="a-long-enough-password",
                full_name="Child",
                invitation=token,
                now=timezone.now(),
            ),
        )
        joined = User.objects.filter(email=email).first()
        assert answers == [1, joined or "invitation_invalid"]
        User.objects.filter(email=email).update(is_active=False)
        Invitation.objects.filter(email=email).update(revoked_at=timezone.now())


def test_two_files_of_one_household_are_committed_at_one_moment(
    account: Any, second: Any, people: Any, assets: Any
) -> None:
    for number in range(ROUNDS):
        # It creates an own asset, so its commit locks the household's row too.
        symbol = f"OWN{number}"
        own = FILE.replace(b"AAA", symbol.encode())
        batches = [
            upload(account, people.owner, own, symbols={symbol: "create"}),
            upload(second, people.spouse),
        ]
        statuses = together(
            *[
                lambda batch=batch: (
                    patiently(
                        lambda: imports.commit(batch=batch, user=people.owner, now=timezone.now())
                    ).status
                )
                for batch in batches
            ],
            lambda: write(second, people.spouse, deposit()),
        )
        assert statuses == ["committed", "committed", 1]
        assert Asset.objects.filter(symbol=symbol).count() == 1
        for batch in batches:
            imports.remove(
                batch=Import.objects.get(pk=batch.pk), user=people.owner, now=timezone.now()
            )
        assert Import.objects.filter(status="undone").count() == 2 * (number + 1)


def test_ledgers_follow_a_decision_on_identity_while_their_household_trades(
    account: Any, second: Any, people: Any, assets: Any
) -> None:
    write(account, people.owner, trade())
    for number in range(ROUNDS):
        decide_identity(
            asset=assets["AAA"],
            identical_to=assets["BBB"] if number % 2 else None,
            user=people.operator,
            now=timezone.now(),
        )
        answers = together(
            lambda: follow_identity_decisions(now=timezone.now()),
            lambda: write(account, people.owner, trade(), deposit()),
            lambda: write(second, people.spouse, trade()),
        )
        assert answers[1:] == [2, 1]
    assert [found for batch in verified() for found in batch.differences] == []


@contextmanager
def held_elsewhere(account: Account) -> Iterator[None]:
    """Hold the account's row in another transaction, as a long booking does."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(
            "SELECT 1 FROM transactions_account WHERE id = %s FOR NO KEY UPDATE", [account.pk]
        )
        yield


def test_of_many_writers_of_a_locked_household_two_wait_and_the_others_are_told_at_once(
    account: Any, people: Any, assets: Any, client_of: Any
) -> None:
    body = {
        "account_id": str(account.public_id),
        "type": "deposit",
        "amount": "5",
        "executed_at": "2024-01-02T15:00:00Z",
    }
    writer, reader = client_of(people.owner), client_of(people.stranger)
    answers: Queue[Any] = Queue()

    def post() -> None:
        try:
            answers.put(writer.post("/api/v1/transactions", body, format="json"))
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(16)]
    with held_elsewhere(account):
        for thread in threads:
            thread.start()
        refused = [answers.get(timeout=30) for _ in range(16 - WRITERS_WAITING_MAX)]
        for answer in refused:
            assert (answer.status_code, answer.json()["code"]) == (503, "household_busy")
            assert int(answer["Retry-After"]) >= 1
        assert answers.empty(), "two wait for as long as the lock is held"
        assert reader.get("/api/v1/accounts").status_code == 200
        # Work that only refers to the locked rows proceeds meanwhile.
        with transaction.atomic():
            upload(account, people.spouse)
        assert not Transaction.objects.exists()
    written = [answers.get(timeout=30) for _ in range(WRITERS_WAITING_MAX)]
    assert [answer.status_code for answer in written] == [201] * WRITERS_WAITING_MAX
    for thread in threads:
        thread.join(timeout=30)
    assert Transaction.objects.count() == WRITERS_WAITING_MAX


def test_a_rebalance_is_asked_for_while_the_account_is_locked(
    account: Any, people: Any, assets: Any
) -> None:
    from portfolios.operations import TargetWeight, set_targets

    set_targets(account=account, weights=[TargetWeight("AAA", D(100), D(5))])
    account.refresh_from_db()
    with held_elsewhere(account):
        job = request_rebalance(
            account=account, options=Options(), user=people.owner, now=timezone.now()
        )
    assert job.status == "pending"


def test_an_import_waits_uncounted_while_its_household_is_locked(
    account: Any, people: Any, assets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.models import Job
    from transactions.tasks import work_on_import

    batch = upload(account, people.owner)
    monkeypatch.setattr(imports, "IMPORT_ROWS_AT_ONCE_MAX", 0)
    job = imports.commit(batch=batch, user=people.owner, now=timezone.now()).job
    assert job is not None
    with held_elsewhere(account), connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
        for waits in range(1, 6):
            Job.objects.update(next_at=timezone.now() - timedelta(seconds=1))
            work_on_import(job.pk)
            job.refresh_from_db()
            assert (job.status, job.tries, job.waits) == ("pending", 0, waits)
        cursor.execute("RESET lock_timeout")
    Job.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    work_on_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.tries) == ("completed", 1)
    assert Transaction.objects.count() == 1
