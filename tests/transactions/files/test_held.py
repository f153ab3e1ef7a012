"""Rows held until the whole file has been read."""

import io
from datetime import UTC, date, datetime

from transactions.files.formats.ballast import read
from transactions.files.reading.held import HeldRows
from transactions.files.reading.interface import Options


def test_a_held_row_keeps_the_offset_that_names_its_trade_date() -> None:
    data = io.BytesIO(b"date,type,amount,currency\n2024-12-31T19:30:00-05:00,deposit,5.5,USD\n")
    held = HeldRows()
    for row in read(data, Options(now=datetime(2026, 11, 23, tzinfo=UTC))):
        held.add(row)
    [entry] = [row.entry for row in held]
    assert entry is not None
    assert entry.executed_at == datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
    assert entry.executed_at.date() == date(2024, 12, 31)
