"""Taxes that came back with a sale, and costs that are part of an amount."""

import io
from datetime import UTC, datetime

import pytest

from transactions.files.formats.detection import parse
from transactions.files.reading.interface import Options

SCALABLE = (
    "date;time;status;reference;description;assetType;type;isin;shares;price;amount;fee;tax;currency"
    "\n"
)
SOLD = (
    "2026-06-15;09:30:12;Executed;S12;Apple Inc.;Security;Sell;US0378331005;5;180,4;902;"
    "{fee};{tax};EUR\n"
)
TAXES = "2026-06-{day};02:00:00;Executed;{id};{name};Cash;Taxes;;;;{amount};0;;EUR\n"
REPUBLIC = (
    "datetime,type,name,symbol,shares,price,amount,fee,tax,currency,description,transaction_id\n"
)
SELL = "2026-08-10T15:00:00Z,SELL,Bloom,US0937121079,-1,130.0,130.00,{fee},{tax},EUR,,t1\n"


def told(text: str) -> list[str]:
    options = Options(now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    found = []
    for row in parse(io.BytesIO(text.encode()), options).rows:
        entry = row.entry
        if row.problems or entry is None:
            found.append(row.problems[0].code)
            continue
        amount = entry.amount or (entry.price or 0) * (entry.quantity or 0)
        warned = "".join(f" {warning.code}" for warning in row.warnings)
        found.append(f"{entry.type} {amount:.2f} fee {entry.fee:.2f}{warned}")
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SCALABLE + SOLD.format(fee="0,99", tax="24,57"),
         ["sell 902.00 fee 0.99", "tax 24.57 fee 0.00"]),
        (SCALABLE + SOLD.format(fee="0,99", tax="-24,57"),
         ["sell 902.00 fee 0.99", "interest 24.57 fee 0.00 refund_as_income"]),
        (SCALABLE + SOLD.format(fee="0,00", tax="-24,57"),
         ["sell 902.00 fee 0.00", "interest 24.57 fee 0.00 refund_as_income"]),
        # Its own file writes what was paid with a minus: a plus beside a paid fee came back.
        (REPUBLIC + SELL.format(fee="-1.00", tax="-7.31"),
         ["sell 130.00 fee 1.00", "tax 7.31 fee 0.00"]),
        (REPUBLIC + SELL.format(fee="-1.00", tax="7.31"),
         ["sell 130.00 fee 1.00", "interest 7.31 fee 0.00 refund_as_income"]),
    ],
)  # fmt: skip
def test_a_tax_that_came_back_with_a_sale_is_not_one_that_was_paid(
    text: str, expected: list[str]
) -> None:
    assert told(text) == expected


def test_a_refund_by_its_name_leaves_other_taxes_alone() -> None:
    text = SCALABLE + "".join(
        TAXES.format(day=day, id=f"S{day}", name=name, amount=amount)
        for day, name, amount in [
            (20, "Steuererstattung", "12,5"),
            (10, "Kapitalertragsteuer", "-8,4"),
        ]
    )
    assert told(text) == ["interest 12.50 fee 0.00 refund_as_income", "tax 8.40 fee 0.00"]


def test_taxes_that_come_back_without_a_name_must_be_found_in_the_file() -> None:
    text = SCALABLE + "".join(
        TAXES.format(day=day, id=f"S{day}", name="Kapitalertragsteuer", amount=amount)
        for day, amount in [(20, "12,5"), (10, "-8,4")]
    )
    assert told(text) == ["correction_not_supported", "held_back"]


def test_an_older_export_of_an_account_has_the_fees_within_its_values() -> None:
    """509.90 left the account, whatever part of it was a fee."""
    text = (
        "Date,Type,Value,Transaction Currency,Taxes,Shares,ISIN,Ticker Symbol,Security Name,Note\n"
        "2020-01-03T00:00,Buy,-509.90,EUR,0.00,5,DE0007164600,SAP.DE,SAP SE,\n"
        "2020-06-03T00:00,Sell,240.10,EUR,3.00,2,DE0007164600,SAP.DE,SAP SE,\n"
    )
    assert told(text) == [
        "buy 509.90 fee 0.00 costs_not_stated",
        "sell 243.10 fee 0.00 costs_not_stated",
        "tax 3.00 fee 0.00 costs_not_stated",
    ]
