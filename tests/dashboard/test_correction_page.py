"""A transaction edited on its page: what nobody touched comes back to the last digit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as D
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from transactions.ledger.entries import ChosenLot, Entry, Ratio
from transactions.models import Transaction
from transactions.operations import change_account, open_account, record
from transactions.operations.imports import Upload, bring, commit

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 6, 3, 18, tzinfo=UTC)
# In New York it is still the evening of the day before.
LATE = datetime(2024, 3, 4, 21, 30, 15, 250, tzinfo=timezone(timedelta(hours=-5)))
FACTS = (
    *("account_id", "type", "asset_id", "quantity", "price", "amount", "fee", "currency"),
    *("fx_rate", "cash_effect", "executed_at", "trade_date", "new_asset_id", "ratio_new"),
    *("ratio_old", "basis_percentage", "opened_date", "order_id", "external_id", "tax_rates"),
    *("lot_method", "lots", "note"),
)


class Fields(HTMLParser):
    """The fields that a browser would send, in the page's form for editing."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = ""
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self._inside = "/edit" in (told.get("action") or "")
        if not self._inside:
            return
        name = told.get("name") or ""
        if tag == "input" and name:
            self.values[name] = told.get("value") or ""
        elif tag == "select":
            self._select = name
            self.values[name] = ""
        elif tag == "option" and "selected" in told:
            self.values[self._select] = told.get("value") or ""


def entry(kind: str, at: datetime = LATE, **fields: Any) -> Entry:
    return Entry(type=kind, executed_at=at, currency=fields.pop("currency", "USD"), **fields)


def facts(row: Transaction) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FACTS}


@pytest.fixture
def edit(people: Any, account: Any, page_client: Callable[[Any], Client]) -> Callable[..., Any]:
    """Opens the page of a transaction, changes fields, and sends it."""
    client = page_client(people.owner)

    def send(row: Transaction, **changes: str) -> Any:
        address = reverse("edit_transaction", args=[row.account.public_id, row.public_id])
        page = client.get(address)
        assert page.status_code == 200, page.content
        fields = Fields(page.content.decode()).values | changes
        answer = client.post(address, fields)
        if answer.status_code == 200:  # it warns first
            answer = client.post(address, Fields(answer.content.decode()).values)
        return answer

    return send


def recorded(account: Any, people: Any, *entries: Entry) -> Transaction:
    rows = record(account=account, entries=list(entries), user=people.owner, now=NOW)
    return Transaction.objects.select_related("account").get(pk=rows[-1].pk)


def replacement(row: Transaction) -> Transaction:
    return Transaction.objects.get(corrects=row)


BUY = entry(
    "buy", symbol="AAA", quantity=D("7.1234567891"), price=D("12.3456789012"), fee=D("1.25")
)
FOREIGN: dict[str, Any] = {"symbol": "EEE", "currency": "EUR", "quantity": D(3)}
CASES = {
    "a purchase at a long price": BUY,
    "a purchase by its amount": entry("buy", symbol="AAA", quantity=D(3), amount=D("100")),
    "a purchase for nothing": entry("buy", symbol="AAA", quantity=D(3), price=D(0)),
    "a purchase settled in dollars": entry(
        "buy", **FOREIGN, amount=D("100"), fee=D("2.50"), settled_amount=D("111.37")
    ),
    "a purchase at its own rate": entry("buy", **FOREIGN, price=D("33.1"), fx_rate=D("1.0876")),
    "a dividend settled": entry(
        "dividend", symbol="EEE", currency="EUR", amount=D("17.77"), settled_amount=D("19.01")
    ),
    "a deposit in another currency": entry(
        "deposit", currency="EUR", amount=D("100"), fx_rate=D("1.0712345")
    ),
    "a reinvestment": entry("reinvestment", symbol="AAA", quantity=D("0.333"), amount=D("10.01")),
    "an arrival with a cost": entry(
        *("transfer_in",),
        symbol="AAA", quantity=D(3), amount=D("100"), opened_date=date(2020, 2, 3),
    ),
    "an arrival with a price": entry(
        *("transfer_in",),
        symbol="AAA", quantity=D(3), price=D("33.3337"), opened_date=date(2020, 2, 3),
    ),
    "an arrival for nothing": entry(
        *("transfer_in",),
        symbol="AAA", quantity=D(3), amount=D(0), opened_date=date(2020, 2, 3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_only_the_note_changes(
    name: str, edit: Any, account: Any, people: Any, assets: Any
) -> None:
    told = CASES[name]
    named: dict[str, Any] = {"external_id": "T-1", "order_id": "O-9", "note": "as the broker says"}
    row = recorded(account, people, replace(told, **named))
    before = facts(row)
    cash = type(account).objects.get(pk=account.pk).cash
    answer = edit(row, note="typed by hand")
    assert answer.status_code == 302, answer.content.decode()
    assert facts(replacement(row)) == before | {"note": "typed by hand"}
    assert type(account).objects.get(pk=account.pk).cash == cash


def test_only_the_price_changes(edit: Any, account: Any, people: Any, assets: Any) -> None:
    row = recorded(account, people, BUY)
    before = facts(row)
    assert edit(row, price="12.5").status_code == 302
    now = facts(replacement(row))
    moved = {name for name in FACTS if now[name] != before[name]}
    assert moved == {"price", "amount", "cash_effect"}
    assert (now["price"], now["amount"]) == (D("12.5"), D("89.04"))


def test_what_was_settled_stays_when_the_price_changes(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    row = recorded(account, people, CASES["a purchase settled in dollars"])
    assert edit(row, price="33.5").status_code == 302
    now = replacement(row)
    assert (now.amount, now.cash_effect) == (D("100.50"), D("-111.37"))


def test_the_rate_stays_when_the_price_of_a_trade_at_that_rate_changes(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    row = recorded(account, people, CASES["a purchase at its own rate"])
    assert edit(row, price="33.2").status_code == 302
    now = replacement(row)
    assert (now.fx_rate, now.cash_effect) == (D("1.0876"), D("-108.32"))


def test_a_sale_keeps_the_lots_it_names(edit: Any, account: Any, people: Any, assets: Any) -> None:
    first = recorded(account, people, entry("buy", symbol="AAA", quantity=D(5), price=D(10)))
    sale = recorded(
        account,
        people,
        entry("buy", symbol="AAA", quantity=D(5), price=D(12)),
        entry(
            *("sell", LATE + timedelta(days=30)),
            symbol="AAA", quantity=D(2), price=D(15), lots=(ChosenLot(first.public_id, D(2)),),
        ),
    )  # fmt: skip
    before = facts(sale)
    assert edit(sale, fee="1").status_code == 302
    now = facts(replacement(sale))
    assert {name for name in FACTS if now[name] != before[name]} == {"fee", "cash_effect"}
    assert now["lots"] == [{"lot_id": str(first.public_id), "quantity": "2"}]


def test_a_split_keeps_the_method_of_its_cash_in_lieu(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    """The account's method is another one by now."""
    row = recorded(
        account,
        people,
        entry("buy", symbol="AAA", quantity=D(5), price=D(10)),
        entry(
            *("split", LATE + timedelta(days=9)),
            symbol="AAA", ratio=Ratio(D(3), D(2)), amount=D("7.77"),
        ),
    )  # fmt: skip
    change_account(account=account, lot_method="hifo")
    before = facts(row)
    assert edit(row, note="three for two").status_code == 302
    assert facts(replacement(row)) == before | {"note": "three for two"}


def test_a_transfer_keeps_both_of_its_sides(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    """It left on one day and arrived on another."""
    other = open_account(user=people.owner, name="Other", type="taxable", currency="USD", now=NOW)
    left = recorded(
        account,
        people,
        entry("buy", symbol="AAA", quantity=D(5), price=D(10)),
        entry("transfer_out", LATE + timedelta(days=9), symbol="AAA", quantity=D(4), note="out"),
    )
    arrived = recorded(
        other,
        people,
        entry(
            *("transfer_in", LATE + timedelta(days=11)),
            symbol="AAA", quantity=D(4), note="in", external_id="A-7",
        ),
    )  # fmt: skip
    assert arrived.counterpart_id == left.pk
    there, here = facts(arrived), facts(left)
    assert edit(left, note="moved").status_code == 302
    now = replacement(left)
    assert facts(now) == here | {"note": "moved"}
    again = Transaction.objects.get(counterpart=now)
    assert facts(again) == there


def test_another_day_kind_or_symbol_may_be_stated(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    row = recorded(account, people, BUY)
    assert edit(row, executed_on="2024-02-01", symbol="bbb").status_code == 302
    now = replacement(row)
    assert (now.trade_date, now.asset) == (date(2024, 2, 1), assets["BBB"])
    paid = recorded(account, people, entry("deposit", amount=D("250"), external_id="D-1"))
    assert edit(paid, type="withdrawal").status_code == 302
    now = replacement(paid)
    assert (now.type, now.cash_effect, now.external_id) == ("withdrawal", D("-250"), "D-1")
    assert now.executed_at == paid.executed_at


def test_nothing_is_recorded_where_nothing_was_changed(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    row = recorded(account, people, CASES["a purchase by its amount"])
    before = Transaction.objects.count()
    assert edit(row).status_code == 302
    assert Transaction.objects.count() == before


def test_a_correction_does_not_warn_about_the_row_it_replaces(
    account: Any, people: Any, assets: Any, page_client: Callable[[Any], Client]
) -> None:
    """The old row has the same figures, and its cash is given back first."""
    row = recorded(account, people, entry("deposit", amount=D("100")), entry(
        "withdrawal", amount=D("80")))  # fmt: skip
    client = page_client(people.owner)
    address = reverse("edit_transaction", args=[account.public_id, row.public_id])
    fields = Fields(client.get(address).content.decode()).values
    assert client.post(address, fields | {"note": "rent"}).status_code == 302
    now = replacement(row)
    address = reverse("edit_transaction", args=[account.public_id, now.public_id])
    fields = Fields(client.get(address).content.decode()).values
    assert client.post(address, fields | {"amount": "95"}).status_code == 302
    now = replacement(now)
    address = reverse("edit_transaction", args=[account.public_id, now.public_id])
    fields = Fields(client.get(address).content.decode()).values
    warned = client.post(address, fields | {"amount": "105"})
    assert warned.status_code == 200
    assert "-5.00" in warned.content.decode()


def test_a_refused_correction_changes_nothing(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    row = recorded(account, people, BUY)
    recorded(
        account,
        people,
        entry("sell", LATE + timedelta(days=30), symbol="AAA", quantity=D(7), price=D(15)),
    )
    before = Transaction.objects.count()
    answer = edit(row, quantity="3")
    assert answer.status_code == 400
    assert "AAA" in answer.content.decode()
    assert Transaction.objects.count() == before


def test_reversed_pairs_are_hidden_until_they_are_asked_for(
    edit: Any, account: Any, people: Any, assets: Any, page_client: Callable[[Any], Client]
) -> None:
    row = recorded(account, people, entry("deposit", amount=D("100")))
    assert edit(row, amount="110").status_code == 302
    client = page_client(people.owner)
    address = reverse("transactions", args=[account.public_id])

    def rows(**query: str) -> int:
        return client.get(address, query).content.decode().count('<tr class="row">')

    assert rows() == 1
    assert rows(reversed="show") == 3
    assert rows() == 3  # it is remembered
    assert rows(reversed="hide") == 1
    stale = reverse("edit_transaction", args=[account.public_id, row.public_id])
    assert client.get(stale).status_code == 409


def test_the_file_of_an_edited_transaction_is_not_imported_again(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    """The correction keeps the file's name of the row, whatever its figures are now."""
    file = (
        b"type,executed_at,symbol,quantity,price,amount,currency,external_id\n"
        b"deposit,2024-01-02T12:00:00Z,,,,500,USD,\n"
        b"buy,2024-01-03T12:00:00Z,AAA,2,50,,USD,T-7\n"
    )
    upload = Upload(name="a.csv", pieces=[file])
    batch = bring(account=account, upload=upload, user=people.owner, now=NOW)
    commit(batch=batch, user=people.owner, now=NOW)
    for row in Transaction.objects.filter(account=account).select_related("account"):
        changes = {"price": "40"} if row.type == "buy" else {"amount": "450"}
        assert edit(row, **changes).status_code == 302
    again = bring(account=account, upload=upload, user=people.owner, now=NOW)
    assert (again.ready_count, again.duplicate_count) == (0, 2)


def test_a_row_corrected_twice_claims_one_row_of_a_file(
    edit: Any, account: Any, people: Any, assets: Any
) -> None:
    """The file has the first figures twice: one of them is new."""
    row = recorded(account, people, entry("deposit", datetime(2024, 1, 2, 12, tzinfo=UTC),
                                          amount=D(5)))  # fmt: skip
    assert edit(row, amount="6").status_code == 302
    assert edit(replacement(row), amount="7").status_code == 302
    line = b"deposit,2024-01-02T12:00:00Z,%d,USD\n"
    file = b"type,executed_at,amount,currency\n" + line % 5 + line % 5 + line % 7
    upload = Upload(name="a.csv", pieces=[file], format="ballast")
    batch = bring(account=account, upload=upload, user=people.owner, now=NOW)
    assert (batch.ready_count, batch.duplicate_count) == (2, 1)
