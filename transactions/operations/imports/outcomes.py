"""The account as it would be after an import: its cash, its positions, and the file's own balance.

The preview shows it before anything is recorded. It is computed together with the statuses of the
rows and kept with the import.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from core.money import plain
from marketdata.models import Asset
from transactions.files.reading.interface import Balance
from transactions.files.statements import CashCheck, Reason, Step, compared
from transactions.ledger.kinds import BOOKED_TYPES, KINDS, rank
from transactions.models import Account, Import, ImportRow, RowStatus, Transaction
from transactions.operations.drafts import Draft as Checked

POSITIONS_SHOWN_MAX = 200
_CHOSEN = ("excluded", "symbol_skipped")


class _Move(NamedTuple):
    """One change of units, of the ledger or of the file."""

    at: datetime
    rank: int
    type: str
    symbol: str
    new_symbol: str
    quantity: Fraction
    ratio: Fraction | None


@dataclass(slots=True)
class Outcome:
    """What the rows of a file add to their account, collected row by row in the file's order."""

    steps: dict[int, Step] = field(default_factory=dict)
    moves: dict[int, _Move] = field(default_factory=dict)
    added: dict[int, Decimal] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)
    # Number and instant of the first and the last row that have one: a file may begin with the
    # newest.
    ends: tuple[tuple[int, datetime], tuple[int, datetime]] | None = None

    def add(
        self,
        row: ImportRow,
        day: date | None,
        status: str,
        codes: Iterable[str],
        checked: Checked | None,
    ) -> None:
        """Add a judged row; one that is judged again replaces what it added before.

        `day`: its trade date, by which the file states its balances; None if it cannot be read.
        """
        number = row.number
        if row.executed_at is not None:
            end = number, row.executed_at
            first, last = self.ends or (end, end)
            self.ends = min(first, end), max(last, end)
        known = checked is not None and status in (RowStatus.READY, RowStatus.DUPLICATE)
        effect = checked.amounts.cash_effect if known and checked is not None else Decimal(0)
        self.steps[number] = Step(
            row.line, number, effect, _balance(row), _lacking(status, codes), day
        )
        self.added.pop(number, None)
        self.moves.pop(number, None)
        if checked is None or status != RowStatus.READY:
            return
        if effect:
            self.added[number] = effect
        if checked.entry.type in BOOKED_TYPES and checked.asset is not None:
            self.moves[number] = _move_of(checked, checked.asset)
            self.symbols |= {checked.asset.symbol, checked.entry.new_symbol or ""} - {""}

    def keep(self, ready: Collection[int], left_out: Collection[int]) -> None:
        """Take back what rows added that were refused or left out after they were judged."""
        for number in (self.added.keys() | self.moves.keys()) - set(ready):
            self.added.pop(number, None)
            self.moves.pop(number, None)
            lacking: Reason = "rows_left_out" if number in left_out else "rows_refused"
            self.steps[number] = replace(self.steps[number], effect=Decimal(0), lacking=lacking)

    def as_stored(self, batch: Import) -> dict[str, Any]:
        """Return the outcome in the form in which the import keeps it."""
        account = batch.account
        newest_first = self.ends is not None and self.ends[0][1] > self.ends[1][1]
        numbers = sorted(self.steps, reverse=newest_first)
        cash = compared((self.steps[n] for n in numbers), currency=account.currency)
        after = account.cash + sum(self.added.values(), Decimal(0))
        positions = list(self._positions(account))
        return {
            "currency": account.currency,
            "cash_before": str(account.cash),
            "cash_after": str(after),
            "positions": positions[:POSITIONS_SHOWN_MAX],
            "position_count": len(positions),
            "statement": _statement(cash),
        }

    def _positions(self, account: Account) -> Iterator[dict[str, str]]:
        """Yield the units of each security of the file, before and after."""
        if not self.symbols:
            return
        before = list(_recorded(account, self.symbols))
        held, then = _held(before), _held([*before, *self.moves.values()])
        for symbol in sorted(self.symbols):
            yield {
                "symbol": symbol,
                "before": _units(held.get(symbol, Fraction(0))),
                "after": _units(then.get(symbol, Fraction(0))),
            }


def _balance(row: ImportRow) -> Balance | None:
    return None if row.balance is None else Balance(row.balance_currency, row.balance)


def _lacking(status: str, codes: Iterable[str]) -> Reason | None:
    if status == RowStatus.ERROR:
        return "rows_refused"
    if status == RowStatus.SKIPPED and any(code in _CHOSEN for code in codes):
        return "rows_left_out"
    return None


def _move_of(checked: Checked, asset: Asset) -> _Move:
    entry, figures = checked.entry, checked.amounts
    ratio = figures.ratio
    return _Move(
        entry.executed_at,
        rank(type=entry.type, own=False),
        entry.type,
        asset.symbol,
        entry.new_symbol or "",
        Fraction(figures.quantity or 0),
        Fraction(ratio.new) / Fraction(ratio.old) if ratio else None,
    )


def _recorded(account: Account, symbols: Iterable[str]) -> Iterator[_Move]:
    """Yield the moves of the ledger that concern these securities, or those they came from."""
    valid = Transaction.objects.filter(
        account=account, asset__isnull=False, reverses__isnull=True, reversed_by__isnull=True
    )
    wanted = _with_sources(
        symbols,
        valid.filter(new_asset__isnull=False)
        .values_list("asset__symbol", "new_asset__symbol")
        .distinct(),
    )
    rows = valid.values_list(
        *("executed_at", "type", "asset__symbol", "new_asset__symbol", "quantity"),
        *("ratio_new", "ratio_old"),
    )
    for at, kind, symbol, new_symbol, quantity, new, old in rows.iterator(5_000):
        if kind in BOOKED_TYPES and wanted & {symbol, new_symbol}:
            ratio = Fraction(new) / Fraction(old) if new and old else None
            place = rank(type=kind, own=False)
            units = Fraction(quantity or 0)
            yield _Move(at, place, kind, symbol, new_symbol or "", units, ratio)


def _with_sources(symbols: Iterable[str], leads: Iterable[tuple[str, str]]) -> set[str]:
    """Return the symbols and those from which corporate actions lead to them."""
    sources: dict[str, set[str]] = {}
    for old, new in leads:
        sources.setdefault(new, set()).add(old)
    found, left = set[str](), list(symbols)
    while left:
        symbol = left.pop()
        if symbol not in found:
            found.add(symbol)
            left += sources.get(symbol, ())
    return found


def _held(moves: Iterable[_Move]) -> dict[str, Fraction]:
    """Return the units of each security after the moves."""
    held: dict[str, Fraction] = {}
    for move in sorted(moves, key=lambda move: (move.at, move.rank)):
        now = held.get(move.symbol, Fraction(0))
        kept, arrived = KINDS[move.type].units(now, move.quantity, move.ratio)
        held[move.symbol] = Fraction(kept)
        if move.new_symbol:
            held[move.new_symbol] = held.get(move.new_symbol, Fraction(0)) + Fraction(arrived)
    return held


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
