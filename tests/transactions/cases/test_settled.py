"""Quoted in one currency and settled in another, and warnings about what was stated."""

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

TRADE = {"quantity": "12", "price": "48.20", "currency": "USD"}


@pytest.fixture
def euro(person: Any) -> Any:
    person.rate("USD", "2024-06-18", "1.0700")
    person.asset("AAPL", "USD", closes={"2024-06-18": "48"})
    return person.account("EUR")


def test_quoted_here_and_settled_there(euro: Any) -> None:
    """The price is the market's; cash and basis are what was settled, whatever the fixing."""
    bought = euro.post("2024-06-18", "buy", "AAPL", **TRADE, fee="2", settled_amount="536.66")
    assert (euro.cash, bought["amount"], bought["cash_effect"]) == (
        D("-536.66"),
        "578.40",
        "-536.66",
    )
    assert D(bought["fx_rate"]) == pytest.approx(D("536.66") / D("580.40"), rel=D("1e-17"))
    assert [lot[1:] for lot in euro.lots("AAPL")] == [(D(12), D("536.66"))]
    euro.post("2024-06-19", "sell", "AAPL", **TRADE, settled_amount="530.00")
    (line,) = euro.gains()
    assert (D(line["proceeds"]), D(line["cost_basis"])) == (D("530.00"), D("536.66"))
    assert euro.cash == D("-6.66")


def test_a_dividend_settled_in_another_currency(euro: Any) -> None:
    euro.post("2024-06-18", "dividend", "AAPL", amount="1000", currency="USD", settled_amount="911")
    assert euro.cash == 911


def test_what_comes_back_of_an_export_is_settled_to_the_cent(person: Any, euro: Any) -> None:
    for settled in ("536.66", "0.07", "98765.43"):
        euro.post("2024-06-18", "buy", "AAPL", **TRADE, fee="1.13", settled_amount=settled)
    answer = euro.api.get("/api/v1/exports/ballast", {"account_id": euro.id})
    text = b"".join(answer.streaming_content)
    copy = person.account("EUR", name="Copy")
    copy.bring(text)
    assert copy.cash == euro.cash == -(D("536.66") + D("0.07") + D("98765.43"))
    assert copy.lots("AAPL") == euro.lots("AAPL")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"settled_amount": "536.66", "fx_rate": "0.93"}, "fx_rate_and_settled"),
        ({"settled_amount": "536.665"}, "settled_precision"),
        ({"settled_amount": "0"}, "settled_amount_mismatch"),
        ({"settled_amount": "-5"}, "negative"),
    ],
)
def test_what_cannot_have_been_settled_is_refused(euro: Any, body: Any, code: str) -> None:
    told = {
        "account_id": euro.id,
        "type": "buy",
        "symbol": "AAPL",
        "executed_at": "2024-06-18T15:00:00Z",
        **TRADE,
        **body,
    }
    answer = euro.api.post("/api/v1/transactions", told)
    assert answer.status_code == 400, answer.content
    codes = {answer.json()["code"], *(one["code"] for one in answer.json()["errors"])}
    assert code in codes, codes
    assert euro.transactions() == []


def test_in_one_currency_the_settled_amount_must_be_the_amount(person: Any) -> None:
    person.asset("MSFT")
    own = person.account()
    told = {
        "account_id": own.id,
        "type": "buy",
        "symbol": "MSFT",
        "executed_at": "2024-06-18T15:00:00Z",
        "quantity": "2",
        "price": "10",
        "fee": "1",
    }
    answer = own.api.post("/api/v1/transactions", {**told, "settled_amount": "20"})
    assert answer.json()["code"] == "settled_amount_mismatch"
    answer = own.api.post("/api/v1/transactions", {**told, "settled_amount": "21"})
    assert answer.status_code == 201
    answer = own.api.post(
        "/api/v1/transactions", {**told, "type": "reinvestment", "settled_amount": "21"}
    )
    assert answer.json()["code"] == "field_not_allowed"


def codes(told: Any) -> list[str]:
    return sorted(warned["code"] for warned in told["warnings"])


def test_a_rate_far_from_the_fixing_is_told(euro: Any) -> None:
    euro.post("2024-06-01", "deposit", amount="9000")
    assert codes(euro.post("2024-06-18", "buy", "AAPL", **TRADE, fx_rate="0.9346")) == []
    told = euro.post("2024-06-18", "buy", "AAPL", **TRADE | {"price": "49"}, fx_rate="1.07")
    assert codes(told) == ["fx_rate_far_from_fixing"]
    told = euro.post("2024-06-18", "buy", "AAPL", **TRADE | {"price": "50"}, settled_amount="100")
    assert codes(told) == ["fx_rate_far_from_fixing"]


def test_warnings_come_before_recording_and_never_block(person: Any) -> None:
    person.asset("AAA", closes={"2024-06-18": "50"})
    own = person.account()
    body = {
        "account_id": own.id,
        "type": "buy",
        "symbol": "AAA",
        "executed_at": "2024-06-18T15:00:00Z",
        "quantity": "10",
        "price": "75",
    }
    told = own.api.post("/api/v1/transactions/check", body).json()
    assert codes(told) == ["cash_negative", "price_off_range"]
    assert (told["amount"], told["cash_effect"]) == ("750.00", "-750.00")
    assert own.transactions() == []
    assert codes(own.api.post("/api/v1/transactions", body).json()) == [
        "cash_negative",
        "price_off_range",
    ]
    told = own.api.post("/api/v1/transactions/check", body).json()
    assert codes(told) == ["already_recorded", "cash_negative", "price_off_range"]


def test_a_price_is_compared_with_the_close_of_a_day_that_is_archived(person: Any) -> None:
    """Archiving empties the partition of a year, and leaves the packed closes."""
    person.asset("AAA", closes={"2015-06-17": "40", "2015-06-18": "50"})
    own = person.account()
    body = {
        "account_id": own.id,
        "type": "buy",
        "symbol": "AAA",
        "executed_at": "2015-06-18T15:00:00Z",
        "quantity": "10",
        "price": "75",
    }
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE marketdata_dailyprice_2015")
    check = "/api/v1/transactions/check"
    assert codes(own.api.post(check, body).json()) == ["cash_negative", "price_off_range"]
    assert codes(own.api.post(check, {**body, "price": "51"}).json()) == ["cash_negative"]


def test_a_page_of_a_file_reads_one_price_for_each_of_its_rows(person: Any) -> None:
    """Not every price of every asset on every day of the page."""
    days = [f"2024-06-{day}" for day in (10, 11, 12, 13, 14)]
    for number in range(5):
        person.asset(f"A{number}", closes=dict.fromkeys(days, "50"))
    rows = [f"buy,{day}T15:00:00Z,A{n},1,75,USD," for n, day in enumerate(days)]
    text = "\n".join(["type,executed_at,symbol,quantity,price,currency,lot_method", *rows])
    own, found = person.account(), []

    def counted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if "marketdata_dailyprice" in sql:
            found.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(counted):
        batch = own.preview(text)
    assert found == [5]
    assert [row["warnings"][0]["code"] for row in own.rows(batch)] == ["price_off_range"] * 5


def test_a_second_split_is_told(person: Any) -> None:
    person.asset("AAA")
    own = person.account()
    own.post("2024-06-03", "buy", "AAA", quantity="10", price="75")
    assert codes(own.post("2024-06-10", "split", "AAA", ratio="2:1")) == []
    assert codes(own.post("2024-06-12", "split", "AAA", ratio="2:1")) == ["second_split"]
    assert codes(own.post("2024-06-18", "split", "AAA", ratio="2:1")) == []
    assert codes(own.post("2024-06-23", "split", "AAA", ratio="2:1")) == ["second_split"]


def test_the_page_shows_warnings_once_and_then_records(
    person: Any, client: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    person.asset("AAA", closes={"2024-06-18": "50"})
    own = person.account()
    own.post("2024-06-01", "deposit", amount="9000")
    client.force_login(people.owner)
    form = {
        "type": "buy",
        "executed_on": "2024-06-18",
        "symbol": "AAA",
        "quantity": "10",
        "price": "75",
        "key": "one",
    }
    address = f"/accounts/{own.id}/transactions"
    page = client.post(address, form)
    assert page.status_code == 200
    assert "not at 75" in page.content.decode()
    assert len(own.transactions()) == 1
    seen = page.context["form"].figures()
    other = client.post(address, {**form, "seen": seen, "price": "76"})
    assert (other.status_code, len(own.transactions())) == (200, 1)
    assert client.post(address, {**form, "seen": seen}).status_code == 302
    assert len(own.transactions()) == 2
