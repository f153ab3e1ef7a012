"""Schwab Equity Awards: the history of an employee's plan, as CSV. Pure.

    Date, Action, Symbol, Description, Quantity, FeesAndCommissions, DisbursementElection, Amount,
    and columns that only the rows below an event have

Each event is a row, and the rows below it, whose first columns are empty, say of which awards it
is. Shares that vested arrive with their value on the day of vesting as the cost; shares of a
purchase plan arrive with the price that was paid for them. A sale brings its amount, after fees.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import BinaryIO

from core.money import WIDE
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import NO_SECURITY, Options, ParsedRow
from transactions.files.reading.lines import Line, is_text_line, lines
from transactions.files.reading.rows import (
    ZERO,
    About,
    charge,
    income,
    moved_units,
    signed_cash,
    slack_of,
    trade,
)
from transactions.files.reading.tables import Layout, open_table

_OF_AWARDS = {
    "shares": ("Shares",),
    "price": ("SalePrice",),
    "vested_on": ("VestDate",),
    "vest_value": ("VestFairMarketValue",),
    "purchased_on": ("PurchaseDate",),
    "purchase_price": ("PurchasePrice",),
}
LAYOUT = Layout(
    name="schwab_awards",
    columns={
        "date": ("Date",),
        "action": ("Action",),
        "symbol": ("Symbol",),
        "name": ("Description",),
        "quantity": ("Quantity",),
        "fee": ("FeesAndCommissions",),
        "election": ("DisbursementElection",),
        "amount": ("Amount",),
        **_OF_AWARDS,
    },
    required=frozenset({"date", "action", "symbol", "quantity", "fee", "election", "amount"}),
    optional=tuple(_OF_AWARDS),
    decimal=".",
    date_order="mdy",
)
# What a deposit is -> the day and the cost of its award.
_COSTS = {"RS": ("vested_on", "vest_value"), "ESPP": ("purchased_on", "purchase_price")}
# Shares arrive within so many days.
_DELAY_MAX = timedelta(days=31)
_MOVED = ("journal", "wire transfer", "forced disbursement", "disbursement", "moneylink transfer")


@dataclass(slots=True)
class _Event:
    """A row of the history and the rows of its awards."""

    line: Line
    awards: list[Line] = field(default_factory=list)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    options = replace(options, currency="USD")
    _, table = open_table(data, options, [LAYOUT])
    names = Fingerprints()
    for event in _events(lines(table, options)):
        row = _row(event)
        yield names.name(row, timed=event.line.timed)
        for award in event.awards:
            yield award.skip("part_of_another_row")


def _events(found: Iterator[Line]) -> Iterator[_Event]:
    event: _Event | None = None
    for line in found:
        is_award = not line.text("date") and not line.text("action") and not is_text_line(line)
        if event is not None and is_award:
            event.awards.append(line)
            continue
        if event is not None:
            yield event
        event = _Event(line)
    if event is not None:
        yield event


def _row(event: _Event) -> ParsedRow:
    line, action = event.line, event.line.text("action").casefold()
    cut = [problem for award in event.awards for problem in award.problems]
    line.problems.extend(cut)  # a row below that was cut off cuts its event
    if not line.text("date"):
        return line.skip("text_line")
    amount = line.figure("amount")
    about = About(at=line.happened("cash", "date"), currency="USD", security=line.security())
    bare = replace(about, security=NO_SECURITY)
    if action == "lapse":
        return line.skip("informational", "The shares that are left arrive by a deposit.")
    if action == "deposit":
        return _deposit(event, about)
    if action in ("sale", "forced quick sell", "quick sale"):
        return _sale(event, about, amount)
    if action == "dividend":
        return income(line, "dividend", about, amount)
    if action in ("tax withholding", "tax reversal"):
        return charge(line, "tax", about, amount)
    if action in _MOVED and not amount:
        return line.skip("journal")
    if action in _MOVED:
        return signed_cash(line, "deposit", "withdrawal", bare, amount)
    return line.refused("type_unknown", f"{line.text('action')[:40]!r}", of="action")


def _deposit(event: _Event, about: About) -> ParsedRow:
    """Return the arrival of shares: their value when they vested, or what was paid for them."""
    line, quantity = event.line, event.line.quantity("quantity")
    if len(event.awards) != 1 or not quantity:
        return line.refused("event_incomplete", of="action")
    if quantity < 0:
        line.problem("amount_sign", "Shares that left again.", of="quantity")
    award = event.awards[0]
    names = _COSTS.get(line.text("name").upper())
    if names is None:
        return line.refused("event_incomplete", of="name")
    day, cost = award.day(names[0]), award.figure(names[1])
    line.problems.extend(award.problems)
    arrived = about.at.date() if about.at else day
    if day is None or cost is None or arrived is None:
        return line.refused("event_incomplete", of="action")
    if not timedelta(0) <= arrived - day <= _DELAY_MAX:
        # The row below belongs to another event.
        return line.refused("event_incomplete", f"The award is of {day}.", of="date")
    basis = WIDE.multiply(quantity, cost)
    return moved_units(line, about, abs(quantity), basis=basis, opened_date=day)


def _sale(event: _Event, about: About, amount: Decimal | None) -> ParsedRow:
    line, quantity = event.line, event.line.quantity("quantity")
    parts = [award.quantity("shares") for award in event.awards if award.text("shares")]
    shares = sum((part for part in parts if part), ZERO)
    if quantity and shares and abs(shares - abs(quantity)) >= 1:
        line.problem("amount_mismatch", f"The awards below are of {shares} shares.", of="quantity")
    if quantity and shares and 0 < abs(shares - abs(quantity)) < 1:
        quantity = shares  # the row above may round what those below state
    if (quantity or ZERO) < 0 or (amount or ZERO) < 0:
        line.problem("amount_sign", "A sale that was taken back.", of="amount")
    prices = {award.figure("price") for award in event.awards if award.text("price")}
    price = next(iter(prices)) if len(prices) == 1 else None
    return trade(
        line,
        "sell",
        about,
        quantity=quantity,
        price=price,
        fee=abs(line.figure("fee") or ZERO),
        net=amount,
        slack=slack_of(line, quantity, price),
    )


FORMATS = [
    ReadFormat(
        name="schwab_awards",
        title="Schwab Equity Awards",
        read=read,
        signatures=[{"action", "symbol", "feesandcommissions", "disbursementelection", "amount"}],
        layouts=[LAYOUT],
    ),
]
