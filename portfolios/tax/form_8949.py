"""Form 8949 as CSV: one row per gain line, Part I short term, Part II long term. Pure.

Columns (a) to (h) of the form; (f) is W if a wash sale disallows a part of the loss, (g) is the
disallowed part, and (h) = (d) - (e) + (g). Cents are kept, so that each part sums to Schedule D.
Column (b) is the day the shares were bought. If a wash sale tacked a holding period onto it, the
note gives the day the period counts from, because that decides the part (IRC 1223(3)).
Text that a spreadsheet could read as a formula is made inert; numbers stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from core.money import plain
from core.money_text import money_text
from portfolios.tax.gains import GainLine, Totals, totals

COLUMNS = (
    "part",
    "description",
    "date_acquired",
    "date_sold",
    "proceeds",
    "cost_basis",
    "code",
    "adjustment",
    "gain",
    "note",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def form_8949(
    lines: Iterable[GainLine],
    *,
    currency: str,
    with_totals: bool = False,
    boxes: Mapping[str, str] | None = None,
) -> str:
    """Return the CSV of the taxable lines of a year: Part I first, each part in the given order.

    boxes: the box of each line by its id, for a last column.
    """
    rows = [line for line in lines if line.taxable]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *(["box"] if boxes is not None else [])])
    sums = totals(rows)
    for long_term, part in ((False, "I"), (True, "II")):
        for line in rows:
            if line.long_term is long_term:
                last = [] if boxes is None else [boxes[line.id]]
                writer.writerow([*_row(line, part), *last])
        if with_totals:
            last = [] if boxes is None else [""]
            writer.writerow([*_total(sums[long_term], part, currency), *last])
    return out.getvalue()


def _row(line: GainLine, part: str) -> Iterator[str]:
    yield part
    yield inert(f"{plain(line.quantity)} sh. {line.symbol}" if line.quantity else line.symbol)
    yield _day(line.opened_date)
    yield _day(line.closed_date)
    yield money_text(line.proceeds, line.currency)
    yield money_text(line.cost_basis, line.currency)
    yield "W" if line.disallowed_loss else ""
    yield money_text(line.disallowed_loss, line.currency) if line.disallowed_loss else ""
    yield money_text(line.recognized_gain, line.currency)
    yield inert("; ".join(_notes(line)))


def _notes(line: GainLine) -> Iterator[str]:
    if line.permanent:
        yield "replaced in a retirement account: the loss is gone for good"
    if line.holding_period_date != line.opened_date:
        yield f"held from {_day(line.holding_period_date)} (IRC 1223(3))"


def _total(total: Totals, part: str, currency: str) -> Iterator[str]:
    yield part
    yield from ("Totals", "", "")
    yield money_text(total.proceeds, currency)
    yield money_text(total.cost_basis, currency)
    yield ""
    yield money_text(total.disallowed_loss, currency)
    yield money_text(total.recognized_gain, currency)
    yield ""


def inert(text: str) -> str:
    """Return the text with an apostrophe before it if it would start a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _day(day: date) -> str:
    """Return the day as the form writes it: month, day, year."""
    return f"{day:%m/%d/%Y}"
