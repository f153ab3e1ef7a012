"""Form 8949 as CSV: one row per gain line, Part I short term, Part II long term. Pure.

Columns (a) to (h) of the form; (f) is W where a wash sale keeps back a part of the loss, (g) what
it keeps back, and (h) = (d) - (e) + (g). Cents are kept, so that each part sums to Schedule D.
Column (b) is the day the shares were bought; where a wash sale tacked a holding period onto it, the
note says from which day the period counts, because that decides the part (IRC 1223(3)).
Text a spreadsheet could take for a formula is made inert; numbers stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from core.money import plain, quantize
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


def form_8949(lines: Iterable[GainLine], *, currency: str, with_totals: bool = False) -> str:
    """The CSV of taxable lines of one year; Part I first, each part in the order given."""
    rows = [line for line in lines if line.taxable]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    sums = totals(rows)
    for long_term, part in ((False, "I"), (True, "II")):
        writer.writerows(_row(line, part) for line in rows if line.long_term is long_term)
        if with_totals:
            writer.writerow(_total(sums[long_term], part, currency))
    return out.getvalue()


def _row(line: GainLine, part: str) -> Iterator[str]:
    yield part
    yield inert(f"{plain(line.quantity)} sh. {line.symbol}" if line.quantity else line.symbol)
    yield _day(line.opened_date)
    yield _day(line.closed_date)
    yield _money(line.proceeds, line.currency)
    yield _money(line.cost_basis, line.currency)
    yield "W" if line.disallowed_loss else ""
    yield _money(line.disallowed_loss, line.currency) if line.disallowed_loss else ""
    yield _money(line.recognized_gain, line.currency)
    yield inert("; ".join(_notes(line)))


def _notes(line: GainLine) -> Iterator[str]:
    if line.permanent:
        yield "replaced in a retirement account: the loss is gone for good"
    if line.holding_period_date != line.opened_date:
        yield f"held from {_day(line.holding_period_date)} (IRC 1223(3))"


def _total(total: Totals, part: str, currency: str) -> Iterator[str]:
    yield part
    yield from ("Totals", "", "")
    yield _money(total.proceeds, currency)
    yield _money(total.cost_basis, currency)
    yield ""
    yield _money(total.disallowed_loss, currency)
    yield _money(total.recognized_gain, currency)
    yield ""


def inert(text: str) -> str:
    """Text that no spreadsheet runs: an apostrophe before what would start a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _day(day: date) -> str:
    """As the form has it: month, day, year."""
    return f"{day:%m/%d/%Y}"


def _money(amount: Decimal, currency: str) -> str:
    return f"{quantize(amount, currency):f}"
