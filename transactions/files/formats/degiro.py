"""DEGIRO: the account statement and the list of transactions. Pure.

    transactions   one row per fill, with its value and costs in the currency of the account
    account        several rows per order: the trade, its costs, and both sides of a conversion

A row that the statement converts is booked at the converted amount, in the account's currency, so
cash is right to the cent. A trade is converted with its order; dividends and taxes are converted by
the rows that follow them (`degiro_conversions`). A row without conversion is booked in its own
currency, and costs in another currency become a separate fee. The rows of an order are imported
together or not at all.

Dates begin with the day. The currency columns have no heading. A long order id may continue in the
next line or stand one column to the right.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import BinaryIO

from core.currencies import CURRENCIES, minor_unit_of
from core.money import allocate, plain, quantize
from transactions.files.formats.declaration import ReadFormat
from transactions.files.formats.degiro_conversions import Conversions, Converted
from transactions.files.formats.degiro_words import (
    ACCOUNT_COLUMNS,
    TRANSACTION_COLUMNS,
    fill_of,
    kind_of,
)
from transactions.files.reading import cells
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import NO_SECURITY, Options, ParsedRow, Quote
from transactions.files.reading.lines import Line, lines
from transactions.files.reading.rows import (
    PRICE_PLACES,
    QUANTITY_PLACES,
    ZERO,
    About,
    cash,
    charge,
    exchanged,
    income,
    interest,
    quote_of,
    rounding,
    slack_of,
    taking_back,
    trade,
)
from transactions.files.reading.tables import Layout, Table, open_table

TRANSACTIONS = Layout(
    name="transactions",
    columns=TRANSACTION_COLUMNS,
    required=frozenset({"date", "name", "isin", "quantity", "price", "value", "total"}),
    # The total proves the costs, the value the price; some languages name no currencies.
    optional=("fee", "autofx", "rate", "price_currency", "value_currency", "total_currency"),
    numbers=("quantity", "price", "value", "total", "fee"),
    date_order="dmy",
    money={
        "price": "price_currency",
        "value": "value_currency",
        "total": "total_currency",
        "fee": "value_currency",
        "autofx": "value_currency",
    },
)
ACCOUNT = Layout(
    name="account",
    columns=ACCOUNT_COLUMNS,
    required=frozenset({"date", "name", "isin", "text", "currency", "amount", "order_id"}),
    optional=("rate", "value_date"),
    numbers=("amount", "rate"),
    date_order="dmy",
    money={"amount": "currency"},
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    layout, table = open_table(data, options, [TRANSACTIONS, ACCOUNT])
    names = Fingerprints()
    rows = _transactions(table, options) if layout is TRANSACTIONS else _account(table, options)
    for row, timed in rows:
        yield names.name(row, timed=timed)


# The list of transactions.


def _transactions(table: Table, options: Options) -> Iterator[tuple[ParsedRow, bool]]:
    for line in _joined(table, options):
        yield (line if isinstance(line, ParsedRow) else _fill(line)), True


def _fill(line: Line) -> ParsedRow:
    quantity, price = line.quantity("quantity"), line.figure("price")
    value, total = line.figure("value"), line.figure("total")
    fee = abs(line.figure("fee") or ZERO) + abs(line.figure("autofx") or ZERO)
    currency = _currency(line, "value") or _currency(line, "total") or line.currency()
    kind = "sell" if quantity is not None and quantity < 0 else "buy"
    if line.code("price_currency") not in ("", currency):
        price = None
    if value is not None and total is not None:
        expected = value - fee
        if abs(expected - total) > Decimal("0.02"):
            line.problem(
                "amount_mismatch", f"{value} less costs of {fee} is not {total}.", of="total"
            )
    about = About(
        at=line.happened("trade", "date", clock="time"),
        currency=currency,
        account=line.options.account,
        security=line.security(),
        order_id=line.id("order_id"),
    )
    if value is not None and value * (1 if kind == "sell" else -1) < 0:
        line.problem("amount_sign", of="value")
    return trade(
        line,
        kind,
        about,
        quantity=quantity,
        price=price,
        fee=fee,
        gross=value,
        slack=slack_of(line, quantity, price),
        quote=quote_of(line, "price_currency", "price"),
        of="value",
    )


def _currency(line: Line, name: str) -> str:
    """Return the currency in the unnamed column, or else the end of the heading (`Waarde EUR`)."""
    text = line.code(f"{name}_currency")
    if not text:
        text = line.columns.get(name, "").rpartition(" ")[2].upper()
    return text if text in CURRENCIES else ""


# The account statement.


@dataclass(slots=True)
class Order:
    """The rows of one order: fills in their own currency, converted amounts and costs."""

    fills: list[tuple[str, Decimal]] = field(default_factory=list)
    converted: dict[str, Decimal] = field(default_factory=dict)
    costs: dict[str, Decimal] = field(default_factory=dict)
    taken: int = 0
    has_others: bool = False
    # A row has lost the end of its id, so the order may lack that row.
    lacks_row: bool = False

    @property
    def is_cut(self) -> bool:
        """Return whether the order was converted, but not for what its fills come to."""
        sums = {currency: ZERO for currency, _ in self.fills}
        for currency, amount in self.fills:
            sums[currency] += amount
        return any(self.converted.get(one, -total) != -total for one, total in sums.items())

    def in_account(self) -> tuple[str, list[Decimal]] | None:
        """Return the account's currency and each fill's amount in it, if all was converted."""
        currencies = {currency for currency, _ in self.fills}
        others = [currency for currency in self.converted if currency not in currencies]
        if len(currencies) != 1 or len(others) != 1:
            return None
        [currency] = currencies
        signs = {amount > 0 for _, amount in self.fills}
        total = sum((amount for _, amount in self.fills), ZERO)
        if self.converted.get(currency) != -total or len(signs) != 1 or not total:
            return None
        whole = abs(quantize(self.converted[others[0]], others[0]))
        weights = [abs(amount) for _, amount in self.fills]
        return others[0], allocate(whole, weights, others[0])


def _account(table: Table, options: Options) -> Iterator[tuple[ParsedRow, bool]]:
    """Read the file twice: first to collect the rows of each order, then to yield the rows."""
    orders: dict[str, Order] = {}
    conversions = Conversions()
    for place, line in enumerate(_joined(table, options)):
        if isinstance(line, ParsedRow):
            continue
        name, kind = line.text("order_id"), kind_of(line.text("text"))
        currency, amount = line.code("currency"), line.figure("amount") or ZERO
        if not name:
            if amount and kind in ("fx", *_CONVERTED):
                moment = f"{line.text('date')} {line.text('time')}"
                conversions.add(place, kind == "fx", moment, currency, amount, line.figure("rate"))
            continue
        order = orders.setdefault(name, Order())
        if kind == "trade":
            order.fills.append((currency, amount))
        elif kind == "fx":
            order.converted[currency] = order.converted.get(currency, ZERO) + amount
        elif kind == "cost":
            order.costs[currency] = order.costs.get(currency, ZERO) - amount
        else:
            order.has_others = True
    for cut in [name for name in orders if name.endswith("-")]:
        for name, order in orders.items():
            order.lacks_row = order.lacks_row or name.startswith(cut)
    converted = conversions.amounts()
    for place, line in enumerate(_joined(table, options)):
        if isinstance(line, ParsedRow):
            yield line, False
        else:
            of_line = orders.get(line.text("order_id"))
            yield _statement(line, of_line, converted.get(place)), line.timed


# Rows that a later conversion may turn into the account's currency.
_CONVERTED = frozenset({"dividend", "tax", "return_of_capital", "fee", "cost", "interest"})


def _statement(line: Line, order: Order | None, converted: Converted | None) -> ParsedRow:
    text = line.text("text")
    kind = kind_of(text)
    amount = line.figure("amount")
    if order and order.lacks_row:
        return line.refused("event_incomplete", "A row of this order has half an id.", of="text")
    if kind == "fx":
        if order and order.in_account():
            return line.skip("part_of_another_row", "The conversion of an order.")
        if converted is not None:
            return line.skip("part_of_another_row", "The conversion of other rows.")
        return exchanged(line, amount, line.code("currency"))
    if kind == "sweep":
        return line.skip("sweep")
    if kind == "event":
        return line.refused("event_incomplete", of="text")
    if not amount and kind != "trade":
        return line.skip("informational")
    about = About(
        at=line.happened("cash", "date", clock="time"),
        currency=line.currency("currency"),
        account=line.options.account,
        security=line.security(),
        order_id=line.id("order_id"),
        note=line.note("" if kind == "trade" else text),
    )
    if converted is not None and amount is not None:
        about = replace(
            about,
            currency=converted.currency,
            note=line.note(text, f"({plain(amount)} {about.currency})"),
        )
        amount = converted.amount
    bare = replace(about, security=NO_SECURITY, order_id="")
    if kind == "trade":
        return _order_trade(line, about, order)
    if kind == "cost":
        if order and _carried(order) == about.currency:
            return line.skip("part_of_another_row", "The costs of an order.")
        if order and not (order.fills or order.has_others):
            return line.refused("event_incomplete", "The file lacks the trade of this order.")
        return charge(line, "fee", bare, amount)
    paid = replace(about, order_id="")
    if kind == "tax":
        return charge(line, kind, paid, amount)
    if kind in ("dividend", "return_of_capital"):
        return income(line, kind, paid, amount)
    if kind == "fee":
        return charge(line, kind, bare, amount)
    if kind == "interest":
        return interest(line, bare, amount)
    if kind in ("deposit", "withdrawal"):
        if amount is not None and (amount > 0) != (kind == "deposit"):
            line.problem("amount_sign", of="amount")
        return cash(line, kind, bare, amount)
    code = "type_unknown" if text else "type_missing"
    return line.refused(code, f"{text[:60]!r}", of="text")


def _carried(order: Order) -> str:
    """Return the currency in which the order's first fill and its costs are booked."""
    found = order.in_account()
    if found:
        return found[0]
    return order.fills[0][0] if order.fills else ""


def _order_trade(line: Line, about: About, order: Order | None) -> ParsedRow:
    fill = fill_of(line.text("text"))
    assert fill is not None, "the row is a trade"
    kind = fill.side
    quantity = cells.number(fill.quantity, line.decimal)
    price = cells.number(fill.price, line.decimal)
    if quantity is None or price is None:
        return line.refused("number_invalid", f"{line.text('text')[:60]!r}", of="text")
    amount = line.figure("amount")
    back = bool(amount) and ((amount or ZERO) > 0) != (kind == "sell")
    by_price = line.half(fill.price, at_least=PRICE_PLACES)
    by_quantity = line.half(fill.quantity, at_least=QUANTITY_PLACES)
    quoted = fill.currency
    if unit := minor_unit_of(quoted):
        price, by_price, quoted = price / unit.per, by_price / unit.per, unit.currency
    slack = rounding(quantity, price, by_quantity=by_quantity, by_price=by_price)
    fee, gross, stated = ZERO, amount, price if quoted.upper() == about.currency else None
    quote = None
    if order is not None and order.is_cut:
        line.problem("event_incomplete", "The file lacks a part of this order.", of="order_id")
    if order is not None:
        found = order.in_account()
        place, order.taken = order.taken, order.taken + 1
        if found and amount is not None and stated is not None:
            _check(line, quantity * stated, amount, slack)
        if found:
            quote = Quote(about.currency, stated, None if amount is None else abs(amount))
            about = replace(about, currency=found[0])
            gross, stated = found[1][place], None
        if place == 0:
            fee = order.costs.get(about.currency, ZERO)
    if fill.isin and not about.security.isin:
        about = replace(about, security=replace(about.security, isin=fill.isin))
    row = trade(
        line, kind, about, quantity=quantity, price=stated, fee=fee, gross=gross,
        slack=slack, quote=quote,
    )  # fmt: skip
    return taking_back(line, row, kind, about) if back else row


def _check(line: Line, product: Decimal, amount: Decimal, slack: Decimal) -> None:
    if abs(product - abs(amount)) > Decimal("0.01") + slack:
        line.problem("amount_mismatch", f"{product} at the price, {abs(amount)} stated.")


def _joined(table: Table, options: Options) -> Iterator[Line | ParsedRow]:
    """Yield the lines with their complete order ids.

    An id may continue in the next line. One in the column after its own is recognized by its form.
    """
    held: Line | None = None
    for line in lines(table, options):
        shaped = "" if line.text("order_id") else _order_id(line)
        if shaped:
            line.cells = {**line.cells, "order_id": shaped}
        alone = line.text("order_id") and not any(
            value.strip() for name, value in line.cells.items() if name != "order_id"
        )
        if held is not None and alone:
            held.cells = {
                **held.cells,
                "order_id": held.text("order_id") + line.text("order_id"),
            }
            yield _grouped(held)
            held = None
            yield line.skip("part_of_another_row", "The end of the order id above.")
            continue
        if held is not None:
            yield _grouped(held)
            held = None
        if line.filled == 1:
            yield line.skip("text_line")
        else:
            held = line
    if held is not None:
        yield _grouped(held)


_ORDER_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def _order_id(line: Line) -> str:
    """Return the cell of the row that has the shape of an order id."""
    places = (line.text("order_next"), *line.found[-3:])
    found = next((cell.strip() for cell in places if _ORDER_ID.fullmatch(cell.strip())), "")
    wide = len(line.source.names) if line.source else 0
    if found and all(cell.strip() in ("", found) for cell in line.found[wide:]):
        line.problems = [problem for problem in line.problems if problem.code != "row_too_wide"]
    return found


def _grouped(line: Line) -> Line:
    """Return the line as a part of its order: its rows are imported together or not at all."""
    if line.text("order_id").endswith("-"):
        line.problem("row_cut_off", "The end of its order id is missing.", of="order_id")
    if line.text("order_id") and "text" in line.columns:
        line.group = f"order {line.text('order_id')}"
    return line


FORMATS = [
    ReadFormat(name="degiro", title="DEGIRO", read=read, layouts=[TRANSACTIONS, ACCOUNT]),
]
