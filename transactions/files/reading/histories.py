"""Histories of an account: each row has a word for what happened, and rows belong together. Pure.

A reinvestment or a journal is two rows here, cash is held in a money fund, and a row may take back
an earlier one; `bookings` is for files in which each row stands alone. A format of this kind is a
layout and a table of words. Its layout gives the columns these names:
`date`, `clock`, `type`, `symbol`, `isin`, `cusip`, `name`, `quantity`, `price`, `fee`, `tax`,
`accrued`, `amount`, `currency`, `account`, `note` and `id`; a format may lack any but the date. A
word means one of the following, or a code of SKIP_CODES or ROW_CODES:

    buy, sell            a trade; its amount is what moved, after fees
    reinvested           a purchase out of a payment: with the payment of the same security, day
                         and amount it is one `reinvestment`, else a purchase
    in_units             income that came as units: a reinvestment without a second row
    dividend, interest, return_of_capital, fee, tax
    moved                a deposit or a withdrawal, by the sign; also `deposit` and `withdrawal`
    units                a transfer of units, by the sign of the quantity
    split                the units that a split added
    canceled_buy, canceled_sell   what takes back a trade of the file (`corrections`)
    journaled            two rows of a day that cancel each other are skipped; one alone is `moved`
"""

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from decimal import Decimal
from typing import BinaryIO

from transactions.files.reading.cells import effective
from transactions.files.reading.interface import (
    NO_SECURITY,
    ROW_CODES,
    SKIP_CODES,
    Options,
    ParsedRow,
    Quote,
    Reader,
)
from transactions.files.reading.lines import Line, lines
from transactions.files.reading.pairs import Pairs, watched
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
    says_back,
    signed_cash,
    slack_of,
    split_by_units,
    taking_back,
    taxed_income,
    trade,
    withheld,
)
from transactions.files.reading.tables import Layout, open_table
from transactions.ledger.kinds import KINDS

# The largest fees of the SEC and FINRA on a sale: each is rounded up to a cent.
_CENTS, _SHARE_OF_SALE, _EACH = Decimal("0.02"), Decimal("0.00004"), Decimal("0.0002")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How the rows of one format are read.

    `meaning` returns what a row is, "" if its word is unknown. `is_signed`: amounts have the sign
    of the cash. `gross`: the amount of a trade is before fees, the amount of income before tax.
    `funds`: symbols of money funds that hold the account's cash. `currency`: of a file that states
    none. `prefix`: of the ids in the column `id`. `sale_costs`: small costs of the exchange are
    taken off the amount of a sale and stated nowhere. `prepare` may replace cells of a row before
    it is read, `amend` what is read.
    """

    layouts: Sequence[Layout]
    meaning: Callable[[Line], str]
    prefix: str
    is_signed: bool = True
    gross: bool = False
    currency: str = ""
    funds: Collection[str] = ()
    zone: tzinfo | None = None
    sale_costs: bool = False
    prepare: Callable[[Line], None] | None = None
    amend: Callable[[Line, About], About] | None = None
    quote: Callable[[Line], Quote | None] | None = None


def word_of(words: Mapping[str, str], line: Line, *names: str) -> str:
    """Return the meaning of the first of the cells whose text is one of the words, else ""."""
    for name in names or ("type",):
        found = words.get(" ".join(line.text(name).casefold().split()))
        if found:
            return found
    return ""


def beginning_of(words: Mapping[str, str], line: Line, name: str) -> str:
    """Return the meaning of the longest word with which a cell begins, else ""."""
    text = " ".join(line.text(name).casefold().split())
    return max(
        ((len(word), meaning) for word, meaning in words.items() if text.startswith(word)),
        default=(0, ""),
    )[1]


def reader(history: History) -> Reader:
    """Return the reader of a format's files."""

    def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
        if history.currency:
            options = replace(options, currency=history.currency)
        _, table = open_table(data, options, history.layouts)
        before_cut: set[int] = set()
        pairs = Pairs(_sides(history, watched(lines(table, options), before_cut)))
        yield from read_rows(
            data, options, history.layouts, lambda line, _: _rows(history, line, pairs, before_cut)
        )

    return read


def _sides(history: History, found: Iterable[Line]) -> Iterator[tuple[bool, Hashable]]:
    for line in found:
        if history.prepare:
            history.prepare(line)
        side = _side(history, line, history.meaning(line))
        if side is not None:
            yield side


def _side(history: History, line: Line, word: str) -> tuple[bool, Hashable] | None:
    """Return (whether money left, key of the pair) of a row that may be one of two sides."""
    amount = line.figure("amount")
    if not amount or word not in ("dividend", "reinvested", "journaled"):
        return None
    out = amount < 0 if history.is_signed or word == "journaled" else word == "reinvested"
    if word != "journaled" and out != (word == "reinvested"):
        return None
    kind = "reinvested" if word == "dividend" else word
    key = (kind, effective(line.text("date")), line.text("symbol"), abs(amount))
    return out, (line.text("account"), line.code("currency"), *key)


def _rows(
    history: History, line: Line, pairs: Pairs, before_cut: Collection[int]
) -> Iterator[ParsedRow]:
    if history.prepare:
        history.prepare(line)
    word = history.meaning(line)
    side = _side(history, line, word)
    paired = side is not None and pairs.take(*side)
    if side is not None and not paired and line.number in before_cut:
        line.problem("held_back")
    if line.text("symbol").upper() in history.funds:
        if word in ("buy", "sell", "reinvested", "units"):
            yield line.skip("sweep")
            return
        word = "interest" if word == "dividend" else word
    elif side is not None and paired and (word == "journaled" or not side[0]):
        code = "journal" if word == "journaled" else "part_of_another_row"
        yield line.skip(code)
        return
    if word == "fx_conversion" and history.is_signed:
        yield exchanged(line, line.figure("amount"), line.code("currency"))
    elif word in SKIP_CODES:
        yield line.skip(word)
    elif word in ROW_CODES:
        yield line.refused(word, of="type")
    elif not word and (canceled := _canceled_by(line)):
        yield from _entries(history, line, canceled, _about(history, line, canceled))
    elif not word:
        text = line.text("type") or line.text("note")
        yield line.refused(
            "type_unknown" if text else "type_missing", f"{text[:40]!r}" if text else "", of="type"
        )
    else:
        if word == "reinvested" and paired:
            word = "reinvestment"
        yield from _entries(history, line, word, _about(history, line, word))


def _canceled_by(line: Line) -> str:
    """Return the meaning of a word that is unknown but for saying that it takes a trade back."""
    amount = line.figure("amount")
    if not amount or not line.quantity("quantity") or not says_back(line.text("type")):
        return ""
    return "canceled_buy" if amount > 0 else "canceled_sell"


def _about(history: History, line: Line, word: str) -> About:
    name = line.id("id")
    about = About(
        at=line.happened("split" if word == "split" else "cash", "date", zone=history.zone),
        currency=line.currency("currency"),
        account=line.name("account"),
        security=line.security(),
        note=line.note(line.text("note")),
        external_id=f"{history.prefix}:{name}" if name else "",
    )
    return history.amend(line, about) if history.amend else about


_SHORT_YEAR = re.compile(r"(\d{1,2}/\d{1,2}/)(\d\d)")


def complete_year(line: Line) -> None:
    """Give a date like 04/05/23, in a format that always writes it so, its century."""
    found = _SHORT_YEAR.fullmatch(line.text("date"))
    if found:
        line.cells = {**line.cells, "date": f"{found[1]}20{found[2]}"}


def _entries(history: History, line: Line, word: str, about: About) -> Iterator[ParsedRow]:
    """Yield the rows of a word that is one of our types, or a move of cash or units."""
    amount = line.figure("amount")
    bare = replace(about, security=NO_SECURITY)
    kind = KINDS.get("buy" if word == "reinvested" else word)
    if word in ("moved", "journaled"):
        yield signed_cash(line, "deposit", "withdrawal", bare, amount)
    elif word == "units":
        yield moved_units(line, about, line.quantity("quantity"))
    elif word == "in_units":
        yield _in_units(line, about, amount)
    elif word in ("canceled_buy", "canceled_sell"):
        canceled = word.removeprefix("canceled_")
        unsigned = replace(history, is_signed=False)
        row = _trade(unsigned, line, canceled, about, amount)
        yield taking_back(line, row, canceled, about)
    elif kind is None or kind.figures == "split":
        assert word == "split", f"{word} is what a word may mean"
        yield split_by_units(line, about)
    elif kind.figures == "trade":
        yield _trade(history, line, kind.name, about, amount)
        tax = line.figure("tax") or ZERO
        if kind.name == "sell" and tax < 0:
            yield from refunded(line, about, -tax)
        elif kind.name == "sell":
            yield from withheld(line, about, tax)
    elif kind.performance == "flow":
        if history.is_signed and amount and (amount > 0) != (kind.cash == "in"):
            line.problem("amount_sign", of="amount")
        yield cash(line, kind.name, bare, amount)
    elif kind.cash == "in":
        yield from _income(history, line, kind.name, about, amount)
    else:
        charged = amount if history.is_signed or amount is None else -abs(amount)
        yield charge(line, kind.name, about if kind.performance == "tax" else bare, charged)


def _in_units(line: Line, about: About, amount: Decimal | None) -> ParsedRow:
    return income_in_units(
        line,
        about,
        quantity=line.quantity("quantity"),
        price=line.figure("price"),
        amount=amount,
        fee=abs(line.figure("fee") or ZERO),
    )


def _is_opposite(history: History, line: Line, kind: str) -> bool:
    """Return whether both the amount and the quantity have the sign of the opposite trade."""
    amount, quantity = line.figure("amount"), line.quantity("quantity")
    if not history.is_signed or not amount or not quantity:
        return False
    return (amount < 0) == (quantity > 0) == (kind == "sell")


def _trade(
    history: History, line: Line, kind: str, about: About, amount: Decimal | None
) -> ParsedRow:
    if _is_opposite(history, line, kind):
        unsigned = replace(history, is_signed=False)
        row = _trade(unsigned, line, kind, about, amount)
        return taking_back(line, row, kind, about)
    if history.is_signed and amount and (amount > 0) != (kind == "sell"):
        line.problem("amount_sign", of="amount")
    quantity, price = line.quantity("quantity"), line.figure("price")
    taxes = abs(line.figure("tax") or ZERO)
    whole = None if amount is None else abs(amount)
    costs = ZERO
    if history.sale_costs and kind == "sell" and whole and quantity:
        costs = _CENTS + whole * _SHARE_OF_SALE + abs(quantity) * _EACH
    return trade(
        line,
        kind,
        about,
        quantity=quantity,
        price=price,
        fee=abs(line.figure("fee") or ZERO) + (ZERO if kind == "sell" else taxes),
        gross=whole if history.gross else None,
        net=None if history.gross else whole,
        slack=slack_of(line, quantity, price),
        beside=costs + abs(line.figure("accrued") or ZERO),
        per_hundred=True,
        quote=history.quote(line) if history.quote else None,
    )


def _income(
    history: History, line: Line, kind: str, about: About, amount: Decimal | None
) -> Iterator[ParsedRow]:
    if kind == "interest":
        about = replace(about, security=NO_SECURITY)
    tax = line.figure("tax")
    if tax and amount and amount > 0:
        yield from taxed_income(line, kind, about, amount, tax=tax, is_whole=history.gross)
    elif kind == "interest":
        yield interest(line, about, amount)
    else:
        yield income(line, kind, about, amount)
