"""The import pages: a file chosen, its rows and symbols looked at, recorded, taken back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from jobs.models import Job
from marketdata.models import Asset
from transactions.models import Import, ImportRow, Transaction
from transactions.operations import imports as operations

pytestmark = pytest.mark.django_db

FILE = b"""type,executed_at,symbol,name,quantity,price,amount,currency,lot_method
buy,2024-01-03T12:00:00Z,AAA,,10,50,,USD,
buy,2024-01-03T12:00:00Z,AAA,,10,50,,USD,
buy,2024-01-04T12:00:00Z,AAA.DE,<b>Alpha</b>,1,50,,USD,
dance,2024-01-05T12:00:00Z,AAA,,1,50,,USD,
"""


@pytest.fixture
def own(account: Any, assets: Any) -> str:
    return f"/accounts/{account.public_id}/imports"


@pytest.fixture
def browser(people: Any, page_client: Callable[[Any], Client]) -> Client:
    return page_client(people.owner)


def brought(browser: Client, own: str, data: bytes = FILE) -> str:
    """Uploads a file; the address of its page."""
    answer = browser.post(own, {"file": SimpleUploadedFile("mine.csv", data), "format": ""})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer.headers["Location"])


def test_a_file_is_brought_looked_at_recorded_and_taken_back(browser: Client, own: str) -> None:
    assert b"No file yet" in browser.get(own).content
    page = brought(browser, own)
    text = browser.get(page).content.decode()
    for words in (
        "Record 2 transactions<",
        "AAA.DE",
        "Use AAA<",
    ):
        assert words in text, words
    assert "&lt;b&gt;Alpha" in text
    assert "<b>Alpha" not in text
    assert "No rows with this status" in browser.get(f"{page}?status=skipped").content.decode()
    assert browser.get(f"{page}?status=error").content.decode().count('class="row"') >= 2

    browser.post(f"{page}/change", {"choice": "exclude:2"})
    assert "Record 1 transaction<" in browser.get(page).content.decode()
    browser.post(f"{page}/change", {"choice": "reset:2"})
    browser.post(f"{page}/change", {"key": ["AAA.DE"], "meaning": ["bbb"]})
    batch = Import.objects.get()
    assert (batch.ready_count, batch.symbols["AAA.DE"]["symbol"]) == (3, "BBB")
    browser.post(f"{page}/change", {"key": ["AAA.DE"], "meaning": ["Create"]})
    answer = browser.post(f"{page}/commit", follow=True)
    assert "Recorded 3 transactions." in answer.content.decode()
    assert Asset.objects.filter(symbol="AAA.DE", household=batch.account.household).exists()
    assert Transaction.objects.count() == 3
    assert "Undo import" in answer.content.decode()

    answer = browser.post(f"{page}/remove", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == page
    assert Transaction.objects.count() == 6
    assert "Undone" in browser.get(own).content.decode()


def test_a_preview_is_discarded(browser: Client, own: str) -> None:
    page = brought(browser, own)
    answer = browser.post(f"{page}/remove")
    assert answer.headers["Location"] == own
    assert not Import.objects.exists()
    assert browser.get(page).status_code == 404


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty. Choose another one."),
        (b"one column\nonly\n", "No known format"),
        (b"PK\x03\x04..", "rchive"),
    ],
)
def test_a_file_that_is_none_is_explained_beside_the_field(
    browser: Client, own: str, data: bytes, words: str
) -> None:
    answer = browser.post(own, {"file": SimpleUploadedFile("x.csv", data)})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert browser.post(own, {}).status_code == 400
    assert not Import.objects.exists()


def test_a_refusal_of_the_ledger_is_shown_and_nothing_recorded(browser: Client, own: str) -> None:
    page = brought(
        browser,
        own,
        b"type,executed_at,symbol,quantity,price,currency,lot_method\n"
        b"sell,2024-01-03T12:00:00Z,AAA,10,50,USD,\n",
    )
    answer = browser.post(f"{page}/commit", follow=True).content.decode()
    assert "Line 2 (row 1)" in answer
    assert "Nothing was recorded." in answer
    assert not Transaction.objects.exists()
    for body in ({"choice": "include:x"}, {"choice": "destroy:1"}, {"choice": "include:99"}):
        browser.post(f"{page}/change", body)
    assert ImportRow.objects.get().choice == ""


def test_a_large_file_shows_how_far_it_is(
    browser: Client, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "IMPORT_BYTES_AT_ONCE_MAX", 10)
    page = brought(browser, own)
    assert "Reading the file" in browser.get(page).content.decode()
    Job.objects.update(progress=40)
    assert "40%" in browser.get(f"{page}/progress").content.decode()
    from transactions.tasks import work_on_import

    work_on_import(Job.objects.get().pk)
    answer = browser.get(f"{page}/progress")
    assert answer.headers["HX-Redirect"] == page
    assert "Record 2 transactions<" in browser.get(page).content.decode()


def test_one_of_several_accounts_of_a_file_is_chosen(browser: Client, own: str) -> None:
    page = brought(
        browser,
        own,
        b"account,type,executed_at,symbol,quantity,price,currency,lot_method\n"
        b"One,buy,2024-01-03T12:00:00Z,AAA,10,50,USD,\n"
        b"Two,buy,2024-01-03T12:00:00Z,BBB,10,50,USD,\n",
    )
    assert "Which account of the file?" in browser.get(page).content.decode()
    browser.post(f"{page}/change", {"account": "Two"})
    assert Import.objects.get().ready_count == 1


def test_files_are_exported_by_link(browser: Client, own: str, account: Any) -> None:
    text = browser.get(own).content.decode()
    for name in ("ballast", "ghostfolio", "portfolio_performance"):
        address = f"/api/v1/exports/{name}?account_id={account.public_id}"
        assert address in text
        answer: Any = browser.get(address)
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]


def test_a_stranger_finds_no_file(
    browser: Client, own: str, people: Any, page_client: Callable[[Any], Client]
) -> None:
    page = brought(browser, own)
    stranger = page_client(people.stranger)
    for address in (own, page, f"{page}/progress"):
        assert stranger.get(address).status_code == 404
    for step in ("change", "commit", "remove"):
        assert stranger.post(f"{page}/{step}").status_code == 404
    assert stranger.post(own, {"file": SimpleUploadedFile("x.csv", FILE)}).status_code == 404
    assert Import.objects.get().status == "preview"


EUROS = b"""type,executed_at,symbol,quantity,price,fee,amount,currency,opened_date
deposit,2024-01-02T12:00:00Z,,,,,1000,USD,
buy,2024-01-03T12:00:00Z,AAA,3,33.10,1,,EUR,
transfer_in,2024-01-04T12:00:00Z,BBB,5,,,100,USD,2020-05-06
"""


def test_a_preview_shows_what_will_be_recorded_and_what_the_file_says(
    browser: Client, own: str, account: Any
) -> None:
    """AAA trades in dollars, and the file states what was settled in euros."""
    page = brought(browser, own, EUROS)
    shown = browser.get(page).context["rows"]
    bought = shown[1]
    assert bought.stated is not None
    assert (bought.stated.trade, bought.stated.fee) == ("3 × 33.1", "€1.00")
    assert bought.figures.amount.startswith("$")
    text = browser.get(page).content.decode()
    assert "in the file 3 × 33.1" in text
    assert "acquired 6 May 2020" in text
    assert shown[0].stated is None
    browser.post(f"{page}/commit")
    row = Transaction.objects.get(type="buy")
    assert bought.figures.amount == f"${row.amount:,.2f}"
    assert bought.figures.trade.startswith("3 × ")
    assert bought.cash == f"\N{MINUS SIGN}${-row.cash_effect:,.2f}"
    again = browser.get(page).context["rows"]
    assert again[1].figures == bought.figures  # as it was recorded
    account.refresh_from_db()
    total = sum(one.cash_effect for one in Transaction.objects.all())
    assert account.cash == total


def test_an_import_says_what_undoing_it_takes_back(
    browser: Client, own: str, account: Any, people: Any
) -> None:
    from transactions.operations import reverse

    page = brought(browser, own, EUROS)
    browser.post(f"{page}/commit")
    text = browser.get(page).content.decode()
    assert "takes back 3 transactions and" in text
    assert "units: AAA \N{MINUS SIGN}3, BBB \N{MINUS SIGN}5" in text
    deposit = Transaction.objects.get(type="deposit")
    reverse(original=deposit, user=people.owner, now=timezone.now())
    text = browser.get(page).content.decode()
    assert "takes back 2 transactions and" in text
    assert "1 transaction was reversed or corrected since and stays." in text
    browser.post(f"{page}/remove")
    account.refresh_from_db()
    assert account.cash == 0
    assert "takes back" not in browser.get(page).content.decode()


def test_a_button_decides_what_a_security_becomes(browser: Client, own: str) -> None:
    page = brought(browser, own)
    fields = {"key": ["AAA.DE"], "meaning": [""]}
    browser.post(f"{page}/change", {**fields, "decide": "0:create"})
    assert "Record 3 transactions<" in browser.get(page).content.decode()
    browser.post(f"{page}/change", {**fields, "decide": "0:skip"})
    assert "Its rows are left out." in browser.get(page).content.decode()
    browser.post(f"{page}/change", {**fields, "decide": "0:AAA"})
    assert Import.objects.get().symbols["AAA.DE"] == {"action": "map", "symbol": "AAA"}
    for wrong in ("7:create", "x:create", "0:", "-1:skip"):
        answer = browser.post(f"{page}/change", {**fields, "decide": wrong}, follow=True)
        assert "Choose a security." in answer.content.decode()


def test_a_symbol_that_nobody_knows_is_said(browser: Client, own: str) -> None:
    page = brought(browser, own)
    fields = {"key": ["AAA.DE"], "meaning": ["VT"]}
    answer = browser.post(f"{page}/change", fields, follow=True)
    assert "VT: no such symbol is known." in answer.content.decode()


def test_the_line_where_the_balances_part_is_a_link_to_its_page(browser: Client, own: str) -> None:
    columns = "Tag;Betrag;Stand\n"
    rows = "".join(f"2024-01-{day:02};10,00;{10 * day + 990},00\n" for day in range(1, 31))
    file = SimpleUploadedFile("bank.csv", (columns + rows + "2024-02-01;10,00;7,00\n").encode())
    answer = browser.post(own, {"file": file})
    form = {"column-0": "executed_at", "column-1": "amount", "column-2": "balance"}
    page = browser.post(answer.headers["Location"], form | {"amount_sign": "in", "currency": "USD"})
    text = browser.get(page.headers["Location"]).content.decode()
    assert '<a href="?page=1#row-31">line 32</a>' in text
    assert 'id="row-31"' in text


def test_a_row_and_its_reversal_cancel_each_other_in_the_preview(
    browser: Client, own: str, account: Any
) -> None:
    page = brought(
        browser,
        own,
        b"id,type,executed_at,symbol,quantity,amount,currency,reverses\n"
        b"a,deposit,2024-01-02T12:00:00Z,,,100,USD,\n"
        b"b,deposit,2024-01-03T12:00:00Z,,,7,USD,\n"
        b"c,deposit,2024-01-03T12:00:00Z,,,7,USD,b\n",
    )
    before = [row.cash for row in browser.get(page).context["rows"]]
    assert before == ["+$100.00", "+$7.00", "\N{MINUS SIGN}$7.00"]
    browser.post(f"{page}/commit")
    assert [row.cash for row in browser.get(page).context["rows"]] == before
    account.refresh_from_db()
    assert account.cash == 100
