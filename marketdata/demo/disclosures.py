"""Cash dividends from the disclosures of an exchange: a table of texts in, dividends out. Pure.

The text names the cash of one share, the ex-date and the day of payment in words:
"a cash dividend of Php0.62 per share ... (ex-dividend date of April 22, 2020) ... Payment date will
be on May 22, 2020". A declaration that does not name all three is refused, not guessed.
"""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

DECLARATION = "Declaration of Cash Dividends"
_DAY = r"([A-Z][a-z]+ \d{1,2}, \d{4})"
_CASH = re.compile(r"cash dividend of Php(\d+(?:\.\d+)?) per share")
_EX_DATE = re.compile(rf"ex-dividend date of {_DAY}")
_PAYMENT = re.compile(rf"Payment date will be on {_DAY}")


@dataclass(frozen=True, slots=True)
class DeclaredDividend:
    """Cash of one share in pesos, as the company disclosed it, on its real days."""

    amount: Decimal
    ex_date: date
    payment_date: date


def declared_dividends(text: str) -> list[DeclaredDividend]:
    """Return the dividends that a table of disclosures declares, in its order."""
    found = []
    for row in csv.DictReader(io.StringIO(text)):
        if row["Template Name"] != DECLARATION:
            continue
        told = row["Background/Description of the Disclosure"]
        parts = [pattern.search(told) for pattern in (_CASH, _EX_DATE, _PAYMENT)]
        if all(parts):
            cash, ex_date, payment = (part[1] for part in parts if part)
            found.append(DeclaredDividend(Decimal(cash), _day(ex_date), _day(payment)))
    return found


def _day(text: str) -> date:
    return datetime.strptime(f"{text} +0000", "%B %d, %Y %z").date()
