"""Trades that try the booking: fees above proceeds, yen, ties, great figures; whose they are."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from core.errors import BallastError
from identity.models import User
from portfolios.api.holdings import holding_row, summary_row
from portfolios.queries import AccountValue, account_value
from transactions.ledger.entries import ChosenLot, Entry, Ratio
from transactions.models import Account, Disposal, Lot, Transaction
from transactions.operations import open_account, record, reverse
from transactions.operations.verification import verified

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("assets")]

DAY = datetime(2024, 3, 1, 15, tzinfo=UTC)


def trade(side: str, days: int, quantity: str, price: str, **rest: Any) -> Entry:
    currency, symbol = rest.pop("currency", "USD"), rest.pop("symbol", "AAA")
    at = DAY + timedelta(days=days)
    return Entry(side, at, currency, symbol, D(quantity), D(price), **rest)


def write(account: Account, user: User, *entries: Entry) -> list[Transaction]:
    return record(account=account, entries=entries, user=user, now=timezone.now())


def differences() -> list[Any]:
    return [found for batch in verified() for found in batch.differences]


def parts() -> list[tuple[D, D, D]]:
    rows = Disposal.objects.order_by("transaction_id", "lot_transaction_id")
    return list(rows.values_list("quantity", "proceeds", "cost_basis"))


def worth(account: Any, user: Any) -> AccountValue:
    return account_value(user=user, account_id=account.public_id, now=timezone.now())


def test_a_fee_above_the_proceeds_is_a_loss_to_the_cent(account: Any, people: Any) -> None:
    write(account, people.owner, trade("buy", 0, "1", "1"), trade("buy", 1, "2", "1"))
    write(account, people.owner, trade("sell", 2, "3", "1", fee=D("10.01")))
    assert parts() == [(D(1), D("-2.34"), D(1)), (D(2), D("-4.67"), D(2))]
    account.refresh_from_db()
    assert account.cash == D("-10.01")
    assert differences() == []


@pytest.mark.parametrize(
    ("method", "bases"),
    [("fifo", [D(10), D(15)]), ("lifo", [D(15), D(20)]), ("hifo", [D(10), D(30)])],
)
def test_each_method_takes_its_lots_whatever_the_order_they_were_told_in(
    account: Any, people: Any, method: str, bases: list[D]
) -> None:
    lots = [("10", 0), ("30", 1), ("20", 2)]
    sale = trade("sell", 5, "1.5", "25", lot_method=method)
    write(account, people.owner, *[trade("buy", day, "1", price) for price, day in lots], sale)
    forwards = sorted(basis for _, _, basis in parts())
    for row in Transaction.objects.order_by("-executed_at", "-id"):
        reverse(original=row, user=people.owner, now=timezone.now())
    assert parts() == []
    for price, day in (lots[2], lots[0], lots[1]):
        write(account, people.owner, trade("buy", day, "1", price))
    write(account, people.owner, sale)
    assert sorted(basis for _, _, basis in parts()) == forwards
    assert forwards == bases
    assert differences() == []


def test_of_lots_of_the_same_instant_the_smaller_amount_goes_first_whoever_came_first(
    account: Any, people: Any
) -> None:
    write(account, people.owner, trade("buy", 0, "1", "10"), trade("buy", 0, "1", "20"))
    write(account, people.owner, trade("sell", 0, "1", "15"))
    assert parts() == [(D(1), D(15), D(10))]
    write(account, people.owner, trade("buy", 0, "1", "5"))
    assert parts() == [(D(1), D(15), D(5))]
    assert differences() == []


def test_named_lots_survive_a_purchase_before_them_and_refuse_to_vanish(
    account: Any, people: Any
) -> None:
    (lot,) = write(account, people.owner, trade("buy", 5, "2", "30"))
    chosen = (ChosenLot(lot.public_id, D(2)),)
    write(account, people.owner, trade("sell", 9, "2", "25", lots=chosen))
    write(account, people.owner, trade("buy", 0, "2", "10"))
    assert parts() == [(D(2), D(50), D(60))]
    kept = sorted(Lot.objects.values_list("quantity", "cost_basis"))
    with pytest.raises(BallastError) as refusal:
        reverse(original=lot, user=people.owner, now=timezone.now())
    assert refusal.value.code == "reversal_breaks_ledger"
    assert sorted(Lot.objects.values_list("quantity", "cost_basis")) == kept
    assert Transaction.objects.count() == 3
    assert differences() == []


def test_yen_have_no_cents_whatever_the_rate_and_the_fee(people: Any) -> None:
    account = open_account(
        user=people.owner, name="Yen", type="taxable", currency="JPY", now=timezone.now()
    )
    rate = D("151.37")
    write(account, people.owner, trade("buy", 0, "3", "33.33", fee=D("0.99"), fx_rate=rate))
    write(account, people.owner, trade("sell", 1, "1", "40", fee=D("0.01"), fx_rate=rate))
    account.refresh_from_db()
    # (99.99 + 0.99) * 151.37 = 15285.34; (40 - 0.01) * 151.37 = 6053.29
    assert account.cash == D(-15285 + 6053)
    assert parts() == [(D(1), D(6053), D(5095))]
    assert list(Lot.objects.values_list("quantity", "cost_basis")) == [(D(2), D(10190))]
    assert differences() == []


def test_what_was_given_for_nothing_has_no_basis(account: Any, people: Any) -> None:
    write(account, people.owner, trade("buy", 0, "3", "0"))
    write(account, people.owner, trade("sell", 1, "1", "7"))
    assert parts() == [(D(1), D(7), D(0))]
    value = worth(account, people.owner).value
    row = holding_row(value.holdings[0], value=value)
    assert (row["average_cost"], row["unrealized_gain_percentage"]) == ("0", None)


def test_debts_above_the_holdings_leave_no_weights_but_a_value(account: Any, people: Any) -> None:
    write(account, people.owner, trade("buy", 0, "1", "500"))
    found = worth(account, people.owner)
    figures = summary_row(found)
    assert (figures["total_value"], figures["invested_value"]) == ("-450.00", "50.00")
    assert {row["weight"] for row in figures["allocation"]} == {None}  # type: ignore[attr-defined]
    assert holding_row(found.value.holdings[0], value=found.value)["weight"] is None


def test_the_greatest_and_the_smallest_figures_can_still_be_shown(
    account: Any, people: Any
) -> None:
    write(account, people.owner, trade("buy", 0, "0.0000000001", "1", fee=D(10) ** 15))
    write(account, people.owner, trade("buy", 0, "1000000000000", "0.00000001", symbol="BBB"))
    value = worth(account, people.owner).value
    rows = [holding_row(r, value=value) for r in value.holdings]
    assert rows[0]["average_cost"] == "10000000000000000000000000"
    assert rows[1]["unrealized_gain_percentage"] == "199999999900.0000"
    assert differences() == []


def test_the_trade_date_is_the_day_at_the_place_of_the_trade(account: Any, people: Any) -> None:
    evening = datetime.fromisoformat("2024-02-29T20:30:00-05:00")
    entry = Entry("buy", evening, "USD", "AAA", D(1), D(10))
    (row,) = write(account, people.owner, entry)
    lot = Lot.objects.get()
    assert lot.holding_period_date.isoformat() == "2024-02-29"
    assert (row.trade_date, lot.opened_date) == (date(2024, 2, 29), date(2024, 2, 29))
    assert row.executed_at.utcoffset() == timedelta(0)
    assert differences() == []


def test_an_adviser_opens_an_account_for_a_client_and_owns_nothing(
    people: Any, client_of: Any
) -> None:
    home = str(people.owner.household.public_id)
    client = client_of(people.adviser)
    body = {"name": "For them", "type": "taxable", "currency": "USD"}
    made = client.post("/api/v1/accounts", {**body, "household_id": home})
    assert made.status_code == 201, made.content
    assert (made.json()["household_id"], made.json()["owner_id"]) == (
        home,
        str(people.owner.public_id),
    )
    hers = {**body, "household_id": home, "owner_id": str(people.spouse.public_id)}
    assert client.post("/api/v1/accounts", hers).json()["owner_id"] == hers["owner_id"]
    office = client.post("/api/v1/accounts", body).json()
    assert office["owner_id"] == str(people.adviser.public_id)
    deposit = {
        "account_id": made.json()["id"],
        "type": "deposit",
        "amount": "5",
        "executed_at": "2024-03-01T00:00:00Z",
    }
    assert client.post("/api/v1/transactions", deposit).status_code == 201
    assert Transaction.objects.get().recorded_by == people.adviser


def test_nobody_opens_accounts_in_houses_not_his_or_for_people_not_there(
    people: Any, client_of: Any
) -> None:
    body = {"name": "X", "type": "taxable", "currency": "USD"}
    home, elsewhere = people.owner.household, people.stranger.household
    for person, more, status, code in [
        (people.stranger, {"household_id": str(home.public_id)}, 404, "household_not_found"),
        (people.adviser, {"household_id": str(elsewhere.public_id)}, 404, "household_not_found"),
        (people.owner, {"owner_id": str(people.stranger.public_id)}, 400, "owner_not_a_member"),
        (
            people.adviser,
            {"household_id": str(home.public_id), "owner_id": str(people.adviser.public_id)},
            400,
            "owner_not_a_member",
        ),
    ]:
        answer = client_of(person).post("/api/v1/accounts", {**body, **more})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Account.objects.exists()


def test_an_adviser_sent_away_between_two_requests_can_do_nothing_more(
    people: Any, account: Any, client_of: Any, django_capture_on_commit_callbacks: Any
) -> None:
    client = client_of(people.adviser)
    assert client.get(f"/api/v1/accounts/{account.public_id}").status_code == 200
    owner = client_of(people.owner)
    with django_capture_on_commit_callbacks(execute=True):
        gone = owner.delete(f"/api/v1/households/advisers/{people.adviser.public_id}")
    assert gone.status_code == 204
    deposit = {
        "account_id": str(account.public_id),
        "type": "deposit",
        "amount": "5",
        "executed_at": "2024-03-01T00:00:00Z",
    }
    assert client.post("/api/v1/transactions", deposit).status_code == 404
    assert client.get(f"/api/v1/portfolios/{account.public_id}/holdings").status_code == 404
    assert client.get("/api/v1/accounts").json()["total"] == 0
    assert not Transaction.objects.exists()


def everything() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values())
        for model in (Transaction, Lot, Disposal, Account)
    ]


def event(kind: str, days: int, symbol: str, **rest: Any) -> Entry:
    return Entry(kind, DAY + timedelta(days=days), "USD", symbol, **rest)


TEN_OLD = Ratio(D(1), D(10))
CHAINS = {
    "merger": {"kind": "merger", "new_symbol": "BBB", "ratio": TEN_OLD},
    "spin-off": {
        "kind": "spin_off",
        "new_symbol": "BBB",
        "ratio": TEN_OLD,
        "basis_percentage": D(50),
    },
    "split": {"kind": "split", "ratio": TEN_OLD},
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_what_leaves_less_than_ten_decimals_of_a_lot_is_refused_before_it_is_written(
    account: Any, people: Any, assets: Any, chain: dict[str, Any]
) -> None:
    write(account, people.owner, trade("buy", 0, "0.0000000001", "1000000000000"))
    before = everything()
    kind, fields = chain["kind"], {name: chain[name] for name in chain if name != "kind"}
    with pytest.raises(BallastError) as refusal:
        write(account, people.owner, event(kind, 3, "AAA", **fields))
    assert (refusal.value.code, refusal.value.status) == ("fraction_too_small", 400)
    assert "the lot of 2024-03-01" in refusal.value.detail
    assert everything() == before


def test_a_reversal_that_leaves_less_than_ten_decimals_of_a_lot_is_refused(
    account: Any, people: Any, assets: Any
) -> None:
    write(account, people.owner, trade("buy", 0, "0.0000000001", "1000000000000"))
    (doubled,) = write(account, people.owner, event("split", 1, "AAA", ratio=Ratio(D(10), D(1))))
    write(account, people.owner, event("merger", 3, "AAA", new_symbol="BBB", ratio=TEN_OLD))
    before = everything()
    with pytest.raises(BallastError) as refusal:
        reverse(original=doubled, user=people.owner, now=timezone.now())
    assert (refusal.value.code, refusal.value.status) == ("reversal_breaks_ledger", 409)
    assert "less than 0.0000000001 shares" in refusal.value.detail
    assert everything() == before


def test_a_transfer_in_such_a_chain_is_refused(account: Any, people: Any, assets: Any) -> None:
    other = open_account(
        user=people.owner, name="Other", type="taxable", currency="USD", now=timezone.now()
    )
    write(account, people.owner, trade("buy", 0, "0.0000000001", "1000000000000"))
    write(other, people.owner, trade("buy", 0, "10", "5"))
    write(other, people.owner, event("split", 3, "AAA", ratio=TEN_OLD))
    before = everything()
    with pytest.raises(BallastError) as refusal:
        write(
            account,
            people.owner,
            event(
                "transfer_out", 1, "AAA", quantity=D("0.0000000001"), to_account_id=other.public_id
            ),
        )
    assert (refusal.value.code, refusal.value.status) == ("fraction_too_small", 400)
    assert everything() == before


def test_a_refused_sale_names_the_asset_the_day_and_what_to_do(account: Any, people: Any) -> None:
    write(account, people.owner, trade("buy", 0, "12.5", "10"))
    before = everything()
    with pytest.raises(BallastError) as refusal:
        write(account, people.owner, trade("buy", 1, "1", "10"), trade("sell", 3, "20", "11"))
    assert refusal.value.detail == (
        "Only 13.5 shares of AAA are held on 2024-03-04; this transaction needs 20. Record the "
        "missing purchase first, or lower the quantity."
    )
    assert refusal.value.item == 1
    assert everything() == before
