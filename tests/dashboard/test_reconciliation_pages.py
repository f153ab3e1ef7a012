"""The pages of broker statements: uploaded, compared, looked at, settled."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from transactions.ledger.entries import Entry
from transactions.models import Reconciliation, Transaction
from transactions.operations import record

pytestmark = pytest.mark.django_db

HEADING = (
    '"Positions for account Individual ...417 as of 04:00 PM ET, 2024/06/28"\r\n'
    '"Symbol","Description","Qty (Quantity)","Mkt Val (Market Value)","Cost Basis"\r\n'
)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=15, tzinfo=UTC)


BUY = Entry("buy", at("2024-01-03"), "USD", "AAA", D(10), D(50))


@pytest.fixture
def own(account: Any, assets: Any, people: Any) -> str:
    deposit = Entry("deposit", at("2024-01-02"), "USD", amount=D(5000))
    record(account=account, entries=[deposit, BUY, BUY], user=people.owner, now=timezone.now())
    return f"/accounts/{account.public_id}/reconciliations"


@pytest.fixture
def browser(people: Any, page_client: Callable[[Any], Client]) -> Client:
    return page_client(people.owner)


def statement(cash: str, *positions: str) -> SimpleUploadedFile:
    rows = "".join(
        f'"{symbol}","{symbol} INC","{units}","$1","$480.00"\r\n'
        for symbol, units in (text.split() for text in positions)
    )
    money = f'"Cash & Cash Investments","--","--","{cash}","--"\r\n'
    return SimpleUploadedFile("schwab.csv", (HEADING + rows + money).encode())


def compared(browser: Client, own: str, file: SimpleUploadedFile, **form: str) -> str:
    answer = browser.post(own, {"file": file, **form})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer.headers["Location"])


def test_a_statement_shows_where_it_parts_and_settles_what_is_certain(
    browser: Client, own: str
) -> None:
    empty = browser.get(own).content.decode()
    assert "No statement compared yet" in empty
    page = compared(browser, own, statement("$4,500.00", "AAA 10"))
    text = browser.get(page).content.decode()
    for words in (
        "differ in 2 places and agree in 0",
        "The ledger has this transaction twice.",
        "Certain",
        "Reverse 1 transaction",
        "The differences in positions explain it.",
        "+$500.00",
    ):
        assert words in text, words
    assert Transaction.objects.count() == 3
    answer = browser.post(f"{page}/settle", {"reason": "0:0"}, follow=True)
    assert "Recorded 1 transaction." in answer.content.decode()
    assert Transaction.objects.filter(reverses__isnull=False).count() == 1
    again = browser.get(page).content.decode()
    assert "The ledger has changed since this comparison" in again
    assert "Reverse 1 transaction" not in again
    stale = browser.post(f"{page}/settle", {"reason": "0:0"}, follow=True)
    assert "Compare the file again. Nothing was recorded." in stale.content.decode()
    assert Transaction.objects.count() == 4
    agrees = compared(browser, own, statement("$4,500.00", "AAA 10"))
    text = browser.get(agrees).content.decode()
    assert "agree in all 2 places compared" in text
    assert "Both are rounded" not in text
    assert "Cost basis" in text  # 500.00 here, 480.00 there
    listed = browser.get(own).content.decode()
    assert (listed.count("Agrees"), listed.count("2 differences")) == (1, 1)


def test_only_what_is_proposed_can_be_settled(browser: Client, own: str) -> None:
    page = compared(browser, own, statement("$4,000.00", "AAA 21", "ZZZ 3"))
    text = browser.get(page).content.decode()
    assert "Not known here" in text
    assert "Reverse" not in text
    for place in ("0:0", "9:9", "-1:0", "-2:0", "x", "", "0:" + "9" * 30):
        answer = browser.post(f"{page}/settle", {"reason": place}, follow=True)
        assert answer.status_code == 200
    assert Transaction.objects.count() == 3


def test_a_file_that_is_refused_says_why(browser: Client, own: str) -> None:
    lots = SimpleUploadedFile("x.csv", b"a,b,c\r\n1,2,3\r\n")
    answer = browser.post(own, {"file": lots})
    assert (answer.status_code, Reconciliation.objects.count()) == (400, 0)
    assert "in a format that is read" in answer.content.decode()
    vanguard = (
        b"Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,\r\n"
        b"1,A,AAA,20,1.00,20.00,\r\n"
    )
    answer = browser.post(own, {"file": SimpleUploadedFile("v.csv", vanguard)})
    assert "The file does not state its day" in answer.content.decode()
    for day in ("9999-12-31", "1949-12-31", "tomorrow"):
        file = SimpleUploadedFile("v.csv", vanguard)
        assert browser.post(own, {"file": file, "as_of": day}).status_code == 400
    file = SimpleUploadedFile("v.csv", vanguard)
    page = compared(browser, own, file, as_of="2024-06-28")
    assert "agree in all 1 place compared" in browser.get(page).content.decode()


def test_realized_lots_are_shown_with_both_sides(browser: Client, own: str) -> None:
    data = (
        b"Symbol(CUSIP),Security Description,Quantity,Date Acquired,Date Sold,Proceeds,Cost Basis,"
        b"Short Term Gain/Loss,Long Term Gain/Loss\r\n"
        b"AAA(037833100),A,4,01/03/2024,06/03/2024,$240.00,$200.00,$40.00,-\r\n"
    )
    page = compared(browser, own, SimpleUploadedFile("lots.csv", data))
    text = browser.get(page).content.decode()
    assert "Realized lots that differ" in text
    assert "$240.00" in text


def test_a_stranger_sees_nothing_and_changes_nothing(
    browser: Client, own: str, people: Any, page_client: Callable[[Any], Client]
) -> None:
    page = compared(browser, own, statement("$4,500.00", "AAA 10"))
    stranger = page_client(people.stranger)
    assert stranger.get(own).status_code == 404
    assert stranger.get(page).status_code == 404
    for action, form in (("settle", {"reason": "0:0"}), ("remove", {})):
        assert stranger.post(f"{page}/{action}", form).status_code == 404
    upload = stranger.post(own, {"file": statement("$1.00", "AAA 1")})
    assert upload.status_code == 404
    assert (Reconciliation.objects.count(), Transaction.objects.count()) == (1, 3)
    gone = browser.post(f"{page}/remove", follow=True)
    assert "The ledger did not change" in gone.content.decode()
    assert (Reconciliation.objects.count(), Transaction.objects.count()) == (0, 3)


def test_the_page_asks_as_often_for_many_differences_as_for_one(browser: Client, own: str) -> None:
    def queries(file: SimpleUploadedFile) -> int:
        page = compared(browser, own, file)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(page).status_code == 200
        return len(captured)

    queries(statement("$4,500.00", "AAA 10"))
    few = queries(statement("$4,500.00", "AAA 10"))
    assert queries(statement("$4,500.00", "AAA 10", *[f"Z{n} {n}" for n in range(1, 50)])) == few


def test_the_page_leads_to_our_own_statement_which_agrees(
    browser: Client, own: str, account: Any
) -> None:
    address = f"/api/v1/accounts/{account.public_id}/statement"
    assert address in browser.get(own).content.decode()
    answer = browser.get(address)
    assert answer.status_code == 200
    page = compared(browser, own, SimpleUploadedFile("own.csv", answer.content))
    assert "agree in all 2 places compared" in browser.get(page).content.decode()
