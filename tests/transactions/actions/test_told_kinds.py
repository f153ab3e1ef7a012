"""Events of every kind that an account has told itself are linked and not booked again."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from marketdata.operations import withdraw_for_everyone
from tests.transactions.actions.conftest import follow
from transactions.ledger.entries import Entry, ratio_of
from transactions.models import AppliedAction, Transaction

pytestmark = pytest.mark.django_db

# What a broker told on June 12, and the same event of the security on June 10.
TOLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "stock_dividend": ({"quantity": D(5)}, {"ratio": "1:20"}),
    "spin_off": (
        {"new_symbol": "BBB", "quantity": D(25), "basis_percentage": D("19.8")},
        {"new_symbol": "BBB", "ratio": "1:4", "basis_percentage": D(20)},
    ),
    "rights_issue": (
        {"new_symbol": "BBB", "quantity": D(10)},
        {"new_symbol": "BBB", "ratio": "1:10"},
    ),
    "merger": (
        {"new_symbol": "BBB", "ratio": ratio_of("1:2")},
        {"new_symbol": "BBB", "ratio": "1:2"},
    ),
    "symbol_change": ({"new_symbol": "BBB"}, {"new_symbol": "BBB"}),
    "return_of_capital": ({"amount": D(99)}, {"cash_per_share": D(1)}),
    "exchange_offer": (
        {"new_symbol": "BBB", "ratio": ratio_of("1:2"), "quantity": D(40)},
        {"new_symbol": "BBB", "ratio": "1:2"},
    ),
}


@pytest.mark.parametrize("kind", TOLD)
def test_what_an_account_told_is_linked_and_stays(
    kind: str, ledgers: Any, people: Any, confirmed: Any
) -> None:
    told, announced = TOLD[kind]
    account = ledgers.account(people.owner)
    ledgers.trade(account, "buy", "2024-03-01", "100", "1000")
    ledgers.write(account, Entry(kind, datetime(2024, 6, 12, tzinfo=UTC), "USD", "AAA", **told))
    before = ledgers.lots(account), ledgers.lots(account, "BBB")
    action = confirmed(kind, "2024-06-10", announced.get("ratio", ""), **_terms(announced))
    assert [(row.told, row.transaction.type) for row in AppliedAction.objects.all()] == [
        (True, kind)
    ]
    assert (ledgers.lots(account), ledgers.lots(account, "BBB")) == before
    withdraw_for_everyone(action=action, user=people.operator, now=timezone.now())
    assert follow(action) == [True]
    assert (ledgers.lots(account), ledgers.lots(account, "BBB")) == before
    assert not Transaction.objects.filter(reverses__isnull=False).exists()
    ledgers.ensure_right()


def _terms(announced: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in announced.items() if name != "ratio"}


@pytest.mark.parametrize("kind", [kind for kind in TOLD if kind != "exchange_offer"])
def test_what_was_booked_is_reversed_without_a_trace_in_lots_and_cash(
    kind: str, ledgers: Any, people: Any, confirmed: Any
) -> None:
    _, announced = TOLD[kind]
    account = ledgers.account(people.owner)
    ledgers.trade(account, "buy", "2023-03-01", "60", "600")
    ledgers.trade(account, "buy", "2024-03-01", "40", "500")
    account.refresh_from_db()
    before = ledgers.lots(account), ledgers.lots(account, "BBB"), account.cash
    action = confirmed(kind, "2024-06-10", announced.get("ratio", ""), **_terms(announced))
    assert AppliedAction.objects.get().told is False
    assert (ledgers.lots(account), ledgers.lots(account, "BBB")) != before[:2]
    withdraw_for_everyone(action=action, user=people.operator, now=timezone.now())
    assert follow(action) == [True]
    account.refresh_from_db()
    assert (ledgers.lots(account), ledgers.lots(account, "BBB"), account.cash) == before
    assert account.disposals.count() == 0
    ledgers.ensure_right()


def test_another_event_of_the_same_kind_is_not_taken_for_it(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    """The payment of May is not the one of June; a spin-off of another company is another."""
    account = ledgers.account(people.owner)
    ledgers.trade(account, "buy", "2024-03-01", "100", "1000")
    for kind, day, told in (
        ("return_of_capital", 3, {"amount": D(50)}),
        ("spin_off", 12, {"new_symbol": "EEE", "quantity": D(5), "basis_percentage": D(1)}),
    ):
        at = datetime(2024, 6, day, tzinfo=UTC)
        ledgers.write(account, Entry(kind, at, "USD", "AAA", **told))
    confirmed("return_of_capital", "2024-06-10", cash_per_share=D(1))
    confirmed("spin_off", "2024-06-10", "1:4", new_symbol="BBB", basis_percentage=D(20))
    assert [row.told for row in AppliedAction.objects.all()] == [False, False]
    assert ledgers.lots(account, "BBB")[0][1] == D(25)
    assert date(2024, 6, 10) in {row.trade_date for row in ledgers.told(account, "spin_off")}
    ledgers.ensure_right()
