"""Rows of one moment, and rows whose signs contradict what they are called."""

import io
from datetime import UTC, datetime

import pytest

from transactions.files.formats.detection import parse
from transactions.files.reading.interface import Options

XTB = "ID;Type;Time;Comment;Symbol;Amount\n"
SALE = "{id};Stocks/ETF sale;11.06.2024 10:02:31;CLOSE BUY {units}/3 @ 128.40;AAPL.US;{amount}\n"
GAIN = "{id};close trade;11.06.2024 10:02:31;Profit of position #{id};AAPL.US;{amount}\n"
BITVAVO = (
    "Timezone,Date,Time,Type,Currency,Amount,Quote Currency,Quote Price,Received / Paid Currency,"
    "Received / Paid Amount,Fee currency,Fee amount,Status,Transaction ID,Address\n"
)
COIN = (
    "Europe/Amsterdam,2024-03-05,11:36:46.620,{type},ETH,{units},EUR,2000,EUR,{amount},EUR,0,"
    "Completed,953ddfc4-0001,\n"
)


def told(text: str) -> list[str]:
    options = Options(now=datetime(2026, 11, 23, 12, tzinfo=UTC), account_currency="PLN")
    found = []
    for row in parse(io.BytesIO(text.encode()), options).rows:
        if row.skipped is not None:
            found.append(row.skipped.code)
        elif row.problems or row.entry is None:
            found.append(row.problems[0].code)
        else:
            entry = row.entry
            amount = entry.amount or (entry.price or 0) * (entry.quantity or 0)
            found.append(f"{entry.type} {amount:.2f}")
    return found


def test_the_gain_of_one_sale_is_part_of_its_proceeds() -> None:
    rows = SALE.format(id=1, units=1, amount="400.00") + GAIN.format(id=2, amount="50.00")
    assert told(XTB + rows) == ["sell 450.00", "part_of_another_row"]


def test_gains_of_two_sales_of_one_moment_are_not_both_counted_twice() -> None:
    rows = [
        SALE.format(id=1, units=1, amount="400.00"),
        GAIN.format(id=2, amount="50.00"),
        SALE.format(id=3, units=2, amount="800.00"),
        GAIN.format(id=4, amount="100.00"),
    ]
    found = told(XTB + "".join(rows))
    assert found == ["event_incomplete", "part_of_another_row"] * 2


@pytest.mark.parametrize(
    ("kind", "units", "amount"),
    [("buy", "0.005", "10.00"), ("sell", "-0.005", "-10.00"), ("buy", "-0.005", "-10.00")],
)
def test_a_coin_whose_signs_contradict_its_type_is_refused(
    kind: str, units: str, amount: str
) -> None:
    text = BITVAVO + COIN.format(type=kind, units=units, amount=amount)
    assert told(text) == ["amount_sign"]
    right = {"buy": ("0.005", "-10.00"), "sell": ("-0.005", "10.00")}[kind]
    text = BITVAVO + COIN.format(type=kind, units=right[0], amount=right[1])
    assert told(text) == [f"{kind} 10.00"]


AWARDS = (
    '"Date","Action","Symbol","Description","Quantity","FeesAndCommissions",'
    '"DisbursementElection","Amount","Type","Shares","SalePrice","VestDate",'
    '"VestFairMarketValue"\n'
)


@pytest.mark.parametrize(
    ("quantity", "amount"), [("12", "-$2,016.00"), ("-12", "$2,016.00"), ("-12", "-$2,016.00")]
)
def test_a_sale_of_awards_that_was_taken_back_is_no_sale(quantity: str, amount: str) -> None:
    row = '"06/16/2025","Sale","ACME","Share Sale","{}","$0.00","","{}","","","","",""\n'
    assert told(AWARDS + row.format(quantity, amount)) == ["amount_sign"]
    assert told(AWARDS + row.format("12", "$2,016.00")) == ["sell 2016.00"]


def test_awards_that_left_again_do_not_arrive() -> None:
    row = (
        '"03/18/2025","Deposit","ACME","RS","{}","","","","","","","",""\n'
        '"","","","","","","","","","","","03/17/2025","$150.00"\n'
    )
    assert told(AWARDS + row.format("-6"))[0] == "amount_sign"
    assert told(AWARDS + row.format("6"))[0].startswith("transfer_in")
