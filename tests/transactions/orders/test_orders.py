"""Orders placed by hand over HTTP: placed, filled, taken back, cancelled, refused."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import LatestPrice
from tests.transactions.orders.conftest import state_of_all
from transactions.models import Account, Holding, Lot, Order, Transaction
from transactions.operations import archiving, change_account

pytestmark = pytest.mark.django_db


class Desk:
    """One account and a client of its owner."""

    def __init__(self, client: Any, account: Account) -> None:
        self.client, self.account = client, account
        self.filled_at = (timezone.now() - timedelta(minutes=5)).isoformat()

    def trade(self, kind: str, symbol: str, quantity: str, price: str, days: int = 30) -> Any:
        body = {
            "account_id": str(self.account.public_id),
            "type": kind,
            "symbol": symbol,
            "quantity": quantity,
            "price": price,
            "executed_at": (timezone.now() - timedelta(days=days)).isoformat(),
        }
        answer = self.client.post("/api/v1/transactions", body, format="json")
        assert answer.status_code == 201, answer.content
        return answer.json()

    def place(self, **fields: Any) -> Any:
        body = {
            "account_id": str(self.account.public_id),
            "symbol": "AAA",
            "side": "buy",
            "quantity": "10",
            "type": "market",
        } | fields
        return self.client.post("/api/v1/orders", body, format="json")

    def placed(self, **fields: Any) -> str:
        answer = self.place(**fields)
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"])

    def fill(self, order_id: str, *fills: tuple[str, str], key: str | None = None) -> Any:
        rows = [{"quantity": q, "price": p, "executed_at": self.filled_at} for q, p in fills]
        headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        return self.client.post(f"/api/v1/orders/{order_id}/fills", rows, format="json", **headers)

    def cancel(self, order_id: str) -> Any:
        return self.client.post(f"/api/v1/orders/{order_id}/cancel")

    def held(self, symbol: str = "AAA") -> Decimal:
        row = Holding.objects.filter(account=self.account, asset__symbol=symbol).first()
        return row.quantity if row else Decimal(0)


@pytest.fixture
def desk(people: Any, account: Any, assets: Any, client_of: Callable[[Any], Any]) -> Desk:
    return Desk(client_of(people.owner), account)


def test_an_order_becomes_transactions_of_the_ledger_as_it_is_filled(desk: Desk) -> None:
    order_id = desk.placed()
    first = desk.fill(order_id, ("4", "50"))
    assert first.status_code == 201
    body = first.json()
    assert (body["state"], body["filled_quantity"], body["open_quantity"]) == (
        "partly_filled",
        "4",
        "6",
    )
    body = desk.fill(order_id, ("2", "51"), ("4", "52.5")).json()
    assert (body["state"], body["open_quantity"], body["average_price"]) == ("filled", "0", "51.2")
    assert desk.held() == 10
    rows = Transaction.objects.filter(account=desk.account).order_by("id")
    assert {row.order_id for row in rows} == {order_id}
    assert [fill["transaction_id"] for fill in body["fills"]] == [str(x.public_id) for x in rows]
    desk.account.refresh_from_db()
    assert desk.account.cash == -(Decimal(200) + 102 + 210)


def test_a_fill_sent_twice_with_its_key_is_recorded_once(desk: Desk) -> None:
    order_id = desk.placed()
    first = desk.fill(order_id, ("4", "50"), key="fill-1")
    again = desk.fill(order_id, ("4", "50"), key="fill-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert desk.held() == 4
    other = desk.fill(order_id, ("5", "50"), key="fill-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert desk.held() == 4


def test_filling_a_filled_order_changes_nothing(desk: Desk) -> None:
    order_id = desk.placed()
    assert desk.fill(order_id, ("10", "50")).status_code == 201
    before = state_of_all()
    refused = desk.fill(order_id, ("10", "50"))
    assert (refused.status_code, refused.json()["code"]) == (409, "order_not_open")
    assert state_of_all() == before


def test_filling_more_than_is_open_changes_nothing(desk: Desk) -> None:
    order_id = desk.placed()
    before = state_of_all()
    refused = desk.fill(order_id, ("6", "50"), ("4.5", "50"))
    assert (refused.status_code, refused.json()["code"]) == (409, "fill_exceeds_order")
    assert state_of_all() == before


def test_filling_a_cancelled_order_changes_nothing_and_what_was_filled_stays(desk: Desk) -> None:
    order_id = desk.placed()
    desk.fill(order_id, ("4", "50"))
    body = desk.cancel(order_id).json()
    assert (body["state"], body["filled_quantity"], body["open_quantity"]) == (
        "cancelled",
        "4",
        "0",
    )
    before = state_of_all()
    refused = desk.fill(order_id, ("1", "50"))
    assert (refused.status_code, refused.json()["code"]) == (409, "order_not_open")
    assert desk.cancel(order_id).status_code == 200  # twice is once
    assert state_of_all() == before
    assert desk.held() == 4


def test_a_filled_order_cannot_be_cancelled(desk: Desk) -> None:
    order_id = desk.placed()
    desk.fill(order_id, ("10", "50"))
    before = state_of_all()
    refused = desk.cancel(order_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "order_not_open")
    assert state_of_all() == before


def test_no_fill_at_all_is_refused(desk: Desk) -> None:
    order_id = desk.placed()
    before = state_of_all()
    refused = desk.fill(order_id)
    assert (refused.status_code, refused.json()["code"]) == (400, "fills_required")
    assert state_of_all() == before


def test_a_fill_that_the_ledger_refuses_leaves_order_and_ledger_as_they_were(desk: Desk) -> None:
    desk.trade("buy", "AAA", "10", "40")
    order_id = desk.placed(side="sell", quantity="10")
    desk.trade("sell", "AAA", "5", "45", days=1)
    before = state_of_all()
    refused = desk.fill(order_id, ("2", "50"), ("8", "50"))
    assert (refused.status_code, refused.json()["code"]) == (400, "insufficient_quantity")
    assert state_of_all() == before


def test_a_reversed_fill_opens_its_order_again(desk: Desk) -> None:
    order_id = desk.placed()
    body = desk.fill(order_id, ("4", "50"), ("6", "50")).json()
    address = f"/api/v1/transactions/{body['fills'][0]['transaction_id']}/reverse"
    assert desk.client.post(address, {}, format="json").status_code == 201
    body = desk.client.get(f"/api/v1/orders/{order_id}").json()
    assert (body["state"], body["filled_quantity"], len(body["fills"])) == ("partly_filled", "6", 1)
    assert desk.held() == 6
    assert desk.fill(order_id, ("4", "49")).json()["state"] == "filled"


def test_a_corrected_fill_is_corrected_in_its_order(desk: Desk) -> None:
    order_id = desk.placed()
    body = desk.fill(order_id, ("4", "50")).json()
    address = f"/api/v1/transactions/{body['fills'][0]['transaction_id']}/correct"
    wanted = {
        "account_id": str(desk.account.public_id),
        "type": "buy",
        "symbol": "AAA",
        "quantity": "10",
        "price": "49",
        "executed_at": (timezone.now() - timedelta(minutes=5)).isoformat(),
    }
    before = state_of_all()
    too_much = desk.client.post(address, wanted | {"quantity": "11"}, format="json")
    assert (too_much.status_code, too_much.json()["code"]) == (409, "fill_exceeds_order")
    assert state_of_all() == before
    corrected = desk.client.post(address, wanted, format="json")
    assert corrected.status_code == 201, corrected.content
    body = desk.client.get(f"/api/v1/orders/{order_id}").json()
    assert (body["state"], body["average_price"]) == ("filled", "49")
    assert body["fills"][0]["transaction_id"] == corrected.json()["id"]


def test_a_fill_of_a_cancelled_order_can_still_be_corrected(desk: Desk) -> None:
    order_id = desk.placed()
    body = desk.fill(order_id, ("1", "50"), ("4", "50")).json()
    desk.cancel(order_id)
    address = f"/api/v1/transactions/{body['fills'][1]['transaction_id']}/correct"
    wanted = {
        "account_id": str(desk.account.public_id),
        "type": "buy",
        "symbol": "AAA",
        "quantity": "3",
        "price": "49",
        "executed_at": desk.filled_at,
    }
    before = state_of_all()
    whole = desk.client.post(address, wanted | {"quantity": "9"}, format="json")
    assert (whole.status_code, whole.json()["code"]) == (409, "fill_exceeds_order")
    assert state_of_all() == before
    corrected = desk.client.post(address, wanted, format="json")
    assert corrected.status_code == 201, corrected.content
    body = desk.client.get(f"/api/v1/orders/{order_id}").json()
    assert (body["state"], body["filled_quantity"]) == ("cancelled", "4")
    assert body["average_price"] == "49.25"
    assert desk.held() == 4


def test_lots_that_are_named_are_the_lots_that_are_sold(desk: Desk) -> None:
    change_account(account=desk.account, lot_method="specific")
    old = desk.trade("buy", "AAA", "10", "40", days=500)["lot_id"]
    young = desk.trade("buy", "AAA", "10", "60", days=50)["lot_id"]
    lots = [{"lot_id": young, "quantity": "6"}, {"lot_id": old, "quantity": "2"}]
    order_id = desk.placed(side="sell", quantity="8", lots=lots)
    assert desk.fill(order_id, ("5", "50")).status_code == 201
    assert desk.fill(order_id, ("3", "50")).status_code == 201
    left = Lot.objects.filter(account=desk.account).order_by("id")
    assert [(str(row.transaction.public_id), row.quantity) for row in left] == [
        (old, Decimal(8)),
        (young, Decimal(4)),
    ]


def test_after_a_fill_was_taken_back_the_next_fill_sells_the_lots_that_are_left(
    desk: Desk,
) -> None:
    change_account(account=desk.account, lot_method="specific")
    old = desk.trade("buy", "AAA", "10", "40", days=500)["lot_id"]
    young = desk.trade("buy", "AAA", "5", "60", days=50)["lot_id"]
    lots = [{"lot_id": old, "quantity": "10"}, {"lot_id": young, "quantity": "5"}]
    order_id = desk.placed(side="sell", quantity="15", lots=lots)
    body = desk.fill(order_id, ("10", "50"), ("5", "50")).json()
    address = f"/api/v1/transactions/{body['fills'][0]['transaction_id']}/reverse"
    assert desk.client.post(address, {}, format="json").status_code == 201
    again = desk.fill(order_id, ("3", "49"), ("7", "49"))
    assert again.status_code == 201, again.content
    rows = Transaction.objects.filter(account=desk.account, type="sell").order_by("-id")[:2]
    assert [row.lots for row in rows] == [
        [{"lot_id": old, "quantity": quantity}] for quantity in ("7", "3")
    ]
    assert desk.held() == 0


def test_two_open_orders_do_not_name_the_same_lot(desk: Desk) -> None:
    change_account(account=desk.account, lot_method="specific")
    lot_id = desk.trade("buy", "AAA", "5", "40")["lot_id"]
    desk.trade("buy", "AAA", "5", "41")
    named = [{"lot_id": lot_id, "quantity": "3"}]
    first = desk.placed(side="sell", quantity="3", lots=named)
    before = state_of_all()
    refused = desk.place(side="sell", quantity="3", lots=named)
    assert (refused.status_code, refused.json()["code"]) == (409, "lots_changed")
    assert state_of_all() == before
    desk.cancel(first)
    assert desk.place(side="sell", quantity="3", lots=named).status_code == 201


NOBODY = "01937a3e-7c00-7a10-8000-0000000000a1"
REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"symbol": "NOPE"}, 400, "symbol_unknown"),
    ({"quantity": "0"}, 400, "not_positive"),
    ({"type": "limit"}, 400, "limit_price_required"),
    ({"limit_price": "5"}, 400, "limit_price_not_allowed"),
    ({"side": "sell"}, 400, "insufficient_quantity"),
    ({"side": "hold"}, 400, "invalid_choice"),
    ({"whole_shares": True}, 400, "field_not_allowed"),
    ({"recommendation_id": NOBODY}, 400, "account_or_recommendation"),
    ({"lots": [{"lot_id": NOBODY, "quantity": "1"}]}, 400,
     "field_not_allowed"),
    ({"account_id": NOBODY}, 404, "account_not_found"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "status", "code"), REFUSED, ids=str)
def test_an_order_that_cannot_be_is_refused(
    desk: Desk, fields: dict[str, Any], status: int, code: str
) -> None:
    before = state_of_all()
    refused = desk.place(**fields)
    codes = {refused.json()["code"]} | {one["code"] for one in refused.json()["errors"]}
    assert refused.status_code == status
    assert code in codes
    assert state_of_all() == before


def test_an_incomplete_order_names_what_is_missing(desk: Desk) -> None:
    body = {"account_id": str(desk.account.public_id), "symbol": "AAA"}
    refused = desk.client.post("/api/v1/orders", body, format="json")
    assert refused.status_code == 400
    named = {one["field"] for one in refused.json()["errors"]}
    assert named == {"side", "quantity", "type"}
    assert not Order.objects.exists()


def test_no_order_is_placed_on_a_stale_price(desk: Desk) -> None:
    LatestPrice.objects.filter(asset__symbol="AAA").update(
        as_of=timezone.now() - timedelta(days=20)
    )
    before = state_of_all()
    refused = desk.place()
    assert (refused.status_code, refused.json()["code"]) == (409, "price_stale")
    assert state_of_all() == before


def test_open_orders_together_sell_no_more_than_is_held(desk: Desk) -> None:
    desk.trade("buy", "AAA", "10", "40")
    first = desk.placed(side="sell", quantity="7")
    before = state_of_all()
    refused = desk.place(side="sell", quantity="4")
    assert (refused.status_code, refused.json()["code"]) == (400, "insufficient_quantity")
    assert state_of_all() == before
    desk.cancel(first)
    assert desk.place(side="sell", quantity="4").status_code == 201


def test_a_sale_of_lots_that_are_gone_is_refused(desk: Desk) -> None:
    change_account(account=desk.account, lot_method="specific")
    lot_id = desk.trade("buy", "AAA", "5", "40")["lot_id"]
    desk.trade("buy", "AAA", "5", "41")
    before = state_of_all()
    refused = desk.place(side="sell", quantity="6", lots=[{"lot_id": lot_id, "quantity": "6"}])
    assert (refused.status_code, refused.json()["code"]) == (409, "lots_changed")
    unnamed = desk.place(side="sell", quantity="1")
    assert (unnamed.status_code, unnamed.json()["code"]) == (400, "lots_required")
    assert state_of_all() == before


def test_an_archived_account_takes_no_orders(desk: Desk) -> None:
    archiving.archive_account(account=desk.account, now=timezone.now())
    before = state_of_all()
    refused = desk.place()
    assert (refused.status_code, refused.json()["code"]) == (409, "account_archived")
    assert state_of_all() == before


def test_the_list_is_filtered_by_account_and_state(desk: Desk) -> None:
    filled = desk.placed()
    desk.fill(filled, ("10", "50"))
    opened = desk.placed(symbol="BBB", type="limit", limit_price="19.5")
    address = f"/api/v1/orders?account_id={desk.account.public_id}"
    rows = desk.client.get(address).json()["data"]
    assert [row["id"] for row in rows] == [opened, filled]
    rows = desk.client.get(f"{address}&state=placed,partly_filled").json()["data"]
    assert [(row["id"], row["limit_price"]) for row in rows] == [(opened, "19.5")]
    wrong = desk.client.get(f"{address}&state=lost")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "filter_invalid")


def test_a_stranger_finds_no_order_and_changes_none(
    desk: Desk, people: Any, client_of: Callable[[Any], Any]
) -> None:
    order_id = desk.placed()
    stranger = Desk(client_of(people.stranger), desk.account)
    before = state_of_all()
    assert stranger.client.get(f"/api/v1/orders/{order_id}").status_code == 404
    assert stranger.fill(order_id, ("1", "50")).status_code == 404
    assert stranger.cancel(order_id).status_code == 404
    assert stranger.place().status_code == 404
    assert stranger.client.get("/api/v1/orders").json()["total"] == 0
    assert state_of_all() == before
