"""Short or long term: exclude the day bought, include the day sold (IRC 1222, Rev. Rul. 66-7).

    first holding day = acquisition + 1 day
    long term         = sold on or after the same day of the next year; 29 February becomes 1 March

Worked example: bought 2023-02-28, first holding day 2023-03-01, long from 2024-03-01: a sale on
2024-02-29 is still short. It is neither a count of 365 days nor "the day after the anniversary".
"""

from datetime import date, timedelta
from functools import lru_cache


@lru_cache(maxsize=8192)
def first_long_term_date(*, opened_date: date) -> date:
    """Return the first trade date on which a sale is long term.

    `opened_date` is the acquisition's trade date, or the tacked date where a wash sale moved it.
    """
    first_day = opened_date + timedelta(days=1)
    if (first_day.month, first_day.day) == (2, 29):
        return date(first_day.year + 1, 3, 1)
    return first_day.replace(year=first_day.year + 1)


def is_long_term(*, opened_date: date, sold_date: date) -> bool:
    """Return whether shares opened on `opened_date` are long term if sold on `sold_date`."""
    return sold_date >= first_long_term_date(opened_date=opened_date)
