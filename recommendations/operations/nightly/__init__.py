"""The nightly run: started once a night, done in chunks by any number of workers, ended once.

Workers import `chunks` themselves: it loads the engine's compiler, which no other process needs.
"""

from recommendations.operations.nightly.runs import (
    begin_due_night,
    begin_night,
    cancel_night,
    end_if_done,
    forget_old_nights,
)

__all__ = [
    "begin_due_night",
    "begin_night",
    "cancel_night",
    "end_if_done",
    "forget_old_nights",
]
