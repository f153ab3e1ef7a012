"""Days and instants: always time-zone aware, stored in UTC.

An instant in the ledger also has the day at the place of the trade, which need not be its day in
UTC. `on_day` puts an instant into an offset at which its date is that day: it is still the same
instant for every comparison, and `.date()` is the trade date.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone

from core.errors import InvalidInput
from core.limits import EARLIEST_DATE, LATEST_DATE

_DAY = timedelta(days=1)
# An offset of whole hours if it gives the day, else of whole minutes.
_OFFSET_UNITS = (timedelta(hours=1), timedelta(minutes=1))


def instant_text(value: datetime) -> str:
    """Return ISO 8601 in UTC with a Z; microseconds only if they are not zero."""
    text = value.astimezone(UTC).isoformat()
    return text.replace("+00:00", "Z")


def on_day(instant: datetime, day: date, *, field: str = "trade_date") -> datetime:
    """Return the instant in an offset at which its date is `day`.

    UTC where that is its day in UTC. Raises InvalidInput if the day is 24 hours away or more.
    """
    utc = instant.astimezone(UTC)
    if utc.date() == day:
        return utc
    begin = datetime.combine(day, time(), UTC)
    for unit in _OFFSET_UNITS:
        if utc < begin:
            offset = -((utc - begin) // unit) * unit
        else:
            offset = -((utc - begin - _DAY) // unit + 1) * unit
        if abs(offset) < _DAY:
            return utc.astimezone(timezone(offset))
    raise InvalidInput(
        f"{field} is a day or more away from the instant {instant_text(instant)}.",
        code="trade_date_far",
        fields={field: ["must be less than a day away from executed_at"]},
    )


def ensure_known(day: date, *, field: str) -> None:
    """Refuse a day before 1950 or after 2200, where no answer exists and arithmetic may fail."""
    if day < EARLIEST_DATE:
        raise InvalidInput(
            f"{field} is before {EARLIEST_DATE}. Send a later date.",
            code="date_too_early",
            fields={field: [f"must be on or after {EARLIEST_DATE}"]},
        )
    if day > LATEST_DATE:
        raise InvalidInput(
            f"{field} is after {LATEST_DATE}. Send an earlier date.",
            code="date_too_late",
            fields={field: [f"must be on or before {LATEST_DATE}"]},
        )


def ensure_past(executed_at: datetime, *, now: datetime, field: str) -> None:
    """Raise InvalidInput for an instant before 1950 or over five minutes in the future."""
    if executed_at.astimezone(UTC).date() < EARLIEST_DATE:
        raise InvalidInput(
            f"{field} is before {EARLIEST_DATE}. Send a later date.",
            code="date_too_early",
            fields={field: [f"must be on or after {EARLIEST_DATE}"]},
        )
    if executed_at > now + timedelta(minutes=5):
        raise InvalidInput(
            f"{field} is in the future. Send today's date or an earlier one.",
            code="date_in_future",
            fields={field: ["must not be in the future"]},
        )


def ensure_range(from_date: date, to_date: date, *, days_max: int) -> None:
    """Raise InvalidInput for a reversed range or one longer than `days_max` days."""
    if from_date > to_date:
        raise InvalidInput(
            "from is after to. Swap them.",
            code="range_reversed",
            fields={"from": ["must not be after to"]},
        )
    if (to_date - from_date).days > days_max:
        raise InvalidInput(
            f"The range is too long. Ask for at most {days_max} days at once.",
            code="range_too_long",
            fields={"from": [f"at most {days_max} days before to"]},
        )


def moved_by_years(day: date, years: int) -> date:
    """Return the same day of another year; February 28 for a leap day where it has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
