"""The last row of a file that does not end with the end of a line. Pure.

A download that breaks off leaves no trace but that. So do programs that write no last line end. The
row is refused where it may be cut off:

    it alone has fewer cells than the heading
    its last cell has an opening quote and no closing one
    its last cell is empty, and no other one of the column is, in a file that a program wrote
    its last number has other decimals than the numbers of the column, which all have the same; or,
    in a file of one row, fewer decimals than another number of the row
    its last cell says nothing that another row confirms, in a file that a program wrote

It is confirmed by an equal text, by texts of one length (dates, codes), by as many decimals as any
number of the column has, or by quantity and price, if it is their product.

A closing quote proves a cell whole. Cells that only describe or identify may be cut off: no figure
depends on them. In a file that people write by hand, a last cell is whole unless the column says
otherwise: by its decimals, or because another cell begins with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from core.money import WIDE
from transactions.files.reading import cells
from transactions.files.reading.tables import DELIMITERS, DESCRIBING, Table

_CENT = Decimal("0.01")
# So many different texts of a column are kept.
_TEXTS_MAX = 256
# Names of securities are no figures, but another name is another security.
_NAMING = frozenset({"symbol", "isin", "cusip"})
# Texts that say what a row is, or to which others it belongs, in formats that require them.
_DECISIVE = frozenset({"note", "order_id"})


@dataclass(slots=True)
class _Column:
    """What the rows before the last one have in a column."""

    texts: set[str] = field(default_factory=set)
    decimals: set[int] = field(default_factory=set)
    lengths: set[int] = field(default_factory=set)
    filled: int = 0
    has_blank: bool = False


@dataclass(slots=True)
class Ending:
    """Collects the rows of a table, to judge its last one."""

    table: Table
    rows: int = 0
    wide: int = 0
    columns: dict[int, _Column] = field(default_factory=dict)

    def add(self, found: Sequence[str]) -> None:
        """Take a row that is not the last one."""
        self.rows += 1
        self.wide += len(found) >= len(self.table.heading.names)
        for place, text in enumerate(found):
            column = self.columns.setdefault(place, _Column())
            if not text or text.isspace():
                column.has_blank = True
                continue
            column.filled += 1
            column.lengths.add(len(text))
            if len(column.texts) < _TEXTS_MAX:
                column.texts.add(text)
            if cells.number(text, self.table.decimal) is not None:
                column.decimals.add(cells.decimals(text, self.table.decimal))

    def is_cut_off(self, found: Sequence[str]) -> bool:
        """Return whether the last row may be cut off."""
        tail = self.table.tail
        if not tail or not found:
            return False
        if self.rows == self.wide > 0 and len(found) < len(self.table.heading.names):
            return True
        text = found[-1].rstrip("\r\n")  # what follows an open quote is part of the cell
        if not self._matters(len(found) - 1):
            return False
        if text and tail.endswith(f'"{text}'):
            return True
        if tail.endswith('"'):
            return not text and tail[-2:-1] in DELIMITERS
        if not self.rows:
            return not self.table.layout.by_hand and self._has_fewer_decimals(found)
        doubtful = self._is_doubtful(text, self.columns.get(len(found) - 1))
        return doubtful and not self._is_product(found)

    def _has_fewer_decimals(self, found: Sequence[str]) -> bool:
        """Return whether the last number of a row has fewer decimals than another, and than two."""
        sign = self.table.decimal
        stated = [
            min(2, cells.decimals(text, sign))
            for name, place in self.table.heading.fields.items()
            if self.table.layout.is_figure(name)
            and place < len(found)
            and cells.number(text := found[place], sign) is not None
        ]
        last = found[-1]
        is_number = cells.number(last, sign) is not None
        return is_number and cells.decimals(last, sign) < max(stated, default=0)

    def _is_doubtful(self, text: str, column: _Column | None) -> bool:
        if column is None:
            return False
        if not text.strip():
            return not (self.table.layout.by_hand or column.has_blank)
        is_number = cells.number(text, self.table.decimal) is not None
        if not is_number or not column.decimals:
            alike = column.filled > 1 and column.lengths == {len(text)}
            return not (self.table.layout.by_hand or alike or text in column.texts)
        places = cells.decimals(text, self.table.decimal)
        if column.decimals == {0}:
            return not self.table.layout.by_hand
        if len(column.decimals) == 1:
            return places not in column.decimals
        return not self.table.layout.by_hand and places < max(column.decimals)

    def _is_product(self, found: Sequence[str]) -> bool:
        """Return whether the last cell is what the row's quantity, price and fee come to.

        A number that lost a digit is not, so it is whole.
        """
        fields = self.table.heading.fields
        stated = cells.number(found[-1], self.table.decimal)
        parts = {
            name: cells.number(found[place], self.table.decimal)
            for name, place in fields.items()
            if name in ("quantity", "price", "fee") and place < len(found) - 1
        }
        quantity, price = parts.get("quantity"), parts.get("price")
        fee = abs(parts.get("fee") or Decimal(0))
        if not stated or not quantity or not price:
            return False
        gross = abs(WIDE.multiply(quantity, price))
        sums = (gross, gross + fee, gross - fee)
        return any(_cents(total) == abs(stated) for total in sums)

    def _matters(self, place: int) -> bool:
        """Return whether a figure, or what a row is, depends on a column."""
        layout = self.table.layout
        names = [name for name, at in self.table.heading.fields.items() if at == place]
        decisive = _NAMING | (_DECISIVE & layout.required)
        return any(name not in DESCRIBING or name in decisive for name in names)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, context=WIDE)
