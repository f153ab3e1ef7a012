"""A broker's realized lots beside ours."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from transactions.ledger.entries import Entry
from transactions.models import Import
from transactions.operations import reconciling, record
from transactions.queries import realized

pytestmark = pytest.mark.django_db

HEADING = (
    '"Realized Gain/Loss - Lot Details for X"\r\n\r\n'
    '"Symbol","Name","Closed Date","Opened Date","Quantity","Proceeds Per Share","Cost Per Share",'
    '"Proceeds","Cost Basis (CB)","Gain/Loss ($)","Gain/Loss (%)","Long Term Gain/Loss",'
    '"Short Term Gain/Loss","Term","Unadjusted Cost Basis","Wash Sale?","Disallowed Loss",'
    '"Transaction Closed Date","Transaction Cost Basis","Total Transaction Gain/Loss ($)"\r\n'
)


def lot(symbol: str, closed: str, opened: str, quantity: str, proceeds: str, cost: str, term: str,
        disallowed: str = "") -> str:  # fmt: skip
    wash = "Yes" if disallowed else "No"
    cells = [symbol, symbol, closed, opened, quantity, "", "", proceeds, cost, "", "", "", "",
             term, cost, wash, disallowed, closed, cost, ""]  # fmt: skip
    return ",".join(f'"{cell}"' for cell in cells) + "\r\n"


@pytest.fixture
def traded(account: Any, people: Any, assets: Any) -> None:
    def at(day: str) -> datetime:
        return datetime.fromisoformat(day).replace(hour=15, tzinfo=UTC)

    entries = [
        Entry("buy", at("2022-01-03"), "USD", "AAA", D(10), D(50)),
        Entry("sell", at("2023-03-01"), "USD", "AAA", D(4), D(60)),
        Entry("buy", at("2023-05-01"), "USD", "BBB", D(5), D(20)),
        Entry("sell", at("2023-06-01"), "USD", "BBB", D(5), D(18)),
        Entry("buy", at("2023-06-10"), "USD", "BBB", D(5), D(17)),
        Entry("sell", at("2023-07-03"), "USD", "AAA", D(1), D(60)),
    ]
    record(account=account, entries=entries, user=people.owner, now=timezone.now())


def reconciled(desk: Any, text: str, **form: Any) -> Any:
    file = SimpleUploadedFile("realized.csv", text.encode())
    body = {"file": file, "account_id": desk.account_id, **form}
    return desk.client.post("/api/v1/reconciliations", body, format="multipart")


def test_every_line_of_both_sides_is_told_with_its_reason(traded: None, desk: Any) -> None:
    text = HEADING + (
        lot("AAA", "03/01/2023", "01/03/2022", "4", "$240.00", "$200.00", "Long Term")
        + lot("BBB", "06/01/2023", "05/01/2023", "5", "$90.00", "$100.00", "Short Term")
        + lot("ZZZ", "07/03/2023", "05/01/2023", "1", "$5.00", "$4.00", "Short Term")
    )
    answer = reconciled(desk, text)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["from_date"], body["to_date"]) == ("2023-03-01", "2023-07-03")
    told = {(row["symbol"], row["status"]): row for row in body["lines"]}
    assert set(told) == {
        ("AAA", "matched"), ("BBB", "differs"), ("ZZZ", "only_theirs"), ("AAA", "only_ours"),
    }  # fmt: skip
    washed = told["BBB", "differs"]
    assert washed["differences"] == [
        {"field": "disallowed", "ours": "10", "theirs": "0", "by": "-10"}
    ]
    assert [reason["code"] for reason in washed["reasons"]] == ["wash_sale_only_ours"]
    assert (body["matched"], body["differing"]) == (1, 1)
    assert (body["only_ours"], body["only_theirs"]) == (1, 1)
    assert body["theirs"]["proceeds"] == "335"
    assert not Import.objects.exists()


def test_a_year_asked_for_leaves_the_others_out(traded: None, desk: Any) -> None:
    text = HEADING + lot("AAA", "03/01/2023", "01/03/2022", "4", "$240.00", "$200.00", "Long Term")
    assert reconciled(desk, text, year=2022).json()["lines"] == []
    assert len(reconciled(desk, text, year=2023).json()["lines"]) == 3


def test_what_is_no_list_of_lots_is_refused(desk: Any, people: Any, client_of: Any) -> None:
    for text, code in (("", "file_empty"), ("a,b\r\n1,2\r\n", "format_unknown")):
        answer = reconciled(desk, text)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    desk.client = client_of(people.stranger)
    answer = reconciled(desk, HEADING)
    assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")


def test_a_list_larger_than_a_request_compares_is_refused(
    traded: None, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADING + lot("AAA", "03/01/2023", "01/03/2022", "4", "$240.00", "$200.00", "Long Term")
    monkeypatch.setattr(reconciling, "RECONCILED_BYTES_MAX", len(text) - 1)
    answer = reconciled(desk, text)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    monkeypatch.setattr(reconciling, "RECONCILED_BYTES_MAX", len(text))
    assert reconciled(desk, text).status_code == 200
    monkeypatch.setattr(realized, "RECONCILED_LOTS_MAX", 1)
    answer = reconciled(desk, text, year=2023)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_rows")


def test_lots_under_another_name_are_compared_under_ours(
    traded: None, desk: Any, assets: Any
) -> None:
    assets["AAA"].isin = "US0378331005"
    assets["AAA"].save(update_fields=["isin"])
    flex = (
        "ClientAccountID,CurrencyPrimary,AssetClass,Symbol,ISIN,TradeDate,OpenDateTime,Quantity,"
        "CostBasis,FifoPnlRealized,LevelOfDetail\r\n"
        "U1,USD,STK,AAA.OLD,US0378331005,20230301,20220103;093000,4,200,40,CLOSED_LOT\r\n"
    )
    body = reconciled(desk, flex, year=2023, kind="realized")
    assert body.status_code == 200, body.content
    told = {(row["symbol"], row["status"]) for row in body.json()["lines"]}
    assert (body.json()["format"], ("AAA", "matched") in told) == ("ibkr_lots", True)


def test_a_comparison_of_lots_is_kept(traded: None, desk: Any) -> None:
    text = HEADING + lot("AAA", "03/01/2023", "01/03/2022", "4", "$240.00", "$200.00", "Long Term")
    made = reconciled(desk, text, year=2023).json()
    assert (made["kind"], made["positions"], made["cash"]) == ("realized", [], None)
    assert desk.client.get(f"/api/v1/reconciliations/{made['id']}").json() == made
    # A statement was asked for, and the file is a list of lots.
    answer = reconciled(desk, text, kind="holdings")
    assert (answer.status_code, answer.json()["code"]) == (400, "format_unknown")
