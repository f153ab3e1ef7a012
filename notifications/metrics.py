"""Gauges of deliveries, for Prometheus."""

from edge.metrics import KeptFigures

WAITING_DELIVERIES = KeptFigures(
    key="figures:deliveries",
    gauges={
        "ballast_deliveries_due": ("channel", "Deliveries that are due and not sent."),
        "ballast_deliveries_oldest_due_seconds": (
            "channel",
            "Seconds since the oldest of these was due.",
        ),
        "ballast_deliveries_dead": ("channel", "Deliveries that failed for good."),
    },
)
