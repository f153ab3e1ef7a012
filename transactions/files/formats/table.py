"""Any other table, read by the columns that a person names. Pure.

    columns   the fields of our own CSV (`ballast`), and debit, credit, clock, balance
    cash      the amount with the sign that `amount_sign` gives it, or credit - debit
    kind      the word of the type column; without one, or where the word says so, the signs:
              with units        cash out or positive units: buy; cash in or negative units: sell
              without security  cash in: deposit; cash out: withdrawal

A sign that contradicts the kind is a problem of the row: no figure is turned to fit. The exception
are types whose negative amounts correct earlier rows (`ballast`). Worked example: amount -500.00,
type "Auszahlung" mapped to withdrawal, `amount_sign` "in": a withdrawal of 500.00; the same with
+500.00 is refused.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO

from transactions.files.formats import ballast
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.decoding import refusal
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import (
    CASH_BY_SIGN,
    SKIPPED,
    TRADE_BY_SIGN,
    WARNING_CODES,
    Options,
    ParsedRow,
    RowProblem,
)
from transactions.files.reading.lines import Line, is_text_line, lines
from transactions.files.reading.tables import Layout, open_table
from transactions.ledger.kinds import KINDS

# Fields that only a table of another origin has.
ADDED = ("debit", "credit", "clock", "balance", "balance_currency")
LAYOUT = Layout(
    name="table",
    columns={**ballast.LAYOUT.columns, **dict.fromkeys(ADDED, ())},
    required=frozenset({"executed_at"}),
    by_hand=True,
    optional=(*ballast.LAYOUT.optional, *ADDED),  # a person says which columns there are
    dates=ballast.LAYOUT.dates,
    numbers=(*ballast.LAYOUT.numbers, "debit", "credit", "balance"),
    money={**ballast.LAYOUT.money, "debit": "currency", "credit": "currency"},
)
# No two of these may read one column.
_ALONE = frozenset(
    {"executed_at", "type", "quantity", "price", "amount", "fee", "fx_rate", "currency"}
    | {"debit", "credit", "balance", "lots", "ratio"}
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    """Yield the rows of a table whose columns `options` names."""
    _, table = open_table(data, options, [LAYOUT])
    places = Counter(place for name, place in table.heading.fields.items() if name in _ALONE)
    if any(count > 1 for count in places.values()):
        raise refusal("column_used_twice", field="columns")
    names = Fingerprints()
    for line in lines(table, options):
        if is_text_line(line):
            yield line.skip("text_line")
            continue
        row = _row(line)
        yield names.name(row, timed=line.timed) if row.entry and not row.entry.id else row


def _row(line: Line) -> ParsedRow:
    cash = _cash(line)
    kind_name = _kind(line, cash)
    if kind_name == SKIPPED:
        return line.skip("word_skipped")
    row = ballast.row_of(
        line,
        kind_name=kind_name,
        amount=cash if _is_unsigned(line) else _towards(line, kind_name, cash),
        fee_included=line.options.amount_includes_fee,
    )
    return _without_others(row)


def _without_others(row: ParsedRow) -> ParsedRow:
    """Return the row without units and price where its kind has none: those held at a dividend."""
    draft = row.entry
    if draft is None or row.problems:
        return row
    takes = KINDS[draft.type].takes
    others = [name for name in ("quantity", "price") if getattr(draft, name) and name not in takes]
    if not others:
        return row
    told = RowProblem("figure_ignored", WARNING_CODES["figure_ignored"], " and ".join(others))
    bare = replace(
        draft,
        quantity=draft.quantity if "quantity" in takes else None,
        price=draft.price if "price" in takes else None,
    )
    return replace(row, entry=bare, warnings=(*row.warnings, told))


def _is_unsigned(line: Line) -> bool:
    return line.options.amount_sign == "none" and not _has_sides(line)


def _has_sides(line: Line) -> bool:
    return "debit" in line.columns or "credit" in line.columns


def _cash(line: Line) -> Decimal | None:
    """Return the cash that came in (negative: that went out), or the amount as it is written."""
    if not _has_sides(line):
        amount = line.figure("amount")
        out = line.options.amount_sign == "out" and amount is not None
        return -amount if out and amount is not None else amount
    debit, credit = line.figure("debit"), line.figure("credit")
    if debit and credit:
        line.problem("value_invalid", "The row has both a debit and a credit.", of="debit")
        return None
    if debit:
        return -abs(debit)
    return abs(credit) if credit else debit or credit


def _kind(line: Line, cash: Decimal | None) -> str:
    """Return the row's type or SKIPPED; empty, with a problem, if it cannot be known."""
    word = line.text("type")
    if not word:
        if "type" in line.columns:
            line.problem("type_missing", of="type")
            return ""
        return _by_sign(line, cash)
    mapped = {key.casefold(): value for key, value in line.options.types.items()}
    kind = mapped.get(word.casefold(), word.casefold().replace(" ", "_").replace("-", "_"))
    if kind == TRADE_BY_SIGN:
        return _trade_by_sign(line, cash)
    if kind == CASH_BY_SIGN:
        return _cash_by_sign(line, cash)
    if kind != SKIPPED and kind not in KINDS:
        line.problem("type_unknown", f"{word[:40]!r} is not a transaction type.", of="type")
        return ""
    return kind


def _by_sign(line: Line, cash: Decimal | None) -> str:
    if line.quantity("quantity"):
        return _trade_by_sign(line, cash)
    if line.security():
        line.problem("type_missing", "The row names a security and no type.", of="type")
        return ""
    return _cash_by_sign(line, cash)


def _trade_by_sign(line: Line, cash: Decimal | None) -> str:
    units = line.quantity("quantity")
    if not units:
        line.problem("quantity_missing", of="quantity")
        return ""
    if _is_unsigned(line) or not cash:
        return "sell" if units < 0 else "buy"
    kind = "sell" if cash > 0 else "buy"
    if units < 0 and kind == "buy":
        line.problem("amount_sign", "Units and cash both left.", of="amount")
        return ""
    return kind


def _cash_by_sign(line: Line, cash: Decimal | None) -> str:
    if not cash:
        line.problem("amount_missing" if cash is None else "amount_zero", of="amount")
        return ""
    if _is_unsigned(line):
        line.problem("type_missing", "Neither a word nor a sign gives the type.", of="type")
        return ""
    return "deposit" if cash > 0 else "withdrawal"


def _towards(line: Line, kind_name: str, cash: Decimal | None) -> Decimal | None:
    """Return the amount, positive if cash moves as it does for the kind."""
    kind = KINDS.get(kind_name)
    if not cash:
        return cash
    if kind is None or kind.cash == "fee":
        return abs(cash)
    amount = -cash if kind.cash == "out" else cash
    if amount < 0 and kind.figures == "trade":
        line.problem("amount_sign", of="debit" if _has_sides(line) else "amount")
    return amount


FORMATS = [ReadFormat(name="table", title="Table with named columns", read=read)]
