"""Bitvavo: the history of an account of coins. Pure.

    Timezone, Date, Time, Type, Currency, Amount, Quote Currency, Quote Price, Received / Paid
    Currency, Received / Paid Amount, Fee currency, Fee amount, Status, Transaction ID, Address

What was received or paid has the fee in it. Coins of staking have no worth in the file and are
refused, as are fees in coins. A coin that leaves has the fee of the network in its amount.
"""

from collections.abc import Iterator
from typing import BinaryIO

from core.currencies import CURRENCIES
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.interface import Options, ParsedRow, Security
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import (
    ZERO,
    About,
    cash,
    income_in_units,
    moved_units,
    read_rows,
    slack_of,
    trade,
)
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="bitvavo",
    columns={
        "date": ("Date",),
        "time": ("Time",),
        "type": ("Type",),
        "coin": ("Currency",),
        "quantity": ("Amount",),
        "price": ("Quote Price",),
        "currency": ("Received / Paid Currency",),
        "amount": ("Received / Paid Amount",),
        "fee_currency": ("Fee currency",),
        "fee": ("Fee amount",),
        "status": ("Status",),
        "id": ("Transaction ID",),
    },
    required=frozenset(
        {"date", "type", "coin", "quantity", "price", "currency", "amount", "fee", "fee_currency"}
        | {"status"}
    ),
    decimal=".",
    date_order="ymd",
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_rows(data, options, [LAYOUT], lambda line, _: [_row(line)])


def _row(line: Line) -> ParsedRow:
    if line.text("status").casefold() not in ("completed", "distributed"):
        return line.skip("not_executed")
    kind, coin, name = line.text("type").casefold(), line.text("coin").upper(), line.id("id")
    quantity, fee = line.quantity("quantity"), abs(line.figure("fee") or ZERO)
    is_money = coin in CURRENCIES
    about = About(
        at=line.happened("trade", "date", clock="time"),
        currency=coin if is_money else (line.code("currency") or "EUR"),
        security=Security() if is_money else Security(symbol=coin),
        external_id=f"bitvavo:{name}" if name else "",
    )
    if fee and line.text("fee_currency").upper() != about.currency and kind in ("buy", "sell"):
        return line.refused("event_incomplete", "The fee was paid in coins.", of="fee")
    if kind in ("buy", "sell"):
        paid, side = line.figure("amount") or ZERO, 1 if kind == "buy" else -1
        if (quantity or ZERO) * side < 0 or paid * side > 0:
            line.problem("amount_sign", of="amount")
        return trade(
            line, kind, about, quantity=quantity, price=line.figure("price"), fee=fee,
            net=line.figure("amount"), slack=slack_of(line, quantity, line.figure("price")),
        )  # fmt: skip
    if kind in ("deposit", "withdrawal"):
        out = kind == "withdrawal"
        if quantity and (quantity < 0) != out:
            line.problem("amount_sign", of="quantity")
        if is_money:
            return cash(line, kind, about, quantity, of="quantity")
        return moved_units(line, about, quantity)
    if kind in ("staking", "fixed_staking", "campaign_new_user_incentive", "rebate"):
        return income_in_units(line, about, quantity=quantity, price=None, amount=None)
    return line.refused("type_unknown", f"{line.text('type')[:40]!r}", of="type")


FORMATS = [
    ReadFormat(
        name="bitvavo",
        title="Bitvavo",
        read=read,
        signatures=[{"quote currency", "quote price", "fee currency", "received / paid amount"}],
        layouts=[LAYOUT],
    ),
]
