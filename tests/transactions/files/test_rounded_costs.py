"""Costs of less than a cent: what is recorded comes to the cash that moved, to the cent."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from transactions.files.formats.detection import parse
from transactions.files.reading.interface import Options

BITVAVO = (
    "Timezone,Date,Time,Type,Currency,Amount,Quote Currency,Quote Price,Received / Paid Currency,"
    "Received / Paid Amount,Fee currency,Fee amount,Status,Transaction ID,Address\n"
    "Europe/Amsterdam,2024-03-05,11:36:46,{kind},ETH,{units},EUR,{price},EUR,{paid},EUR,{fee},"
    "Completed,a1,\n"
)
TRADING_212 = (
    "Action,Time,ISIN,Ticker,Name,Notes,ID,No. of shares,Price / share,Currency (Price / share),"
    "Exchange rate,Result,Currency (Result),Total,Currency (Total),Currency conversion fee,"
    "Currency (Currency conversion fee)\n"
    "Market buy,2025-11-10 08:00:42,US0378331005,AAPL,Apple,,E1,1,10.00,USD,1.00,,USD,10.02,USD,"
    "0.015,USD\n"
)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        (BITVAVO.format(kind="buy", units="0.0099850", price="1000", paid="-10.00", fee="0.015"),
         "-10.00"),
        (BITVAVO.format(kind="sell", units="-0.0100150", price="1000", paid="10.00", fee="0.015"),
         "10.00"),
        (BITVAVO.format(kind="buy", units="0.0099750", price="1000", paid="-10.00", fee="0.025"),
         "-10.00"),
        (TRADING_212, "-10.02"),
    ],
)  # fmt: skip
def test_a_trade_and_its_costs_come_to_what_moved(text: str, moved: str) -> None:
    (row,) = parse(io.BytesIO(text.encode()), Options(now=datetime(2026, 1, 2, tzinfo=UTC))).rows
    entry = row.entry
    assert entry is not None
    assert not row.problems
    amount = entry.amount
    if amount is None:
        assert entry.price is not None
        assert entry.quantity is not None
        amount = (entry.price * entry.quantity).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    side = 1 if entry.type == "sell" else -1
    assert side * amount - entry.fee == Decimal(moved)
