"""Counts of waiting work."""

from datetime import datetime

from django.db import connection

from edge.metrics import Figures
from jobs.metrics import WAITING_WORK
from jobs.models import OutboxState, Queue
from jobs.operations.worker_messages import depths

_JOBS = """
SELECT queue,
       count(*) FILTER (WHERE NOT held),
       COALESCE(EXTRACT(epoch FROM max(%(now)s - due_at) FILTER (WHERE NOT held)), 0),
       count(*) FILTER (WHERE held)
  FROM (SELECT queue, status = 'processing' AND lease_until >= now() AS held,
               COALESCE(lease_until, next_at) AS due_at
          FROM jobs_job WHERE status IN ('pending', 'processing')) AS job
 GROUP BY queue
"""
_OUTBOX = """
SELECT state, count(*), COALESCE(EXTRACT(epoch FROM %(now)s - min(created_at)), 0)
  FROM jobs_outbox WHERE state IN ('waiting', 'dead') GROUP BY state
"""


def measure(*, now: datetime) -> Figures:
    """Count waiting jobs and messages, keep the figures for /metrics, and return them."""
    waiting, oldest, running = (dict.fromkeys(Queue.values, 0.0) for _ in range(3))
    states = (OutboxState.WAITING.value, OutboxState.DEAD.value)
    rows, age = (dict.fromkeys(states, 0.0) for _ in range(2))
    with connection.cursor() as cursor:
        cursor.execute(_JOBS, {"now": now})
        for queue, not_held, due_s, held in cursor.fetchall():
            waiting[queue], running[queue] = float(not_held), float(held)
            oldest[queue] = max(0.0, float(due_s))
        cursor.execute(_OUTBOX, {"now": now})
        for state, count, age_s in cursor.fetchall():
            rows[state], age[state] = float(count), max(0.0, float(age_s))
    messages = depths((*Queue.values, "notify", "urgent", "deliveries")) or {}
    figures = {
        "ballast_jobs_waiting": waiting,
        "ballast_jobs_oldest_due_seconds": oldest,
        "ballast_jobs_running": running,
        "ballast_queue_messages": {queue: float(count) for queue, count in messages.items()},
        "ballast_outbox_rows": rows,
        "ballast_outbox_oldest_seconds": age,
    }
    WAITING_WORK.keep(figures)
    return figures
