"""The nightly run: started once a night, done in chunks by any number of workers, ended once."""

from recommendations.operations.nightly.chunks import fail_chunk, run_chunk
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
    "fail_chunk",
    "forget_old_nights",
    "run_chunk",
]
