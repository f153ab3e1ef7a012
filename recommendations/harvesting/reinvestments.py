"""When a holding that reinvests its dividends buys shares again. Pure.

    interval   the median number of days between the reinvestments of the last 400 days; 91 (a
               quarter) if there was only one
    expected   the last one + the interval; an overdue one is expected any day
    stopped    none for one and a half intervals: the reinvestment counts as switched off

A reinvestment is a purchase (IRC 1091; Pub. 550): one in the 30 days before the sale or after it
disallows the loss of as many shares.

Worked example: reinvested on 2026-03-16 and 2026-06-15: interval 91 days, expected 2026-09-14.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

QUARTER_DAYS = 91
LOOKED_BACK_DAYS = 400


@dataclass(frozen=True, slots=True)
class Reinvestment:
    """The last reinvestment of a holding, and the next one; None if it was switched off."""

    last_date: date
    expected_date: date | None


def reinvestment(*, days: Sequence[date], as_of: date) -> Reinvestment | None:
    """Return the rhythm of a holding's reinvestments; None if there was none in 400 days."""
    since = as_of - timedelta(days=LOOKED_BACK_DAYS)
    known = sorted({day for day in days if since <= day <= as_of})
    if not known:
        return None
    gaps = sorted((later - day).days for day, later in zip(known, known[1:], strict=False))
    interval = gaps[(len(gaps) - 1) // 2] if gaps else QUARTER_DAYS
    last = known[-1]
    if (as_of - last).days * 2 > interval * 3:
        return Reinvestment(last, None)
    return Reinvestment(last, max(last + timedelta(days=interval), as_of))
