"""The rules of a strategy: when it is brought back to its weights. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Schedule(StrEnum):
    """On the first session of each period; never, if only the bands decide."""

    NEVER = "never"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True)
class Rules:
    """`bands`: also on the session after a weight left its band. Neither: bought and held."""

    schedule: Schedule = Schedule.NEVER
    bands: bool = True


def packed(rules: Rules) -> dict[str, Any]:
    """Return the rules as JSON: what a version stores and its hash is computed of."""
    return {"schedule": rules.schedule.value, "bands": rules.bands}


def unpacked(row: Mapping[str, Any]) -> Rules:
    """Return stored rules; the default ones for a working copy without."""
    if not row:
        return Rules()
    return Rules(schedule=Schedule(row["schedule"]), bands=bool(row["bands"]))
