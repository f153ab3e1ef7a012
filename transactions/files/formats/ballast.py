"""Reading and writing of our own CSV: the whole ledger, one transaction per row. Pure.

    read(write(drafts)) == drafts

`table` reads files of unknown formats by the same rules. Times are ISO 8601; written figures have a
decimal point and no grouping. A text that a spreadsheet would read as a formula is written with a
`'` before it, which reading removes.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO

from core.limits import LOTS_PER_SALE_MAX, NOTE_LENGTH_MAX, QUANTITY_DECIMALS, TAX_RATES_SUM_MAX
from core.money import plain
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading import cells
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import (
    LOT_METHODS,
    NO_SECURITY,
    Draft,
    LotReference,
    Options,
    ParsedRow,
    Security,
)
from transactions.files.reading.lines import (
    Line,
    is_text_line,
    lines,
    rounded,
    trade_money,
)
from transactions.files.reading.rows import About, arrival, is_in_units, slack_of, taking_back
from transactions.files.reading.tables import Layout, open_table
from transactions.ledger.kinds import KINDS

COLUMNS = (
    *("id", "account", "type", "executed_at", "symbol", "isin", "cusip", "name"),
    *("quantity", "price", "amount", "fee", "currency", "fx_rate"),
    *("lot_method", "lots", "new_symbol", "new_isin", "ratio", "added_quantity"),
    *("basis_percentage", "opened_date", "counterpart", "to_account", "reverses"),
    *("order_id", "external_id", "tax_rates", "note"),
)
# The number of a piece of a lot.
_PIECE = re.compile(r"[0-9]{1,4}")

_ALIASES = {
    "executed_at": ("executed_at", "date", "trade date", "trade_date", "time"),
    "type": ("type", "action", "activity type", "transaction type", "buy/sell"),
    "symbol": ("symbol", "ticker", "code"),
    "quantity": ("quantity", "shares", "units", "qty"),
    "price": ("price", "unit price", "price / share", "unitprice"),
    "amount": ("amount", "total", "value"),
    "fee": ("fee", "fees", "commission"),
    "note": ("note", "comment", "memo", "description"),
    "account": ("account", "account name", "account number"),
}
LAYOUT = Layout(
    name="ballast",
    columns={name: _ALIASES.get(name, (name, name.replace("_", " "))) for name in COLUMNS},
    required=frozenset({"executed_at", "type"}),
    by_hand=True,
    optional=COLUMNS,  # people write such files by hand: a column left out says nothing
    dates=("executed_at", "opened_date"),
    numbers=("quantity", "price", "amount", "fee", "fx_rate"),
    money={"price": "currency", "amount": "currency", "fee": "currency"},
)
# Without a column of types, the sign of the quantity decides: positive buys, negative sells.
UNTYPED = replace(
    LAYOUT,
    name="untyped",
    required=frozenset({"executed_at", "symbol", "quantity", "price"}),
)
# `executed_at` is our word alone; with the others it identifies the format.
EXACT = frozenset({"type", "executed_at", "symbol", "quantity"})

# The signs that begin a formula, in every width that keyboards type, and the characters that a
# spreadsheet may skip before them.
_SIGNS = frozenset(
    "=+-@\u207a\u207b\u207c\u208a\u208b\u208c\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
)
_BREAKS = frozenset("\t\r\n\0")
_SKIPPED = (
    " \t\r\n\v\f\0\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
_SKIPPED += "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"


def _computes(text: str) -> bool:
    """Return whether a spreadsheet may read a text, without the `'` before it, as a formula."""
    bare = text.lstrip("'")
    return bare[:1] in _BREAKS or bare.lstrip(_SKIPPED)[:1] in _SIGNS


def inert(text: str) -> str:
    """Return the text in a form that a spreadsheet shows and never computes."""
    return "'" + text if _computes(text) else text


def unescaped(text: str) -> str:
    """Return the original text of one that `inert` wrote."""
    return text[1:] if text.startswith("'") and _computes(text) else text


def write(drafts: Iterable[Draft]) -> Iterator[str]:
    """Yield the file line by line, heading first."""
    yield _line(COLUMNS)
    for draft in drafts:
        yield _line(values(draft))


def values(draft: Draft) -> tuple[str, ...]:
    """Return the cells of one row, in the order of COLUMNS."""
    texts = {
        "id": draft.id,
        "account": draft.account,
        "symbol": draft.security.symbol,
        "isin": draft.security.isin,
        "cusip": draft.security.cusip,
        "name": draft.security.name,
        "new_symbol": draft.new_security.symbol,
        "new_isin": draft.new_security.isin,
        "lot_method": draft.lot_method or "",
        "counterpart": draft.counterpart,
        "to_account": draft.to_account,
        "reverses": draft.reverses,
        "order_id": draft.order_id,
        "external_id": draft.external_id,
        "note": draft.note,
    }
    figures = {
        "quantity": draft.quantity,
        "price": draft.price,
        "amount": draft.amount,
        "fee": draft.fee,
        "fx_rate": draft.fx_rate,
        "added_quantity": draft.added_quantity,
        "basis_percentage": draft.basis_percentage,
    }
    cells_by_name = {name: inert(text) for name, text in texts.items()}
    cells_by_name |= {n: "" if value is None else plain(value) for n, value in figures.items()}
    cells_by_name |= {
        "type": draft.type,
        "executed_at": draft.executed_at.isoformat().replace("+00:00", "Z"),
        "currency": draft.currency,
        "lots": ";".join(_lot_text(lot) for lot in draft.lots),
        "ratio": draft.ratio,
        "opened_date": draft.opened_date.isoformat() if draft.opened_date else "",
        "tax_rates": json.dumps(dict(draft.tax_rates), sort_keys=True) if draft.tax_rates else "",
    }
    return tuple(cells_by_name[name] for name in COLUMNS)


def _line(found: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(found)
    return text.getvalue()


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    """Yield the rows of one of our files, or of any file whose columns are named."""
    _, table = open_table(data, options, [LAYOUT, UNTYPED])
    names = Fingerprints()
    for line in lines(table, options):
        if is_text_line(line):
            yield line.skip("text_line")
            continue
        row = _row(line)
        yield names.name(row, timed=line.timed) if row.entry and not row.entry.id else row


def _row(line: Line) -> ParsedRow:
    return row_of(line, kind_name=_type(line), amount=line.figure("amount"))


def row_of(
    line: Line, *, kind_name: str, amount: Decimal | None, fee_included: bool = False
) -> ParsedRow:
    """Return a row of a kind; `kind_name` is empty if it is unknown: a problem of the line.

    `amount` is negative only for the correction of an earlier row, and for trades, where the sign
    says nothing. `fee_included`: a trade's amount is the cash that moved.
    """
    kind = KINDS.get(kind_name)
    at = line.happened(kind_name, "executed_at", clock="clock", exact=True)
    currency = line.currency("currency")
    security = line.security(required=kind is not None and kind.needs_symbol)
    quantity, price, fee = (
        line.quantity("quantity"),
        line.figure("price"),
        line.figure("fee") or Decimal(0),
    )
    if kind is not None and kind.figures == "trade":
        quantity, price, amount, fee = _trade(
            line, kind_name, currency, quantity, price, amount, fee, fee_included
        )
    else:
        for name, value in (("price", price), ("fee", fee), ("amount", amount)):
            if value is not None and value < 0:
                line.problem("amount_sign", of=name)
        quantity = None if quantity is None else abs(quantity)
    back = kind_name in _TAKEN_BACK and amount is not None and amount < 0
    amount = None if amount is None else abs(amount)
    if kind is not None and kind.figures == "cash" and amount is None:
        line.problem("amount_missing", of="amount")
    if at is None or kind is None or not currency:
        return line.row(None)
    opened = line.day("opened_date")
    if (
        kind_name == "transfer_in"
        and (price or amount)
        and not (opened or line.text("counterpart"))
    ):
        opened = arrival(line, at)
    new_symbol, new_isin = line.short("new_symbol"), line.text("new_isin").upper()
    row = line.row(
        Draft(
            type=kind_name,
            executed_at=at,
            currency=currency,
            account=_text(line, "account") or line.options.account,
            security=Security(*(unescaped(part) for part in _parts(security))),
            quantity=quantity,
            price=price,
            amount=amount,
            fee=fee,
            fx_rate=line.rate("fx_rate"),
            lot_method=_lot_method(line),
            lots=_lots(line),
            new_security=Security(unescaped(new_symbol), new_isin) or NO_SECURITY,
            ratio=_ratio(line),
            added_quantity=line.quantity("added_quantity"),
            basis_percentage=line.figure("basis_percentage"),
            opened_date=opened,
            id=_text(line, "id"),
            counterpart=_text(line, "counterpart"),
            to_account=_text(line, "to_account"),
            reverses=_text(line, "reverses"),
            order_id=_text(line, "order_id"),
            external_id=_text(line, "external_id"),
            tax_rates=_tax_rates(line),
            note=_note(line),
        )
    )
    return _correction(line, row, kind_name) if back else row


def _correction(line: Line, row: ParsedRow, kind: str) -> ParsedRow:
    """Return a row with a negative amount as the correction of an earlier row."""
    assert row.entry is not None, "the row has a draft"
    readable = [problem.code for problem in row.problems] == ["amount_sign"]
    about = About(
        at=row.entry.executed_at, currency=row.entry.currency, security=row.entry.security
    )
    bare = replace(row, problems=()) if readable else row
    return replace(taking_back(line, bare, kind, about), problems=row.problems)


# A negative amount of these types corrects an earlier row.
_TAKEN_BACK = frozenset({"dividend", "interest", "return_of_capital", "fee", "tax"})


def _parts(security: Security) -> tuple[str, str, str, str]:
    return security.symbol, security.isin, security.cusip, security.name


def _text(line: Line, name: str) -> str:
    return unescaped(line.id(name))


def _note(line: Line) -> str:
    text = unescaped(line.text("note"))
    if len(text) > NOTE_LENGTH_MAX:
        line.warn("text_shortened")
    return text[:NOTE_LENGTH_MAX]


def _type(line: Line) -> str:
    word = line.text("type")
    if "type" not in line.columns:
        return "sell" if (line.quantity("quantity") or 0) < 0 else "buy"
    if not word:
        line.problem("type_missing", of="type")
        return ""
    mapped = {key.casefold(): value for key, value in line.options.types.items()}
    kind = mapped.get(word.casefold(), word.casefold().replace(" ", "_").replace("-", "_"))
    if kind not in KINDS and is_in_units(word):
        return "reinvestment"
    if kind not in KINDS:
        line.problem("type_unknown", f"{word[:40]!r} is not a transaction type.", of="type")
        return ""
    return kind


def _trade(
    line: Line,
    kind: str,
    currency: str,
    quantity: Decimal | None,
    price: Decimal | None,
    amount: Decimal | None,
    fee: Decimal,
    fee_included: bool,
) -> tuple[Decimal | None, Decimal | None, Decimal | None, Decimal]:
    """Return the figures of a trade; its amount excludes the fee. Our own files keep theirs."""
    if quantity is None:
        line.problem("quantity_missing", of="quantity")
        return None, price, amount, fee
    if not quantity:
        line.problem("quantity_zero", of="quantity")
        return None, price, amount, fee
    quantity = abs(quantity)
    price = None if price is None else abs(price)
    price, amount, fee = trade_money(
        line,
        kind=kind,
        currency=currency or "USD",
        quantity=quantity,
        price=price,
        fee=fee,
        gross=None if amount is None or fee_included else abs(amount),
        net=abs(amount) if amount is not None and fee_included else None,
        slack=slack_of(line, quantity, price),
    )
    return quantity, price, amount, fee


def _lot_method(line: Line) -> str | None:
    word = line.text("lot_method").casefold()
    if word and word not in LOT_METHODS:
        line.problem("value_invalid", f"{word[:40]!r} is not a lot method.", of="lot_method")
        return None
    return word or None


def _lot_text(lot: LotReference) -> str:
    """Return id=quantity, or id=quantity@piece for one piece of a divided lot."""
    piece = "" if lot.piece is None else f"@{lot.piece}"
    return f"{lot.id}={plain(lot.quantity)}{piece}"


def _lots(line: Line) -> tuple[LotReference, ...]:
    found: list[LotReference] = []
    text = line.text("lots")
    for part in text.split(";") if text else ():
        name, _, figures = part.strip().rpartition("=")
        units, at, number = figures.partition("@")
        quantity = cells.number(units, ".")
        wrong = not name or quantity is None or quantity <= 0 or len(found) >= LOTS_PER_SALE_MAX
        if wrong or quantity is None or (at and not _PIECE.fullmatch(number)):
            line.problem(
                "value_invalid",
                "Lots are written id=quantity;id=quantity; id=quantity@piece names a piece.",
                of="lots",
            )
            return ()
        piece = int(number) if at else None
        found.append(LotReference(name, rounded(quantity, QUANTITY_DECIMALS), piece))
    return tuple(found)


def _ratio(line: Line) -> str:
    text = line.text("ratio").replace(" ", "").replace("/", ":")
    if not text:
        return ""
    new, _, old = text.partition(":")
    terms = cells.number(new, "."), cells.number(old or "1", ".")
    if terms[0] is None or terms[1] is None or terms[0] <= 0 or terms[1] <= 0:
        line.problem("ratio_invalid", of="ratio")
        return ""
    return f"{plain(terms[0])}:{plain(terms[1])}"


def _tax_rates(line: Line) -> dict[str, str]:
    text = line.text("tax_rates")
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.keys() != {"short", "long"}:
        line.problem("value_invalid", "The tax rates must be named short and long.", of="tax_rates")
        return {}
    for name, value in found.items():
        rate = cells.number(value, ".") if isinstance(value, str) else None
        if rate is None or not 0 <= rate <= TAX_RATES_SUM_MAX:
            line.problem(
                "value_invalid", f"The {name} tax rate is not a number from 0 to 1.", of="tax_rates"
            )
            return {}
    return dict(found)


FORMATS = [ReadFormat(name="ballast", title="Ballast CSV", read=read, signatures=[EXACT])]
