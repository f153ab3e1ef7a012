"""A backdated trade in a chain of 60,000: what the web process does, and what the worker does."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from bench.ledger import seeded, trade
from jobs.models import JobStatus
from transactions.models import Account
from transactions.operations import imports, record
from transactions.operations.books.booking import RebookingTooLong
from transactions.operations.verification import verified
from transactions.tasks import work_on_import

TARGETS = {"web_s_max": 0.5, "worker_s_max": 60}
_HEADING = b"type,executed_at,symbol,quantity,price,currency,lot_method\r\n"


def run(*, trades: int = 60_000) -> dict[str, Any]:
    """Seconds of each step of one backdated sale that changes every later sale of its asset.

    `refused`: recorded directly, the request refuses it before it books anything. `read` and
    `commit`: the requests that bring it as a file, the second of which leaves it to a job.
    `worker`: the job. `differences`: stored rows that booking from the start would not give.
    """
    now = timezone.now()
    user, account, (symbol, *_) = seeded("chain", now)
    begin, step = now - timedelta(days=3650), timedelta(days=3640) / trades
    kinds = [("sell", "0.5") if number % 10 == 9 else ("buy", "3") for number in range(trades)]
    history = [
        trade(kind, symbol, begin + number * step, quantity)
        for number, (kind, quantity) in enumerate(kinds)
    ]
    record(account=account, entries=history, user=user, now=now, events_max=None)
    sale = trade("sell", symbol, begin + 100 * step + step / 2, "1")
    row = f"sell,{sale.executed_at.isoformat()},{symbol},1,11.02,USD,fifo\r\n".encode()
    batch: Any = None

    def refused() -> None:
        try:
            record(account=account, entries=[sale], user=user, now=now)
        except RebookingTooLong:
            return
        raise AssertionError("the request booked the whole chain")

    def read() -> None:
        nonlocal batch
        upload = imports.Upload("one.csv", [_HEADING, row])
        batch = imports.bring(account=account, upload=upload, user=user, now=now)

    def commit() -> None:
        nonlocal batch
        batch = imports.commit(batch=batch, user=user, now=now)
        assert batch.is_busy, "the request committed the file itself"

    figures: dict[str, Any] = {"trades": trades, "targets": TARGETS}
    figures["refused"], figures["read"], figures["commit"] = map(_timed, (refused, read, commit))
    figures["worker"] = _timed(lambda: work_on_import(batch.job_id))
    batch.job.refresh_from_db()
    assert batch.job.status == JobStatus.COMPLETED, batch.job.error
    figures["differences"] = _differences(account)
    return figures


def _differences(account: Account) -> int:
    return len(next(verified(after_household_id=account.household_id - 1, batch=1)).differences)


def _timed(step: Callable[[], object]) -> dict[str, float]:
    start, cpu = time.perf_counter(), time.process_time()
    step()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"s": round(seconds, 3), "cpu_s": round(cpu, 3)}
