"""Portfolio Performance: its CSV exports of account and of portfolio transactions. Pure.

    value   the cash moved: gross + fees + taxes of a purchase, gross - fees - taxes of a sale
            or a dividend; in the currency of the transaction
    gross   may be in the currency of the security, at `exchange rate`; the value counts

Taxes paid with a purchase are part of its cost; taxes withheld from a sale or a dividend are a row
of their own. A delivery is a transfer from or to outside, with its value as the basis. Both exports
of a portfolio contain its purchases: import one of the two, or rely on the check for duplicates.
Older exports of an account state neither gross amounts nor fees: their trades are recorded for the
value, with which cash and basis are right; how much of it were fees is not known.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO

from core.money import minor_unit, quantize
from transactions.files.formats.declaration import ReadFormat
from transactions.files.formats.portfolio_performance_labels import COLUMNS, TYPES
from transactions.files.reading.interface import NO_SECURITY, Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import (
    ZERO,
    About,
    cash,
    draft,
    income,
    moved_units,
    quote_of,
    read_rows,
    taking_back,
    trade,
)
from transactions.files.reading.tables import Layout, plain_name

_OF_ACCOUNTS = (
    *("wkn", "cash_account", "other_cash_account", "securities_account"),
    "other_securities_account",
)
_OF_COSTS = frozenset({"gross", "gross_currency", "rate", "fee"})
_ANY = frozenset({"date", "type", "value", "currency", "tax", "quantity", "name"})
LAYOUT = Layout(
    name="portfolio_performance",
    columns=COLUMNS,
    required=_ANY | _OF_COSTS,
    optional=_OF_ACCOUNTS,
    dates=("date",),
    numbers=("value", "quantity", "gross", "fee", "tax"),
    money={
        **dict.fromkeys(("value", "fee", "tax"), "currency"),
        "gross": "gross_currency",
    },
)
# The older export of an account states no fees.
WITHOUT_FEES = replace(LAYOUT, name="without fees", required=_ANY, absent=_OF_COSTS)
LAYOUTS = (LAYOUT, WITHOUT_FEES)
_TYPES = {plain_name(label): kind for kind, labels in TYPES.items() for label in labels}
# One type may have different names in the two exports.
_TYPES |= {"transfer": "transfer_in", "umbuchung": "transfer_in"}


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_rows(data, options, LAYOUTS, lambda line, _: transaction_rows(line))


def transaction_rows(line: Line) -> Iterator[ParsedRow]:
    """Yield the transactions of a line, whose cells are those of the CSV in any language."""
    label = line.text("type")
    kind = _TYPES.get(plain_name(label), "")
    if not kind:
        code = "type_unknown" if label else "type_missing"
        yield line.refused(code, f"{label[:40]!r}" if label else "", of="type")
        return
    security = line.security()
    if not security.isin and not security.symbol and line.text("wkn"):
        security = replace(security, symbol=line.short("wkn"))
    portfolio, account = line.name("securities_account"), line.name("cash_account")
    about = About(
        at=line.happened("trade", "date", clock="time"),
        currency=line.currency("currency"),
        account=portfolio or account,
        security=security,
        note=line.note(line.text("note")),
    )
    value, fee = line.figure("value"), abs(line.figure("fee") or ZERO)
    tax = abs(line.figure("tax") or ZERO)
    if kind in ("buy", "sell"):
        yield from _trade(line, kind, about, value, fee, tax)
    elif kind == "dividend":
        yield from _dividend(line, about, value, fee, tax)
    elif kind in ("delivery_in", "delivery_out") or (
        kind in ("transfer_in", "transfer_out") and line.quantity("quantity")
    ):
        units = abs(line.quantity("quantity") or ZERO)
        other = replace(about, to_account=line.name("other_securities_account"))
        basis = None if kind.startswith("transfer") else value
        if kind == "delivery_in" and value is None:
            line.problem("amount_missing", of="value")
        yield moved_units(line, other, units if kind.endswith("in") else -units, basis=basis)
    else:
        yield _cash(line, kind, about, value)


def _cash(line: Line, kind: str, about: About, value: Decimal | None) -> ParsedRow:
    bare = replace(about, security=NO_SECURITY)
    if kind == "tax":
        return cash(line, "tax", about, value, of="value")
    if kind in ("fee_refund", "tax_refund"):
        line.warn("refund_as_income", of="value")
        return cash(line, "interest", bare, value, of="value")
    if kind == "interest":
        return income(line, kind, bare, value)
    if kind in ("transfer_in", "transfer_out"):
        moved = "deposit" if kind == "transfer_in" else "withdrawal"
        other = replace(bare, to_account=line.name("other_cash_account"))
        return cash(line, moved, other, value, of="value")
    return cash(line, "fee" if kind == "interest_charge" else kind, bare, value, of="value")


def _trade(
    line: Line, kind: str, about: About, value: Decimal | None, fee: Decimal, tax: Decimal
) -> Iterator[ParsedRow]:
    if "fee" not in line.columns:
        line.warn("costs_not_stated", "The fees are part of the amount.", of="value")
    currency = about.currency or "USD"
    cost = fee + (tax if kind == "buy" else ZERO)
    gross = None
    if value is not None:
        gross = abs(value) - cost if kind == "buy" else abs(value) + fee + tax
        _check_gross(line, about, gross)
        if gross < 0:
            line.problem("amount_sign", "Fees and taxes are more than the value.", of="value")
    yield trade(
        line, kind, about, quantity=line.quantity("quantity"), price=None, fee=cost, gross=gross,
        quote=quote_of(line, "gross_currency", "price", "gross"), of="value",
    )  # fmt: skip
    tax = quantize(tax, currency)
    if kind == "sell" and tax and not line.problems:
        yield draft(line, "tax", about, amount=tax)


def _check_gross(line: Line, about: About, gross: Decimal) -> None:
    """Check that the gross amount in the transaction's currency is the value and its costs."""
    stated = line.figure("gross")
    same = line.code("gross_currency") in ("", about.currency)
    if stated is None or not same:
        return
    if abs(abs(stated) - gross) > minor_unit(about.currency):
        line.problem(
            "amount_mismatch",
            f"Value, fees and taxes give {gross}, the gross amount is {abs(stated)}.",
            of="gross",
        )


def _dividend(
    line: Line, about: About, value: Decimal | None, fee: Decimal, tax: Decimal
) -> Iterator[ParsedRow]:
    gross = None if value is None else abs(value) + fee + tax
    if gross is not None:
        _check_gross(line, about, gross)
    if "fee" not in line.columns:
        line.warn("costs_not_stated", of="value")
    paid = cash(line, "dividend", about, gross, fee=fee, of="value")
    back = value is not None and value < 0
    yield taking_back(line, paid, "dividend", about) if back else paid
    tax = quantize(tax, about.currency or "USD")
    if tax and not line.problems:
        withheld = draft(line, "tax", about, amount=tax)
        yield taking_back(line, withheld, "tax", about) if back else withheld


FORMATS = [
    ReadFormat(
        name="portfolio_performance",
        title="Portfolio Performance CSV",
        read=read,
        layouts=LAYOUTS,
    ),
]
