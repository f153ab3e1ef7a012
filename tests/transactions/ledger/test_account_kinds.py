"""Every kind of account as the tax code sees it, from one table."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from core.errors import InvalidInput
from transactions.ledger.account_kinds import ACCOUNT_KINDS, TAXED
from transactions.ledger.entries import Entry
from transactions.models import AccountType, Disposal, Transaction, WashSalePolicy
from transactions.operations import open_account, record
from transactions.operations.warnings import cash_warning

pytestmark = pytest.mark.django_db


def test_the_table_and_the_stored_names_are_the_same() -> None:
    assert {kind.name: kind.label for kind in ACCOUNT_KINDS.values()} == dict(AccountType.choices)
    assert TAXED == ("taxable", "joint", "trust", "cash")


def account_of(people: Any, kind: str) -> Any:
    return open_account(user=people.owner, name=kind, type=kind, currency="USD", now=timezone.now())


def trade(account: Any, people: Any, kind: str, days: int, price: str) -> None:
    now = timezone.now()
    entry = Entry(kind, now - timedelta(days=days), "USD", "AAA", Decimal(10), Decimal(price))
    record(account=account, entries=[entry], user=people.owner, now=now)


@pytest.mark.parametrize("kind", [name for name, row in ACCOUNT_KINDS.items() if row.securities])
def test_a_replaced_loss_is_added_to_the_basis_or_lost_for_good(
    people: Any, assets: Any, account: Any, kind: str
) -> None:
    """A loss of 100 in a taxable account, replaced in an account of each kind."""
    other = account_of(people, kind)
    trade(account, people, "buy", 60, "50")
    trade(account, people, "sell", 20, "40")
    trade(other, people, "buy", 10, "41")
    sold = Disposal.objects.get(account=account)
    lost = (sold.deferred_loss, sold.permanent_loss)
    assert lost == ((100, 0) if ACCOUNT_KINDS[kind].taxed else (0, 100))
    held = other.lots.get()
    assert held.cost_basis == (510 if ACCOUNT_KINDS[kind].taxed else 410)


@pytest.mark.parametrize("kind", [name for name, row in ACCOUNT_KINDS.items() if row.securities])
def test_losses_are_washed_only_in_taxed_accounts(
    people: Any, assets: Any, account: Any, kind: str
) -> None:
    other = account_of(people, kind)
    trade(other, people, "buy", 60, "50")
    trade(other, people, "sell", 20, "40")
    trade(account, people, "buy", 10, "41")
    sold = Disposal.objects.get(account=other)
    assert sold.deferred_loss == (100 if ACCOUNT_KINDS[kind].taxed else 0)
    assert sold.permanent_loss == 0


@pytest.mark.parametrize("kind", ["401k", "403b", "529", "ira", "hsa", "sep_ira"])
def test_the_policy_leaves_plans_out_and_no_ira(
    people: Any, assets: Any, account: Any, kind: str
) -> None:
    WashSalePolicy.objects.create(
        household=people.owner.household, employer_plan_counts=False, changed_at=timezone.now()
    )
    other = account_of(people, kind)
    trade(account, people, "buy", 60, "50")
    trade(account, people, "sell", 20, "40")
    trade(other, people, "buy", 10, "41")
    sold = Disposal.objects.get(account=account)
    assert sold.permanent_loss == (0 if ACCOUNT_KINDS[kind].plan else 100)


@pytest.mark.parametrize("kind", ["cash", "loan"])
def test_accounts_of_money_hold_no_securities(people: Any, assets: Any, kind: str) -> None:
    other = account_of(people, kind)
    with pytest.raises(InvalidInput) as refused:
        trade(other, people, "buy", 10, "41")
    assert refused.value.code == "account_holds_cash_only"
    assert not Transaction.objects.exists()
    now = timezone.now()
    drawn = Entry("withdrawal", now - timedelta(days=9), "USD", amount=Decimal(1000))
    record(account=other, entries=[drawn], user=people.owner, now=now)
    other.refresh_from_db()
    assert other.cash == -1000
    # A debt is no missing deposit.
    assert (cash_warning(account=other) is None) == (kind == "loan")


def test_a_debt_counts_in_the_net_worth_and_is_nothing_to_do(people: Any, assets: Any) -> None:
    from dashboard.queries import overview, without_debts

    now = timezone.now()
    for kind, what, amount in (("cash", "deposit", 5000), ("loan", "withdrawal", 3000)):
        entry = Entry(what, now - timedelta(days=9), "USD", amount=Decimal(amount))
        record(account=account_of(people, kind), entries=[entry], user=people.owner, now=now)
    found = overview(user=people.owner, now=now)
    assert found.totals.total == 2000
    assert [line.account.type for line in without_debts(found).lines] == ["cash"]
