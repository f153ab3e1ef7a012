"""A broker's positions and cash beside the ledger, over HTTP."""

from datetime import UTC, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from transactions.ledger.entries import Entry, ratio_of
from transactions.models import Account, Import, Reconciliation, Transaction
from transactions.operations import open_account, reconciling, record

pytestmark = pytest.mark.django_db

STATEMENTS = Path(__file__).parents[1] / "files" / "statements"
TITLE = '"Positions for account Individual ...417 as of 04:00 PM ET, 2024/06/28"\r\n'
HEADING = (
    '"Symbol","Description","Qty (Quantity)","Price","Mkt Val (Market Value)","Cost Basis",'
    '"Security Type"\r\n'
)


def schwab(cash: str, *positions: str, title: str = TITLE) -> bytes:
    """A Schwab file; a position is `AAA 10` or `AAA 10 500.00` with its cost."""
    rows = ""
    for text in positions:
        symbol, quantity, cost = [*text.split(), "--"][:3]
        rows += f'"{symbol}","{symbol} INC","{quantity}","$1","$1","{cost}","Equity"\r\n'
    money = f'"Cash & Cash Investments","--","--","--","{cash}","--","Cash"\r\n' if cash else ""
    return (title + HEADING + rows + money).encode()


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=15, tzinfo=UTC)


LEDGER = [
    Entry("deposit", at("2024-01-02"), "USD", amount=D(5000)),
    Entry("buy", at("2024-01-03"), "USD", "AAA", D(10), D(50), fee=D(1)),
    Entry("buy", at("2024-02-01"), "USD", "BBB", D("7.5"), D(20)),
    Entry("dividend", at("2024-03-15"), "USD", "AAA", amount=D("12.40")),
]
# 5000 - 501 - 150 + 12.40
CASH = "$4,361.40"


@pytest.fixture
def traded(account: Any, people: Any, assets: Any) -> list[Transaction]:
    return record(account=account, entries=LEDGER, user=people.owner, now=timezone.now())


def sent(desk: Any, data: bytes, key: str = "", **form: Any) -> Any:
    file = SimpleUploadedFile("positions.csv", data)
    body = {"file": file, "account_id": desk.account_id, **form}
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    return desk.client.post("/api/v1/reconciliations", body, format="multipart", **headers)


def compared(desk: Any, data: bytes, **form: Any) -> Any:
    answer = sent(desk, data, **form)
    assert answer.status_code == 200, answer.content
    return answer.json()


def told(body: Any) -> dict[str, Any]:
    found = {
        row["symbol"] or row["key"]: (row["by"], [reason["code"] for reason in row["reasons"]])
        for row in body["positions"]
        if row["status"] != "matched"
    }
    if body["cash"] and body["cash"]["status"] != "matched":
        cash = body["cash"]
        found["cash"] = (cash["by"], [reason["code"] for reason in cash["reasons"]])
    return found


def test_a_statement_that_agrees_is_kept_with_its_figures(traded: Any, desk: Any) -> None:
    body = compared(desk, schwab(CASH, "AAA 10 $501.00", "BBB 7.5 $140.00"))
    assert (body["kind"], body["format"]) == ("holdings", "schwab_positions")
    assert (body["from_date"], body["to_date"]) == ("2024-06-28", "2024-06-28")
    assert (body["matched"], body["differing"], body["only_ours"], body["only_theirs"]) == (
        *(3, 0, 0, 0),
    )
    assert told(body) == {}
    assert body["cash"]["ours"] == body["cash"]["theirs"] == "4361.4"
    assert [row["basis"] for row in body["positions"]] == [
        {"ours": "501", "theirs": "501", "by": "0", "reason": None},
        {"ours": "150", "theirs": "140", "by": "-10", "reason": "unexplained"},
    ]
    stored = Reconciliation.objects.get()
    assert (str(stored.public_id), stored.file_name) == (body["id"], "positions.csv")
    again = desk.client.get(f"/api/v1/reconciliations/{body['id']}")
    assert again.json() == body
    assert Transaction.objects.count() == 4
    assert not Import.objects.exists()


def test_the_ledger_is_that_of_the_end_of_the_day(traded: Any, desk: Any) -> None:
    early = TITLE.replace("2024/06/28", "2024/01/31")
    assert told(compared(desk, schwab("$4,499.00", "AAA 10", title=early))) == {}
    # The same file, read as of a later day.
    later = compared(desk, schwab("$4,499.00", "AAA 10", title=early), as_of="2024-06-28")
    assert told(later) == {"BBB": ("-7.5", ["transaction_missing"]), "cash": ("137.6", [])}
    assert later["positions"][1]["status"] == "only_ours"


def test_a_difference_has_its_reasons_and_only_what_is_certain_is_proposed(
    traded: Any, account: Any, people: Any, desk: Any
) -> None:
    extra = Entry("buy", at("2024-02-01"), "USD", "BBB", D("7.5"), D(20))
    double = record(account=account, entries=[extra], user=people.owner, now=timezone.now())[0]
    body = compared(desk, schwab(CASH, "AAA 10", "BBB 7.5"))
    assert told(body) == {"BBB": ("-7.5", ["duplicate"]), "cash": ("150", [])}
    reason = body["positions"][1]["reasons"][0]
    ids = reason["transaction_ids"]
    assert (reason["certain"], reason["units"], reason["cash"]) == (True, "-7.5", "150")
    assert ids == [str(double.public_id)]
    assert reason["proposal"] == {
        "action": "reverse",
        "transaction_ids": ids,
        "transaction": None,
    }
    assert Transaction.objects.filter(reverses__isnull=False).count() == 0
    undone = desk.client.post(f"/api/v1/transactions/{ids[0]}/reverse", {}, format="json")
    assert undone.status_code == 201
    assert told(compared(desk, schwab(CASH, "AAA 10", "BBB 7.5"))) == {}
    # The first one tells that the ledger has changed since.
    assert desk.client.get(f"/api/v1/reconciliations/{body['id']}").json()["is_current"] is False


def test_a_split_that_another_account_has_is_proposed(
    traded: Any, account: Any, people: Any, desk: Any
) -> None:
    now = timezone.now()
    other = open_account(
        user=people.owner, name="IRA", type="ira", currency="USD", lot_method="fifo", now=now
    )
    entries = [
        Entry("deposit", at("2024-01-02"), "USD", amount=D(100)),
        Entry("buy", at("2024-01-03"), "USD", "AAA", D(1), D(50)),
        Entry("split", at("2024-05-10"), "USD", "AAA", ratio=ratio_of("3:1")),
    ]
    record(account=other, entries=entries, user=people.owner, now=now)
    body = compared(desk, schwab(CASH, "AAA 30", "BBB 7.5"))
    assert told(body) == {"AAA": ("20", ["split_not_recorded"])}
    proposal = body["positions"][0]["reasons"][0]["proposal"]
    assert proposal["transaction"]["ratio"] == "3:1"
    recorded = desk.client.post(
        "/api/v1/transactions",
        {**proposal["transaction"], "account_id": desk.account_id},
        format="json",
    )
    assert recorded.status_code == 201, recorded.content
    assert told(compared(desk, schwab(CASH, "AAA 30", "BBB 7.5"))) == {}


OFX_HEAD = (
    "OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS>"
    "<DTASOF>20240628<CURDEF>USD<INVACCTFROM><ACCTID>X1</INVACCTFROM><INVTRANLIST>"
)


def ofx(rows: str, positions: dict[str, str], cash: str) -> bytes:
    held = "".join(
        f"<POSSTOCK><INVPOS><SECID><UNIQUEID>{name}<UNIQUEIDTYPE>X</SECID><POSTYPE>LONG"
        f"<UNITS>{units}<UNITPRICE>1<MKTVAL>1</INVPOS></POSSTOCK>"
        for name, units in positions.items()
    )
    known = "".join(
        f"<STOCKINFO><SECINFO><SECID><UNIQUEID>{name}<UNIQUEIDTYPE>X</SECID><SECNAME>{name}"
        f"<TICKER>{name}</SECINFO></STOCKINFO>"
        for name in ("AAA", "BBB")
    )
    return (
        f"{OFX_HEAD}{rows}</INVTRANLIST><INVPOSLIST>{held}</INVPOSLIST><INVBAL><AVAILCASH>{cash}"
        "<MARGINBALANCE>0<SHORTBALANCE>0</INVBAL></INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1>"
        f"<SECLISTMSGSRSV1><SECLIST>{known}</SECLIST></SECLISTMSGSRSV1></OFX>"
    ).encode()


def bought(name: str, day: str, units: str, price: str, total: str, fitid: str) -> str:
    return (
        f"<BUYSTOCK><INVBUY><INVTRAN><FITID>{fitid}<DTTRADE>{day}</INVTRAN><SECID><UNIQUEID>{name}"
        f"<UNIQUEIDTYPE>X</SECID><UNITS>{units}<UNITPRICE>{price}<TOTAL>{total}<SUBACCTSEC>CASH"
        "<SUBACCTFUND>CASH</INVBUY><BUYTYPE>BUY</BUYSTOCK>"
    )


def test_a_row_of_the_same_file_names_what_the_ledger_lacks(traded: Any, desk: Any) -> None:
    rows = bought("BBB", "20240201", "7.5", "20", "-150.00", "1") + bought(
        "AAA", "20240502", "2", "60", "-120.00", "2"
    )
    data = ofx(rows, {"AAA": "12", "BBB": "7.5"}, "4241.40")
    body = compared(desk, data)
    assert told(body) == {"AAA": ("2", ["transaction_missing"]), "cash": ("-120", [])}
    reason = body["positions"][0]["reasons"][0]
    assert (reason["certain"], reason["proposal"]["action"]) == (True, "import")
    line = data.decode().split("<FITID>2")[0].count("\n") + 1
    assert reason["lines"] == [line]
    # Nothing of the file is kept but the comparison.
    assert not Import.objects.exists()
    assert Transaction.objects.count() == 4


def page_of(desk: Any, body: Any) -> str:
    """The words of the page of a previewed file."""
    tab = Client()
    tab.force_login(Account.objects.get(public_id=desk.account_id).owner)
    answer = tab.get(f"/accounts/{desk.account_id}/imports/{body['id']}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_preview_makes_the_same_comparison(traded: Any, desk: Any) -> None:
    rows = bought("AAA", "20240502", "2", "60", "-120.00", "2")
    meets = desk.preview(ofx(rows, {"AAA": "12", "BBB": "7.5"}, "4241.40"))
    assert meets["outcome"]["holdings"] == {
        "day": "2024-06-28",
        "matched": 3,
        "differences": 0,
        "first_difference": None,
        "positions": [],
        "cash": {
            "status": "matched", "ours": "4241.4", "theirs": "4241.4", "by": "0",
            "unexplained": "0", "lines": meets["outcome"]["holdings"]["cash"]["lines"],
            "reasons": [],
        },
    }  # fmt: skip
    assert "The file states 3 figures of 28 Jun 2024" in page_of(desk, meets)
    parts = desk.preview(ofx(rows, {"AAA": "13", "BBB": "7.5"}, "4241.40"))
    page = page_of(desk, parts)
    assert "the file states 1 figure otherwise than the account will have it, and 2 alike" in page
    assert '<th scope="row">AAA</th>' in page
    holdings = parts["outcome"]["holdings"]
    assert (holdings["differences"], holdings["first_difference"]["symbol"]) == (1, "AAA")
    assert holdings["positions"][0]["by"] == "1"
    assert desk.preview()["outcome"]["holdings"] is None


def test_cash_in_funds_and_in_other_currencies_is_cash(traded: Any, desk: Any) -> None:
    vanguard = (
        b"Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,\r\n"
        b"1,A,AAA,10,1.00,10.00,\r\n1,B,BBB,7.5,1.00,7.50,\r\n"
        b"1,VANGUARD FEDERAL MONEY MARKET FUND,VMFXX,4361.4,1.00,4361.40,\r\n"
    )
    missing = sent(desk, vanguard)
    assert (missing.status_code, missing.json()["code"]) == (400, "as_of_missing")
    body = compared(desk, vanguard, as_of="2024-06-28")
    assert told(body) == {}
    assert [reason["code"] for reason in body["cash"]["reasons"]] == ["sweep_fund"]
    flex = (
        b'"ClientAccountID","CurrencyPrimary","ToDate","EndingCash"\r\n'
        b'"U1","USD","20240628","3736.4"\r\n"U1","EUR","20240628","500"\r\n'
    )
    body = compared(desk, flex)  # 500 EUR at 1.25
    assert (body["positions"], body["cash"]["theirs"]) == ([], "4361.4")
    less = flex.replace(b'"500"', b'"480"')
    assert told(compared(desk, less)) == {"cash": ("-25", ["currency_conversion"])}


def test_a_file_of_several_accounts_needs_one(traded: Any, desk: Any) -> None:
    data = (STATEMENTS / "fidelity_positions.csv").read_bytes()
    answer = sent(desk, data)
    assert (answer.status_code, answer.json()["code"]) == (400, "account_ambiguous")
    assert "X87654321, Z12345678" in answer.content.decode()
    body = compared(desk, data, file_account="X87654321")
    assert body["file_account"] == "X87654321"
    assert {row["key"] for row in body["positions"]} == {"AAA", "BBB", "FXAIX"}
    assert sent(desk, data, file_account="other").json()["code"] == "account_ambiguous"


def test_another_person_gets_nothing_and_changes_nothing(
    traded: Any, desk: Any, people: Any, client_of: Any
) -> None:
    made = compared(desk, schwab(CASH, "AAA 10"))
    before = Reconciliation.objects.count(), Transaction.objects.count()
    url = f"/api/v1/reconciliations/{made['id']}"
    desk.client = client_of(people.stranger)
    answer = sent(desk, schwab(CASH, "AAA 10"))
    assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")
    for call in (desk.client.get, desk.client.delete):
        answer = call(url)
        assert (answer.status_code, answer.json()["code"]) == (404, "reconciliation_not_found")
    listed = desk.client.get("/api/v1/reconciliations").json()
    assert (listed["data"], listed["total"]) == ([], 0)
    by_account = desk.client.get("/api/v1/reconciliations", {"account_id": desk.account_id})
    assert by_account.status_code == 404
    assert (Reconciliation.objects.count(), Transaction.objects.count()) == before


def test_the_list_is_newest_first_and_the_oldest_are_dropped(
    traded: Any, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "RECONCILIATIONS_PER_ACCOUNT_MAX", 2)
    made = [compared(desk, schwab(CASH, "AAA 10"))["id"] for _ in range(3)]
    listed = desk.client.get("/api/v1/reconciliations", {"account_id": desk.account_id}).json()
    assert [row["id"] for row in listed["data"]] == made[:0:-1]
    assert "positions" not in listed["data"][0]
    gone = desk.client.delete(f"/api/v1/reconciliations/{made[2]}")
    assert gone.status_code == 204
    assert [str(row.public_id) for row in Reconciliation.objects.all()] == [made[1]]


def test_the_same_key_compares_once(traded: Any, desk: Any) -> None:
    first = sent(desk, schwab(CASH, "AAA 10"), key="k1")
    again = sent(desk, schwab(CASH, "AAA 10"), key="k1")
    assert first.json() == again.json()
    assert Reconciliation.objects.count() == 1
    other = sent(desk, schwab(CASH, "AAA 11"), key="k1")
    assert (other.status_code, Reconciliation.objects.count()) == (422, 1)


def test_the_number_of_queries_does_not_grow_with_the_file(traded: Any, desk: Any) -> None:
    def queries(data: bytes) -> int:
        with CaptureQueriesContext(connection) as captured:
            compared(desk, data)
        return len(captured)

    queries(schwab(CASH, "AAA 10"))  # fills the caches
    few = queries(schwab(CASH, "AAA 10", "BBB 7.5"))
    unknown = [f"ZZ{number} {number}" for number in range(1, 60)]
    assert queries(schwab(CASH, "AAA 11", "BBB 7.5", *unknown)) == few


def test_a_file_that_no_reader_takes_is_refused_and_nothing_is_kept(
    traded: Any, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = schwab(CASH, "AAA 10")
    hostile = {
        b"": "file_empty",
        b"a,b,c\r\n1,2,3\r\n": "format_unknown",
        b"PK\x03\x04" + b"\0" * 100: "archive_not_accepted",
        whole.replace(b"AAA", b"A\0A", 1): "encoding_unknown",
        whole + b'"' + b"x" * 2_000_000: "row_too_long",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><FlexQueryResponse>&b;': (
            "entities_refused"
        ),
    }
    for data, code in hostile.items():
        answer = sent(desk, data)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    monkeypatch.setattr(reconciling, "RECONCILED_BYTES_MAX", 10)
    assert sent(desk, whole).status_code == 413
    assert not Reconciliation.objects.exists()


def test_an_account_that_is_deleted_takes_its_comparisons_along(desk: Any, account: Any) -> None:
    compared(desk, schwab("$0.00"), as_of="2024-06-28")
    assert desk.client.delete(f"/api/v1/accounts/{desk.account_id}").status_code == 204
    assert not Reconciliation.objects.exists()
    assert not Account.objects.filter(pk=account.pk).exists()


@pytest.mark.parametrize("path", sorted(STATEMENTS.iterdir()), ids=lambda path: path.name)
def test_every_real_looking_file_is_compared(path: Path, traded: Any, desk: Any) -> None:
    form = {"file_account": "Z12345678"} if path.name.startswith("fidelity") else {}
    body = compared(desk, path.read_bytes(), as_of="2026-10-01", **form)
    assert body["kind"] == "holdings"
    assert body["positions"] or body["cash"]
    codes = {reason["code"] for row in body["positions"] for reason in row["reasons"]}
    assert codes or not body["positions"]


def test_our_own_statement_agrees_until_a_transaction_is_taken_away(
    traded: list[Transaction], desk: Any, people: Any, client_of: Any
) -> None:
    url = f"/api/v1/accounts/{desk.account_id}/statement"
    answer = desk.client.get(url, {"as_of": "2024-06-28"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer.content.decode().splitlines() == [
        "day,kind,account,symbol,isin,quantity,currency,amount,cost_basis",
        "2024-06-28,position,Main,AAA,,10,USD,,501",
        "2024-06-28,position,Main,BBB,,7.5,USD,,150",
        "2024-06-28,cash,Main,,,,USD,4361.4,",
    ]
    body = compared(desk, answer.content)
    assert (body["format"], told(body), body["matched"]) == ("ballast_statement", {}, 3)
    early = desk.client.get(url, {"as_of": "2024-01-31"}).content
    assert told(compared(desk, early)) == {}
    expected = {
        1: {"AAA": ("10", ["transaction_missing"]), "cash": ("-501", [])},
        2: {"BBB": ("7.5", ["transaction_missing"]), "cash": ("-150", [])},
        3: {"cash": ("12.4", ["unexplained"])},
    }
    for place, difference in expected.items():
        row = traded[place]
        gone = desk.client.post(f"/api/v1/transactions/{row.public_id}/reverse", {}, format="json")
        assert gone.status_code == 201, gone.content
        assert told(compared(desk, answer.content)) == difference
        again = record(
            account=row.account, entries=[LEDGER[place]], user=people.owner, now=timezone.now()
        )
        assert told(compared(desk, answer.content)) == {}
        assert len(again) == 1
    desk.client = client_of(people.stranger)
    assert desk.client.get(url).status_code == 404


def test_a_day_that_no_ledger_has_is_no_day(traded: Any, desk: Any) -> None:
    for day in ("9999/12/31", "0001/01/01", "1949/12/31"):
        data = schwab(CASH, "AAA 10", title=TITLE.replace("2024/06/28", day))
        answer = sent(desk, data)
        assert (answer.status_code, answer.json()["code"]) == (400, "as_of_missing")
    for day, code in (("1949-12-31", "date_too_early"), ("9999-12-31", "date_too_late")):
        answer = sent(desk, schwab(CASH, "AAA 10"), as_of=day)
        assert answer.status_code == 400
        assert code in answer.content.decode()
    head = OFX_HEAD.replace("20240628", "99991231")
    preview = desk.preview(ofx("", {"AAA": "1"}, "5").replace(OFX_HEAD.encode(), head.encode())
                           .replace(b"</INVTRANLIST>", bought("AAA", "20240502", "2", "60",
                                                              "-120.00", "2").encode()
                                    + b"</INVTRANLIST>"))  # fmt: skip
    assert preview["outcome"]["holdings"]["day"] == "2024-05-02"


def test_names_of_accounts_are_no_longer_than_any_name(traded: Any, desk: Any) -> None:
    row = "{0},Individual,MSFT,MICROSOFT,4,$400.00,$1.00,$1600.00\r\n"
    heading = (
        "Account Number,Account Name,Symbol,Description,Quantity,Last Price,Last Price Change,"
        "Current Value\r\n"
    )
    data = (heading + row.format("A" * 60_000) + row.format("B" * 60_000)).encode()
    answer = sent(desk, data, as_of="2024-06-28")
    assert (answer.status_code, answer.json()["code"]) == (400, "account_ambiguous")
    assert len(answer.content) < 2_000
