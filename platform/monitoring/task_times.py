"""The time and outcome of each task that a worker runs, jobs and scheduled tasks alike."""

import time
from typing import Any

from celery.signals import task_postrun, task_prerun

from monitoring.metrics import TASK_SECONDS

# A process of a worker runs one task at a time; a task it calls directly is no task of its own.
_begun: dict[str, float] = {}


def connect() -> None:
    """From now on time every task of this process."""
    task_prerun.connect(_begin, weak=False, dispatch_uid="monitoring.task_times")
    task_postrun.connect(_end, weak=False, dispatch_uid="monitoring.task_times")


def _begin(task_id: str, **_: Any) -> None:
    _begun[task_id] = time.perf_counter()


def _end(task_id: str, task: Any, state: str | None, **_: Any) -> None:
    begun = _begun.pop(task_id, None)
    if begun is not None:
        outcome = "done" if state == "SUCCESS" else (state or "failed").lower()
        TASK_SECONDS.labels(task.name, outcome).observe(time.perf_counter() - begun)
