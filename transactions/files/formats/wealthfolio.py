"""Wealthfolio's CSV of activities. Pure.

`amount` has the ratio of a split (2 for two new shares for one). Interest on a security is
interest. CREDIT is money from outside unless it is a rebate or refund.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from core.money import plain
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.interface import NO_SECURITY, Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import (
    ZERO,
    About,
    cash,
    charge,
    draft,
    file_rate,
    income_in_units,
    is_in_units,
    moved_units,
    read_rows,
    slack_of,
    taking_back,
    trade,
)
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="wealthfolio",
    columns={
        "date": ("date", "activity date", "activitydate"),
        "account": ("account", "account name", "accountname"),
        "type": ("activitytype", "activity type", "type"),
        "symbol": ("symbol",),
        "isin": ("isin",),
        "quantity": ("quantity",),
        "price": ("unitprice", "unit price"),
        "amount": ("amount",),
        "currency": ("currency",),
        "fee": ("fee",),
        "note": ("comment",),
        "fx_rate": ("fxrate", "fx rate"),
        "subtype": ("subtype",),
        "instrument": ("instrumenttype", "instrument type"),
    },
    required=frozenset({"date", "type", "symbol", "quantity", "price", "currency", "fee"}),
    # The shortest files have none of them.
    optional=("amount", "fx_rate", "subtype", "instrument"),
    by_hand=True,
    dates=("date",),
    numbers=("quantity", "price", "amount", "fee"),
    money={"price": "currency", "amount": "currency", "fee": "currency"},
)
CASH = {
    "deposit": "deposit",
    "withdrawal": "withdrawal",
    "dividend": "dividend",
    "interest": "interest",
    "fee": "fee",
    "tax": "tax",
}


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_rows(data, options, [LAYOUT], lambda line, _: [_row(line)])


def _row(line: Line) -> ParsedRow:
    word = line.text("type").casefold().replace(" ", "_")
    if not word:
        return line.refused("type_missing", of="type")
    if line.text("instrument").casefold() in ("option", "future", "cfd"):
        return line.refused("option_not_supported", of="instrument")
    kind = {"transfer_in": "deposit", "transfer_out": "withdrawal", "credit": "deposit"}.get(
        word, word
    )
    security = line.security()
    if security.symbol.upper().startswith("$CASH"):
        security = NO_SECURITY
    about = About(
        at=line.happened(kind, "date"),
        currency=line.currency("currency"),
        account=line.name("account"),
        security=security,
        note=line.note(line.text("note")),
        file_rate=file_rate(line, "fx_rate"),
    )
    quantity, price = line.quantity("quantity"), line.figure("price")
    amount, fee = line.figure("amount"), abs(line.figure("fee") or ZERO)
    if word in ("buy", "sell"):
        return trade(
            line,
            word,
            about,
            quantity=quantity,
            price=price,
            fee=fee,
            gross=amount or None,
            slack=slack_of(line, quantity, price),
        )
    if word == "split":
        if not amount or amount <= 0:
            return line.refused("ratio_invalid", of="amount")
        if not security:
            line.problem("symbol_missing", of="symbol")
        return draft(line, "split", about, ratio=f"{plain(amount)}:1")
    if word in ("transfer_in", "transfer_out") and security:
        units = abs(quantity or ZERO) * (1 if word == "transfer_in" else -1)
        basis = amount or (None if price is None or quantity is None else quantity * price)
        return moved_units(line, about, units, basis=basis)
    if word in ("dividend", "interest", "credit") and is_in_units(line.text("subtype")):
        return income_in_units(line, about, quantity=quantity, price=price, amount=amount, fee=fee)
    if word == "credit":
        line.needs("subtype")
        if line.text("subtype").casefold() in ("rebate", "refund", "bonus"):
            return charge(line, "fee", replace(about, security=NO_SECURITY), amount)
        return cash(line, "deposit", replace(about, security=NO_SECURITY), amount)
    if kind in CASH:
        if not amount:
            amount = (quantity or ZERO) * (price or ZERO)
        if kind == "fee":
            amount, fee = (amount or fee), ZERO
        if kind != "dividend" and kind != "tax":
            about = replace(about, security=NO_SECURITY)
        paid = cash(line, kind, about, amount, fee=fee)
        if word in ("dividend", "interest") and amount is not None and amount < 0:
            return taking_back(line, paid, kind, about)
        return paid
    return line.refused("type_unknown", f"{word[:40]!r}", of="type")


FORMATS = [
    ReadFormat(
        name="wealthfolio",
        title="Wealthfolio",
        read=read,
        signatures=[{"activitytype", "unitprice", "symbol"}],
        layouts=[LAYOUT],
    ),
]
