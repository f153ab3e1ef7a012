"""Rows recorded together, cash moved in one step, a row recorded again, and lots chosen by hand."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.identifiers import uuid7
from dashboard.forms.activity_entries import COLUMNS, GRID_ROWS_MAX, pasted_rows, plain_figure
from transactions.models import Account, Disposal, Lot, Transaction

pytestmark = pytest.mark.django_db

PageClient = Callable[[Any], Client]


def columns(*rows: str) -> dict[str, list[str]]:
    """Cells separated by `|`, as the page sends them: by column."""
    cells = [row.split("|") + [""] * 8 for row in rows]
    return {name: [row[place] for row in cells] for place, name in enumerate(COLUMNS)}


GOOD = (
    "2024-06-03|Deposit||||5,000.00||",
    "06/04/2024|buy|aaa|10|$50||1|first",
    "2024-06-05|Dividend|AAA|||12.5||",
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("$1,234.50", "1234.50"),
        ("1,234,567", "1234567"),
        ("-12.5", "12.5"),
        ("12,50", "12,50"),  # ambiguous, so the form refuses it
        ("1e999999", "1e999999"),
        ("", ""),
    ],
)
def test_figures_of_spreadsheets_are_read_or_left_as_they_are(text: str, plain: str) -> None:
    assert plain_figure(text) == plain


def test_pasted_headings_name_the_columns() -> None:
    text = "Symbol\tDate\tPrice\tElse\nAAA\t2024-06-03\t50\tx\n\n"
    assert pasted_rows(text) == [{"symbol": "AAA", "executed_on": "2024-06-03", "price": "50"}]
    assert pasted_rows("2024-06-03,Buy,AAA,1")[0]["quantity"] == "1"


def test_many_rows_are_recorded_together_and_once(
    people: Any, assets: Any, account: Any, page_client: PageClient
) -> None:
    client, own = page_client(people.owner), f"/accounts/{account.public_id}"
    sent = {**columns(*GOOD), "key": str(uuid7())}
    for _ in range(2):
        answer = client.post(f"{own}/transactions/grid", sent)
        assert answer["Location"] == f"{own}/transactions"
    found = Transaction.objects.filter(account=account).order_by("executed_at")
    assert [(row.type, row.note) for row in found] == [
        ("deposit", ""),
        ("buy", "first"),
        ("dividend", ""),
    ]
    account.refresh_from_db()
    assert account.cash == Decimal("4511.50")


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ("2024-06-06|Sell|AAA|99|50|||", "99"),
        ("2024-06-06|Buy|ZZZ|1|50|||", "ZZZ"),
        ("2024-06-06|Split|AAA|2||||", "is not a kind that a grid can record"),
        ("2024-13-06|Buy|AAA|1|50|||", "Date"),
        ("2024-06-06|Buy|AAA|12,50|50|||", "Quantity"),
        ("2024-06-06|Buy|AAA|1e999999|50|||", "Quantity"),
    ],
)
def test_one_bad_row_is_named_and_none_is_recorded(
    people: Any, assets: Any, account: Any, page_client: PageClient, bad: str, text: str
) -> None:
    client, own = page_client(people.owner), f"/accounts/{account.public_id}"
    page = client.post(f"{own}/transactions/grid", columns(*GOOD, bad))
    body = page.content.decode()
    assert page.status_code in (400, 409, 422)
    assert not Transaction.objects.exists()
    # The fault stands at its row, the fourth, and at no other.
    assert body.count('class="faulty"') == 1
    assert '<th scope="row">4</th>' in body.partition('class="faulty"')[2][:80]
    assert text in body.partition('class="grid-note"')[2].partition("</tr>")[0]


def test_warnings_of_rows_are_seen_before_they_are_recorded(
    people: Any, assets: Any, account: Any, page_client: PageClient
) -> None:
    client, own = page_client(people.owner), f"/accounts/{account.public_id}"
    rows = columns("2024-06-04|Buy|AAA|10|50|||")
    page = client.post(f"{own}/transactions/grid", rows)
    assert page.status_code == 200
    assert not Transaction.objects.exists()
    seen = page.content.decode().partition('name="seen" value="')[2].partition('"')[0]
    assert client.post(f"{own}/transactions/grid", {**rows, "seen": seen}).status_code == 302
    assert Transaction.objects.count() == 1


def test_a_grid_is_bounded_and_pasted_cells_only_fill_it(
    people: Any, assets: Any, account: Any, page_client: PageClient
) -> None:
    client, own = page_client(people.owner), f"/accounts/{account.public_id}"
    many = "\n".join(["2024-06-03\tDeposit\t\t\t\t1"] * (GRID_ROWS_MAX + 1))
    answer = client.post(f"{own}/transactions/grid", {"pasted": many, "fill": "1"})
    assert answer.status_code == 400
    filled = client.post(f"{own}/transactions/grid", {"pasted": many[:200], "fill": "1"})
    assert (filled.status_code, b'value="Deposit"' in filled.content) == (200, True)
    assert not Transaction.objects.exists()


@pytest.fixture
def second(people: Any, account: Any) -> Any:
    from transactions.operations import open_account

    return open_account(
        user=people.owner, name="Second", type="ira", currency="USD", now=timezone.now()
    )


def test_cash_moves_in_one_step_and_once(
    people: Any, invest: Any, second: Any, page_client: PageClient
) -> None:
    client, before = page_client(people.owner), invest.cash
    sent = {
        "to_account": str(second.public_id),
        "executed_on": "2024-06-03",
        "amount": "100",
        "key": str(uuid7()),
    }
    address = f"/accounts/{invest.public_id}/cash-transfer"
    for _ in range(2):
        assert client.post(address, sent).status_code == 302
    invest.refresh_from_db()
    second.refresh_from_db()
    assert (before - invest.cash, second.cash) == (100, 100)
    assert second.transactions.get().note == "From Harbour"


def test_a_transfer_of_more_than_there_is_warns_first(
    people: Any, invest: Any, second: Any, page_client: PageClient
) -> None:
    client, count = page_client(people.owner), Transaction.objects.count()
    address = f"/accounts/{invest.public_id}/cash-transfer"
    sent = {"to_account": str(second.public_id), "executed_on": "2024-06-03", "amount": "99999"}
    page = client.post(address, sent)
    assert (page.status_code, "negative afterwards" in page.content.decode()) == (200, True)
    assert Transaction.objects.count() == count
    assert client.post(address, {**sent, "seen": "99999"}).status_code == 302
    assert Transaction.objects.count() == count + 2


def test_a_transfer_that_is_refused_changes_no_account(
    people: Any, invest: Any, second: Any, page_client: PageClient
) -> None:
    from transactions.operations import open_account

    foreign = open_account(
        user=people.stranger, name="Theirs", type="taxable", currency="USD", now=timezone.now()
    )
    Account.objects.filter(pk=second.pk).update(currency="EUR")
    client, count = page_client(people.owner), Transaction.objects.count()
    address = f"/accounts/{invest.public_id}/cash-transfer"
    sent = {"executed_on": "2024-06-03", "amount": "10", "seen": "10"}
    for to, status in ((foreign, 400), (invest, 400), (second, 400)):
        answer = client.post(address, {**sent, "to_account": str(to.public_id)})
        assert answer.status_code == status, to.name
    assert Transaction.objects.count() == count
    sent |= {"to_account": str(second.public_id), "arrived": "9"}
    assert client.post(address, sent).status_code == 302
    assert second.transactions.get().amount == 9


def test_an_adviser_cannot_move_cash_to_another_client(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    from transactions.operations import open_account

    office = open_account(
        user=people.adviser, name="Office", type="taxable", currency="USD", now=timezone.now()
    )
    count = Transaction.objects.count()
    sent = {"executed_on": "2024-06-03", "amount": "10", "seen": "10"}
    answer = page_client(people.adviser).post(
        f"/accounts/{invest.public_id}/cash-transfer",
        {**sent, "to_account": str(office.public_id)},
    )
    assert (answer.status_code, Transaction.objects.count()) == (400, count)


def test_a_transaction_is_shown_again_ready_to_be_recorded(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client, own = page_client(people.owner), f"/accounts/{invest.public_id}"
    row = Transaction.objects.filter(account=invest, asset__symbol="BBB").get()
    page = client.get(f"{own}/transactions?copy={row.public_id}").content.decode()
    assert 'name="quantity" value="100"' in page
    assert f'name="executed_on" value="{timezone.now().date()}"' in page
    assert client.get(f"{own}/transactions?copy={uuid7()}").status_code == 404
    assert client.get(f"{own}/transactions?copy=x").status_code == 404


def test_lots_are_chosen_previewed_and_sold(
    people: Any, invest: Any, page_client: PageClient, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    client = page_client(people.owner)
    address = f"/accounts/{invest.public_id}/sell?symbol=AAA"
    page = client.get(address).content.decode()
    assert ("Long-term" in page, "Short-term" in page) == (True, True)
    young = Lot.objects.filter(account=invest, asset__symbol="AAA").order_by("-opened_at")[0]
    name = f"lot-{young.transaction.public_id}-{young.piece}"
    today = timezone.now().date().isoformat()
    sent = {"executed_on": today, "price": "50", "key": str(uuid7())}
    count = Transaction.objects.count()
    refused = {"": 400, "41": 400, "-1": 400, "NaN": 400, "1e999999": 400, "0": 400}
    # A comma for the point is one and a half, and never fifteen.
    refused |= {"1,5": 400, "1,50": 400}
    for typed, status in refused.items():
        answer = client.post(address, {**sent, name: typed, "do": "record"})
        assert answer.status_code == status, typed
    preview = client.post(address, {**sent, name: "10", "do": "preview"})
    assert "Proceeds after tax" in preview.content.decode()
    assert Transaction.objects.count() == count
    for _ in range(2):
        client.post(address, {**sent, name: "10", "do": "record"})
    sold = Disposal.objects.get(account=invest)
    assert (sold.quantity, sold.cost_basis, sold.long_term) == (10, 450, False)
    assert Transaction.objects.count() == count + 1


def test_lots_of_others_are_not_found(people: Any, invest: Any, page_client: PageClient) -> None:
    address = f"/accounts/{invest.public_id}/sell"
    assert page_client(people.stranger).get(f"{address}?symbol=AAA").status_code == 404
    client = page_client(people.owner)
    assert client.get(f"{address}?symbol=ZZZ").status_code == 404
    assert "AAA" in client.get(address).content.decode()
