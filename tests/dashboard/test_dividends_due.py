"""Dividends that vendors announced and an account has not recorded: found, recorded, skipped."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketdata.dividends import Announced
from marketdata.models import AnnouncedDividend
from portfolios.holdings.dividends_due import due_dividends
from portfolios.models import SkippedDividend
from portfolios.prices.rule import Points
from transactions.ledger.entries import Entry, ratio_of
from transactions.models import Transaction
from transactions.operations import record

MARCH, JUNE = date(2024, 3, 10), date(2024, 6, 9)


def announced(ex_date: date, amount: str, paid: date | None = None) -> Announced:
    return Announced(1, ex_date, D(amount), "USD", paid)


def held(*points: tuple[date, int]) -> dict[int, Points]:
    days = np.array([day.toordinal() for day, _ in points])
    return {1: Points(days, np.array([units * 10**10 for _, units in points]))}


def due(
    ones: Sequence[Announced], *paid: date, units: dict[int, Points] | None = None
) -> list[tuple[date, D]]:
    found = due_dividends(
        ones,
        units=held((date(2024, 1, 5), 40), (date(2024, 4, 1), 80)) if units is None else units,
        payments={1: paid},
        skipped=(),
    )
    return [(one.announced.ex_date, one.amount) for one in found]


def test_the_worked_example() -> None:
    ones = [announced(MARCH, "0.25"), announced(JUNE, "0.13")]
    assert due(ones) == [(MARCH, D("10.00")), (JUNE, D("10.40"))]
    assert due(ones, date(2024, 3, 24)) == [(JUNE, D("10.40"))]


@pytest.mark.parametrize(("bought", "expected"), [(9, [(MARCH, D("10.00"))]), (10, []), (11, [])])
def test_shares_must_be_held_the_day_before(bought: int, expected: list[tuple[date, D]]) -> None:
    units = held((date(2024, 3, bought), 40), (date(2024, 3, 12), 0))
    assert due([announced(MARCH, "0.25")], units=units) == expected


def test_a_payment_belongs_to_the_announced_day_or_to_the_latest_ex_date() -> None:
    april = date(2024, 4, 9)
    late = [announced(MARCH, "0.25", date(2024, 4, 15)), announced(april, "0.25")]
    assert due(late, date(2024, 4, 17)) == [(april, D("20.00"))]
    assert due(late, date(2024, 4, 30)) == [(MARCH, D("10.00"))]
    assert due([announced(MARCH, "0.25")], date(2024, 3, 9)) == [(MARCH, D("10.00"))]
    assert due([announced(MARCH, "0.25")], date(2024, 7, 8)) == []
    assert due([announced(MARCH, "0.25")], date(2024, 7, 9)) == [(MARCH, D("10.00"))]


def test_amounts_are_rounded_once_and_nothing_is_no_dividend() -> None:
    units = held((date(2024, 1, 5), 3))
    assert due([announced(MARCH, "0.115")], units=units) == [(MARCH, D("0.35"))]
    assert due([announced(MARCH, "0.001")], units=units) == []


def announce(asset: Any, ex_date: date, amount: str, paid: date | None = None) -> None:
    AnnouncedDividend.objects.create(
        asset=asset,
        ex_date=ex_date,
        provider="tiingo",
        amount=D(amount),
        currency=asset.currency,
        payment_date=paid,
    )


@pytest.fixture
def paying(account: Any, people: Any, assets: Any) -> Any:
    """40 AAA since January 2024, split 2 for 1 in April; 10 EEE; dividends of both announced."""

    def at(month: int) -> datetime:
        return datetime(2024, month, 1, 15, tzinfo=UTC)

    entries = [
        Entry("buy", at(1), "USD", "AAA", D(40), D(50)),
        Entry("buy", at(1), "EUR", "EEE", D(10), D(10)),
        Entry("split", at(4), "USD", "AAA", ratio=ratio_of("2:1")),
    ]
    record(account=account, entries=entries, user=people.owner, now=timezone.now())
    announce(assets["AAA"], MARCH, "0.25")
    announce(assets["AAA"], JUNE, "0.13", date(2024, 6, 20))
    announce(assets["EEE"], MARCH, "0.5", date(2024, 3, 20))
    announce(assets["BBB"], MARCH, "9")
    return account


def address(account: Any, rest: str = "") -> str:
    return f"/api/v1/portfolios/{account.public_id}/dividends-due{rest}"


def listed(client: Any, account: Any) -> list[tuple[str, str, str]]:
    body = client.get(address(account)).json()
    return [(row["symbol"], row["ex_date"], row["amount"]) for row in body["data"]]


ALL = [
    ("AAA", "2024-06-09", "10.40"),
    ("EEE", "2024-03-10", "5.00"),
    ("AAA", "2024-03-10", "10.00"),
]


@pytest.mark.django_db
def test_due_dividends_are_listed_recorded_and_gone(
    paying: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    assert listed(client, paying) == ALL
    assert client.get(address(paying)).json()["data"][0] == {
        "symbol": "AAA",
        "name": "AAA Inc",
        "ex_date": "2024-06-09",
        "payment_date": "2024-06-20",
        "units": "80",
        "cash_per_unit": "0.13",
        "amount": "10.40",
        "currency": "USD",
    }
    rows = [
        {"symbol": "AAA", "ex_date": "2024-06-09"},
        {"symbol": "AAA", "ex_date": "2024-03-10", "paid_on": "2024-03-24", "amount": "9.99"},
        {"symbol": "EEE", "ex_date": "2024-03-10"},
    ]
    answer = client.post(address(paying, "/record"), rows, format="json")
    assert answer.status_code == 201, answer.content
    made = [Transaction.objects.get(public_id=pk) for pk in answer.json()["transaction_ids"]]
    assert [(row.type, row.trade_date, row.amount, row.currency) for row in made] == [
        ("dividend", date(2024, 6, 20), D("10.4"), "USD"),
        ("dividend", date(2024, 3, 24), D("9.99"), "USD"),
        ("dividend", date(2024, 3, 20), D("5"), "EUR"),
    ]
    assert made[2].cash_effect == D("6.25")
    assert listed(client, paying) == []
    again = client.post(address(paying, "/record"), rows[:1], format="json")
    assert (again.status_code, again.json()["code"]) == (409, "dividend_not_due")


@pytest.mark.django_db
def test_a_reversed_dividend_is_due_again_and_a_skipped_one_never(
    paying: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    row = {"symbol": "AAA", "ex_date": "2024-06-09"}
    made = client.post(address(paying, "/record"), [row], format="json").json()
    assert ALL[0] not in listed(client, paying)
    client.post(f"/api/v1/transactions/{made['transaction_ids'][0]}/reverse", {}, format="json")
    assert listed(client, paying) == ALL
    assert client.post(address(paying, "/skip"), [row], format="json").status_code == 204
    assert listed(client, paying) == ALL[1:]
    again = client.post(address(paying, "/skip"), [row], format="json")
    assert (again.status_code, again.json()["code"]) == (409, "dividend_not_due")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"ex_date": "2024-03-10"}, "payment_date_required"),
        ({"ex_date": "2024-03-10", "paid_on": "2024-03-09"}, "paid_before_ex_date"),
        ({"ex_date": "2024-03-10", "paid_on": "2999-01-01"}, "date_in_future"),
        ({"ex_date": "2024-03-10", "paid_on": "2024-03-20", "amount": "0"}, "amount_not_positive"),
        ({"ex_date": "2024-03-11", "paid_on": "2024-03-20"}, "dividend_not_due"),
        ({"ex_date": "2024-06-09"}, "dividend_repeated"),
    ],
)
def test_a_refused_row_records_nothing(
    second: dict[str, str], code: str, paying: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client, before = client_of(people.owner), Transaction.objects.count()
    rows = [{"symbol": "AAA", "ex_date": "2024-06-09"}, {"symbol": "AAA", **second}]
    answer = client.post(address(paying, "/record"), rows, format="json")
    assert 400 <= answer.status_code < 410
    assert answer.json()["code"] == code
    assert Transaction.objects.count() == before
    assert listed(client, paying) == ALL


@pytest.mark.django_db
def test_an_empty_list_and_strangers_change_nothing(
    paying: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    row = [{"symbol": "AAA", "ex_date": "2024-06-09"}]
    for action in ("/record", "/skip"):
        answer = client_of(people.owner).post(address(paying, action), [], format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "required")
        answer = client_of(people.stranger).post(address(paying, action), row, format="json")
        assert answer.status_code == 404
    assert client_of(people.stranger).get(address(paying)).status_code == 404
    assert not SkippedDividend.objects.exists()
    assert listed(client_of(people.owner), paying) == ALL


@pytest.mark.django_db
def test_queries_do_not_grow_with_the_dividends(
    paying: Any, people: Any, assets: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    listed(client, paying)  # what a process reads once
    with CaptureQueriesContext(connection) as few:
        listed(client, paying)
    for month in range(1, 10):
        announce(assets["EEE"], date(2025, month, 3), "0.5")
    with CaptureQueriesContext(connection) as many:
        assert len(listed(client, paying)) == 12
    assert len(many) == len(few)


@pytest.mark.django_db(transaction=True)
def test_the_page_records_what_is_chosen(
    paying: Any, people: Any, page_client: Callable[[Any], Any]
) -> None:
    client = page_client(people.owner)
    page = f"/accounts/{paying.public_id}/dividends"
    shown = client.get(page).content.decode()
    assert "3 not recorded" in shown
    assert 'value="10.40"' in shown
    june, march = "AAA:2024-06-09", "AAA:2024-03-10"
    form = {
        f"{june}-chosen": "on",
        f"{june}-paid_on": "2024-06-21",
        f"{june}-amount": "10.41",
        "action": "record",
    }
    wrong = client.post(page, {**form, f"{march}-chosen": "on", f"{march}-amount": "x"})
    assert wrong.status_code == 400
    assert "Nothing was recorded" in wrong.content.decode()
    assert not Transaction.objects.filter(type="dividend").exists()
    assert client.post(page, form).status_code == 302
    [made] = Transaction.objects.filter(type="dividend")
    assert (made.trade_date, made.amount) == (date(2024, 6, 21), D("10.41"))
    late = client.post(page, form)  # the same page, still open elsewhere
    assert late.status_code == 409
    assert Transaction.objects.filter(type="dividend").count() == 1
    skipped = client.post(page, {f"{march}-chosen": "on", "action": "skip"})
    assert skipped.status_code == 302
    assert "1 not recorded" in client.get(page).content.decode()
    assert page_client(people.stranger).get(page).status_code == 404
