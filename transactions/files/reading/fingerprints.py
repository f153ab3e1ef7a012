"""Names for rows that have none in their source, made of the rows' figures. Pure."""

import hashlib
from collections import Counter

from core.frozen import changed
from transactions.files.reading.interface import ParsedRow


class Fingerprints:
    """Names for rows that have none in their source; equal rows are counted in file order."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def name(self, row: ParsedRow, *, timed: bool = False) -> ParsedRow:
        entry = row.entry
        if row.takes_back is not None and row.takes_back.otherwise is not None:
            back = row.takes_back
            otherwise = self.name(back.otherwise, timed=timed) if back.otherwise else None
            return changed(row, takes_back=changed(back, otherwise=otherwise))
        if entry is None or entry.external_id or row.takes_back is not None:
            return row
        at = entry.executed_at
        figures = (entry.quantity, entry.price, entry.amount, entry.fee, entry.added_quantity)
        parts = [
            *(entry.account, entry.type, at.isoformat() if timed else at.date().isoformat()),
            *(entry.security.key, entry.new_security.key, entry.currency, entry.ratio),
            *("" if value is None else str(value.normalize()) for value in figures),
        ]
        digest = hashlib.sha256("\x1f".join(parts).encode()).digest()[:12]
        self._seen[digest] += 1
        count = self._seen[digest]
        name = f"row:{digest.hex()}" + (f"#{count}" if count > 1 else "")
        return changed(row, entry=changed(entry, external_id=name))
