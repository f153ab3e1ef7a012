"""The page of an unknown table: uploaded or pasted, mapped, previewed, recorded."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from transactions.models import Account, Import, ImportMapping, Transaction

pytestmark = pytest.mark.django_db

FILE = (
    "Tag;Was;Papier;Anzahl;Kurs;Betrag\r\n"
    "03.01.2024;Einzahlung;;;;5000,00\r\n"
    "04.01.2024;Kauf;AAA;2;50,25;-100,50\r\n"
)
COLUMNS = {
    "column-0": "executed_at", "column-1": "type", "column-2": "symbol",
    "column-3": "quantity", "column-4": "price", "column-5": "amount",
}  # fmt: skip
WORDS = {"words_of": "Was", "word-0": "deposit", "word-1": "buy"}
FORM = {**COLUMNS, **WORDS, "amount_sign": "in", "currency": "USD"}


@pytest.fixture
def own(account: Any, assets: Any) -> str:
    return f"/accounts/{account.public_id}/imports"


@pytest.fixture
def browser(people: Any, page_client: Callable[[Any], Client]) -> Client:
    return page_client(people.owner)


def kept(browser: Client, own: str, **fields: Any) -> str:
    """Brings an unknown table; the address of the page that asks for its columns."""
    fields = fields or {"file": SimpleUploadedFile("mine.csv", FILE.encode())}
    answer = browser.post(own, fields)
    assert answer.status_code == 302, answer.content.decode()
    assert answer.headers["Location"].endswith("/mapping")
    return str(answer.headers["Location"])


def test_an_unknown_table_is_mapped_and_recorded(browser: Client, own: str, account: Any) -> None:
    page = kept(browser, own)
    text = browser.get(page).content.decode()
    assert "Tag" in text
    assert "03.01.2024" in text
    sampled = browser.post(f"{page}/sample", FORM).content.decode()
    assert "Deposit" in sampled
    assert "2 × 50.25" in sampled
    assert "hx-swap-oob" not in sampled
    answer = browser.post(page, FORM)
    assert answer.status_code == 302, answer.content.decode()
    preview = answer.headers["Location"]
    assert "Record 2 transactions<" in browser.get(preview).content.decode()
    browser.post(f"{preview}/commit")
    assert Transaction.objects.count() == 2
    assert Account.objects.get(pk=account.pk).cash == 5000 - 100.50
    kept_mapping = ImportMapping.objects.get()
    assert kept_mapping.options["types"] == {"Einzahlung": "deposit", "Kauf": "buy"}
    later = FILE.replace("04.01.2024", "08.01.2024").encode()
    answer = browser.post(own, {"file": SimpleUploadedFile("later.csv", later)})
    assert "Record 1 transaction<" in browser.get(answer.headers["Location"]).content.decode()


def test_pasted_cells_are_a_file(browser: Client, own: str) -> None:
    page = kept(browser, own, pasted=FILE.replace(";", "\t"))
    assert browser.post(page, FORM).status_code == 302
    batch = Import.objects.get()
    assert (batch.file_name, batch.ready_count, batch.error_count) == ("Pasted cells", 2, 0)
    known = "type\texecuted_at\tsymbol\tquantity\tprice\r\nbuy\t2024-01-09\tAAA\t3\t50\r\n"
    answer = browser.post(own, {"pasted": known})
    assert "/mapping" not in answer.headers["Location"]


def test_nothing_chosen_and_nothing_pasted_is_said_at_the_field(browser: Client, own: str) -> None:
    answer = browser.post(own, {"pasted": " \n"})
    assert answer.status_code == 400
    assert "Choose a file, or paste cells" in answer.content.decode()
    answer = browser.post(own, {"pasted": "only one column\r\nx\r\n"})
    assert "No known format" in answer.content.decode()
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"column-4": "amount"}, "Two columns are"),
        ({"column-0": ""}, "No column is the date"),
        ({"decimal": "."}, "other decimal sign"),
        ({"date_order": "nonsense"}, "Choose from the lists"),
        ({"amount_sign": "out"}, "contradicts the type"),
        ({"word-1": ""}, "&#x27;Kauf&#x27; is not a transaction type"),
        ({"word-1": "skip"}, "You chose to leave out rows"),
    ],
)
def test_the_sample_says_what_is_wrong(
    browser: Client, own: str, changes: dict[str, str], words: str
) -> None:
    page = kept(browser, own)
    assert words in browser.post(f"{page}/sample", FORM | changes).content.decode()
    assert Import.objects.get().mapping == {}


def test_the_words_follow_the_column_of_types(browser: Client, own: str) -> None:
    page = kept(browser, own)
    swapped = FORM | {"column-1": "note", "column-2": "type"}
    text = browser.post(f"{page}/sample", swapped).content.decode()
    assert 'hx-swap-oob="true"' in text
    assert ">AAA</label>" in text
    assert "Kauf</label>" not in text


def test_a_mapping_that_cannot_be_read_is_refused_on_its_page(browser: Client, own: str) -> None:
    page = kept(browser, own)
    answer = browser.post(page, FORM | {"decimal": "."})
    assert answer.status_code == 400
    assert "other decimal sign" in answer.content.decode()
    assert Import.objects.get().status == "failed"


def test_words_far_down_in_a_file_are_asked_for_after_the_preview(
    browser: Client, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transactions.operations.imports import mappings

    monkeypatch.setattr(mappings, "HEAD_BYTES", 80)
    page = kept(browser, own)
    assert "Kauf</label>" not in browser.get(page).content.decode()
    form = {name: text for name, text in FORM.items() if name != "word-1"}
    assert browser.post(page, form).status_code == 302
    assert Import.objects.get().error_count == 1
    assert "Kauf</label>" in browser.get(page).content.decode()


def test_cells_pasted_without_names_are_mapped_by_their_place(browser: Client, own: str) -> None:
    rows = FILE.split("\r\n", 1)[1].replace(";", "\t")
    page = kept(browser, own, pasted=rows)
    assert "column 1" in browser.get(page).content.decode()
    form = FORM | {"words_of": "column 2"}
    assert "2 × 50.25" in browser.post(f"{page}/sample", form).content.decode()
    preview = browser.post(page, form).headers["Location"]
    text = browser.get(preview).content.decode()
    assert "Record 2 transactions<" in text
    assert "Change how it is read" in text
    browser.post(f"{preview}/commit")
    assert Transaction.objects.count() == 2
    # Other columns may stand in the same places of another table.
    assert not ImportMapping.objects.exists()


def test_a_strangers_table_and_a_recorded_one_are_not_mapped(
    browser: Client, own: str, people: Any, page_client: Callable[[Any], Client]
) -> None:
    page = kept(browser, own)
    stranger = page_client(people.stranger)
    assert stranger.get(page).status_code == 404
    assert stranger.post(f"{page}/sample", FORM).status_code == 404
    preview = browser.post(page, FORM).headers["Location"]
    browser.post(f"{preview}/commit")
    assert browser.get(page).status_code == 409


def test_the_template_is_downloaded_and_can_be_brought_back(
    browser: Client, own: str, people: Any, page_client: Callable[[Any], Client]
) -> None:
    answer = browser.get(f"{own}/template.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="ballast-template.csv"'
    file = SimpleUploadedFile("t.csv", answer.content)
    assert "/mapping" not in browser.post(own, {"file": file}).headers["Location"]
    assert page_client(people.stranger).get(f"{own}/template.csv").status_code == 404
