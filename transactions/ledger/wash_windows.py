"""The length of a wash sale's window: 30 calendar days before a loss to 30 after it. Pure.

All code on "30 days" or "day 31" uses this file. The rules are in `wash_sales`; the windows open on
a day, with the purchases they block, are in `open_wash_windows`. Source: IRC 1091(a).

Worked example: a loss of 2025-03-03 is washed by purchases from 2025-02-01 through 2025-04-02, and
2025-04-03 is the first clean day.
"""

from datetime import date, timedelta

WINDOW_DAYS = 30
# Trade dates follow the order of instants except for places far apart: of two instants the later
# one may have the earlier day, by at most this much.
DAYS_ASIDE = 2


def window_start(sold_date: date) -> date:
    """Return the first day whose purchases may replace a loss of `sold_date`."""
    return sold_date - timedelta(days=WINDOW_DAYS)


def window_end(sold_date: date) -> date:
    """Return the last day whose purchases disallow a loss of `sold_date`: the 30th after it."""
    return sold_date + timedelta(days=WINDOW_DAYS)


def clean_date(day: date) -> date:
    """Return the first day on which a trade of `day` no longer matters: the 31st after it."""
    return window_end(day) + timedelta(days=1)
