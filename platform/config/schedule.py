"""The schedule. Every task may safely run twice: it either claims a row first or is idempotent.

Each queue of jobs gets a heartbeat message of its own. A worker that is busy with jobs writes its
heartbeat from the threads that keep their leases, so long work is no silence.
"""

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep jobs": {
        "task": "jobs.sweep",
        "schedule": 10.0,
        "options": {"queue": "notify", "expires": 10},
    },
    "measure jobs": {
        "task": "jobs.measure",
        "schedule": 15.0,
        "options": {"queue": "notify", "expires": 15},
    },
    "measure the state": {
        "task": "monitoring.measure",
        "schedule": 30.0,
        "options": {"queue": "notify", "expires": 30},
    },
    "relay urgent events": {
        "task": "notifications.relay",
        "args": (True,),
        "schedule": 5.0,
        "options": {"queue": "urgent", "expires": 5},
    },
    "relay events": {
        "task": "notifications.relay",
        "args": (False,),
        "schedule": 10.0,
        "options": {"queue": "deliveries", "expires": 10},
    },
    "measure deliveries": {
        "task": "notifications.measure",
        "schedule": 15.0,
        "options": {"queue": "notify", "expires": 15},
    },
    "watch prices": {
        "task": "notifications.watch_prices",
        "schedule": 5.0,
        "options": {"queue": "deliveries", "expires": 5},
    },
    "announce the news of the day": {
        "task": "notifications.announce_day",
        "schedule": crontab(minute="*/10"),
        "options": {"queue": "deliveries", "expires": 500},
    },
    "delete old deliveries": {
        "task": "notifications.forget_old",
        "schedule": crontab(hour="4", minute="5"),
        "options": {"queue": "deliveries", "expires": 80_000},
    },
    "heartbeat interactive": {
        "task": "jobs.heartbeat",
        "args": ("interactive",),
        "schedule": 30.0,
        "options": {"queue": "interactive", "expires": 30},
    },
    "heartbeat imports": {
        "task": "jobs.heartbeat",
        "args": ("imports",),
        "schedule": 30.0,
        "options": {"queue": "imports", "expires": 30},
    },
    "heartbeat nightly": {
        "task": "jobs.heartbeat",
        "args": ("nightly",),
        "schedule": 30.0,
        "options": {"queue": "nightly", "expires": 30},
    },
    "forget old keys": {
        "task": "jobs.forget_old_keys",
        "schedule": crontab(minute="17"),
        "options": {"queue": "notify", "expires": 3000},
    },
    "answer reset requests": {
        "task": "identity.answer_reset_requests",
        "schedule": 10.0,
        "options": {"queue": "notify", "expires": 10},
    },
    "delete expired log-ins": {
        "task": "identity.forget_dead_log_ins",
        "schedule": crontab(hour="3", minute="35"),
        "options": {"queue": "notify", "expires": 80_000},
    },
    "rebook after identity decisions": {
        "task": "transactions.follow_identity_decisions",
        "schedule": 60.0,
        "options": {"queue": "nightly", "expires": 60},
    },
    "follow orders": {
        "task": "transactions.follow_orders",
        "schedule": 5.0,
        "options": {"queue": "notify", "expires": 5},
    },
    "follow corporate actions": {
        "task": "transactions.follow_corporate_actions",
        "schedule": 60.0,
        "options": {"queue": "notify", "expires": 60},
    },
    "delete old imports": {
        "task": "transactions.forget_old_imports",
        "schedule": crontab(hour="3", minute="50"),
        "options": {"queue": "notify", "expires": 80_000},
    },
    "compile the engine": {
        "task": "recommendations.compile_engine",
        "schedule": 60.0,
        "options": {"queue": "nightly", "expires": 60},
    },
    "find replacements": {
        "task": "recommendations.find_replacements",
        "schedule": crontab(hour="2", minute="20"),
        "options": {"queue": "nightly", "expires": 80_000},
    },
    "create price partitions": {
        "task": "marketdata.ensure_partitions",
        "schedule": crontab(hour="3", minute="5"),
        "options": {"queue": "nightly", "expires": 80_000},
    },
    "archive prices": {
        "task": "marketdata.archive_prices",
        "schedule": crontab(hour="4", minute="40"),
        "options": {"queue": "nightly", "expires": 80_000},
    },
    "refresh exchange rates": {
        "task": "marketdata.refresh_rates",
        "schedule": 240.0,
        "options": {"queue": "nightly", "expires": 240},
    },
    "load histories of vendors": {
        "task": "marketdata.load_histories",
        "schedule": 60.0,
        "options": {"queue": "nightly", "expires": 60},
    },
    "begin the night": {
        "task": "recommendations.begin_night",
        "schedule": crontab(minute="*/10"),
        "options": {"queue": "nightly", "expires": 300},
    },
    # Every hour: closes arrive late, and a strategy gets its backtest soon after its publication.
    "append days of strategies": {
        "task": "recommendations.append_strategy_days",
        "schedule": crontab(minute="35"),
        "options": {"queue": "nightly", "expires": 3_000},
    },
    "forget old nights": {
        "task": "recommendations.forget_old_nights",
        "schedule": crontab(hour="4", minute="20"),
        "options": {"queue": "nightly", "expires": 80_000},
    },
}

# Deliveries that are due again after a pause, or whose wake-up was lost.
_CHANNELS = (
    *(("live", True), ("email", True), ("webhook", True), ("push", True)),
    *(("live", False), ("email", False), ("webhook", False), ("digest", False), ("push", False)),
)
for _channel, _urgent in _CHANNELS:
    _queue = "urgent" if _urgent else "deliveries"
    SCHEDULE[f"deliver {_channel} ({_queue})"] = {
        "task": "notifications.deliver",
        "args": (_channel, _urgent),
        "schedule": 5.0 if _urgent else 10.0,
        "options": {"queue": _queue, "expires": 5 if _urgent else 10},
    }
