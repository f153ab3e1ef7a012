"""Trading 212's CSV history. Pure.

Prices are in the currency of the share, totals in that of the account, so trades are booked in the
account's currency by their total; a price in the account's currency is checked. `Total` includes
the fees. The total of a dividend is net of withholding tax: the dividend is booked gross, with the
tax as a separate row, if both are in one currency.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO

from core.money import WIDE
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.cells import number
from transactions.files.reading.interface import NO_SECURITY, Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import (
    ZERO,
    About,
    charge,
    exchanged,
    interest,
    moved_units,
    quote_of,
    read_rows,
    signed_cash,
    slack_of,
    taxed_income,
    trade,
)
from transactions.files.reading.tables import Layout

_FEES = (
    *("Currency conversion fee", "Stamp duty", "Stamp duty reserve tax", "Transaction fee"),
    *("Finra fee", "French transaction tax", "PTM levy", "Charge amount", "Deposit fee"),
)
# The fee for converting a trade is 0.15 % of it at least.
_UNEXPLAINED_MAX, _CENTS = Decimal("0.001"), Decimal("0.02")
LAYOUT = Layout(
    name="trading212",
    columns={
        "type": ("Action",),
        "date": ("Time", "Date and time"),
        "isin": ("ISIN",),
        "symbol": ("Ticker",),
        "name": ("Name",),
        "quantity": ("No. of shares", "Number of shares", "Shares"),
        "price": ("Price / share", "Price per share"),
        "price_currency": ("Currency (Price / share)",),
        "rate": ("Exchange rate",),
        "total": ("Total", "Total (EUR)", "Total (GBP)", "Total (USD)"),
        "total_currency": ("Currency (Total)",),
        "tax": ("Withholding tax",),
        "tax_currency": ("Currency (Withholding tax)",),
        "converted": ("Currency conversion to amount",),
        "note": ("Notes",),
        "id": ("ID",),
        **{f"fee {i}": (name, f"{name} (EUR)", f"{name} (GBP)") for i, name in enumerate(_FEES)},
        **{f"fee currency {i}": (f"Currency ({name})",) for i, name in enumerate(_FEES)},
    },
    required=frozenset({"type", "date", "symbol", "quantity", "price", "price_currency", "total"}),
    # A file has the columns of what happened in it; a total may say its currency in its name.
    optional=(
        *("rate", "total_currency", "tax", "tax_currency", "converted"),
        *(f"fee {i}" for i in range(len(_FEES))),
        *(f"fee currency {i}" for i in range(len(_FEES))),
    ),
    dates=("date",),
    decimal=".",
    money={
        "price": "price_currency",
        "total": "total_currency",
        "tax": "tax_currency",
        **{f"fee {i}": f"fee currency {i}" for i in range(len(_FEES))},
    },
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_rows(data, options, [LAYOUT], lambda line, _: _rows(line))


def _rows(line: Line) -> Iterator[ParsedRow]:
    word = line.text("type").casefold()
    kind = "split" if "split" in word else "buy"
    name = line.id("id")
    total_in = line.columns.get("total", "")
    named = total_in[-4:-1] if total_in.endswith(")") else ""
    about = About(
        at=line.happened(kind, "date"),
        currency=named or line.currency("total_currency"),
        security=line.security(),
        note=line.note(line.text("note")),
        external_id=f"trading212:{name}" if name else "",
    )
    bare = replace(about, security=NO_SECURITY)
    total = line.figure("total")
    if word.endswith((" buy", " sell")):
        yield _trade(line, "buy" if word.endswith("buy") else "sell", about, total)
    elif word.startswith(("dividend", "return of capital")):
        yield from _dividend(line, word, about, total)
    elif word.startswith(("interest", "lending interest", "share lending interest")):
        yield interest(line, bare, total)
    elif word.startswith("transfer") and line.text("quantity"):
        units = abs(line.quantity("quantity") or ZERO)
        yield moved_units(line, about, -units if word.endswith("out") else units)
    elif word in ("deposit", "withdrawal") or word.startswith(("card ", "spending", "transfer")):
        yield signed_cash(line, "deposit", "withdrawal", bare, _signed(word, total))
    elif word == "currency conversion":
        yield _conversion(line, bare)
    elif "fee" in word or word == "new card cost":
        yield charge(line, "fee", bare, None if total is None else -abs(total))
    elif word.startswith(("stock split", "stock distribution")):
        yield line.refused("event_incomplete", of="type")
    elif not word:
        yield line.refused("type_missing", of="type")
    else:
        yield line.refused("type_unknown", f"{word[:40]!r}", of="type")


def _needs_currency(line: Line, name: str, currency: str) -> None:
    """Check that the file says in which currency a cost is: in its heading or a column."""
    if not line.columns[name].endswith(")"):
        line.needs(currency)


def _conversion(line: Line, about: About) -> ParsedRow:
    """Return the fee of a conversion between the account's currencies; else it moves nothing."""
    line.needs("fee 0")
    fees = [(line.figure(f"fee {i}"), line.code(f"fee currency {i}")) for i in range(len(_FEES))]
    charged = [(fee, currency) for fee, currency in fees if fee]
    if line.problems:
        return line.row(None)
    if not charged:
        # A row that states what it brought is both sides.
        if line.figure("converted"):
            return line.skip("fx_conversion")
        return exchanged(line, line.figure("total"), about.currency)
    currency = charged[0][1] or about.currency
    fee = sum((abs(fee) for fee, of in charged if fee and of in ("", currency)), ZERO)
    return charge(line, "fee", replace(about, currency=currency), -fee)


def _signed(word: str, total: Decimal | None) -> Decimal | None:
    if total is None or word not in ("withdrawal", "transfer out"):
        return total
    return -abs(total)


def _trade(line: Line, kind: str, about: About, total: Decimal | None) -> ParsedRow:
    fee = ZERO
    for place in range(len(_FEES)):
        part = line.figure(f"fee {place}")
        if not part:
            continue
        _needs_currency(line, f"fee {place}", f"fee currency {place}")
        if line.code(f"fee currency {place}") in ("", about.currency):
            fee += abs(part)
    price, quantity = line.figure("price"), line.quantity("quantity")
    if line.code("price_currency") != about.currency:
        if "fee 0" not in line.columns:
            _check_total(line, quantity, total)
        price = None  # the total, in the account's currency, is the amount paid
    return trade(
        line,
        kind,
        about,
        quantity=quantity,
        price=price,
        fee=fee,
        net=total,
        slack=slack_of(line, quantity, price),
        quote=quote_of(line, "price_currency", "price"),
        of="total",
    )


def _check_total(line: Line, quantity: Decimal | None, total: Decimal | None) -> None:
    """Check that a total without a fee for its conversion is the price at the stated rate."""
    line.needs("rate")
    # The rate has been seen both ways, and of pence as well as of pounds.
    price, rate = number(line.text("price"), line.decimal), line.figure("rate")
    if not (price and rate and quantity and total):
        return
    product, stated = WIDE.multiply(quantity, price), abs(total)
    rates = [rate * unit for unit in (1, 100, Decimal("0.01"))]
    worth = [WIDE.divide(product, each) for each in rates]
    worth += [WIDE.multiply(product, each) for each in rates]
    if min(abs(one - stated) for one in worth) > max(stated * _UNEXPLAINED_MAX, _CENTS):
        line.problem("amount_mismatch", "Price and rate do not explain the total.", of="total")


def _dividend(line: Line, word: str, about: About, total: Decimal | None) -> Iterator[ParsedRow]:
    kind = "return_of_capital" if "return of capital" in word else "dividend"
    line.needs("tax")
    tax = abs(line.figure("tax") or ZERO)
    if tax:
        _needs_currency(line, "tax", "tax_currency")
    same = line.code("tax_currency") in ("", about.currency)
    if tax and not same:
        line.warn("tax_not_stated_apart", of="tax")
    yield from taxed_income(line, kind, about, total, tax=tax if same else ZERO)


FORMATS = [
    ReadFormat(
        name="trading212",
        title="Trading 212",
        read=read,
        signatures=[{"action", "time", "no. of shares", "price / share"}],
        layouts=[LAYOUT],
    ),
]
