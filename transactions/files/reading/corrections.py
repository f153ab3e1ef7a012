"""Rows of a file that take back or refuse other rows of it: neither is recorded alone. Pure.

    read as usual    every row once, to learn which rows take something back and which are refused
    paired           a row that takes back and the row that it takes back are both skipped
    not paired       the row that takes back is refused, and so is every row that it may mean
    one side alone   one row of an exchange of two currencies is refused (`exchanges`)
    held back        an event of several rows is recorded whole or not at all: one line with a
                     dividend and its tax, one order with its trade and its costs

A correction takes back the row its source points to; else a row of its account, type, security,
currency, quantity and amount, with equal costs, the nearest before its own day. The last row may
take back the first, so all rows are read before the first is returned; they are held compressed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import BinaryIO

from core.money import WIDE, quantize
from transactions.files.reading.exchanges import lone_legs
from transactions.files.reading.held import HeldRows
from transactions.files.reading.interface import (
    ROW_CODES,
    SKIP_CODES,
    Correction,
    Draft,
    Leg,
    Options,
    ParsedRow,
    Reader,
    RowProblem,
)


def corrected(read: Reader) -> Reader:
    """Return the reader of a format whose rows are corrected by each other."""

    def correcting(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
        held = HeldRows()
        plan = _plan(read(data, options), held)
        for place, row in enumerate(held):
            yield plan.applied(place, row)

    return correcting


@dataclass(slots=True)
class _Plan:
    """The places of the rows that are treated otherwise than their reader says."""

    taken_back: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    otherwise: set[int] = field(default_factory=set)
    lone: set[int] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    def refuse(self, row: ParsedRow) -> None:
        """Note that the other rows of this row's event are refused with it."""
        if row.group:
            self.groups.add(row.group)

    def applied(self, place: int, row: ParsedRow) -> ParsedRow:
        if place in self.lone:
            alone = RowProblem("counterpart_missing", ROW_CODES["counterpart_missing"])
            return replace(row, skipped=None, problems=(alone,))
        if row.skipped is not None:
            return row
        if place in self.taken_back:
            reason = RowProblem("taken_back", SKIP_CODES["taken_back"])
            entry = None if row.takes_back else row.entry
            return ParsedRow(row.line, entry, skipped=reason, raw=row.raw, balance=row.balance)
        if row.takes_back is not None:
            other = row.takes_back.otherwise
            if place in self.otherwise and other is not None:
                return self._unless_held(place, other)
            return replace(row, entry=None, takes_back=None)
        return self._unless_held(place, row)

    def _unless_held(self, place: int, row: ParsedRow) -> ParsedRow:
        """Return the row, or refuse it with the event of which another row is refused."""
        if not row.importable:
            return row
        if place in self.held or row.group in self.groups:
            return replace(row, problems=(RowProblem("held_back", ROW_CODES["held_back"]),))
        return row


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row that a correction may mean."""

    place: int
    day: date
    line: ParsedRow

    @property
    def entry(self) -> Draft:
        assert self.line.entry is not None, "a candidate has an entry"
        return self.line.entry


@dataclass(slots=True)
class _Index:
    """The candidates by name, by all figures, and by what an unpaired correction may mean."""

    named: dict[str, _Candidate] = field(default_factory=dict)
    equal: dict[object, list[_Candidate]] = field(default_factory=dict)
    alike: dict[object, list[_Candidate]] = field(default_factory=dict)

    def add(self, found: _Candidate) -> None:
        entry = found.entry
        self.named.setdefault(entry.external_id, found)
        self.equal.setdefault(_figures(entry), []).append(found)
        for key in (_event(entry), (entry.type, entry.security.key), (entry.type, "")):
            self.alike.setdefault(key, []).append(found)

    def meant(self, row: ParsedRow, back: Correction, taken: set[int]) -> _Candidate | None:
        """Return the row that a correction takes back, which no other one has taken."""
        if back.of:
            found = self.named.get(back.of)
            return None if found is None or found.place in taken else found
        if row.entry is None:
            return None
        equal = self.equal.get(_figures(row.entry), [])
        place = bisect_right(equal, _day(row.entry), key=lambda found: found.day)
        while place:  # from the nearest one back; a list gives each of its rows once
            place -= 1
            if (found := equal.pop(place)).place not in taken:
                return found
        return None

    def possible(self, row: ParsedRow, back: Correction) -> tuple[object, list[_Candidate]]:
        """Return the rows an unpaired correction may mean, and a key equal for equal answers.

        They are those of its day, else of the last day before it; all if it is not readable.
        """
        if row.entry is None:
            key: tuple[object, ...] = (back.kind, back.security)
            return key, self.alike.get(key, [])
        alike = self.alike.get(_event(row.entry), [])
        place = bisect_right(alike, _day(row.entry), key=lambda found: found.day)
        if not place:
            return (), []
        day = alike[place - 1].day
        first = bisect_left(alike, day, key=lambda found: found.day)
        return (_event(row.entry), day), alike[first:place]


def _plan(rows: Iterable[ParsedRow], held: HeldRows) -> _Plan:
    """Return how the rows correct each other. Adds each of them to `held`."""
    plan = _Plan()
    found: list[tuple[int, ParsedRow, Correction]] = []
    legs: list[tuple[int, Leg]] = []
    for place, row in enumerate(rows):
        held.add(row)
        if row.leg is not None:
            legs.append((place, row.leg))
        if row.takes_back is not None:
            found.append((place, row, row.takes_back))
        elif row.problems and row.skipped is None:
            plan.refuse(row)
    plan.lone = lone_legs(legs)
    if found:
        _pair(plan, found, _index(held, found))
    return plan


def _index(rows: Iterable[ParsedRow], found: list[tuple[int, ParsedRow, Correction]]) -> _Index:
    kinds = {back.kind for _, _, back in found}
    wanted = {back.of for _, _, back in found} - {""}
    candidates: list[_Candidate] = []
    for place, row in enumerate(rows):
        entry = row.entry
        if entry is None or not row.importable:
            continue
        if entry.type in kinds or entry.external_id in wanted:
            bare = ParsedRow(row.line, entry, group=row.group, balance=row.balance)
            candidates.append(_Candidate(place, _day(entry), bare))
    index = _Index()
    for candidate in sorted(candidates, key=lambda candidate: candidate.day):
        index.add(candidate)
    return index


def _pair(plan: _Plan, found: list[tuple[int, ParsedRow, Correction]], index: _Index) -> None:
    left: list[tuple[int, ParsedRow, Correction]] = []
    for place, row, back in found:
        meant = index.meant(row, back, plan.taken_back)
        if meant is None:
            left.append((place, row, back))
            continue
        plan.taken_back.add(meant.place)
        (plan.otherwise if back.replaces else plan.taken_back).add(place)
    done: set[object] = set()
    for place, row, back in left:
        if back.otherwise is not None and not back.replaces:
            plan.otherwise.add(place)
            continue
        plan.refuse(row)
        key, possible = index.possible(row, back)
        if key in done:
            continue
        done.add(key)
        for candidate in possible:
            if candidate.place not in plan.taken_back:
                plan.held.add(candidate.place)
                plan.refuse(candidate.line)


def _day(entry: Draft) -> date:
    return entry.executed_at.date()


def _event(entry: Draft) -> tuple[object, ...]:
    return entry.account, entry.type, entry.security.key


def _figures(entry: Draft) -> tuple[object, ...]:
    amount = entry.amount
    if amount is None and entry.price is not None and entry.quantity is not None:
        amount = quantize(WIDE.multiply(entry.quantity, entry.price), entry.currency)
    return (*_event(entry), entry.currency, entry.quantity, amount, entry.fee)
