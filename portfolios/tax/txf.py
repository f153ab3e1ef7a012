"""Form 8949 as a file of the Tax Exchange Format, version 042, for tax software. Pure.

A line is a record of format 5: description, day acquired, day sold, basis, proceeds, and the loss
that a wash sale disallows. The reference number names the box of the form. Where a wash sale has
tacked a holding period on, the number says long-term although the days alone would not.
Source: TXF 042 as published by Intuit, reference numbers 321, 711, 712, 323, 713 and 714.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from core.money import plain
from core.money_text import money_text
from portfolios.tax.gains import GainLine

_NUMBERS = {"A": 321, "B": 711, "C": 712, "D": 323, "E": 713, "F": 714}
_DESCRIPTION_LENGTH_MAX = 255


def txf(lines: Iterable[GainLine], *, boxes: Mapping[str, str], made_on: date) -> str:
    """Return the file of taxable lines; `boxes` by the id of the line."""
    records = ["V042", "ABallast", f"D{_day(made_on)}", "^"]
    for line in lines:
        if not line.taxable:
            continue
        records += [
            "TD",
            f"N{_NUMBERS[boxes[line.id]]}",
            "C1",
            "L1",
            f"P{_description(line)}",
            f"D{_day(line.opened_date)}",
            f"D{_day(line.closed_date)}",
            f"${money_text(line.cost_basis, line.currency)}",
            f"${money_text(line.proceeds, line.currency)}",
            f"${money_text(line.disallowed_loss, line.currency)}" if line.wash_sale else "$",
            "^",
        ]
    return "".join(f"{record}\r\n" for record in records)


def _description(line: GainLine) -> str:
    """Return the shares and the symbol in one line of printable ASCII."""
    shares = f"{plain(line.quantity)} sh. " if line.quantity else ""
    text = f"{shares}{line.symbol}".encode("ascii", "replace").decode()
    return "".join(sign if sign.isprintable() else " " for sign in text)[:_DESCRIPTION_LENGTH_MAX]


def _day(day: date) -> str:
    return f"{day:%m/%d/%Y}"
