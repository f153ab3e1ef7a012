"""Amounts set by law, by year, with their sources. Pure.

Net capital loss against other income (IRC 1211(b)): a tax year uses the last row that began in or
before it; years before the first row use the first row.
"""

from bisect import bisect_right
from decimal import Decimal
from enum import StrEnum


class FilingStatus(StrEnum):
    """How the members of a household file (IRC 1, 2, 6013)."""

    SINGLE = "single"
    JOINT = "joint"
    SEPARATE = "separate"
    HEAD_OF_HOUSEHOLD = "head_of_household"


# First tax year, dollars, dollars for a married person filing separately. Tax Reform Act of 1976
# (Pub. L. 94-455), section 1401: 2,000 for 1977 and 3,000 from 1978; not indexed since.
CAPITAL_LOSS_LIMITS: tuple[tuple[int, Decimal, Decimal], ...] = (
    (1977, Decimal(2000), Decimal(1000)),
    (1978, Decimal(3000), Decimal(1500)),
)

_YEARS = [row[0] for row in CAPITAL_LOSS_LIMITS]


def capital_loss_limit(*, year: int, filing_status: FilingStatus) -> Decimal:
    """Return the net capital loss of `year` deductible from other income, in dollars."""
    row = CAPITAL_LOSS_LIMITS[max(0, bisect_right(_YEARS, year) - 1)]
    return row[2] if filing_status is FilingStatus.SEPARATE else row[1]
