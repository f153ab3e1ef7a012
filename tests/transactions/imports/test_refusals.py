"""What is refused has a code and leaves everything as it was."""

import gzip
import io
import zipfile
from typing import Any

import pytest
from django.test import override_settings

from core.limits import IMPORT_FILE_BYTES_MAX
from transactions.models import Import, ImportChunk, ImportRow, Transaction
from transactions.operations import imports as operations

pytestmark = pytest.mark.django_db

HEADING = b"type,executed_at,symbol,quantity,price,currency,lot_method\r\n"
ROW = b"buy,2024-01-03T12:00:00Z,AAA,1,5,USD,\r\n"


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", b"0" * 20_000_000)
    return file.getvalue()


def untouched() -> bool:
    return not any(
        model.objects.exists() for model in (Import, ImportRow, ImportChunk, Transaction)
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\r\n \r\n", "file_empty"),
        (HEADING, "file_empty"),
        (bomb(), "archive_not_accepted"),
        (gzip.compress(HEADING + ROW), "archive_not_accepted"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "encoding_unknown"),
        (b"colour,taste\r\nred,sweet\r\n", "format_unknown"),
        (b"nothing here is a table", "format_unknown"),
    ],
)
def test_a_file_that_is_none(desk: Any, data: bytes, code: str) -> None:
    answer = desk.bring(data)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert untouched()


def test_a_file_too_large_is_refused_by_its_length_and_by_its_bytes(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge import uploads
    from transactions.operations.imports import files

    monkeypatch.setattr(uploads, "IMPORT_FILE_BYTES_MAX", 2_000_000)
    answer = desk.bring(HEADING + ROW * 100_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    answer = desk.bring(HEADING + ROW * 55_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    monkeypatch.setattr(uploads, "IMPORT_FILE_BYTES_MAX", IMPORT_FILE_BYTES_MAX)
    monkeypatch.setattr(files, "IMPORT_FILE_BYTES_MAX", 2_000)
    answer = desk.bring(HEADING + ROW * 100)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert untouched()


def test_other_routes_take_no_files(desk: Any) -> None:
    with override_settings(FILE_ROUTES=("/elsewhere",)):
        answer = desk.bring(HEADING + ROW * 60_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"format": "excel"}, "invalid_choice"),
        ({"mapping": "{"}, "not_an_object"),
        ({"mapping": "[]"}, "not_an_object"),
        ({"options": {"zone": "Mars/Olympus"}}, "zone_unknown"),
        ({"options": {"encoding": "klingon"}}, "encoding_unknown"),
        ({"options": {"mood": "good"}}, "unknown_field"),
        ({"symbols": {"NOPE": "AAA"}}, "symbol_not_in_file"),
        ({"colour": "red"}, "unknown_field"),
    ],
)
def test_fields_that_cannot_be(desk: Any, form: Any, code: str) -> None:
    answer = desk.bring(HEADING + ROW, **form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert untouched()


def test_json_is_no_file(desk: Any) -> None:
    answer = desk.client.post("/api/v1/imports", {"account_id": desk.account_id})
    assert answer.status_code == 415
    answer = desk.client.post(
        "/api/v1/imports", {"account_id": desk.account_id}, format="multipart"
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "required")


def test_anothers_account_and_anothers_import_are_not_there(
    desk: Any, people: Any, client_of: Any
) -> None:
    batch = desk.preview(HEADING + ROW)
    before = desk.get(batch)
    desk.client, mine = client_of(people.stranger), desk.client
    answer = desk.bring(HEADING + ROW)
    assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")
    for answer in (
        desk.client.get(f"/api/v1/imports/{batch['id']}"),
        desk.client.get(f"/api/v1/imports/{batch['id']}/rows"),
        desk.client.get("/api/v1/imports", {"account_id": desk.account_id}),
        desk.change(batch, exclude=[1]),
        desk.commit(batch),
        desk.remove(batch),
    ):
        assert answer.status_code == 404
    assert desk.client.get("/api/v1/imports").json()["total"] == 0
    desk.client = mine
    assert desk.get(batch) == before
    assert not Transaction.objects.exists()


def test_a_row_the_ledger_refuses_takes_all_back_and_is_named(desk: Any) -> None:
    batch = desk.preview(
        """
        type  day    symbol quantity price currency
        buy   01-03  AAA    10       50    USD
        sell  01-04  AAA    4        60    USD
        sell  01-05  AAA    7        60    USD
        buy   01-06  BBB    1        60    USD
        """
    )
    assert batch["counts"]["ready"] == 4
    answer = desk.commit(batch)
    body = answer.json()
    assert answer.status_code in (400, 409)
    assert body["detail"].startswith("Line 4 (row 3): ")
    assert [error["field"] for error in body["errors"]] == ["rows.3"]
    assert not Transaction.objects.exists()
    assert desk.get(batch)["status"] == "preview"
    desk.change(batch, exclude=[3])
    assert desk.commit(batch).status_code == 200


def test_rows_that_cannot_be_are_errors_each_with_its_code(desk: Any) -> None:
    batch = desk.preview(
        """
        type     day    symbol quantity price amount fee   currency
        split    01-03  AAA    -        50    -      -     USD
        buy      01-03  AAA    -        50    -      -     USD
        buy      01-03  AAA    x        50    -      -     USD
        dance    01-03  AAA    1        50    -      -     USD
        deposit  99-99  -      -        -     10     -     USD
        deposit  01-03  -      -        -     10     -     XXX
        sell     01-03  AAA    1        50    -      -     USD
        """
    )
    assert batch["counts"] == {"rows": 7, "ready": 1, "duplicates": 0, "errors": 6, "skipped": 0}
    assert all(codes for codes in desk.codes(batch)[:6])
    assert desk.rows(batch)[3]["cells"]["type"] == "dance"
    assert desk.rows(batch, status="ready")[0]["line"] == 8
    answer = desk.client.get(f"/api/v1/imports/{batch['id']}/rows", {"status": "odd"})
    assert (answer.status_code, answer.json()["code"]) == (400, "status_unknown")


def test_nothing_happens_twice(desk: Any) -> None:
    batch = desk.committed(HEADING + ROW)
    for answer in (desk.commit(batch), desk.change(batch, exclude=[1])):
        assert (answer.status_code, answer.json()["code"]) == (409, "already_committed")
    assert desk.remove(batch).status_code == 200
    for answer in (desk.commit(batch), desk.remove(batch)):
        assert (answer.status_code, answer.json()["code"]) == (409, "already_undone")
    assert Transaction.objects.count() == 2


def test_an_undo_that_later_sales_forbid_changes_nothing(desk: Any) -> None:
    batch = desk.committed(HEADING + ROW)
    stated = {"account_id": desk.account_id, "type": "sell", "symbol": "AAA", "quantity": "1"}
    stated |= {"price": "6", "executed_at": "2024-02-03T00:00:00Z"}
    assert desk.client.post("/api/v1/transactions", stated).status_code == 201
    answer = desk.remove(batch)
    assert (answer.status_code, answer.json()["code"]) == (409, "reversal_breaks_ledger")
    assert desk.get(batch)["status"] == "committed"
    assert Transaction.objects.count() == 2


def test_the_first_answer_under_a_key_is_the_answer(desk: Any) -> None:
    first, again = (desk.bring(HEADING + ROW, key="k1") for _ in range(2))
    assert first.json() == again.json()
    assert Import.objects.count() == 1
    other = desk.bring(HEADING + ROW + ROW, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    one, two = (desk.commit(first.json(), key="k2") for _ in range(2))
    assert (one.status_code, one.json()) == (two.status_code, two.json()) == (200, one.json())
    assert Transaction.objects.count() == 1


def test_files_nobody_decides_on_come_to_an_end(desk: Any, monkeypatch: Any) -> None:
    from transactions.operations import imports

    monkeypatch.setattr(imports, "IMPORTS_OPEN_PER_HOUSEHOLD_MAX", 1)
    batch = desk.preview(HEADING + ROW)
    answer = desk.bring(HEADING + ROW)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_imports")
    desk.commit(batch)
    assert desk.bring(HEADING + ROW + ROW).status_code == 201


def test_columns_of_an_unknown_file_are_named(desk: Any) -> None:
    data = b"Tag;Was;Papier;Anzahl;Kurs\r\n03.01.2024;Kauf;AAA;2;50,25\r\n"
    columns = {"executed_at": "Tag", "type": "Was", "symbol": "Papier"}
    columns |= {"quantity": "Anzahl", "price": "Kurs"}
    options = {"types": {"Kauf": "buy"}, "currency": "USD"}
    batch = desk.preview(data, mapping=columns, options=options)
    (row,) = desk.rows(batch)
    assert (row["status"], row["problems"]) == ("ready", [])
    assert row["transaction"]["price"] == "50.25"
    changed = desk.change(batch, options={"types": {"Kauf": "sell"}, "currency": "USD"})
    assert changed.status_code == 200
    assert desk.rows(batch)[0]["transaction"]["type"] == "sell"


def test_the_files_of_a_household_are_bounded_together(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "IMPORT_BYTES_PER_HOUSEHOLD_MAX", 300)
    kept = desk.preview(HEADING + ROW * 4)
    answer = desk.bring(HEADING + ROW * 4)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_import_bytes")
    assert "commit or discard" in answer.json()["detail"]
    assert [str(batch.public_id) for batch in Import.objects.all()] == [kept["id"]]
    assert desk.remove(kept).status_code == 204
    desk.preview(HEADING + ROW * 4)


@pytest.mark.parametrize("text", ["[]", "none", "1", "{"])
def test_form_fields_that_are_no_object_are_refused(desk: Any, text: str) -> None:
    for name in ("mapping", "options", "symbols"):
        answer = desk.bring(HEADING + ROW, **{name: text})
        assert answer.status_code == 400, answer.content
        assert answer.json()["errors"][0]["code"] == "not_an_object"
        assert "such as {}" in answer.json()["errors"][0]["message"]
    assert not Import.objects.exists()


@pytest.mark.parametrize("text", [r"\u0000", r"\ud800", r"a\u0000b"])
def test_what_the_commit_could_not_store_is_an_error_of_the_preview(desk: Any, text: str) -> None:
    activity = (
        '{"date": "2024-01-05", "symbol": "AAA", "currency": "USD", "unitPrice": 5, "fee": 0, '
        f'"quantity": 1, "type": "BUY", "comment": "{text}"}}'
    )
    batch = desk.preview(f'{{"activities": [{activity}]}}'.encode(), name="a.json")
    assert desk.codes(batch) == [["text_invalid"]]
    assert desk.rows(batch)[0]["problems"][0]["column"] == "comment"
    answer = desk.commit(batch)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_ready")
    assert not Transaction.objects.exists()


@pytest.mark.parametrize("rate", ["abc", "NaN", "Infinity", "1e999999", "-0.1", ""])
def test_a_sale_at_tax_rates_that_are_none_is_an_error_of_the_preview(desk: Any, rate: str) -> None:
    heading = b"type,executed_at,symbol,quantity,price,currency,lot_method,tax_rates\r\n"
    rates = f'"{{""short"":""{rate}"",""long"":""0""}}"'
    sale = f"sell,2024-02-03T12:00:00Z,AAA,1,5,USD,min_tax,{rates}\r\n".encode()
    batch = desk.preview(heading + b"buy,2024-01-03T12:00:00Z,AAA,1,5,USD,,\r\n" + sale)
    assert desk.codes(batch) == [[], ["value_invalid"]]


@pytest.mark.parametrize("encoding", ["zlib_codec", "idna", "undefined", "utf-7", "\ud800"])
def test_an_encoding_that_is_no_text_is_refused(desk: Any, encoding: str) -> None:
    answer = desk.bring(HEADING + ROW, options={"encoding": encoding})
    assert answer.status_code == 400
    assert untouched()
