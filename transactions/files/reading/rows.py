"""The checks and the Draft of a row, shared by all readers. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO

from core.limits import NOTE_LENGTH_MAX
from core.money import WIDE, quantize
from transactions.files.reading import cells
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import (
    NO_SECURITY,
    ROW_CODES,
    WARNING_CODES,
    Correction,
    Draft,
    FileRate,
    Leg,
    Options,
    ParsedRow,
    Quote,
    RowProblem,
    Security,
)
from transactions.files.reading.lines import (
    Line,
    cash_money,
    is_text_line,
    lines,
    trade_money,
)
from transactions.files.reading.tables import Layout, open_table

ZERO = Decimal(0)
DEFAULT_CURRENCY = "USD"  # lets the checks continue on a row that is refused because it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The data of a row that every type has."""

    at: datetime | None
    currency: str
    account: str = ""
    security: Security = NO_SECURITY
    note: str = ""
    order_id: str = ""
    external_id: str = ""
    fx_rate: Decimal | None = None
    file_rate: FileRate | None = None
    to_account: str = ""


def draft(
    line: Line,
    kind: str,
    about: About,
    *,
    quantity: Decimal | None = None,
    price: Decimal | None = None,
    amount: Decimal | None = None,
    fee: Decimal = ZERO,
    new_security: Security = NO_SECURITY,
    ratio: str = "",
    added_quantity: Decimal | None = None,
    opened_date: date | None = None,
    quote: Quote | None = None,
) -> ParsedRow:
    """Return the row with its Draft, or without one if it has no day or no currency."""
    if about.at is None or not about.currency:
        return line.row(None)
    return line.row(
        Draft(
            type=kind,
            executed_at=about.at,
            currency=about.currency,
            account=about.account or line.options.account,
            security=about.security,
            quantity=quantity,
            price=price,
            amount=amount,
            fee=fee,
            fx_rate=about.fx_rate,
            file_rate=about.file_rate,
            quote=quote,
            new_security=new_security,
            ratio=ratio,
            added_quantity=added_quantity,
            opened_date=opened_date,
            to_account=about.to_account,
            order_id=about.order_id,
            external_id=about.external_id,
            note=about.note,
        )
    )


def trade(
    line: Line,
    kind: str,
    about: About,
    *,
    quantity: Decimal | None,
    price: Decimal | None,
    fee: Decimal = ZERO,
    gross: Decimal | None = None,
    net: Decimal | None = None,
    slack: Decimal = ZERO,
    beside: Decimal = ZERO,
    per_hundred: bool = False,
    quote: Quote | None = None,
    of: str = "amount",
) -> ParsedRow:
    """Return a buy, sell or reinvestment, without the signs of quantity, price and amounts.

    `slack` is the largest effect of the file's rounding on quantity * price, `beside` what the
    amount may have besides: accrued interest, small costs. `per_hundred` allows prices in percent
    of the face value, as bonds have.
    """
    if not about.security:
        line.problem("symbol_missing", of="symbol")
    if quantity is None:
        line.problem("quantity_missing", of="quantity")
    elif not quantity:
        line.problem("quantity_zero", of="quantity")
    if not quantity:
        return line.row(None)
    quantity = abs(quantity)
    price = None if price is None else abs(price)
    gross = None if gross is None else abs(gross)
    net = None if net is None else abs(net)
    currency = about.currency or DEFAULT_CURRENCY
    if per_hundred and price is not None:
        stated = gross if gross is not None else net
        product = WIDE.multiply(quantity, price)
        if stated and abs(product / 100 - stated) * 20 < stated < product / 20:
            price, slack = price / 100, slack / 100
    price, amount, fee = trade_money(
        line,
        kind=kind,
        currency=currency,
        quantity=quantity,
        price=price,
        fee=fee,
        gross=gross,
        net=net,
        slack=slack + beside,
        of=of,
    )
    return draft(
        line, kind, about, quantity=quantity, price=price, amount=amount, fee=fee, quote=quote
    )


def cash(
    line: Line,
    kind: str,
    about: About,
    amount: Decimal | None,
    *,
    fee: Decimal = ZERO,
    of: str = "amount",
) -> ParsedRow:
    """Return a row that moves only cash, without the sign of the amount."""
    currency = about.currency or DEFAULT_CURRENCY
    whole, fee = cash_money(line, currency=currency, amount=amount, fee=fee, of=of)
    if fee < 0:
        line.problem("amount_sign", of="fee")
    if kind in ("dividend", "return_of_capital") and not about.security:
        line.problem("symbol_missing", of="symbol")
    if whole is None:
        return line.row(None)
    return draft(line, kind, about, amount=whole, fee=fee)


# Words by which files say that income came as units instead of cash.
IN_UNITS = frozenset(
    {
        *("dividend_in_kind", "dividend_reinvestment", "stock_dividend", "drip", "reinvested"),
        *("staking", "staking_reward", "reward", "interest_in_kind", "airdrop"),
    }
)


def is_in_units(word: str) -> bool:
    """Return whether a type or subtype says that income came as units."""
    return "_".join(word.casefold().replace("-", " ").replace("_", " ").split()) in IN_UNITS


def income_in_units(
    line: Line,
    about: About,
    *,
    quantity: Decimal | None,
    price: Decimal | None,
    amount: Decimal | None,
    fee: Decimal = ZERO,
) -> ParsedRow:
    """Return income that came as units: units and basis grow, and no cash moves.

    If the amount is left out, it is quantity times price. Units without a worth are refused: they
    share the basis of those held, which their row does not tell.
    """
    return trade(
        line,
        "reinvestment",
        about,
        quantity=quantity,
        price=price or None,
        fee=fee,
        gross=amount or None,
        slack=slack_of(line, quantity, price),
    )


def signed_cash(
    line: Line, incoming: str, outgoing: str, about: About, amount: Decimal | None
) -> ParsedRow:
    """Return a row of one type if money came in, of another if it went out."""
    if amount is not None and amount < 0:
        return cash(line, outgoing, about, amount)
    return cash(line, incoming, about, amount)


def taking_back(
    line: Line,
    row: ParsedRow,
    kind: str,
    about: About,
    *,
    named: str = "",
    otherwise: ParsedRow | None = None,
    of: str = "amount",
) -> ParsedRow:
    """Return a row, read as if it were what it takes back, as the correction of that."""
    detail = ROW_CODES["correction_not_supported"]
    problem = RowProblem("correction_not_supported", detail, line.columns.get(of, of))
    back = Correction(kind, about.security.key, named, otherwise)
    entry = None if row.problems else row.entry
    return replace(row, entry=entry, problems=(*row.problems, problem), takes_back=back)


_BACK = re.compile(r"revers|cancel|\(ca\.?\)|storn|annul|estorn|anulac|terugboek", re.IGNORECASE)


def says_back(*texts: str) -> bool:
    """Return whether a text says that a row is reversed or canceled."""
    return any(_BACK.search(text[:NOTE_LENGTH_MAX]) for text in texts)


def charge(line: Line, kind: str, about: About, amount: Decimal | None) -> ParsedRow:
    """Return a fee or tax, stated negative; a positive one takes back an earlier one.

    Fees that the file does not state before are a refund: income, not a deposit.
    """
    row = cash(line, kind, about, amount)
    if amount is None or amount <= 0:
        return row
    refund = None
    if kind == "fee" and not row.problems and not says_back(about.note):
        refund = cash(line, "interest", about, amount)
        told = RowProblem("refund_as_income", WARNING_CODES["refund_as_income"], "")
        refund = replace(refund, warnings=(*refund.warnings, told))
    return taking_back(line, row, kind, about, otherwise=refund)


def income(line: Line, kind: str, about: About, amount: Decimal | None) -> ParsedRow:
    """Return a dividend or interest, stated positive; a negative one corrects an earlier row."""
    row = cash(line, kind, about, amount)
    return taking_back(line, row, kind, about) if amount is not None and amount < 0 else row


def interest(line: Line, about: About, amount: Decimal | None) -> ParsedRow:
    """Return interest; a negative one takes back an earlier one, else it was paid: a fee."""
    row = income(line, "interest", about, amount)
    if row.takes_back is None or row.entry is None or says_back(about.note):
        return row
    paid = replace(row, entry=replace(row.entry, type="fee"), problems=(), takes_back=None)
    return replace(row, takes_back=replace(row.takes_back, otherwise=paid))


def taxed_income(
    line: Line,
    kind: str,
    about: About,
    amount: Decimal | None,
    *,
    tax: Decimal,
    fee: Decimal = ZERO,
    is_whole: bool = False,
) -> Iterator[ParsedRow]:
    """Yield income before tax and fee, and the tax withheld from it as a row of its own.

    The amount is what moved, or what was paid before tax and fee if it `is_whole`. A negative one
    takes back income and tax.
    """
    currency = about.currency or DEFAULT_CURRENCY
    tax, fee = quantize(abs(tax), currency), quantize(fee, currency)
    back = amount is not None and amount < 0
    if amount is not None and not is_whole:
        amount += (tax + fee) * (-1 if back else 1)
    row = cash(line, kind, about, amount, fee=fee)
    yield taking_back(line, row, kind, about) if back else row
    yield from withheld(line, about, -tax if back else tax)


def withheld(line: Line, about: About, tax: Decimal) -> Iterator[ParsedRow]:
    """Yield the tax withheld from a payment, under the payment's id; none of a refused payment.

    A negative tax takes back an earlier one.
    """
    tax = quantize(tax, about.currency or DEFAULT_CURRENCY)
    if tax and not line.problems:
        named = replace(about, external_id=f"{about.external_id}:tax" if about.external_id else "")
        row = draft(line, "tax", named, amount=abs(tax))
        yield taking_back(line, row, "tax", named) if tax < 0 else row


def refunded(line: Line, about: About, tax: Decimal) -> Iterator[ParsedRow]:
    """Yield taxes that came back with a sale or a payment, which were withheld from others before.

    None of a refused row. The ledger has no tax below zero: they are income, with a warning.
    """
    tax = quantize(tax, about.currency or DEFAULT_CURRENCY)
    if tax and not line.problems:
        named = f"{about.external_id}:tax" if about.external_id else ""
        told = RowProblem("refund_as_income", WARNING_CODES["refund_as_income"], "")
        row = draft(
            line, "interest", replace(about, security=NO_SECURITY, external_id=named), amount=tax
        )
        yield replace(row, warnings=(told,))


def exchanged(line: Line, amount: Decimal | None, currency: str) -> ParsedRow:
    """Return one side of an exchange of currencies: skipped if the file has the other one."""
    row, found = line.skip("fx_conversion"), line.moment("date")
    if not amount or not currency or found is None:
        return row
    order = line.id("order_id").strip("0")
    return replace(row, leg=Leg(found.day, currency, amount, order))


def moved_units(
    line: Line,
    about: About,
    quantity: Decimal | None,
    *,
    basis: Decimal | None = None,
    opened_date: date | None = None,
) -> ParsedRow:
    """Return a transfer of units from or to another account, by the sign of the quantity."""
    if not quantity:
        return line.refused("quantity_missing", of="quantity")
    if not about.security:
        line.problem("symbol_missing", of="symbol")
    if quantity < 0:
        return draft(line, "transfer_out", about, quantity=-quantity)
    if basis is None:
        line.warn("basis_unknown", of="amount")
    else:
        basis = quantize(abs(basis), about.currency or DEFAULT_CURRENCY)
        opened_date = opened_date or arrival(line, about.at)
    return draft(
        line, "transfer_in", about, quantity=quantity, amount=basis, opened_date=opened_date
    )


def file_rate(line: Line, name: str, *, to: str = "") -> FileRate | None:
    """Return the rate in a cell, which leads to the currency in which the file is kept."""
    rate = line.rate(name)
    if rate is None:
        return None
    # The rate 1 has one spelling: it tells the currency of the file.
    return FileRate(Decimal(1) if rate == 1 else rate, to or line.options.base_currency)


def quote_of(line: Line, currency: str, price: str, amount: str = "") -> Quote | None:
    """Return the market's side of a trade as the cells state it, without sign."""
    quoted = line.code(currency)
    if not cells.is_currency(quoted):
        return None
    stated = line.figure(price), line.figure(amount) if amount else None
    at, total = (None if value is None else abs(value) for value in stated)
    return Quote(quoted, at or None, None if total is None else quantize(total, quoted))


def arrival(line: Line, at: datetime | None) -> date | None:
    """Return the day of arrival as the day of purchase, which the file does not state."""
    line.warn("opened_date_assumed", of="opened_date")
    return at.date() if at else None


# Brokers round prices to the cent at most and fractions to a thousandth.
PRICE_PLACES, QUANTITY_PLACES = 2, 3


def split_by_units(line: Line, about: About) -> ParsedRow:
    """Return a split of which the file states only the units added."""
    added = line.quantity("quantity")
    if not added:
        return line.refused("quantity_missing", of="quantity")
    if not about.security:
        line.problem("symbol_missing", of="symbol")
    line.warn("split_ratio_from_holding", of="quantity")
    return draft(line, "split", about, added_quantity=added)


def slack_of(line: Line, quantity: Decimal | None, price: Decimal | None) -> Decimal:
    """Return the largest error of quantity * price, because the file rounds both."""
    return rounding(
        quantity,
        price,
        by_quantity=line.ulp("quantity", at_least=QUANTITY_PLACES),
        by_price=line.ulp("price", at_least=PRICE_PLACES),
    )


def rounding(
    quantity: Decimal | None, price: Decimal | None, *, by_quantity: Decimal, by_price: Decimal
) -> Decimal:
    """Return the error of quantity * price by the largest errors of both; whole units are exact."""
    if quantity is None or price is None:
        return ZERO
    whole = quantity == quantity.to_integral_value()
    return abs(quantity) * by_price + (ZERO if whole else abs(price) * by_quantity)


def read_rows(
    data: BinaryIO,
    options: Options,
    layouts: Sequence[Layout],
    rows_of: Callable[[Line, Layout], Iterable[ParsedRow]],
) -> Iterator[ParsedRow]:
    """Yield the rows of a file in which each line is read by itself."""
    layout, table = open_table(data, options, layouts)
    names = Fingerprints()
    for line in lines(table, options):
        if is_text_line(line):
            yield line.skip("text_line")
            continue
        for row in rows_of(line, layout):
            yield names.name(row, timed=line.timed)
