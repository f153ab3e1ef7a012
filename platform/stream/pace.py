"""How often a client gets prices, and the price move that is sent at once. Pure."""

from dataclasses import dataclass

MOVE_MIN = 0.001
# The ticks of a feed are never exactly one second apart. So a batch may be sent early by this share
# of the interval. The next is then due that much later, which keeps the average rate.
EARLY_MAX = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """The update rate of a client."""

    interval_s: float
    urgent_per_s_max: int = 20


PACES = {"standard": Pace(interval_s=1.0), "active": Pace(interval_s=0.1)}
