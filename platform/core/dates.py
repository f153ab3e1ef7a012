"""Days and instants: always time-zone aware, always UTC inside."""

from datetime import UTC, date, datetime, timedelta

from core.errors import InvalidInput
from core.limits import EARLIEST_DATE, LATEST_DATE


def instant_text(value: datetime) -> str:
    """Return ISO 8601 in UTC with a Z; microseconds only if they are not zero."""
    text = value.astimezone(UTC).isoformat()
    return text.replace("+00:00", "Z")


def ensure_known(day: date, *, field: str) -> None:
    """Refuse a day before 1950 or after 2200, where no answer exists and arithmetic may fail."""
    if day < EARLIEST_DATE:
        raise InvalidInput(
            f"{field} lies before {EARLIEST_DATE}.",
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
            f"{field} lies before {EARLIEST_DATE}.",
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
