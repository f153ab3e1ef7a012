"""The order sheet and the orders of an account, as a person and as a stranger meet them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketdata.models import LatestPrice
from recommendations.models import Recommendation
from recommendations.queries import trades_of
from tests.recommendations.approvals import out_of_band, proposed
from tests.transactions.orders.conftest import state_of_all
from transactions.models import Order, OrderFill, Transaction

pytestmark = pytest.mark.django_db
PageClient = Callable[[Any], Client]


@pytest.fixture
def approved(people: Any, assets: Any, page_client: PageClient) -> Recommendation:
    """A rebalance that the owner has approved on its page."""
    row = proposed(out_of_band(people.owner))
    base = f"/accounts/{row.account.public_id}/recommendations/{row.public_id}"
    answer = page_client(people.owner).post(f"{base}/decision", {"decision": "approved"})
    assert answer.headers["Location"] == f"{base}/orders"
    row.refresh_from_db()
    return row


def sheet_of(row: Recommendation) -> str:
    return f"/accounts/{row.account.public_id}/recommendations/{row.public_id}/orders"


def form_of(row: Recommendation, *, without: tuple[int, ...] = (), **more: str) -> dict[str, str]:
    """The form of the sheet as it is prefilled, with every row ticked but `without`."""
    today = timezone.now().date().isoformat()
    data = {"key": "sheet-1", "whole": "", **more}
    for number, trade in enumerate(trades_of(row)):
        if number not in without:
            data[f"t{number}-ticked"] = "on"
        data |= {
            f"t{number}-quantity": str(trade.quantity),
            f"t{number}-price": str(trade.price),
            f"t{number}-executed_on": today,
            f"t{number}-fee": "1",
        }
    return data


def test_the_sheet_is_prefilled_recorded_shown_and_undone(
    approved: Recommendation, people: Any, page_client: PageClient
) -> None:
    client, sheet = page_client(people.owner), sheet_of(approved)
    count = len(trades_of(approved))
    page = client.get(sheet).content.decode()
    assert f"{count} trades to place" in page
    assert page.count("data-tick>") == count
    before = Transaction.objects.count()
    done = client.post(sheet, form_of(approved), follow=True)
    text = done.content.decode()
    assert f"Recorded {count} trades." in text
    assert "Nothing left to place" in text
    assert "Done" in text
    assert Transaction.objects.count() == before + count
    assert {row.fee for row in Transaction.objects.filter(order_fill__isnull=False)} == {Decimal(1)}
    # Sent once more with its key: the first answer, and nothing more.
    again = client.post(sheet, form_of(approved))
    assert again.status_code == 302
    assert Transaction.objects.count() == before + count
    batch = OrderFill.objects.values_list("batch", flat=True).first()
    undone = client.post(f"{sheet}/undo", {"batch": str(batch)}, follow=True).content.decode()
    assert f"Took back {count} trades." in undone
    assert f"{count} trades to place" in undone
    assert set(Order.objects.values_list("state", flat=True)) == {"placed"}


def test_a_sheet_partly_recorded_lists_the_open_rest(
    approved: Recommendation, people: Any, page_client: PageClient
) -> None:
    client, sheet = page_client(people.owner), sheet_of(approved)
    count = len(trades_of(approved))
    text = client.post(sheet, form_of(approved, without=(0,)), follow=True).content.decode()
    assert "Partly done" in text
    assert "1 trade to place" in text
    assert f"Recorded {count - 1} trade" in text
    listed = client.get(f"/accounts/{approved.account.public_id}/recommendations")
    assert "Partly done" in listed.content.decode()


def test_a_wrong_figure_records_nothing_and_keeps_what_was_typed(
    approved: Recommendation, people: Any, page_client: PageClient
) -> None:
    client, sheet = page_client(people.owner), sheet_of(approved)
    before = state_of_all()
    answer = client.post(sheet, form_of(approved) | {"t0-price": "", "t1-fee": "0.77"})
    assert answer.status_code == 400
    text = answer.content.decode()
    assert "Fill this in, or untick the row." in text
    assert 'value="0.77"' in text
    more = str(trades_of(approved)[0].quantity + 1)
    refused = client.post(sheet, form_of(approved) | {"t0-quantity": more})
    assert refused.status_code == 409
    assert "Nothing was recorded." in refused.content.decode()
    assert state_of_all() == before


def test_nothing_ticked_is_said(
    approved: Recommendation, people: Any, page_client: PageClient
) -> None:
    every = tuple(range(len(trades_of(approved))))
    before = state_of_all()
    answer = page_client(people.owner).post(sheet_of(approved), form_of(approved, without=every))
    assert "No trade is ticked" in answer.content.decode()
    assert state_of_all() == before


def test_files_and_whole_shares(
    approved: Recommendation, people: Any, page_client: PageClient
) -> None:
    client, sheet = page_client(people.owner), sheet_of(approved)
    answer = client.get(f"{sheet}/ibkr.csv?whole=1")
    assert answer["Content-Disposition"] == 'attachment; filename="orders-ibkr.csv"'
    quantities = [line.split(",")[1] for line in answer.content.decode().splitlines()[1:]]
    assert quantities
    assert all(quantity.isdecimal() for quantity in quantities)
    assert client.get(f"{sheet}/etrade.csv").status_code == 400
    assert not Order.objects.exists()
    client.post(f"{sheet}/place", {"whole": "1"})
    assert all(row.quantity % 1 == 0 for row in Order.objects.filter(state="placed"))


def test_late_prices_are_marked(
    approved: Recommendation, people: Any, page_client: PageClient
) -> None:
    LatestPrice.objects.update(as_of="2026-01-02T00:00:00Z")
    text = page_client(people.owner).get(sheet_of(approved)).content.decode()
    assert "Some prices are not of today" in text
    assert "price of 2 Jan 2026" in text


def test_an_undecided_recommendation_has_no_sheet(
    people: Any, assets: Any, page_client: PageClient
) -> None:
    row = proposed(out_of_band(people.owner))
    client = page_client(people.owner)
    assert client.get(sheet_of(row)).status_code == 409
    assert client.post(sheet_of(row), form_of(row)).status_code == 409
    assert not Order.objects.exists()


def test_an_order_of_ones_own_is_kept_filled_undone_and_cancelled(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    page = f"/accounts/{invest.public_id}/orders"
    wanted = {"side": "buy", "symbol": "aaa", "quantity": "3", "type": "market", "key": "own-1"}
    text = client.post(page, wanted, follow=True).content.decode()
    assert "The order is kept" in text
    client.post(page, wanted)  # twice is once
    (order,) = Order.objects.all()
    today = timezone.now().date().isoformat()
    fill = {"quantity": "2", "price": "49.5", "executed_on": today, "fee": ""}
    text = client.post(f"{page}/{order.public_id}/fill", fill, follow=True).content.decode()
    assert "Recorded 1 trade." in text
    assert "2 of 3 filled" in text
    (kept,) = OrderFill.objects.all()
    text = client.post(f"{page}/undo", {"batch": str(kept.batch)}, follow=True).content.decode()
    assert "Took back 1 trade." in text
    client.post(f"{page}/{order.public_id}/cancel")
    order.refresh_from_db()
    assert (order.state, order.filled_quantity) == ("cancelled", Decimal(0))
    assert "No open orders" in client.get(page).content.decode()
    assert "Cancelled" in client.get(f"{page}?show=all").content.decode()


def test_a_part_sent_twice_is_recorded_once(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    page = f"/accounts/{invest.public_id}/orders"
    client.post(page, {"side": "buy", "symbol": "AAA", "quantity": "3", "type": "market"})
    (order,) = Order.objects.all()
    form = client.get(page).content.decode().partition(f"{order.public_id}/fill")[2]
    key = form.partition('name="key" value="')[2].partition('"')[0]
    today = timezone.now().date().isoformat()
    fill = {"quantity": "1", "price": "49.5", "executed_on": today, "fee": "", "key": key}
    for _ in range(2):
        assert client.post(f"{page}/{order.public_id}/fill", fill).status_code == 302
    order.refresh_from_db()
    assert (order.filled_quantity, OrderFill.objects.count()) == (1, 1)


def test_what_was_sent_to_a_broker_is_not_to_be_placed_by_hand_as_well(
    approved: Recommendation, people: Any, page_client: PageClient, settings: Any
) -> None:
    settings.DEMO = True
    client, sheet = page_client(people.owner), sheet_of(approved)
    client.post(f"{sheet}/place", {"broker": "simulated"})
    assert set(Order.objects.values_list("broker", flat=True)) == {"simulated"}
    text = client.get(sheet).content.decode()
    assert "Nothing left to place" in text
    assert "orders-text" not in text
    assert len(client.get(f"{sheet}/ibkr.csv").content.decode().splitlines()) == 1


def test_a_refused_order_is_shown_at_its_field(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    page = f"/accounts/{invest.public_id}/orders"
    wanted = {"side": "sell", "symbol": "AAA", "quantity": "500", "type": "market"}
    answer = page_client(people.owner).post(page, wanted)
    assert answer.status_code == 400
    assert "Only 120 shares of AAA are held" in answer.content.decode()
    assert not Order.objects.exists()


def test_a_stranger_meets_nothing(
    approved: Recommendation, people: Any, page_client: PageClient
) -> None:
    client, sheet = page_client(people.stranger), sheet_of(approved)
    before = state_of_all()
    page = f"/accounts/{approved.account.public_id}/orders"
    for address in (sheet, f"{sheet}/ibkr.csv", page):
        assert client.get(address).status_code == 404
    for address in (sheet, f"{sheet}/place", f"{sheet}/undo", page, f"{page}/undo"):
        assert client.post(address, form_of(approved)).status_code == 404
    assert state_of_all() == before
