"""A trade that its file takes back by a word or a sign that its format does not know."""

import io
from datetime import UTC, datetime

from transactions.files.formats.detection import parse
from transactions.files.reading.interface import Options

VANGUARD = (
    "Account Number,Trade Date,Settlement Date,Transaction Type,Transaction Description,"
    "Investment Name,Symbol,Shares,Share Price,Principal Amount,Commission Fees,Net Amount,"
    "Accrued Interest,Account Type\n"
)
BOUGHT = "1,01/04/2025,01/05/2025,Buy,Buy,VTI,VTI,10,240,-2400,0.00,-2400,0.00,CASH\n"
BACK = "1,01/06/2025,01/07/2025,Buy (cancel),,VTI,VTI,-{units},240,0,0.00,{cash},0.00,CASH\n"
XTB = "ID;Type;Time;Comment;Symbol;Amount\n"
PURCHASE = "{id};Stocks/ETF purchase;1{id}.07.2024 13:01:17;OPEN BUY 1 @ 10.00;XRAY.US;{cash}\n"
SNOWBALL = "Event,Date,Symbol,Price,Quantity,Currency,FeeTax,Exchange,FeeCurrency,"
SNOWBALL += "DoNotAdjustCash,Note\n"


def told(text: str) -> list[str]:
    options = Options(now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    return [
        (row.skipped or row.problems[0]).code if row.skipped or row.problems else "recorded"
        for row in parse(io.BytesIO(text.encode()), options).rows
    ]


def test_an_unknown_word_that_cancels_takes_the_trade_back() -> None:
    text = VANGUARD + BOUGHT + BACK.format(units=10, cash=2400)
    assert told(text) == ["taken_back", "taken_back"]


def test_a_cancellation_of_another_figure_records_neither() -> None:
    text = VANGUARD + BOUGHT + BACK.format(units=9, cash=2160)
    assert told(text) == ["held_back", "correction_not_supported"]


def test_a_purchase_that_brings_cash_takes_one_back() -> None:
    rows = [PURCHASE.format(id=name, cash=cash) for name, cash in [(1, -10), (2, -10), (3, 10)]]
    assert told(XTB + "".join(rows)) == ["recorded", "taken_back", "taken_back"]
    assert told(XTB + rows[2]) == ["correction_not_supported"]


def test_an_export_without_accrued_interest_is_read() -> None:
    text = SNOWBALL + "BUY,3/23/2021 0:00,VMBS,53.3887,2247,USD,0,NASDAQ,,FALSE,Buy\n"
    assert told(text) == ["recorded"]


AWARDS = "Date,Action,Symbol,Description,Quantity,FeesAndCommissions,DisbursementElection,Amount,"
AWARDS += "Shares,SalePrice,PurchaseDate,PurchasePrice,VestDate,VestFairMarketValue\n"


def test_an_award_of_another_event_is_no_cost_of_a_deposit() -> None:
    """Rows that were sorted stand below another event than their own."""
    arrived = "03/18/2025,Deposit,ACME,{plan},6,,,,,,,,,\n"
    vested = ",,,,,,,,,,,,{day},$150.00\n"
    bought = ",,,,,,,,,,02/28/2025,$119.00,,\n"
    assert told(AWARDS + arrived.format(plan="RS") + vested.format(day="03/17/2025")) == [
        "recorded",
        "part_of_another_row",
    ]
    for below in (vested.format(day="03/17/2024"), vested.format(day="03/20/2025"), bought):
        assert told(AWARDS + arrived.format(plan="RS") + below)[0] == "event_incomplete"
    sold = "06/16/2025,Sale,ACME,Share Sale,12,$0.09,,$2015.91,,,,,,\n"
    part = ",,,,,,,,4.5,$168.00,,,,\n"
    assert told(AWARDS + sold + part)[0] == "amount_mismatch"
