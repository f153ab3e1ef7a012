"""The pages of gains: a year, a lot's lineage, a sale before it is made."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from re import DOTALL, findall, sub
from typing import Any

import pytest
from django.utils import timezone

from dashboard.presenters.figures import MINUS
from marketdata.models import Asset
from transactions.ledger.entries import Entry
from transactions.models import Lot, Transaction
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db


def replacement(account: Any) -> Transaction:
    return Lot.objects.get(account=account, replaces_loss=True).transaction


def test_the_year_shows_lines_wash_sales_and_the_return(
    owner: Any, sold: Any, page_client: Callable[[Any], Any]
) -> None:
    year = (timezone.now() - timedelta(days=12)).year
    answer = page_client(owner).get(f"/accounts/{sold.public_id}/gains?year={year}")
    assert answer.status_code == 200
    text = answer.content.decode()
    for words in ("Permanently disallowed", "Wash sale", "Provisional", f"Schedule D for {year}"):
        assert words in text
    assert f"{MINUS}$60.00" in text  # 10 of the 40 sold for 19, bought for 25
    assert f"{MINUS}$180.00" in text
    assert f"form-8949?year={year}" in text
    form = page_client(owner).get(
        f"/api/v1/portfolios/{sold.public_id}/gains/form-8949?year={year}"
    )
    assert form.status_code == 200


def test_a_year_without_sales_and_an_ira_have_pages_too(
    owner: Any, sold: Any, people: Any, page_client: Callable[[Any], Any]
) -> None:
    client = page_client(owner)
    empty = client.get(f"/accounts/{sold.public_id}/gains?year=2001").content.decode()
    assert "Nothing was sold in 2001" in empty
    ira = sold.household.accounts.get(type="ira")
    text = client.get(f"/accounts/{ira.public_id}/gains").content.decode()
    assert "not on Schedule D" in text
    assert "Form 8949" not in text
    beyond = client.get(f"/accounts/{sold.public_id}/gains?page=99999&year=2024")
    assert beyond.status_code == 200
    for nonsense in ("year=soon", "year=0", "year=9999", "year=%F0%9F", "page=one"):
        answer = client.get(f"/accounts/{sold.public_id}/gains?{nonsense}")
        assert (answer.status_code, b"must" in answer.content) == (400, True)


def test_a_lot_opens_into_its_steps_and_the_loss_it_took_over(
    owner: Any, sold: Any, page_client: Callable[[Any], Any]
) -> None:
    lot = replacement(sold)
    answer = page_client(owner).get(f"/accounts/{sold.public_id}/lots/{lot.public_id}")
    assert answer.status_code == 200
    text = answer.content.decode()
    for words in (
        "Disallowed loss added",
        "Disallowed losses added",
        "days added",
        "Difference $0.00",
    ):
        assert words in text


def test_the_steps_of_a_lot_in_yen_leave_out_what_is_nothing(
    owner: Any, page_client: Callable[[Any], Any]
) -> None:
    """A yen has no decimals: its zero is written "0", and is as empty as 0.00 dollars."""
    now = timezone.now()
    account = open_account(user=owner, name="Yen", type="taxable", currency="JPY", now=now)
    asset = Asset.objects.create(symbol="JJJ", name="JJJ", asset_class="equity", currency="JPY")
    at = now - timedelta(days=9)
    deposit = Entry(type="deposit", executed_at=at, currency="JPY", amount=Decimal(9000))
    buy = Entry(
        type="buy",
        executed_at=at,
        currency="JPY",
        symbol=asset.symbol,
        quantity=Decimal(3),
        price=Decimal(1000),
    )
    *_, bought = record(account=account, entries=[deposit, buy], user=owner, now=now)
    answer = page_client(owner).get(f"/accounts/{account.public_id}/lots/{bought.public_id}")
    text = answer.content.decode()
    _, _, steps = text.partition('id="steps-title"')
    (row,) = findall(r'<tr class="row">.*?</tr>', steps.partition("<tfoot>")[0], DOTALL)
    cells = [sub(r"<[^>]+>", "", cell) for cell in findall(r"<td.*?</td>", row, DOTALL)]
    assert cells == ["3", "+¥3,000", "", "¥3,000"]


def test_a_preview_writes_nothing_and_refusals_are_told(
    owner: Any, sold: Any, page_client: Callable[[Any], Any]
) -> None:
    client, before = page_client(owner), Transaction.objects.count()
    url = f"/accounts/{sold.public_id}/sale-preview"
    form = {"type": "sell", "executed_on": timezone.now().date(), "symbol": "AAA"}
    answer = client.post(url, {**form, "quantity": "10", "lot_method": "hifo"})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Estimated tax for" in text
    assert "Highest cost first <span" in text
    for wrong, words in (
        ({"quantity": "1000"}, "are held on"),
        ({"quantity": ""}, "Enter the symbol and the quantity of the sale"),
        ({"quantity": "1", "symbol": "ZZZ"}, "not known"),
    ):
        answer = client.post(url, {**form, **wrong})
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert Transaction.objects.count() == before


def test_the_method_chosen_in_the_form_is_recorded(
    owner: Any, invest: Any, page_client: Callable[[Any], Any]
) -> None:
    form = {"type": "sell", "executed_on": timezone.now().date(), "symbol": "AAA"}
    answer = page_client(owner).post(
        f"/accounts/{invest.public_id}/transactions",
        {**form, "quantity": "10", "price": "50", "lot_method": "lifo"},
    )
    assert answer.status_code == 302, answer.content
    assert Transaction.objects.get(type="sell").lot_method == "lifo"


def test_spouse_and_adviser_see_them_and_a_stranger_does_not(
    people: Any, sold: Any, page_client: Callable[[Any], Any]
) -> None:
    own = f"/accounts/{sold.public_id}"
    for address in (f"{own}/gains", f"{own}/lots/{replacement(sold).public_id}"):
        for person, status in ((people.spouse, 200), (people.adviser, 200), (people.stranger, 404)):
            assert page_client(person).get(address).status_code == status
    answer = page_client(people.stranger).post(f"{own}/sale-preview", {"type": "sell"})
    assert answer.status_code == 404
