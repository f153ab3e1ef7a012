"""The import pages: a file chosen, its rows and symbols looked at, recorded, taken back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

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
        "Suggestion: AAA",
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
    assert "Undo Import" in answer.content.decode()

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
