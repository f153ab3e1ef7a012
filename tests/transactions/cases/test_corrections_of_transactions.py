"""A transaction is corrected in one step: reversed and recorded again, both or neither."""

from decimal import Decimal as D
from random import Random
from typing import Any

import pytest

from transactions.models import Transaction
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db

BUY = {"type": "buy", "symbol": "AAA", "quantity": "10", "price": "50"}
DAY = "2024-01-03T15:00:00Z"


def correct(own: Any, row: Any, **body: Any) -> Any:
    told = {"account_id": own.id, "executed_at": row["executed_at"], **body}
    return own.api.post(f"/api/v1/transactions/{row['id']}/correct", told)


def differences() -> list[Any]:
    return [found for batch in verified() for found in batch.differences]


def test_a_purchase_is_corrected_though_its_shares_were_sold(person: Any) -> None:
    """Reversing it alone is refused, because the sale needs it."""
    person.asset("AAA")
    own = person.account()
    bought = own.post("2024-01-03", **BUY, fee="1")
    own.post("2024-02-05", "sell", "AAA", quantity="4", price="60")
    refused = own.api.post(f"/api/v1/transactions/{bought['id']}/reverse", {})
    assert refused.json()["code"] == "reversal_breaks_ledger"
    answer = correct(own, bought, **BUY | {"price": "40"})
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert row["corrects"] == bought["id"]
    assert own.cash == D("-160")
    assert [lot[1:] for lot in own.lots("AAA")] == [(D(6), D("240.00"))]
    (line,) = own.gains()
    assert D(line["gain"]) == 80
    old = own.api.get(f"/api/v1/transactions/{bought['id']}").json()
    assert old["corrected_by"] == row["id"]
    assert old["reversed_by"] is not None
    assert own.told("price") == [("buy", "40"), ("sell", "60")]
    assert differences() == []


def test_what_the_later_sales_need_must_stay(person: Any) -> None:
    person.asset("AAA")
    own = person.account()
    bought = own.post("2024-01-03", **BUY)
    own.post("2024-02-05", "sell", "AAA", quantity="4", price="60")
    before = list(Transaction.objects.order_by("id").values_list("id", flat=True))
    answer = correct(own, bought, **BUY | {"quantity": "3"})
    assert (answer.status_code, answer.json()["code"]) == (400, "insufficient_quantity")
    assert list(Transaction.objects.order_by("id").values_list("id", flat=True)) == before
    assert own.cash == D("-260")
    assert differences() == []


def test_a_correction_changes_the_kind_the_day_and_the_security(person: Any) -> None:
    person.asset("AAA")
    person.asset("BBB")
    own = person.account()
    bought = own.post("2024-01-03", **BUY)
    row = correct(own, bought, **BUY | {"symbol": "BBB"}, executed_at="2023-12-29T15:00:00Z").json()
    assert own.lots("AAA") == []
    assert [lot[0] for lot in own.lots("BBB")] == ["2023-12-29"]
    again = correct(own, row, type="deposit", amount="500").json()
    assert (again["corrects"], own.cash, own.lots("BBB")) == (row["id"], D(500), [])
    assert differences() == []


def test_a_corrected_or_reversed_transaction_is_corrected_no_more(person: Any) -> None:
    own = person.account()
    paid = own.post("2024-01-03", "deposit", amount="100")
    assert correct(own, paid, type="deposit", amount="110").status_code == 201
    answer = correct(own, paid, type="deposit", amount="120")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_reversed")
    assert own.cash == 110


def test_a_correction_stays_in_its_account(person: Any) -> None:
    own, other = person.account(), person.account(name="Other")
    paid = own.post("2024-01-03", "deposit", amount="100")
    told = {"account_id": other.id, "executed_at": DAY, "type": "deposit", "amount": "110"}
    answer = own.api.post(f"/api/v1/transactions/{paid['id']}/correct", told)
    assert answer.json()["code"] == "correction_of_other_account"
    assert (own.cash, other.cash) == (100, 0)


def test_a_strangers_transaction_is_not_found(person: Any, people: Any, client_of: Any) -> None:
    own = person.account()
    paid = own.post("2024-01-03", "deposit", amount="100")
    told = {"account_id": own.id, "executed_at": DAY, "type": "deposit", "amount": "110"}
    answer = client_of(people.stranger).post(f"/api/v1/transactions/{paid['id']}/correct", told)
    assert (answer.status_code, answer.json()["code"]) == (404, "transaction_not_found")
    assert own.cash == 100


def test_one_key_corrects_once(person: Any) -> None:
    own = person.account()
    paid = own.post("2024-01-03", "deposit", amount="100")
    told = {"account_id": own.id, "executed_at": DAY, "type": "deposit", "amount": "110"}
    address = f"/api/v1/transactions/{paid['id']}/correct"
    first = own.api.post(address, told, HTTP_IDEMPOTENCY_KEY="k")
    assert own.api.post(address, told, HTTP_IDEMPOTENCY_KEY="k").json() == first.json()
    assert own.cash == 110


def test_a_transfer_to_an_own_account_is_corrected_on_both_sides(person: Any) -> None:
    person.asset("AAA")
    own, other = person.account(), person.account(name="Other")
    own.post("2024-01-03", **BUY)
    moved = own.post("2024-02-01", "transfer_out", "AAA", quantity="4", to_account_id=other.id)
    answer = correct(
        own, moved, type="transfer_out", symbol="AAA", quantity="6", to_account_id=other.id
    )
    assert answer.status_code == 201, answer.content
    assert [lot[1] for lot in own.lots("AAA")] == [D(4)]
    assert [lot[1] for lot in other.lots("AAA")] == [D(6)]
    assert differences() == []


@pytest.mark.parametrize("seed", range(6))
def test_random_corrections_give_the_ledger_of_the_corrected_history(
    person: Any, seed: int
) -> None:
    """Every stored lot and gain is what the corrected history gives from its beginning."""
    random = Random(seed)
    for symbol in ("AAA", "BBB"):
        person.asset(symbol)
    own = person.account()
    history: list[dict[str, Any]] = []
    held = {"AAA": 0, "BBB": 0}
    for number in range(24):
        symbol = random.choice(["AAA", "BBB"])
        sale = held[symbol] > 30 and random.random() < 0.4
        quantity = random.randint(1, 10) if sale else random.randint(10, 40)
        held[symbol] += -quantity if sale else quantity
        day = f"2024-{1 + number // 3:02}-{1 + 9 * (number % 3):02}T15:00:00Z"
        price = str(random.randint(20, 60))
        kind = "sell" if sale else "buy"
        history.append(
            {
                "type": kind,
                "symbol": symbol,
                "quantity": str(quantity),
                "price": price,
                "executed_at": day,
            }
        )
    rows = [own.post(one["executed_at"], **without(one)) for one in history]
    for index in random.sample(range(24), 8):
        changed = {**history[index], "price": str(random.randint(20, 60))}
        if changed["type"] == "buy":
            changed["quantity"] = str(int(changed["quantity"]) + random.randint(0, 5))
        told = without(changed) | {"executed_at": changed["executed_at"]}
        answer = correct(own, rows[index], **told)
        assert answer.status_code == 201, answer.content
        rows[index], history[index] = answer.json(), changed
    assert differences() == []
    found = sorted(
        (row["trade_date"], row["type"], row["symbol"], row["quantity"], row["price"])
        for row in own.transactions()
    )
    assert found == sorted(
        (one["executed_at"][:10], one["type"], one["symbol"], one["quantity"], one["price"])
        for one in history
    )


@pytest.mark.parametrize("first", ["2024-01-03", "2024-01-05"])
def test_a_sale_that_names_the_lot_of_a_corrected_purchase_keeps_it(
    person: Any, first: str
) -> None:
    """The name of the purchase means its correction, and the correction of that one."""
    person.asset("AAA")
    own = person.account()
    bought = own.post(first, **BUY)
    own.post("2024-01-04", **BUY | {"price": "55"})
    part = {"lot_id": bought["id"], "quantity": "4"}
    own.post("2024-02-05", "sell", "AAA", quantity="4", price="60", lots=[part])
    row = correct(own, bought, **BUY | {"price": "40"}).json()
    (line,) = own.gains()
    assert D(line["gain"]) == 80
    again = correct(own, row, **BUY | {"price": "45"})
    assert again.status_code == 201, again.content
    (line,) = own.gains()
    assert (line["gain"], line["lot_id"]) == ("60.00", again.json()["id"])
    assert differences() == []
    own.post("2024-01-02", **BUY | {"price": "70"})  # everything is booked again
    (line,) = own.gains()
    assert D(line["gain"]) == 60
    assert differences() == []


def test_a_correction_too_small_for_the_sale_that_names_its_lot_is_refused(person: Any) -> None:
    person.asset("AAA")
    own = person.account()
    bought = own.post("2024-01-03", **BUY)
    own.post("2024-01-04", **BUY)
    part = {"lot_id": bought["id"], "quantity": "4"}
    own.post("2024-02-05", "sell", "AAA", quantity="4", price="60", lots=[part])
    answer = correct(own, bought, **BUY | {"quantity": "3"})
    assert (answer.status_code, answer.json()["code"]) == (400, "lot_selection_invalid")
    assert differences() == []


def without(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "executed_at"}


def test_reversed_pairs_can_be_left_out_of_the_list(person: Any) -> None:
    own = person.account()
    paid = own.post("2024-01-03", "deposit", amount="100")
    correct(own, paid, type="deposit", amount="110")
    query = {"account_id": own.id}
    everything = own.api.get("/api/v1/transactions", query).json()["data"]
    kept = own.api.get("/api/v1/transactions", {**query, "reversed": "false"}).json()["data"]
    pairs = own.api.get("/api/v1/transactions", {**query, "reversed": "true"}).json()["data"]
    assert [row["amount"] for row in kept] == ["110.00"]
    assert len(everything) == 3 == len(kept) + len(pairs)


def test_a_row_whose_transaction_was_corrected_to_another_day_is_a_duplicate(person: Any) -> None:
    person.asset("AAA")
    own = person.account()
    file = (
        b"type,executed_at,symbol,quantity,price,currency,lot_method\n"
        b"buy,2024-01-03T12:00:00Z,AAA,2,50,USD,\n"
    )
    bought = own.post("2024-01-03", "buy", "AAA", quantity="2", price="50")
    later = BUY | {"quantity": "3", "price": "40", "executed_at": "2024-09-05T12:00:00Z"}
    assert correct(own, bought, **later).status_code == 201
    assert own.preview(file)["counts"]["duplicates"] == 1
