"""The entry form warns before it records, and never blocks: the same figures again are recorded."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketdata.models import DailyPrice
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

DAY = "2024-01-03"
BUY = {"type": "buy", "executed_on": DAY, "symbol": "AAA", "quantity": "2", "price": "50"}
SPLIT = {"type": "split", "executed_on": "2024-02-01", "symbol": "AAA", "ratio": "2:1"}
DEPOSIT = {"type": "deposit", "executed_on": "2024-01-02", "amount": "1000"}


@pytest.fixture
def send(
    account: Any, assets: Any, people: Any, page_client: Callable[[Any], Client]
) -> Callable[..., Any]:
    client = page_client(people.owner)
    address = reverse("transactions", args=[account.public_id])
    return lambda **form: client.post(address, form)


CASES = {
    "cash": ([], BUY, "cash is -100.00 USD"),
    "twice": ([DEPOSIT, BUY], BUY, "another buy with these figures on 2024-01-03"),
    "price": ([DEPOSIT], {**BUY, "price": "75"}, "traded between 48 and 52 USD on 2024-01-03"),
    "split": (
        [DEPOSIT, BUY, SPLIT],
        {**SPLIT, "executed_on": "2024-02-02", "ratio": "3:1"},
        "another split of AAA on 2024-02-01",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_warning_is_shown_once_and_the_same_figures_are_recorded(
    name: str, send: Any, assets: Any
) -> None:
    before, form, words = CASES[name]
    day = date.fromisoformat(DAY)
    DailyPrice.objects.create(
        asset=assets["AAA"], date=day, close=Decimal(50), low=Decimal(48), high=Decimal(52)
    )
    for one in before:
        assert send(**one).status_code == 302
    recorded = Transaction.objects.count()
    warned = send(**form)
    text = warned.content.decode()
    assert (warned.status_code, words in text) == (200, True), text
    assert "Record as it is" in text
    assert Transaction.objects.count() == recorded
    seen = warned.context["form"].figures()
    # Other figures are looked at anew.
    other = send(**{**form, "note": "changed", "seen": seen})
    assert other.status_code == 200
    assert Transaction.objects.count() == recorded
    assert send(**{**form, "seen": seen}).status_code == 302
    assert Transaction.objects.count() == recorded + 1
