"""Corporate actions and transfers, stated on the page of transactions."""

from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from transactions.models import Lot, Transaction
from transactions.operations import open_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(people: Any, account: Any, assets: Any) -> Any:
    """Sends the form of the account's page, with what a browser would leave empty left empty.

    Warnings (the account has no cash) are seen, and the form is sent again.
    """
    browser = Client()
    browser.force_login(people.owner)

    def send(**fields: str) -> Any:
        address = f"/accounts/{account.public_id}/transactions"
        answer = browser.post(address, fields)
        if answer.status_code == 200:
            seen = answer.context["form"].figures()
            answer = browser.post(address, {**fields, "seen": seen})
        return answer

    send(type="buy", executed_on="2024-01-03", symbol="AAA", quantity="10", price="50")
    return send


def test_a_split_with_cash_in_lieu(page: Any, account: Any) -> None:
    answer = page(type="split", executed_on="2024-02-01", symbol="AAA", ratio="5:4", cash="20.00")
    assert answer.status_code == 302, answer.content
    assert [row.quantity for row in Lot.objects.filter(quantity__gt=0)] == [D(12)]
    account.refresh_from_db()
    assert account.cash == D("-480.00")


def test_a_transfer_to_an_own_account_moves_the_lot(page: Any, account: Any, people: Any) -> None:
    other = open_account(
        user=people.owner, name="Other", type="taxable", currency="USD", now=timezone.now()
    )
    answer = page(
        type="transfer_out",
        executed_on="2024-02-01",
        symbol="AAA",
        quantity="4",
        to_account=str(other.public_id),
    )
    assert answer.status_code == 302, answer.content
    moved = Lot.objects.get(account=other)
    assert (moved.quantity, moved.cost_basis) == (D(4), D(200))
    assert moved.opened_at.date().isoformat() == "2024-01-03"


def test_a_spin_off_and_a_change_of_symbol(page: Any) -> None:
    answer = page(
        type="spin_off",
        executed_on="2024-02-01",
        symbol="AAA",
        new_symbol="bbb",
        ratio="1:2",
        basis_percentage="20",
    )
    assert answer.status_code == 302, answer.content
    assert sorted(Lot.objects.values_list("asset__symbol", "cost_basis")) == [
        ("AAA", D(400)),
        ("BBB", D(100)),
    ]


def test_a_stock_dividend_by_its_units_and_by_its_ratio(page: Any) -> None:
    for day, fields in (("2024-02-01", {"quantity": "2"}), ("2024-03-01", {"ratio": "1:4"})):
        answer = page(type="stock_dividend", executed_on=day, symbol="AAA", **fields)
        assert answer.status_code == 302, answer.content
    (lot,) = Lot.objects.filter(quantity__gt=0)
    assert (lot.quantity, lot.cost_basis) == (D(15), D(500))
    answer = page(type="stock_dividend", executed_on="2024-02-01", symbol="AAA")
    assert "is required unless there is a quantity" in answer.content.decode()
    assert Transaction.objects.count() == 3


def test_rights_are_received_and_exercised(page: Any, account: Any) -> None:
    answer = page(
        type="rights_issue", executed_on="2024-02-01", symbol="AAA", new_symbol="BBB", ratio="1:1"
    )
    assert answer.status_code == 302, answer.content
    answer = page(
        type="rights_exercise",
        executed_on="2024-02-20",
        symbol="BBB",
        new_symbol="AAA",
        ratio="1:5",
        quantity="2",
        price="40",
        fee="1",
    )
    assert answer.status_code == 302, answer.content
    rows = Lot.objects.filter(quantity__gt=0).order_by("opened_at")
    assert list(rows.values_list("asset__symbol", "quantity", "cost_basis")) == [
        ("AAA", D(10), D(500)),
        ("AAA", D(2), D(81)),
    ]
    account.refresh_from_db()
    assert account.cash == D("-581.00")


def test_an_exercise_of_more_rights_than_are_held_changes_nothing(page: Any) -> None:
    page(type="rights_issue", executed_on="2024-02-01", symbol="AAA", new_symbol="BBB", ratio="1:1")
    before = list(Lot.objects.order_by("id").values())
    fields = {"symbol": "BBB", "new_symbol": "AAA", "ratio": "1:5", "quantity": "3", "price": "40"}
    answer = page(type="rights_exercise", executed_on="2024-02-20", **fields)
    assert answer.status_code == 400
    assert "Only 10 " in answer.content.decode()
    assert list(Lot.objects.order_by("id").values()) == before
    assert Transaction.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"type": "split", "ratio": "0:1"}, "must consist of positive numbers"),
        ({"type": "split", "ratio": "two"}, "must be written as 2:1 or 1.05"),
        ({"type": "spin_off", "new_symbol": "BBB", "ratio": "1:2"}, "needs the basis percentage"),
        ({"type": "transfer_in", "quantity": "3"}, 'id="id_cost_error">Is required'),
        ({"type": "symbol_change"}, "needs the new symbol"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["type"],
)
def test_what_is_refused_is_said_and_changes_nothing(
    page: Any, fields: dict[str, str], said: str
) -> None:
    before = Transaction.objects.count()
    answer = page(executed_on="2024-02-01", symbol="AAA", **fields)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert Transaction.objects.count() == before
