"""verify_ledger: whatever is planted is found, and a killed run goes on where it stopped."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from core.limits import VERIFICATION_DIFFERENCES_KEPT, VERIFICATION_TEXT_LENGTH_MAX
from tests.transactions.model.invariants import breaches
from transactions.ledger.entries import Entry
from transactions.models import Account, Lot, VerificationRun
from transactions.operations import open_account, record
from transactions.operations import verification_runs as runs
from transactions.operations.verification import Difference, Verified, verified

pytestmark = pytest.mark.django_db

DAY = datetime(2024, 3, 1, 15, tzinfo=UTC)


def trade(side: str, days: int, quantity: str, amount: str) -> Entry:
    return Entry(side, DAY + timedelta(days=days), "USD", "AAA", D(quantity), amount=D(amount))


@pytest.fixture
def ledger(people: Any, assets: Any, account: Account) -> Account:
    """A gain, a loss replaced in part at home, in part in an IRA, and a lot in two pieces."""
    ira = open_account(
        user=people.owner, name="IRA", type="ira", currency="USD", now=timezone.now()
    )
    for place, *entries in (
        (account, trade("buy", 0, "40", "2000"), trade("buy", 1, "10", "300")),
        (account, trade("sell", 40, "40", "1800"), trade("buy", 50, "25", "1150")),
        (ira, trade("buy", 45, "20", "920")),
        (account, trade("sell", 400, "10", "600")),
    ):
        record(account=place, entries=entries, user=people.owner, now=timezone.now())
    assert found_differences() == []
    assert breaches() == []
    return account


def found_differences() -> list[Difference]:
    return [found for batch in verified() for found in batch.differences]


CORRUPTIONS: dict[str, tuple[str, str]] = {
    "quantity of a lot": (
        "lot",
        "UPDATE transactions_lot SET quantity = quantity + 1 WHERE quantity > 0",
    ),
    "basis of a lot": (
        "lot",
        "UPDATE transactions_lot SET cost_basis = cost_basis + 0.01 WHERE quantity > 0",
    ),
    "holding period of a lot": (
        "lot",
        "UPDATE transactions_lot SET holding_period_date = holding_period_date - 1",
    ),
    "purchase date of a lot": (
        "lot",
        "UPDATE transactions_lot SET opened_at = opened_at - interval '1 day'",
    ),
    "moved loss of a lot": (
        "lot",
        "UPDATE transactions_lot SET wash_sale_adjustment = wash_sale_adjustment + 1"
        " WHERE replaces_loss",
    ),
    "bite of a lot": ("lot", "UPDATE transactions_lot SET replaces_loss = NOT replaces_loss"),
    "number of a bite": (
        "lot",
        "UPDATE transactions_lot SET losses_replaced = losses_replaced + 1 WHERE quantity > 0",
    ),
    "purchase of a lot": ("lot", "UPDATE transactions_lot SET purchase = NOT purchase"),
    "a lot is gone": ("lot", "DELETE FROM transactions_lot WHERE quantity > 0"),
    "a lot too many": (
        "lot",
        "INSERT INTO transactions_lot (account_id, asset_id, transaction_id, piece, opened_at,"
        " opened_date, holding_period_date, quantity, cost_basis, wash_sale_adjustment,"
        " replaces_loss, purchase)"
        " SELECT account_id, asset_id, transaction_id, 9, opened_at, opened_date,"
        " holding_period_date, 1, 1, 0, false, true FROM transactions_lot ORDER BY id LIMIT 1",
    ),
    "proceeds of a sale": (
        "disposal",
        "UPDATE transactions_disposal SET proceeds = proceeds - 0.01",
    ),
    "basis of a sale": (
        "disposal",
        "UPDATE transactions_disposal SET cost_basis = cost_basis + 0.01",
    ),
    "quantity of a sale": (
        "disposal",
        "UPDATE transactions_disposal SET quantity = quantity + 0.0000000001",
    ),
    "term of a sale": ("disposal", "UPDATE transactions_disposal SET long_term = NOT long_term"),
    "holding period of a sale": (
        "disposal",
        "UPDATE transactions_disposal SET holding_period_date = holding_period_date + 1",
    ),
    "deferred loss of a sale": (
        "disposal",
        "UPDATE transactions_disposal SET deferred_loss = deferred_loss - 1"
        " WHERE deferred_loss > 0",
    ),
    "permanent loss of a sale": (
        "disposal",
        "UPDATE transactions_disposal SET permanent_loss = 0 WHERE permanent_loss > 0",
    ),
    "matched shares of a sale": (
        "disposal",
        "UPDATE transactions_disposal SET matched_quantity = 0 WHERE matched_quantity > 0",
    ),
    "lot of a sale": (
        "disposal",
        "UPDATE transactions_disposal SET lot_transaction_id ="
        " (SELECT max(id) FROM transactions_transaction WHERE type = 'buy')",
    ),
    "a sale is gone": ("disposal", "DELETE FROM transactions_disposal"),
    "a sale too many": (
        "disposal",
        "INSERT INTO transactions_disposal (account_id, asset_id, transaction_id, part,"
        " lot_transaction_id, opened_at, opened_date, holding_period_date, closed_at, closed_date,"
        " quantity, proceeds,"
        " cost_basis, wash_sale_adjustment, long_term, matched_quantity, deferred_loss,"
        " permanent_quantity, permanent_loss, replaces_loss, purchase)"
        " SELECT account_id, asset_id, transaction_id, 9,"
        " lot_transaction_id, opened_at, opened_date, holding_period_date, closed_at, closed_date,"
        " 1, 1, 1, 0, false,"
        " 0, 0, 0, 0, false, true FROM transactions_disposal ORDER BY id LIMIT 1",
    ),
    "shares of a match": (
        "wash_sale",
        "UPDATE transactions_washsale SET quantity = quantity + 1",
    ),
    "dollars of a match": (
        "wash_sale",
        "UPDATE transactions_washsale SET disallowed = disallowed + 0.01",
    ),
    "days of a match": ("wash_sale", "UPDATE transactions_washsale SET days_held = days_held + 1"),
    "a match for ever": (
        "wash_sale",
        "UPDATE transactions_washsale SET permanent = false WHERE permanent",
    ),
    "replacement of a match": (
        "wash_sale",
        "UPDATE transactions_washsale SET replacement_id = loss_lot_id",
    ),
    "a match is gone": ("wash_sale", "DELETE FROM transactions_washsale"),
    "a match twice": (
        "wash_sale",
        "INSERT INTO transactions_washsale (sale_id, part, loss_account_id, loss_asset_id,"
        " loss_lot_id, replacement_id, replacement_account_id, quantity, loss_quantity, disallowed,"
        " basis_added, days_held, permanent, sold_date, replacement_date)"
        " SELECT sale_id, part, loss_account_id, loss_asset_id, loss_lot_id, replacement_id,"
        " replacement_account_id, quantity, loss_quantity, disallowed, basis_added, days_held,"
        " permanent, sold_date, replacement_date FROM transactions_washsale ORDER BY id LIMIT 1",
    ),
    "quantity of a holding": (
        "holding",
        "UPDATE transactions_holding SET quantity = quantity + 0.0000000001",
    ),
    "basis of a holding": (
        "holding",
        "UPDATE transactions_holding SET cost_basis = cost_basis + 0.0001",
    ),
    "a holding is gone": ("holding", "DELETE FROM transactions_holding"),
    "a holding of nothing": (
        "holding",
        "INSERT INTO transactions_holding (account_id, asset_id, quantity, cost_basis)"
        " SELECT (SELECT min(id) FROM transactions_account), id, 1, 1"
        " FROM marketdata_asset WHERE symbol = 'BBB'",
    ),
    "cash of an account": ("cash", "UPDATE transactions_account SET cash = cash + 0.01"),
}


def test_whatever_is_planted_is_found(ledger: Account) -> None:
    unseen = []
    for name, (kind, statement) in CORRUPTIONS.items():
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)
                assert cursor.rowcount > 0, f"{name}: nothing was planted"
            if kind not in {found.what for found in found_differences()}:
                unseen.append(name)
            transaction.set_rollback(True)
    assert unseen == []
    assert found_differences() == []


def test_the_invariants_see_what_they_are_for(ledger: Account) -> None:
    seen = {
        "deferred loss of a sale": "a sale's matches are what it says",
        "matched shares of a sale": "a loss is allowed or disallowed, once",
        "dollars of a match": "a match keeps the rules",
        "shares of a match": "one bite",
        "basis of a lot": "recognised + permanent + held = paid and received",
        "quantity of a holding": "a holding is its lots",
        "cash of an account": "cash is what moved it",
        "a sale is gone": "a sale is closed",
    }
    for name, invariant in seen.items():
        statement = CORRUPTIONS[name][1]
        if name == "shares of a match":
            statement = statement.replace("+ 1", "+ 100")
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)
            assert invariant in {breach.invariant for breach in breaches()}, name
            transaction.set_rollback(True)


class Killed(BaseException):
    """What a process gets that is stopped between two batches."""


class DiesAfter(io.StringIO):
    """A terminal that kills the command after some lines."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self.lines = lines

    def write(self, text: str) -> int:
        self.lines -= 1
        if self.lines < 0:
            raise Killed
        return super().write(text)


def test_a_killed_run_goes_on_where_it_stopped(ledger: Account) -> None:
    with pytest.raises(Killed):
        call_command("verify_ledger", batch=1, stdout=DiesAfter(2))
    (run,) = VerificationRun.objects.all()
    assert (run.status, run.finished_at, run.households) == ("running", None, 2)
    said = io.StringIO()
    call_command("verify_ledger", "--resume", batch=1, stdout=said)
    run.refresh_from_db()
    assert f"run {run.pk} starts after household" in said.getvalue()
    assert (run.status, run.households, run.accounts) == ("right", 3, 2)
    assert run.transactions == 6
    assert run.finished_at is not None
    with pytest.raises(CommandError, match="nothing to resume"):
        call_command("verify_ledger", "--resume", stdout=io.StringIO())


def test_what_was_found_before_the_kill_still_counts(ledger: Account) -> None:
    Lot.objects.filter(quantity__gt=0).update(cost_basis=D("0.5"))
    with pytest.raises(Killed):
        call_command("verify_ledger", batch=1, stdout=DiesAfter(2), stderr=io.StringIO())
    with pytest.raises(CommandError, match="differences in 2 accounts"):
        call_command("verify_ledger", "--resume", stdout=io.StringIO(), stderr=io.StringIO())
    run = VerificationRun.objects.get()
    assert run.status == "wrong"
    assert run.difference_count == len(run.differences) > 0
    assert {row["what"] for row in run.differences} >= {"lot"}


def test_two_processes_with_one_run_do_not_both_write_it(ledger: Account) -> None:
    run = runs.begin_run(clock=timezone.now)
    rival = VerificationRun.objects.get(pk=run.pk)
    slow = runs.go_on(run=run, clock=timezone.now, batch=1)
    next(slow)
    with pytest.raises(runs.RunTaken):
        next(runs.go_on(run=rival, clock=timezone.now, batch=1))
    assert [found.households for found in slow] == [1, 1]
    run.refresh_from_db()
    assert (run.status, run.households) == ("right", 3)


def test_a_run_remembers_so_much_and_counts_all(
    ledger: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tuple(
        Difference(1, "lot", str(n), "x" * (VERIFICATION_TEXT_LENGTH_MAX + 1), "")
        for n in range(VERIFICATION_DIFFERENCES_KEPT)
    )

    def found(**_: Any) -> Any:
        yield Verified(1, 1, 1, 1, many)
        yield Verified(2, 1, 1, 1, many)

    monkeypatch.setattr(runs, "verified", found)
    list(runs.go_on(run=runs.begin_run(clock=timezone.now), clock=timezone.now))
    run = VerificationRun.objects.get()
    assert run.difference_count == 2 * VERIFICATION_DIFFERENCES_KEPT
    assert len(run.differences) == VERIFICATION_DIFFERENCES_KEPT
    assert len(run.differences[0]["stored"]) == VERIFICATION_TEXT_LENGTH_MAX


def test_operators_see_runs_and_what_they_found(
    ledger: Account, people: Any, client: Any, client_of: Callable[[Any], Any]
) -> None:
    Account.objects.filter(pk=ledger.pk).update(cash=D("12345.67"))
    with pytest.raises(CommandError):
        call_command("verify_ledger", stdout=io.StringIO(), stderr=io.StringIO())
    run = VerificationRun.objects.get()
    address = "/admin/transactions/verificationrun/"
    client.force_login(people.operator)
    assert "Differences found" in client.get(address).content.decode()
    shown = client.get(f"{address}{run.pk}/change/").content.decode()
    assert "12345.67" in shown
    client.force_login(people.owner)
    assert client.get(address).status_code in (302, 403)
