"""Counts of deliveries that are due, and of dead letters."""

from datetime import datetime

from edge.metrics import Figures
from notifications.metrics import WAITING_DELIVERIES
from notifications.models import Channel
from stores.rows import rows_of

_DUE = """
SELECT channel, count(*), EXTRACT(epoch FROM %(now)s - min(next_at))
  FROM notifications_delivery WHERE state = 'waiting' AND next_at <= %(now)s GROUP BY channel
"""
_DEAD = "SELECT channel, count(*) FROM notifications_delivery WHERE state = 'dead' GROUP BY channel"


def measure(*, now: datetime) -> Figures:
    """Count deliveries, keep the figures for /metrics, and return them."""
    due, oldest, dead = (dict.fromkeys(Channel.values, 0.0) for _ in range(3))
    for channel, count, age_s in rows_of(_DUE, {"now": now}):
        due[channel], oldest[channel] = float(count), float(age_s)
    for channel, count in rows_of(_DEAD, {}):
        dead[channel] = float(count)
    figures = {
        "ballast_deliveries_due": due,
        "ballast_deliveries_oldest_due_seconds": oldest,
        "ballast_deliveries_dead": dead,
    }
    WAITING_DELIVERIES.keep(figures)
    return figures
