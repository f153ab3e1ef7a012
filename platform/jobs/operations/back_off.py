"""The delay between two attempts of a job."""

import random
from datetime import timedelta

WAIT_S = (2.0, 60.0)  # first, longest
RETRY_S = (5.0, 300.0)
# Pauses between tries to give a job back while the database is out of reach.
GIVE_BACK_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


def back_off(number: int, first_s: float, longest_s: float) -> timedelta:
    """Return the pause before a repetition: doubled each time, bounded, and half of it random.

    The random half spreads out jobs that met the same fault at the same moment.
    """
    assert number >= 1, "repetitions are counted from one"
    longest = min(longest_s, first_s * 2.0 ** min(number - 1, 30))
    return timedelta(seconds=longest * random.uniform(0.5, 1.0))
