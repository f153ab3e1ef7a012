"""Detection of rows that are in the ledger already or occur twice in the file. Pure.

    by name     the source's own name for a row is in the ledger, or came earlier in the file
    by figures  type, asset, UTC day, quantity, amount, fee, currency and ratio equal those of a
                ledger row that no other row of the file has claimed, or of an earlier file row

Rows are matched one to one. If a file has three equal rows and the ledger has two, one row is new
to the ledger; it is then a duplicate of an earlier row of the file. Two rows with different names
from the same source are two transactions, however alike they look.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b

from core.money import plain

IN_LEDGER = "duplicate"
IN_FILE = "duplicate_in_file"
# Prefix of names made from a row's own figures, if the source gives none.
_MADE_UP = "row:"


def is_named(name: str) -> bool:
    """Return whether the name is the source's own: two such names are two transactions."""
    return bool(name) and not name.startswith(_MADE_UP)


def fingerprint(
    *,
    type: str,  # noqa: A002 - the ledger's word
    asset: int | str | None,
    executed_at: datetime,
    quantity: Decimal | None,
    amount: Decimal,
    fee: Decimal,
    currency: str,
    ratio: Decimal | None,
) -> bytes:
    """Return 16 bytes that are equal for two records of one transaction."""
    figures = (quantity, amount, fee, ratio)
    text = "|".join(
        [
            type,
            str(asset or ""),
            executed_at.astimezone(UTC).date().isoformat(),
            currency,
            *("" if figure is None else plain(figure) for figure in figures),
        ]
    )
    return blake2b(text.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A ledger row: its names, its figures, and the source that named it (empty if none did)."""

    names: tuple[str, ...]
    print: bytes
    named_by: str = ""


@dataclass(slots=True)
class Matching:
    """Ledger rows that no file row has claimed yet, and the file rows seen so far.

    `settled` has the names of reversed ledger rows and of their reversals.
    """

    source: str
    settled: frozenset[str] = frozenset()
    # Name -> figures, and whether this source gave the name.
    by_name: dict[str, tuple[bytes, bool]] = field(default_factory=dict)
    # Rows of the ledger by figures: those named by this source, and the others.
    ours: Counter[bytes] = field(default_factory=Counter)
    others: Counter[bytes] = field(default_factory=Counter)
    names_seen: set[str] = field(default_factory=set)
    prints_seen: set[bytes] = field(default_factory=set)
    nameless_seen: set[bytes] = field(default_factory=set)

    def add(self, row: Recorded) -> None:
        """Add a row of the ledger."""
        is_ours = row.named_by == self.source
        for name in row.names:
            self.by_name[name] = (row.print, is_ours)
        (self.ours if is_ours else self.others)[row.print] += 1

    def double(self, *, name: str, print: bytes) -> str | None:  # noqa: A002
        """Claim the match of a row: IN_LEDGER or IN_FILE, or None if the row is new."""
        found = self._found(name, print)
        if name:
            self.names_seen.add(name)
        self.prints_seen.add(print)
        if not is_named(name):
            self.nameless_seen.add(print)
        return found

    def double_of_pair(self, *, name: str) -> str | None:
        """Claim the match by name only, for a row that the file reverses and for the reversal."""
        if name in self.settled or name in self.by_name:
            return IN_LEDGER
        if name in self.names_seen:
            return IN_FILE
        self.names_seen.add(name)
        return None

    def _found(self, name: str, print: bytes) -> str | None:  # noqa: A002
        if name and name in self.names_seen:
            return IN_FILE
        if name and name in self.by_name:
            figures, is_ours = self.by_name[name]
            (self.ours if is_ours else self.others)[figures] -= 1
            return IN_LEDGER
        for counted in (self.others,) if is_named(name) else (self.others, self.ours):
            if counted[print] > 0:
                counted[print] -= 1
                return IN_LEDGER
        doubles = self.nameless_seen if is_named(name) else self.prints_seen
        return IN_FILE if print in doubles else None
