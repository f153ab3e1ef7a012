"""Detection of rows that are in the ledger already or occur twice in the file. Pure.

    by name     the source's own name for a row, with its event, is in the ledger
    by figures  type, asset, trade date, quantity, amount, fee, currency and ratio equal those of a
                ledger row

Rows are matched one to one: a row claims a row of the ledger that no other row of the file has
claimed. If a file has three equal rows and the ledger has two, one row is new. A file states no row
twice, so rows without names are as many transactions as rows, however alike they look. Only a row
with the same name and the same figures as an earlier one is a duplicate of it. Sources use a name
for several rows: it names a row only together with type, asset, day and amount (its event).

A correction also matches what its original matched: a file still has the figures that were wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b

from core.money import plain

IN_LEDGER = "duplicate"
IN_FILE = "duplicate_in_file"
# Prefix of names made from a row's own figures, if the source gives none.
_MADE_UP = "row:"


def is_named(name: str) -> bool:
    """Return whether the name is the source's own."""
    return bool(name) and not name.startswith(_MADE_UP)


@dataclass(frozen=True, slots=True)
class Print:
    """The figures of a row: all of them, and those that make its event."""

    whole: bytes
    event: bytes


def print_of(
    *,
    type: str,  # noqa: A002 - the ledger's word
    asset: int | str | None,
    executed_at: datetime,
    quantity: Decimal | None,
    amount: Decimal,
    fee: Decimal,
    currency: str,
    ratio: Decimal | None,
) -> Print:
    """Return 16 bytes of each that are equal for two records of one transaction.

    `executed_at` comes in an offset at which its date is the trade date.
    """
    day = executed_at.date().isoformat()
    event = (type, str(asset or ""), day, currency, plain(amount))
    others = ("" if figure is None else plain(figure) for figure in (quantity, fee, ratio))
    return Print(_digest((*event, *others)), _digest(event))


def _digest(parts: Iterable[str]) -> bytes:
    return blake2b("|".join(parts).encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A ledger row: its id and its name, its figures, and the source that named it, if one did."""

    id: str
    name: str
    print: Print
    named_by: str = ""


@dataclass(slots=True)
class Matching:
    """The rows of the ledger and which of them are claimed, and the named file rows seen so far.

    `settled` has the names of reversed ledger rows and of their reversals.
    """

    source: str
    settled: frozenset[str] = frozenset()
    # Places of the ledger's rows: by our id; by name and event; by figures, apart for those that
    # this source named.
    ids: dict[str, int] = field(default_factory=dict)
    names: dict[tuple[str, bytes], list[int]] = field(default_factory=dict)
    ours: dict[bytes, list[int]] = field(default_factory=dict)
    others: dict[bytes, list[int]] = field(default_factory=dict)
    claimed: bytearray = field(default_factory=bytearray)
    known: dict[str, list[int]] = field(default_factory=dict)
    seen: set[tuple[str, bytes]] = field(default_factory=set)

    def add(self, row: Recorded, *, before: Sequence[Recorded] = ()) -> None:
        """Add a row of the ledger; `before`: the rows that it corrects, which match it as well."""
        place = len(self.claimed)
        self.claimed.append(0)
        for one in (*before, row):
            self._add(one, place)

    def _add(self, row: Recorded, place: int) -> None:
        self.ids[row.id] = place
        if row.name:
            self.known.setdefault(row.name, []).append(place)
            self.names.setdefault(_named(row.name, row.print), []).append(place)
        by_figures = self.ours if row.named_by == self.source else self.others
        by_figures.setdefault(row.print.whole, []).append(place)

    def double(self, *, name: str, print: Print) -> str | None:  # noqa: A002
        """Claim the match of a row: IN_LEDGER or IN_FILE, or None if the row is new."""
        if is_named(name):
            if (name, print.whole) in self.seen:
                return IN_FILE
            self.seen.add((name, print.whole))
        return IN_LEDGER if self._claim(name, print) else None

    def double_of_pair(self, *, name: str) -> str | None:
        """Claim the match by name only, for a row that the file reverses and for the reversal."""
        if name in self.settled or name in self.known or name in self.ids:
            return IN_LEDGER
        if (name, b"") in self.seen:
            return IN_FILE
        self.seen.add((name, b""))
        return None

    def has_left(self, *, name: str) -> bool:
        """Return whether the ledger has a row of this name that no row of the file has claimed."""
        return any(not self.claimed[place] for place in self.known.get(name, ()))

    def _claim(self, name: str, print: Print) -> bool:  # noqa: A002
        """Claim the row of the ledger with this id or name, or an equal one; return whether."""
        if name in self.ids:
            self.claimed[self.ids[name]] = 1
            return True
        if name and self._take(self.names.get(_named(name, print))):
            return True
        if self._take(self.others.get(print.whole)):
            return True
        return not is_named(name) and self._take(self.ours.get(print.whole))

    def _take(self, places: list[int] | None) -> bool:
        """Claim the first free place; a list gives each of its places once."""
        while places:
            place = places.pop()
            if not self.claimed[place]:
                self.claimed[place] = 1
                return True
        return False


def _named(name: str, print: Print) -> tuple[str, bytes]:  # noqa: A002
    """Return the key of a name: a made-up one has the figures in it, a source's needs its event."""
    return (name, print.event if is_named(name) else b"")
