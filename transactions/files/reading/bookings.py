"""Bookings of a broker: each row stands alone, with its costs and taxes. Pure.

`histories` is for files in which rows belong together. The conventions of a format:

    meaning     what a word of the type column stands for: a type of ours, `trade` and `cash` (the
                sign of the amount decides), `split` (the units added), `units` (moved units), or a
                code of `interface`, with which the row is skipped or refused; `fee_back` and the
                like, or an amount of the wrong sign, take back an earlier row
    cash        the amount with its costs is what moved; `Costs` says how the file states them
    elsewhere   `settled` in `settled_currency` is what moved in the account's currency; the other
                figures are then the market's side, and costs are converted at the broker's rate

Taxes paid with a purchase are part of its cost. Taxes withheld from a sale or from income are a row
of their own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import BinaryIO

from core.money import WIDE, minor_unit, quantize
from transactions.files.reading.cells import is_currency, is_nothing
from transactions.files.reading.interface import (
    NO_SECURITY,
    ROW_CODES,
    SKIP_CODES,
    Options,
    ParsedRow,
    Quote,
)
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import (
    ZERO,
    About,
    cash,
    charge,
    exchanged,
    income,
    income_in_units,
    interest,
    moved_units,
    read_rows,
    refunded,
    slack_of,
    split_by_units,
    taking_back,
    taxed_income,
    trade,
    withheld,
)
from transactions.files.reading.tables import Layout, plain_name
from transactions.ledger.kinds import KINDS

BACK = "_back"  # after a meaning: the row takes back an earlier one of this meaning


class Costs(Enum):
    """Where the costs and taxes of a row are."""

    INCLUDED = "the amount is what moved, its costs are stated beside it"
    BESIDE = "the amount is before costs and taxes"
    EITHER = "of a trade: quantity and price say which; else the amount is what moved"
    HIDDEN = "the amount is what moved; what quantity and price do not explain are the costs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookings:
    """How a broker states its bookings; `words` in the form of `plain_name`.

    `signed`: outgoing amounts are negative. `tax_of_income`: the costs of income are taxes.
    `currency`: of files that name none. `unique`: the id names one row, not an order.
    `positive_taxes`: taxes that were paid are positive, so negative ones came back; elsewhere they
    came back if their sign is not that of the fees beside them.
    """

    prefix: str
    layouts: Sequence[Layout]
    words: Mapping[str, str]
    costs: Costs
    signed: bool = True
    tax_of_income: bool = False
    currency: str = ""
    unique: bool = True
    positive_taxes: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Amount as stated, costs without sign, in one currency; the market's side if it is another.

    A negative tax came back.
    """

    amount: Decimal | None
    fee: Decimal
    tax: Decimal
    price: Decimal | None
    quote: Quote | None = None


def words(**meanings: Iterable[str]) -> dict[str, str]:
    """Return the table of words from the words of each meaning."""
    return {plain_name(word): kind for kind, spelled in meanings.items() for word in spelled}


def read_bookings(
    data: BinaryIO,
    options: Options,
    *known: Bookings,
    rows: Callable[[Line, Bookings], Iterable[ParsedRow]] | None = None,
) -> Iterator[ParsedRow]:
    """Yield the rows of a file in the first known form whose heading it has.

    `rows` reads a line of formats that need more than words.
    """
    read = rows or booked_rows
    by_layout = {layout.name: bookings for bookings in known for layout in bookings.layouts}
    yield from read_rows(
        data,
        options,
        [layout for bookings in known for layout in bookings.layouts],
        lambda line, layout: read(line, by_layout[layout.name]),
    )


def booked_rows(line: Line, bookings: Bookings, meaning: str | None = None) -> Iterator[ParsedRow]:
    """Yield the transactions of a line; the word of its type says which, unless it is given."""
    word = line.text("type")
    if meaning is None:
        meaning = bookings.words.get(plain_name(word), "")
    if not meaning:
        code = "type_unknown" if word else "type_missing"
        yield line.refused(code, f"{word[:40]!r}" if word else "", of="type")
    elif meaning == "fx_conversion" and bookings.signed:
        yield exchanged(line, line.figure("amount"), line.code("currency"))
    elif meaning in SKIP_CODES:
        yield line.skip(meaning)
    elif meaning in ROW_CODES:
        yield line.refused(meaning, of="type")
    else:
        figures = _figures(line, meaning, bookings)
        yield from _meant(line, meaning, _about(line, meaning, bookings), figures, bookings)


def _about(line: Line, meaning: str, bookings: Bookings) -> About:
    name = line.id("id")
    settled, order = line.code("settled_currency"), line.id("order_id")
    return About(
        at=line.happened(meaning, "date", clock="time"),
        currency=settled if is_currency(settled) else _currency(line, bookings),
        account=line.name("account"),
        security=line.security(),
        note=line.note(line.text("note")),
        order_id=order if order.strip("0") else "",
        external_id=f"{bookings.prefix}:{name}" if name and bookings.unique else "",
    )


def _currency(line: Line, bookings: Bookings) -> str:
    stated = not is_nothing(line.text("currency")) or line.options.currency
    return line.currency("currency") if stated or not bookings.currency else bookings.currency


def _figures(line: Line, meaning: str, bookings: Bookings) -> Figures:
    """Return the figures of a row in the currency that was settled."""
    amount, price = line.figure("amount"), line.figure("price")
    fees = [line.figure(name) for name in line.columns if name.partition(" ")[0] == "fee"]
    fee = sum((abs(part) for part in fees if part), ZERO)
    tax = _tax(line, bookings, sum((part for part in fees if part), ZERO))
    if bookings.tax_of_income and meaning in ("dividend", "interest"):
        fee, tax = ZERO, tax + fee
    quoted, priced = line.code("currency"), line.code("price_currency")
    settled, moved = line.code("settled_currency"), line.figure("settled")
    if is_currency(settled) and settled != quoted:
        if not amount or moved is None:
            line.problem("amount_missing", of="settled")
            return Figures(None, fee, tax, None)
        rate = WIDE.divide(moved, amount)
        costs = (fee + tax) * (1 if bookings.costs is Costs.INCLUDED else 0)
        quote = Quote(quoted, price and abs(price), abs(quantize(amount + costs, quoted)))
        return Figures(moved, WIDE.multiply(fee, rate), WIDE.multiply(tax, rate), None, quote)
    if is_currency(priced) and priced != quoted:
        return Figures(amount, fee, tax, None, Quote(priced, price and abs(price)))
    return Figures(amount, fee, tax, price)


def _tax(line: Line, bookings: Bookings, fees: Decimal) -> Decimal:
    """Return the tax of a row, negative if it came back."""
    tax = line.figure("tax") or ZERO
    if bookings.positive_taxes:
        return tax
    return -abs(tax) if tax and fees and (tax < 0) != (fees < 0) else abs(tax)


def _meant(
    line: Line, meaning: str, about: About, figures: Figures, bookings: Bookings
) -> Iterator[ParsedRow]:
    bare, amount = replace(about, security=NO_SECURITY), figures.amount
    if meaning == "trade":
        meaning = "sell" if amount is not None and amount > 0 else "buy"
    elif meaning == "cash":
        meaning = "withdrawal" if amount is not None and amount < 0 else "deposit"
    kind = meaning.removesuffix(BACK)
    back = kind != meaning
    if bookings.signed and amount and kind in KINDS and KINDS[kind].cash in ("in", "out"):
        # An amount of the wrong sign takes back an earlier row.
        back = back or (amount < 0) != (KINDS[kind].cash == "out")
    if kind in ("buy", "sell"):
        rows = _trade(line, kind, about, figures, bookings)
    elif kind == "interest" and not figures.tax and meaning == kind:
        yield interest(line, bare, amount)
        return
    elif kind in ("dividend", "interest"):
        back = back or (amount is not None and amount < 0)
        about = bare if kind == "interest" else about
        rows = _income(line, kind, about, figures, bookings)
    elif kind == "reinvestment":
        rows = _in_units(line, about, figures)
        back = back or (line.quantity("quantity") or ZERO) < 0
    elif kind in ("fee", "tax"):
        charged = _charged(line, figures, bookings)
        charged = abs(charged) if back and charged else charged
        named = kind == "tax" and (about.security.isin or about.security.symbol)
        yield charge(line, kind, about if named else bare, charged)
        return
    elif kind in ("deposit", "withdrawal"):
        about = bare
        rows = _moved(line, kind, about, figures, bookings)
    else:
        yield _other(line, kind, about, figures, bookings)
        return
    for row in rows:
        yield taking_back(line, row, _kind(row, kind), about) if back else row


def _kind(row: ParsedRow, kind: str) -> str:
    return row.entry.type if row.entry else kind


def _other(line: Line, kind: str, about: About, figures: Figures, bookings: Bookings) -> ParsedRow:
    bare = replace(about, security=NO_SECURITY)
    if kind == "refund":
        line.warn("refund_as_income", of="amount")
        return income(line, "interest", bare, _charged(line, figures, bookings))
    if kind == "split":
        return split_by_units(line, about)
    if kind == "units":
        return moved_units(line, about, line.quantity("quantity"))
    raise AssertionError(f"no meaning: {kind}")


def _moved(
    line: Line, kind: str, about: About, figures: Figures, bookings: Bookings
) -> Iterator[ParsedRow]:
    """Yield a deposit or a withdrawal, before its costs."""
    amount, fee = figures.amount, quantize(figures.fee, about.currency or "USD")
    if amount is not None and bookings.costs is not Costs.BESIDE:
        amount = abs(amount) + (fee if kind == "deposit" else -fee)
    yield cash(line, kind, about, amount, fee=fee)


def _in_units(line: Line, about: About, figures: Figures) -> Iterator[ParsedRow]:
    quantity, amount = line.quantity("quantity"), figures.amount
    yield income_in_units(line, about, quantity=quantity, price=figures.price, amount=amount)


def _charged(line: Line, figures: Figures, bookings: Bookings) -> Decimal | None:
    """Return what a row of costs or taxes moved, negative if it went out."""
    amount = figures.amount
    if bookings.costs is Costs.BESIDE:
        names = [name for name in line.columns if name.partition(" ")[0] in ("fee", "tax")]
        parts = [line.figure(name) for name in names]
        return sum((part for part in parts if part), amount or ZERO)
    return amount if bookings.signed or amount is None else -abs(amount)


def _trade(
    line: Line, kind: str, about: About, figures: Figures, bookings: Bookings
) -> Iterator[ParsedRow]:
    quantity, price = line.quantity("quantity"), figures.price
    slack = slack_of(line, quantity, price)
    gross, fee, tax = None, figures.fee, figures.tax
    currency = about.currency or "USD"
    side = -1 if kind == "sell" else 1
    if figures.amount is not None:
        # Rounded as they are recorded, so that all parts come to what moved.
        charged = fee + tax if kind == "buy" else quantize(fee, currency) + quantize(tax, currency)
        stated, costs = abs(figures.amount), quantize(charged, currency) * side
        product = None if None in (quantity, price) else abs(_product(quantity, price))
        gross = stated - costs
        if bookings.costs is Costs.BESIDE:
            gross = stated
        elif bookings.costs is Costs.EITHER and costs:
            if product is None:
                line.problem("price_missing", of="price")
            elif abs(product - stated) <= abs(product - gross):
                gross = stated
        elif bookings.costs is Costs.HIDDEN and product is not None:
            hidden = (stated - product) * side
            unit = minor_unit(currency)
            if slack + unit < hidden <= product / 10 + 20 and not costs:
                gross = quantize(product, currency)
                fee = (stated - gross) * side
    if kind == "buy" and tax > 0:
        fee, tax = fee + tax, ZERO
    _check_quote(line, quantity, figures.quote)
    yield trade(
        line,
        kind,
        about,
        quantity=quantity,
        price=price,
        fee=fee if figures.quote is None else quantize(fee, currency),
        gross=gross,
        slack=slack,
        quote=figures.quote,
    )
    yield from withheld(line, about, tax) if tax >= 0 else refunded(line, about, -tax)


def _check_quote(line: Line, quantity: Decimal | None, quote: Quote | None) -> None:
    """Check that price and amount of the market's side agree."""
    if quote is None or None in (quote.price, quote.amount, quantity):
        return
    product, stated = abs(_product(quantity, quote.price)), quote.amount or ZERO
    if abs(product - stated) > minor_unit(quote.currency) + slack_of(line, quantity, quote.price):
        line.problem(
            "amount_mismatch",
            f"Quantity and price give {product} {quote.currency}, the file says {stated}.",
            of="amount",
        )


def _product(quantity: Decimal | None, price: Decimal | None) -> Decimal:
    assert quantity is not None
    assert price is not None
    return WIDE.multiply(quantity, price)


def _income(
    line: Line, kind: str, about: About, figures: Figures, bookings: Bookings
) -> Iterator[ParsedRow]:
    """Yield income before costs and taxes, and the tax withheld from it."""
    amount = None if figures.amount is None else abs(figures.amount)
    whole, tax = bookings.costs is Costs.BESIDE, figures.tax
    if tax < 0 and amount is not None and not whole:
        amount += tax
    yield from taxed_income(
        line, kind, about, amount, tax=max(tax, ZERO), fee=figures.fee, is_whole=whole
    )
    yield from refunded(line, about, -tax) if tax < 0 else ()
