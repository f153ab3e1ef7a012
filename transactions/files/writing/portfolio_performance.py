"""Portfolio Performance's CSV of transactions, in English and with a decimal point. Pure.

    value   purchase: amount + fee; sale, dividend, interest: amount - fee; a delivery: its basis

Cells that a spreadsheet would read as a formula have a `'` before them; numbers stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal

from core.money import plain
from transactions.files.formats.ballast import inert
from transactions.files.reading.interface import Draft
from transactions.ledger.kinds import KINDS, Kind

COLUMNS = (
    *("Date", "Type", "Value", "Transaction Currency", "Gross Amount", "Currency Gross Amount"),
    *("Exchange Rate", "Fees", "Taxes", "Shares", "ISIN", "WKN", "Ticker Symbol"),
    *("Security Name", "Note"),
)
NAME = "portfolio_performance"


def write(drafts: Iterable[Draft]) -> Iterator[str]:
    """Yield the file line by line, heading first."""
    yield _line(COLUMNS)
    for draft in drafts:
        kind = KINDS[draft.type]
        if kind.reinvests:
            yield _row(draft, KINDS["dividend"], fee=Decimal(0))
            yield _row(draft, KINDS["buy"], fee=draft.fee)
        else:
            yield _row(draft, kind, fee=draft.fee)


def _row(draft: Draft, kind: Kind, *, fee: Decimal) -> str:
    gross = draft.amount
    if gross is None and draft.price is not None and draft.quantity is not None:
        gross = draft.price * draft.quantity
    gross = gross or Decimal(0)
    value = gross + fee if kind.cash == "out" else gross - fee
    shares = draft.quantity if kind.lots != "none" else None
    texts = (draft.security.symbol, draft.security.name, draft.note)
    symbol, name, note = (inert(text) for text in texts)
    return _line(
        (
            draft.executed_at.strftime("%Y-%m-%dT%H:%M"),
            kind.exported_as[NAME],
            plain(value),
            draft.currency,
            "",
            "",
            "",
            plain(fee) if fee else "",
            "",
            "" if shares is None else plain(shares),
            inert(draft.security.isin),
            "",
            symbol,
            name,
            note,
        )
    )


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
