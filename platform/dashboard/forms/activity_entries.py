"""Forms that record more than one row, or choose lots: cash transfers, grids, sales of lots."""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, NamedTuple

from django import forms

from core import limits
from core.limits import NOTE_LENGTH_MAX
from dashboard.forms.entries import TransactionForm, decimal_field, not_negative, positive
from transactions.ledger.kinds import KINDS
from transactions.operations.cash_transfers import CashTransfer

GRID_ROWS_MAX = 100
GRID_ROWS_EMPTY = 5
PASTED_CHARS_MAX = 100_000
COLUMNS = ("executed_on", "type", "symbol", "quantity", "price", "amount", "fee", "note")
HEADINGS = ("Date", "Type", "Symbol", "Quantity", "Price", "Amount", "Fee", "Note")
_FIGURES = ("quantity", "price", "amount", "fee")
_PLAIN_FIELDS = {"symbol", "quantity", "price", "amount", "fee", "settled_amount", "lot_method"}
# The kinds that a row of a grid can state as a whole.
GRID_KINDS = tuple(kind for kind in KINDS.values() if set(kind.form) <= _PLAIN_FIELDS)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


def moment_of(day: date, now: datetime) -> datetime:
    """Return the instant of a stated day: now for today, else noon UTC."""
    return now if day == now.date() else datetime.combine(day, time(12), tzinfo=UTC)


def _day() -> forms.DateField:
    return forms.DateField(label="Date", widget=forms.DateInput(attrs={"type": "date"}))


class CashTransferForm(forms.Form):
    """Cash from this account to another one of the household."""

    to_account = forms.ChoiceField(label="To account")
    executed_on = _day()
    amount = decimal_field(
        "Amount", most=limits.MONEY_MAX, decimals=limits.MONEY_DECIMALS, least=positive,
        required=True,
    )  # fmt: skip
    arrived = decimal_field(
        "Received, if in another currency",
        most=limits.MONEY_MAX,
        decimals=limits.MONEY_DECIMALS,
        least=positive,
    )
    note = forms.CharField(label="Note", required=False, max_length=NOTE_LENGTH_MAX)

    def __init__(self, *args: Any, accounts: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_account"].choices = [*accounts]  # type: ignore[attr-defined]

    def stated(self, *, now: datetime) -> CashTransfer:
        data = self.cleaned_data
        return CashTransfer(
            amount=data["amount"],
            executed_at=moment_of(data["executed_on"], now),
            arrived=data["arrived"],
            note=data["note"],
        )


class LotSaleForm(forms.Form):
    """The figures of a sale whose lots are chosen one by one."""

    executed_on = _day()
    price = decimal_field(
        "Price per unit", most=limits.PRICE_MAX, decimals=limits.PRICE_DECIMALS,
        least=not_negative, required=True,
    )  # fmt: skip
    fee = decimal_field(
        "Fee", most=limits.MONEY_MAX, decimals=limits.MONEY_DECIMALS, least=not_negative
    )
    note = forms.CharField(label="Note", required=False, max_length=NOTE_LENGTH_MAX)


class GridRow(NamedTuple):
    """One row as it was typed, its form, and what is wrong with it."""

    cells: Mapping[str, str]
    form: TransactionForm
    faults: list[str]


def grid_rows(columns: Mapping[str, Sequence[str]]) -> list[GridRow]:
    """Return the rows of a grid that are not empty, each with its checked form.

    columns: the cells of each column from the top, as the page sends them.
    """
    count = max((len(cells) for cells in columns.values()), default=0)
    rows = []
    for number in range(count):
        cells = {
            name: (columns[name][number] if number < len(columns[name]) else "").strip()
            for name in COLUMNS
        }
        if any(value for name, value in cells.items() if name not in ("executed_on", "type")):
            rows.append(_row(cells))
    return rows


def _row(cells: Mapping[str, str]) -> GridRow:
    sent = dict(cells)
    sent["type"] = _kind(cells["type"])
    for name in _FIGURES:
        sent[name] = plain_figure(cells[name])
    form = TransactionForm(sent)
    form.is_valid()
    faults = [
        f"{form.fields[name].label if name in form.fields else 'Row'}: "
        + " ".join(str(one) for one in messages)
        for name, messages in form.errors.items()
    ]
    if not sent["type"]:
        faults = [f"Type: {cells['type'][:40] or 'nothing'} is not a kind that a grid can record."]
    return GridRow(cells, form, faults)


def _kind(text: str) -> str:
    wanted = text.casefold()
    names = (kind.name for kind in GRID_KINDS if wanted in (kind.name, kind.label.casefold()))
    return next(names, "")


def plain_figure(text: str) -> str:
    """Return a figure of a spreadsheet as a plain number: "$1,234.50" is 1234.50.

    A comma that does not group thousands stays, so that the form refuses what is ambiguous. The
    sign of money that left is dropped: the kind of the row says where it went.
    """
    bare = text.replace("$", "").replace("\u00a0", "").replace(" ", "").replace("\u2212", "-")
    bare = ungrouped(bare)
    try:
        return format(abs(Decimal(bare)), "f") if bare.startswith("-") else bare
    except InvalidOperation:
        return bare


def ungrouped(text: str) -> str:
    """Return a figure without the commas between its thousands; any other comma stays.

    "1,5" is one and a half to whoever writes a comma for the point, and never fifteen.
    """
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text


def pasted_rows(text: str) -> list[dict[str, str]]:
    """Return the cells of a spreadsheet as rows of the grid; a row of headings names its columns.

    Without headings the columns are those of the grid, in its order.
    """
    lines = text[:PASTED_CHARS_MAX].strip("\r\n").splitlines()
    separator = "\t" if any("\t" in line for line in lines) else ","
    table = [row for row in csv.reader(lines, delimiter=separator) if any(map(str.strip, row))]
    names: Sequence[str] = COLUMNS
    if table and (heads := _headed(table[0])):
        names, table = heads, table[1:]
    return [
        {name: cell.strip() for name, cell in zip(names, row, strict=False) if name}
        for row in table[: GRID_ROWS_MAX + 1]
    ]


def _headed(cells: Sequence[str]) -> list[str]:
    known = {head.casefold(): name for head, name in zip(HEADINGS, COLUMNS, strict=True)}
    found = [known.get(cell.strip().casefold(), "") for cell in cells]
    return found if "executed_on" in found else []


def digest_of(rows: Sequence[GridRow]) -> str:
    """Return a digest of the rows: warnings about them are shown once."""
    return sha256("|".join(row.form.figures() for row in rows).encode()).hexdigest()[:16]
