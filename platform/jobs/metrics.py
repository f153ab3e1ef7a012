"""Gauges of waiting work, for Prometheus."""

from edge.metrics import KeptFigures

WAITING_WORK = KeptFigures(
    key="figures:jobs",
    gauges={
        "ballast_jobs_waiting": ("queue", "Unfinished jobs that no worker is running."),
        "ballast_jobs_oldest_due_seconds": (
            "queue",
            "Seconds since the oldest of these jobs was due.",
        ),
        "ballast_jobs_running": ("queue", "Jobs that a worker is running."),
        "ballast_queue_messages": ("queue", "Messages in the broker's queue."),
        "ballast_outbox_rows": (
            "state",
            "Events to households that are not sent yet or have failed for good.",
        ),
        "ballast_outbox_oldest_seconds": (
            "state",
            "Age in seconds of the oldest of these events.",
        ),
    },
)
