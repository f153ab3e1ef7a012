"""The account as it would be after an import: its cash, its positions, and the file's own balance.

The preview shows it before anything is recorded. It is computed together with the statuses of the
rows and kept with the import.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol
from uuid import UUID

from core.money import WIDE, plain
from transactions.files.comparing.moves import Move
from transactions.files.reading.interface import Balance
from transactions.files.statements import CashCheck, Reason, Step, compared
from transactions.ledger.kinds import BOOKED_TYPES, rank
from transactions.models import Account, Import, RowStatus
from transactions.operations.drafts import Draft as Checked
from transactions.operations.holdings_stated import meets_statement
from transactions.operations.imports.packed import Decimals
from transactions.operations.imports.positions import Moves, held, is_summable, recorded

POSITIONS_SHOWN_MAX = 200
_CHOSEN = ("excluded", "symbol_skipped")
_REASONS: tuple[Reason | None, ...] = (None, "rows_refused", "rows_left_out")


class Row(Protocol):
    """What is needed of a stored row."""

    number: int
    line: int
    public_id: UUID
    executed_at: datetime | None
    balance: Decimal | None
    balance_currency: str


@dataclass(slots=True)
class Outcome:
    """What the rows of a file add to their account, collected row by row in the file's order.

    Columns by row number: a file may have 250,000 rows, and one took 700 bytes as objects.
    """

    # 0 for a row that was not added; the place of a reason; the ordinal of the day or 0.
    _lines: "array[int]" = field(default_factory=lambda: array("l"))
    _reasons: "array[int]" = field(default_factory=lambda: array("b"))
    _days: "array[int]" = field(default_factory=lambda: array("l"))
    _effects: Decimals = field(default_factory=Decimals)
    _balances: Decimals = field(default_factory=Decimals)
    _currencies: dict[int, str] = field(default_factory=dict)
    # 1 for a row whose effect is added to the account's cash; its place in `moves` and 1, or 0.
    _added: bytearray = field(default_factory=bytearray)
    _moved: "array[int]" = field(default_factory=lambda: array("l"))
    _moves: Moves = field(default_factory=Moves)
    symbols: set[str] = field(default_factory=set)
    # Of a file that states positions or cash of a day: what its ready rows move, by number, and our
    # symbols of those refused or left out ("" for rows of cash).
    keeps_moves: bool = False
    moves: dict[int, Move] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    # Number and instant of the first and the last row that have one: a file may begin with the
    # newest.
    ends: tuple[tuple[int, datetime], tuple[int, datetime]] | None = None

    def add(
        self,
        row: Row,
        day: date | None,
        status: str,
        codes: Iterable[str],
        checked: Checked | None,
        symbol: str = "",
    ) -> None:
        """Add a judged row; one that is judged again replaces what it added before.

        `day`: its trade date, by which the file states its balances; None if it cannot be read.
        `symbol`: ours, of its security; "" if it has none.
        """
        number = row.number
        self._make_room(number)
        if row.executed_at is not None:
            end = number, row.executed_at
            first, last = self.ends or (end, end)
            self.ends = min(first, end), max(last, end)
        known = checked is not None and status in (RowStatus.READY, RowStatus.DUPLICATE)
        effect = checked.amounts.cash_effect if known and checked is not None else None
        self._lines[number] = row.line
        self._days[number] = 0 if day is None else day.toordinal()
        self._reasons[number] = _REASONS.index(_lacking(status, codes))
        self._effects[number] = effect
        if row.balance is not None:
            self._balances[number] = row.balance
            self._currencies[number] = row.balance_currency
        self._take_back(number)
        if self.keeps_moves and _lacking(status, codes) is not None:
            self.refused.add(symbol)
        if checked is None or status != RowStatus.READY:
            return
        if self.keeps_moves:
            self.moves[number] = _move_of(row, checked)
        self._added[number] = bool(effect)
        if checked.entry.type in BOOKED_TYPES and checked.asset is not None:
            self._moved[number] = 1 + _add_move(self._moves, checked, checked.asset.symbol)
            self.symbols |= {checked.asset.symbol, checked.entry.new_symbol or ""} - {""}

    def lose(self, number: int, *, left_out: bool) -> None:
        """Take back what a row added that was refused or left out after it was judged."""
        if number < len(self._lines) and (self._added[number] or self._moved[number]):
            if gone := self.moves.get(number):
                self.refused.add(gone.symbol)
            self._take_back(number)
            self._effects[number] = None
            self._reasons[number] = _REASONS.index("rows_left_out" if left_out else "rows_refused")

    def added(self) -> Decimal:
        """Return what the rows add to the account's cash."""
        places = (number for number, added in enumerate(self._added) if added)
        return sum((self._effects[number] or Decimal(0) for number in places), Decimal(0))

    def steps(self, *, newest_first: bool = False) -> Iterator[Step]:
        """Yield the rows in the order of the file, or in the opposite one."""
        numbers = range(len(self._lines))
        for number in reversed(numbers) if newest_first else numbers:
            if not (line := self._lines[number]):
                continue
            balance, day, effect = self._balances[number], self._days[number], self._effects[number]
            yield Step(
                line,
                number,
                Decimal(0) if effect is None else effect,
                None if balance is None else Balance(self._currencies[number], balance),
                _REASONS[self._reasons[number]],
                date.fromordinal(day) if day else None,
            )

    def as_stored(self, batch: Import) -> dict[str, Any]:
        """Return the outcome in the form in which the import keeps it."""
        account = batch.account
        newest_first = self.ends is not None and self.ends[0][1] > self.ends[1][1]
        cash = compared(self.steps(newest_first=newest_first), currency=account.currency)
        positions = list(self._positions(account))
        return {
            "currency": account.currency,
            "holdings": meets_statement(
                batch=batch, added=list(self.moves.values()), refused=self.refused
            ),
            "cash_before": str(account.cash),
            "cash_after": str(account.cash + self.added()),
            "positions": positions[:POSITIONS_SHOWN_MAX],
            "position_count": len(positions),
            "statement": _statement(cash),
        }

    def _make_room(self, number: int) -> None:
        missing = max(0, number + 1 - len(self._lines))
        for column in (self._lines, self._reasons, self._days, self._added, self._moved):
            column.extend([0] * missing)

    def _take_back(self, number: int) -> None:
        self._added[number] = 0
        self.moves.pop(number, None)
        if place := self._moved[number]:
            self._moves.drop(place - 1)
            self._moved[number] = 0

    def _positions(self, account: Account) -> Iterator[dict[str, str]]:
        """Yield the units of each security of the file, before and after."""
        if not self.symbols:
            return
        in_any_order = is_summable(self._moves.types())
        ledger = recorded(account=account, symbols=self.symbols, summed=in_any_order)
        before, then = held(ledger), held(ledger, self._moves)
        for symbol in sorted(self.symbols):
            yield {
                "symbol": symbol,
                "before": _units(before.get(symbol, Fraction(0))),
                "after": _units(then.get(symbol, Fraction(0))),
            }


def _lacking(status: str, codes: Iterable[str]) -> Reason | None:
    if status == RowStatus.ERROR:
        return "rows_refused"
    if status == RowStatus.SKIPPED and any(code in _CHOSEN for code in codes):
        return "rows_left_out"
    return None


def _move_of(row: Row, checked: Checked) -> Move:
    entry, figures = checked.entry, checked.amounts
    ratio, price = figures.ratio, figures.price
    return Move(
        id=str(row.public_id),
        day=entry.day,
        at=entry.executed_at,
        rank=rank(type=entry.type, own=False),
        type=entry.type,
        symbol=checked.asset.symbol if checked.asset else "",
        new_symbol=entry.new_symbol or "",
        quantity=Fraction(figures.quantity or 0),
        ratio=Fraction(ratio.new) / Fraction(ratio.old) if ratio else None,
        cash=figures.cash_effect,
        price=WIDE.multiply(price, figures.fx_rate) if price else Decimal(0),
        line=row.line,
    )


def _add_move(moves: Moves, checked: Checked, symbol: str) -> int:
    entry, figures = checked.entry, checked.amounts
    ratio = figures.ratio
    return moves.add(
        entry.executed_at,
        entry.type,
        symbol,
        entry.new_symbol or "",
        figures.quantity,
        Fraction(ratio.new) / Fraction(ratio.old) if ratio else None,
    )


def _units(value: Fraction) -> str:
    return plain(round(Decimal(value.numerator) / Decimal(value.denominator), 10))


def _statement(cash: CashCheck) -> dict[str, Any] | None:
    if cash.opening is None or cash.closing is None:
        return None
    first = cash.first
    return {
        "checkpoints": cash.checkpoints,
        "differences": cash.differences,
        "opening": str(cash.opening),
        "closing": str(cash.closing),
        "first_difference": first
        and {
            "line": first.line,
            "row": first.number,
            "stated_change": str(first.stated),
            "our_change": str(first.ours),
            "reason": first.reason,
        },
    }
