"""How often a client gets prices: the paces, and the move that does not wait for one. Pure."""

from dataclasses import dataclass

MOVE_MIN = 0.001
# A feed that ticks once a second is never exactly a second apart. So a batch may go out early by
# this share of the interval; the next is then due that much later, and the mean rate holds.
EARLY_MAX = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a client may get updates."""

    interval_s: float
    urgent_per_s_max: int = 20


PACES = {"standard": Pace(interval_s=1.0), "active": Pace(interval_s=0.1)}
