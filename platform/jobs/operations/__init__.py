"""Jobs from the request to the result, and messages to households about it."""

from jobs.operations.claims import (
    Claim,
    LeaseLost,
    claim,
    complete,
    fail,
    report_progress,
    result_written,
    try_again,
    wait,
)
from jobs.operations.idempotency import Answer, Subject, answer_once, forget_old_keys
from jobs.operations.outbox import (
    Message,
    announce,
    announce_all,
    announce_to_many,
    forget_sent,
    outbox_delivered,
    outbox_failed,
    replay_dead,
    wake_outbox,
)
from jobs.operations.requests import cancel, enqueue, retry
from jobs.operations.sweeping import sweep
from jobs.operations.working import Ending, Told, work

__all__ = [
    "Answer",
    "Claim",
    "Ending",
    "LeaseLost",
    "Message",
    "Told",
    "announce",
    "announce_all",
    "announce_to_many",
    "Subject",
    "answer_once",
    "cancel",
    "claim",
    "complete",
    "enqueue",
    "fail",
    "forget_old_keys",
    "forget_sent",
    "outbox_delivered",
    "outbox_failed",
    "replay_dead",
    "report_progress",
    "result_written",
    "retry",
    "sweep",
    "try_again",
    "wait",
    "wake_outbox",
    "work",
]
