"""From approval to done: a recommendation's orders, its fills in one go, and their undo."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from core.errors import BallastError
from marketdata.models import LatestPrice
from recommendations.models import Recommendation
from recommendations.operations import SheetFill, decide, record_sheet
from recommendations.queries import recommendation, trades_of
from tests.recommendations.approvals import out_of_band, proposed
from tests.transactions.orders.conftest import state_of_all
from transactions.ledger.entries import ChosenLot, Entry
from transactions.models import Lot, Order, Transaction
from transactions.operations import open_account, record
from transactions.operations.orders import Fill, Wish, place, record_fills, take_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def unbalanced(people: Any, assets: Any) -> Any:
    return out_of_band(people.owner)


@pytest.fixture
def approved(unbalanced: Any, people: Any) -> Recommendation:
    row = proposed(unbalanced)
    assert len(trades_of(row)) >= 2
    return decide(recommendation=row, status="approved", user=people.owner, now=timezone.now())


def progress(client: Any, row: Recommendation) -> Any:
    return client.get(f"/api/v1/recommendations/{row.public_id}").json()["progress"]


def test_orders_of_a_recommendation_over_http(
    approved: Recommendation, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    body = {"recommendation_id": str(approved.public_id)}
    assert progress(client, approved) == "approved"
    placed = client.post("/api/v1/orders", body, format="json")
    assert placed.status_code == 201, placed.content
    trades = trades_of(approved)
    rows = placed.json()["data"]
    assert [(row["side"], row["symbol"], Decimal(row["quantity"])) for row in rows] == [
        (trade.side, trade.symbol, trade.quantity) for trade in trades
    ]
    before = state_of_all()
    again = client.post("/api/v1/orders", body, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "already_ordered")
    assert state_of_all() == before
    listed = client.get(f"/api/v1/orders?recommendation_id={approved.public_id}").json()
    assert listed["total"] == len(trades)
    for number, row in enumerate(rows):
        fill = {
            "quantity": row["quantity"],
            "price": row["expected_price"],
            "executed_at": timezone.now().isoformat(),
        }
        answer = client.post(f"/api/v1/orders/{row['id']}/fills", [fill], format="json")
        assert answer.status_code == 201, answer.content
        wanted = "done" if number == len(rows) - 1 else "partly_done"
        assert progress(client, approved) == wanted
    listed = client.get("/api/v1/recommendations").json()["data"]
    assert [row["progress"] for row in listed] == ["done"]


def test_one_trade_of_a_recommendation_is_ordered_up_to_what_is_left_of_it(
    approved: Recommendation, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    trade = next(trade for trade in trades_of(approved) if trade.side == "sell")
    body = {
        "recommendation_id": str(approved.public_id),
        "symbol": trade.symbol,
        "side": "sell",
        "quantity": str(trade.quantity + 1),
        "type": "market",
    }
    before = state_of_all()
    for fields, code in (
        ({}, "quantity_exceeds_recommendation"),
        ({"side": "buy"}, "trade_not_recommended"),
    ):
        refused = client.post("/api/v1/orders", body | fields, format="json")
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert state_of_all() == before
    placed = client.post("/api/v1/orders", body | {"quantity": "1"}, format="json")
    assert placed.status_code == 201, placed.content
    (order,) = Order.objects.all()
    assert order.lots[0]["lot_id"] == trade.lots[0].lot_id
    fill = {"quantity": "1", "price": "50", "executed_at": timezone.now().isoformat()}
    client.post(f"/api/v1/orders/{order.public_id}/fills", [fill], format="json")
    # The other trades have no order yet.
    assert progress(client, approved) == "partly_done"


def test_the_rest_of_a_trade_is_ordered_after_a_part_with_the_lots_that_are_left(
    approved: Recommendation, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    number, trade = next(
        (n, trade) for n, trade in enumerate(trades_of(approved)) if trade.side == "sell"
    )
    body = {
        "recommendation_id": str(approved.public_id),
        "symbol": trade.symbol,
        "side": "sell",
        "type": "market",
    }
    part = client.post("/api/v1/orders", body | {"quantity": "1"}, format="json").json()
    fill = {"quantity": "1", "price": "50", "executed_at": timezone.now().isoformat()}
    client.post(f"/api/v1/orders/{part['id']}/fills", [fill], format="json")
    assert client.post("/api/v1/orders", body | {"quantity": "2"}, format="json").status_code == 201
    before = state_of_all()
    rest = body | {"quantity": str(trade.quantity - 3)}
    too_much = client.post(
        "/api/v1/orders", rest | {"quantity": str(trade.quantity - 2)}, format="json"
    )
    assert (too_much.status_code, too_much.json()["code"]) == (
        400,
        "quantity_exceeds_recommendation",
    )
    assert state_of_all() == before
    placed = client.post("/api/v1/orders", rest, format="json")
    assert placed.status_code == 201, placed.content
    named: dict[str, Decimal] = {}
    for order in Order.objects.filter(place=number):
        for lot in order.lots:
            named[lot["lot_id"]] = named.get(lot["lot_id"], Decimal(0)) + Decimal(lot["quantity"])
    assert named == {lot.lot_id: lot.quantity for lot in trade.lots}
    # A sheet fills the open order that has room.
    filled = SheetFill(number, trade.quantity - 3, Decimal(50), timezone.now())
    record_sheet(recommendation=approved, fills=[filled], user=people.owner, now=timezone.now())
    states = Order.objects.filter(place=number).order_by("id").values_list("state", flat=True)
    assert list(states) == ["filled", "placed", "filled"]


def test_only_an_approved_recommendation_is_ordered(
    unbalanced: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    row = proposed(unbalanced)
    before = state_of_all()
    refused = client_of(people.owner).post(
        "/api/v1/orders", {"recommendation_id": str(row.public_id)}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "recommendation_not_approved")
    assert progress(client_of(people.owner), row) is None
    assert state_of_all() == before


def test_no_order_of_a_recommendation_on_a_stale_price(
    approved: Recommendation, people: Any, client_of: Callable[[Any], Any]
) -> None:
    LatestPrice.objects.update(as_of="2020-01-02T00:00:00Z")
    before = state_of_all()
    refused = client_of(people.owner).post(
        "/api/v1/orders", {"recommendation_id": str(approved.public_id)}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "price_stale")
    assert state_of_all() == before


def test_no_order_of_a_recommendation_whose_lots_are_gone(
    approved: Recommendation, people: Any, client_of: Callable[[Any], Any]
) -> None:
    trade = next(trade for trade in trades_of(approved) if trade.side == "sell")
    client = client_of(people.owner)
    lot = Lot.objects.get(transaction__public_id=trade.lots[0].lot_id)
    sold = {
        "account_id": str(approved.account.public_id),
        "type": "sell",
        "symbol": trade.symbol,
        "quantity": str(lot.quantity),
        "price": "50",
        "executed_at": timezone.now().isoformat(),
        "lots": [{"lot_id": trade.lots[0].lot_id, "quantity": str(lot.quantity)}],
    }
    assert client.post("/api/v1/transactions", sold, format="json").status_code == 201
    before = state_of_all()
    refused = client.post(
        "/api/v1/orders", {"recommendation_id": str(approved.public_id)}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "lots_changed")
    assert state_of_all() == before


def sheet(row: Recommendation) -> list[SheetFill]:
    return [
        SheetFill(
            place=number, quantity=trade.quantity, price=trade.price, executed_at=timezone.now()
        )
        for number, trade in enumerate(trades_of(row))
    ]


def test_a_whole_sheet_is_recorded_and_taken_back_in_one_go(
    approved: Recommendation, people: Any
) -> None:
    before, now = state_of_all(), timezone.now()
    lots_before = list(Lot.objects.order_by("id").values_list("quantity", flat=True))
    batch, fills = record_sheet(
        recommendation=approved, fills=sheet(approved), user=people.owner, now=now
    )
    assert len(fills) == len(trades_of(approved))
    sale = next(fill.transaction for fill in fills if fill.transaction.type == "sell")
    trade = next(trade for trade in trades_of(approved) if trade.side == "sell")
    assert [part["lot_id"] for part in sale.lots] == [lot.lot_id for lot in trade.lots]
    seen = recommendation(user=people.owner, public_id=approved.public_id)
    assert seen.orders_tally["anything_open"] is False  # type: ignore[attr-defined]
    account = approved.account
    undone = take_back(account=account, batch=batch, user=people.owner, now=timezone.now())
    assert len(undone) == len(fills)
    assert set(Order.objects.values_list("state", "filled_quantity")) == {("placed", Decimal(0))}
    after = Lot.objects.filter(quantity__gt=0).order_by("id").values_list("quantity", flat=True)
    assert sorted(after) == sorted(lots_before)
    cash = Transaction.objects.filter(account=account).values_list("cash_effect", flat=True)
    account.refresh_from_db()
    assert account.cash == sum(cash) == before[4][0][0]  # type: ignore[index]
    taken = state_of_all()
    with pytest.raises(BallastError) as refusal:
        take_back(account=account, batch=batch, user=people.owner, now=timezone.now())
    assert refusal.value.code == "already_reversed"
    assert state_of_all() == taken


def test_a_sheet_with_one_bad_fill_records_nothing(approved: Recommendation, people: Any) -> None:
    rows = sheet(approved)
    rows[-1] = SheetFill(
        place=rows[-1].place,
        quantity=rows[-1].quantity + 1,
        price=Decimal(1),
        executed_at=timezone.now(),
    )
    before = state_of_all()
    with pytest.raises(BallastError) as refusal:
        record_sheet(recommendation=approved, fills=rows, user=people.owner, now=timezone.now())
    assert refusal.value.code == "fill_exceeds_order"
    assert state_of_all() == before


def test_a_sheet_recorded_twice_is_recorded_once(approved: Recommendation, people: Any) -> None:
    rows = sheet(approved)
    record_sheet(recommendation=approved, fills=rows, user=people.owner, now=timezone.now())
    before = state_of_all()
    with pytest.raises(BallastError) as refusal:
        record_sheet(recommendation=approved, fills=rows, user=people.owner, now=timezone.now())
    assert refusal.value.code == "order_not_open"
    assert state_of_all() == before


def test_fills_are_recorded_though_prices_are_stale_by_then(
    approved: Recommendation, people: Any
) -> None:
    LatestPrice.objects.update(as_of="2020-01-02T00:00:00Z")
    _, fills = record_sheet(
        recommendation=approved, fills=sheet(approved)[:1], user=people.owner, now=timezone.now()
    )
    assert len(fills) == 1
    assert Order.objects.count() == len(trades_of(approved))


def test_whole_shares_are_rounded_down_with_their_lots(
    approved: Recommendation, people: Any, client_of: Callable[[Any], Any]
) -> None:
    body = {"recommendation_id": str(approved.public_id), "whole_shares": True}
    rows = client_of(people.owner).post("/api/v1/orders", body, format="json").json()["data"]
    for row, trade in zip(rows, trades_of(approved), strict=True):
        assert Decimal(row["quantity"]) == int(trade.quantity)
    for order in Order.objects.filter(side="sell"):
        assert sum(Decimal(lot["quantity"]) for lot in order.lots) == order.quantity


def test_a_stranger_neither_orders_nor_lists(
    approved: Recommendation, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.stranger)
    before = state_of_all()
    body = {"recommendation_id": str(approved.public_id)}
    assert client.post("/api/v1/orders", body, format="json").status_code == 404
    assert client.get("/api/v1/orders", body).status_code == 404
    assert state_of_all() == before


def test_accounts_by_other_methods_sell_by_their_own_method(people: Any, assets: Any) -> None:
    account = open_account(
        user=people.owner, name="Fifo", type="taxable", currency="USD", now=timezone.now()
    )
    assert account.lot_method == "fifo"
    now = timezone.now()
    entries = [Entry("buy", now, "USD", "AAA", Decimal(5), Decimal(price)) for price in (10, 20)]
    record(account=account, entries=entries, user=people.owner, now=now)
    young = Lot.objects.order_by("-id").first()
    assert young is not None
    (order,) = place(
        account=account,
        wishes=[
            Wish(
                "AAA", "sell", Decimal(5), lots=[ChosenLot(young.transaction.public_id, Decimal(5))]
            )
        ],
        user=people.owner,
        now=now,
    )
    fill = Fill(order.pk, Decimal(5), timezone.now(), Decimal(30))
    record_fills(account=account, fills=[fill], user=people.owner, now=timezone.now())
    (left,) = Lot.objects.filter(quantity__gt=0)
    assert left == young
