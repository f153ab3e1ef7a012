"""An unknown table is mapped, tried on five rows, recorded, and known again by its heading."""

from typing import Any

import pytest
from django.utils import timezone

from transactions.models import Import, ImportMapping
from transactions.operations import open_account
from transactions.operations.imports import mappings

pytestmark = pytest.mark.django_db

FILE = b"Tag;Was;Papier;Anzahl;Kurs;Betrag\r\n"
FILE += b"03.01.2024;Einzahlung;;;;5000,00\r\n04.01.2024;Kauf;AAA;2;50,25;-100,50\r\n"
LATER = b"Depot 7\r\nTag;Was;Papier;Anzahl;Kurs;Betrag\r\n05.02.2024;Kauf;AAA;1;51,25;-51,25\r\n"
COLUMNS = {
    "executed_at": "Tag", "type": "Was", "symbol": "Papier", "quantity": "Anzahl",
    "price": "Kurs", "amount": "Betrag",
}  # fmt: skip
OPTIONS: dict[str, Any] = {
    "types": {"Kauf": "buy", "Einzahlung": "deposit"},
    "currency": "USD",
    "amount_sign": "in",
}


def kept(desk: Any, data: bytes = FILE) -> dict[str, Any]:
    answer = desk.bring(data, keep_unread="true")
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def sample(desk: Any, batch: Any, **body: Any) -> dict[str, Any]:
    answer = desk.client.post(f"/api/v1/imports/{batch['id']}/sample", body)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_an_unknown_table_is_kept_only_if_asked(desk: Any) -> None:
    refused = desk.bring(FILE)
    assert (refused.status_code, refused.json()["code"]) == (400, "format_unknown")
    assert not Import.objects.exists()
    batch = kept(desk)
    assert (batch["status"], batch["error"]["code"]) == ("failed", "format_unknown")
    assert desk.bring(b"{}", keep_unread="true").status_code == 400
    assert desk.bring(b"one\ntwo\n", keep_unread="true").status_code == 400


def test_a_mapping_is_tried_on_the_first_rows_and_changes_nothing(desk: Any) -> None:
    batch = kept(desk)
    guess = sample(desk, batch)
    fields = {one["name"]: one["field"] for one in guess["headings"]}
    assert fields["Tag"] == "executed_at"
    assert fields["Betrag"] == "amount"
    assert [one["example"] for one in guess["headings"]][:2] == ["03.01.2024", "Einzahlung"]
    tried = sample(desk, batch, mapping=COLUMNS, options=OPTIONS)
    assert tried["words"] == [
        {"word": "Einzahlung", "type": "deposit"},
        {"word": "Kauf", "type": "buy"},
    ]
    first, second = [row["transaction"] for row in tried["sample"]]
    assert (first["type"], first["amount"]) == ("deposit", "5000")
    assert (second["type"], second["quantity"], second["price"]) == ("buy", "2", "50.25")
    wrong = sample(desk, batch, mapping=COLUMNS, options={**OPTIONS, "decimal": "."})
    assert (wrong["sample"], wrong["refusal"]["code"]) == ([], "number_style_contradicted")
    wrong = sample(desk, batch, mapping=COLUMNS, options={**OPTIONS, "amount_sign": "out"})
    codes = [[one["code"] for one in row["problems"]] for row in wrong["sample"]]
    assert codes == [["amount_sign"], ["amount_sign"]]
    stored = Import.objects.get()
    assert (stored.status, stored.mapping, stored.options) == ("failed", {}, {})


def test_a_heading_that_returns_is_read_as_before(desk: Any) -> None:
    batch = kept(desk)
    changed = desk.change(batch, mapping=COLUMNS, options=OPTIONS)
    assert changed.status_code == 200, changed.content
    assert (changed.json()["status"], changed.json()["format"]) == ("preview", "table")
    assert not ImportMapping.objects.exists()  # nobody has agreed yet
    desk.commit(batch)
    again = desk.preview(LATER)
    assert (again["format"], again["mapping"]) == ("table", COLUMNS)
    (row,) = [row for row in desk.rows(again) if row["transaction"]]
    assert (row["status"], row["transaction"]["price"]) == ("ready", "51.25")
    other = desk.preview(LATER, mapping=COLUMNS, options={**OPTIONS, "types": {"Kauf": "sell"}})
    (row,) = [row for row in desk.rows(other) if row["transaction"]]
    assert row["transaction"]["type"] == "sell"  # what is stated comes first


def test_a_mapping_is_its_households_own(desk: Any, people: Any, client_of: Any) -> None:
    batch = kept(desk)
    desk.change(batch, mapping=COLUMNS, options=OPTIONS)
    desk.commit(batch)
    theirs = open_account(
        user=people.stranger, name="Theirs", type="taxable", currency="USD", now=timezone.now()
    )
    stranger = type(desk)(client_of(people.stranger), str(theirs.public_id))
    assert stranger.bring(FILE).json()["code"] == "format_unknown"
    answer = stranger.client.post(f"/api/v1/imports/{batch['id']}/sample", {})
    assert (answer.status_code, answer.json()["code"]) == (404, "import_not_found")


def test_the_account_of_one_file_is_not_kept_and_old_mappings_go(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappings, "IMPORT_MAPPINGS_PER_HOUSEHOLD_MAX", 1)
    batch = kept(desk)
    desk.change(batch, mapping=COLUMNS, options={**OPTIONS, "account": "Depot"})
    desk.commit(batch)
    assert ImportMapping.objects.get().options == OPTIONS
    wider = kept(desk, FILE.replace(b"Betrag", b"Umsatz"))
    desk.change(wider, mapping={**COLUMNS, "amount": "Umsatz"}, options=OPTIONS)
    desk.change(wider, include=[1, 2])
    desk.commit(wider)
    assert [row.mapping["amount"] for row in ImportMapping.objects.all()] == ["Umsatz"]
