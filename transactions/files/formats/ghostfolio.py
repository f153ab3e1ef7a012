"""Ghostfolio: its JSON export and the CSV its import takes. Pure.

FEE        the fee, or price * quantity where the fee is zero
INTEREST, DIVIDEND   price * quantity
ITEM, LIABILITY      not kept here
a date in the future marks a draft of Ghostfolio's: skipped
"""

from collections.abc import Iterator, Mapping
from datetime import time
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO

from core.limits import (
    IMPORT_COLUMNS_MAX,
    IMPORT_ROWS_MAX,
    NAME_LENGTH_MAX,
    NOTE_LENGTH_MAX,
)
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.cells import UnreadableDate, moment
from transactions.files.reading.decoding import refusal, storable
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import Options, ParsedRow, Security
from transactions.files.reading.json_documents import elements
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import ZERO, About, cash, read_rows, trade
from transactions.files.reading.tables import Layout

CSV = Layout(
    name="ghostfolio_csv",
    columns={
        "date": ("date", "tradedate"),
        "symbol": ("code", "symbol", "ticker"),
        "source": ("datasource",),
        "currency": ("currency", "ccy", "currencyprimary"),
        "price": ("price", "unitprice", "tradeprice"),
        "quantity": ("quantity", "qty", "shares", "units"),
        "type": ("action", "type", "buy/sell"),
        "fee": ("fee", "commission", "ibcommission"),
        "note": ("note", "comment"),
        "account": ("account", "accountid"),
    },
    required=frozenset({"date", "symbol", "currency", "price", "quantity", "type", "fee"}),
    optional=("source",),
    by_hand=True,
    dates=("date",),
    numbers=("price", "quantity", "fee"),
    money={"price": "currency", "fee": "currency"},
)
TYPES = {
    "buy": "buy",
    "purchase": "buy",
    "sell": "sell",
    "sale": "sell",
    "dividend": "dividend",
    "interest": "interest",
    "fee": "fee",
}
NOT_KEPT = frozenset({"item", "liability"})


def read_csv(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_rows(data, options, [CSV], lambda line, _: [_row(line)])


def read_json(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    """Read the file twice: first the names of accounts and securities, then the activities."""
    accounts: dict[str, str] = {}
    profiles: dict[str, Security] = {}
    found = False
    for _, name, value in elements(data, declared=options.encoding):
        found = found or name == "activities"
        if name == "accounts" and isinstance(value, dict):
            accounts[_text(value.get("id"))] = _text(value.get("name"))[:120]
        elif name == "assetProfiles" and isinstance(value, dict):
            symbol = _text(value.get("symbol"))
            profiles[symbol] = (
                Security(
                    symbol,
                    _text(value.get("isin")),
                    _text(value.get("cusip")),
                    _text(value["name"]),
                )
                if value.get("name")
                else Security(symbol)
            )
        if len(accounts) + len(profiles) > IMPORT_ROWS_MAX:
            raise refusal("rows_too_many")
    if not found:
        raise refusal("document_invalid", "There are no activities at the top of the file.")
    names, count = Fingerprints(), 0
    for number, name, value in elements(data, declared=options.encoding):
        if name != "activities":
            continue
        count += 1
        if count > IMPORT_ROWS_MAX:
            raise refusal("rows_too_many")
        line = _line(number, value, options)
        if line is None:
            bad = Line(number, {}, {}, options)
            yield bad.refused("row_invalid", "An activity is an object of plain values.")
            continue
        row = _row(line, accounts=accounts, profiles=profiles)
        yield names.name(row, timed=line.timed)


_FIELDS = {
    "date": "date",
    "symbol": "symbol",
    "currency": "currency",
    "price": "unitPrice",
    "quantity": "quantity",
    "type": "type",
    "fee": "fee",
    "note": "comment",
    "account": "accountId",
    "id": "id",
    "source": "dataSource",
}


def _line(number: int, value: Any, options: Options) -> Line | None:
    if not isinstance(value, dict):
        return None
    cells: dict[str, str] = {}
    for field, key in _FIELDS.items():
        cell = value.get(key)
        if isinstance(cell, dict | list):
            return None
        cells[field] = _text(cell)
    cells["date"] = _day(cells["date"], options)
    raw = {
        _text(key)[:NAME_LENGTH_MAX]: _text(cell)[:NOTE_LENGTH_MAX]
        for key, cell in islice(value.items(), IMPORT_COLUMNS_MAX)
        if cell not in (None, "", [])
    }
    columns = {field: key for field, key in _FIELDS.items() if key in value}
    line = Line(number, cells, columns, options, stated=raw, date_order="ymd", money=CSV.money)
    for field, key in _FIELDS.items():
        if isinstance(value.get(key), str) and cells[field] != value[key] and field != "date":
            line.problem("text_invalid", of=field)
    return line


def _day(text: str, options: Options) -> str:
    """Return the day, which Ghostfolio writes as midnight in the user's zone, in UTC."""
    try:
        found = moment(text, "ymd")
    except UnreadableDate:
        return text
    if found.at is None:
        return text
    local = found.at.astimezone(options.zone)
    return local.date().isoformat() if local.time() == time(0) else text


def _text(value: Any) -> str:
    """Return a value as storable text: JSON can contain characters that cannot be stored."""
    if value is None:
        return ""
    return storable(str(value))


def _row(
    line: Line,
    *,
    accounts: Mapping[str, str] | None = None,
    profiles: Mapping[str, Security] | None = None,
) -> ParsedRow:
    word = line.text("type").casefold()
    if word in NOT_KEPT:
        return line.refused("asset_class_not_supported", of="type")
    kind = TYPES.get(word)
    if kind is None:
        code = "type_unknown" if word else "type_missing"
        return line.refused(code, f"{word[:40]!r}" if word else "", of="type")
    at = line.happened(kind, "date")
    if [problem.code for problem in line.problems] == ["date_in_future"]:
        return line.skip("not_executed")
    security = line.security()
    security = (profiles or {}).get(security.symbol, security)
    account = line.text("account")
    name = line.id("id")
    about = About(
        at=at,
        currency=line.currency("currency"),
        account=(accounts or {}).get(account, account),
        security=security,
        note=line.note(line.text("note")),
        external_id=f"ghostfolio:{name}" if name else "",
    )
    line.needs("quantity", "price", "fee")
    quantity, price, fee = line.quantity("quantity"), line.figure("price"), line.figure("fee")
    for field, value in (("quantity", quantity), ("price", price), ("fee", fee)):
        if value is not None and value < 0:
            line.problem("amount_sign", "Ghostfolio has no negative figures.", of=field)
    fee = abs(fee or ZERO)
    if kind in ("buy", "sell"):
        return trade(line, kind, about, quantity=quantity, price=price, fee=fee)
    amount = abs((quantity or ZERO) * (price or ZERO))
    if kind == "fee":
        amount, fee = (fee or amount), ZERO
    if kind != "dividend":
        about = About(
            at=about.at,
            currency=about.currency,
            account=about.account,
            note=about.note or security.name,
            external_id=about.external_id,
        )
    return cash(line, kind, about, Decimal(amount), fee=fee, of="price")


def is_json(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


FORMATS = [
    ReadFormat(name="ghostfolio_json", title="Ghostfolio JSON", read=read_json, is_head=is_json),
    ReadFormat(
        name="ghostfolio_csv",
        title="Ghostfolio CSV",
        read=read_csv,
        signatures=[{"code", "datasource", "action", "fee"}],
        layouts=[CSV],
    ),
]
