"""A large file, from its upload to its undoing: the time of each step, the lock, and the memory."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from django.db import connection, transaction
from django.utils import timezone

from bench.scale import seed
from identity.models import User
from transactions.models import Account
from transactions.operations import imports
from transactions.operations.imports import committing
from transactions.operations.verification import verified

TARGETS = {"read_s_max": 15, "commit_s_max": 20, "undo_s_max": 10, "locked_s_max": 3}
_HEADING = b"type,executed_at,symbol,quantity,price,currency,lot_method\r\n"


def run(*, rows: int = 100_000, assets: int = 100) -> dict[str, Any]:
    """Seconds of wall time and of CPU (this process) of each step of a file of `rows` trades.

    Nine purchases and a sale at a loss in turn, over `assets` assets and ten years, so that wash
    sales are looked for and found. `locked_s`: how long the household's accounts were locked.
    """
    now = timezone.now()
    seeded = seed(accounts=1, holdings=assets, tag=f"import{int(now.timestamp())}", now=now)
    user_id, _, account_id = seeded.members[0]
    user = User.objects.get(pk=user_id)
    account = Account.objects.get(public_id=account_id)
    symbols = list(account.holdings.order_by("asset_id").values_list("asset__symbol", flat=True))
    figures: dict[str, Any] = {"rows": rows, "targets": TARGETS}
    upload = imports.Upload("bench.csv", _file(symbols, rows, now))

    batch: Any = None

    def bring() -> None:
        nonlocal batch
        batch = imports.bring(account=account, upload=upload, user=user, now=now, at_once=True)

    def undo() -> None:
        with transaction.atomic():
            committing.undo(batch=batch, user=user, now=timezone.now())
            batch.save()

    figures["read_and_judge"] = _timed(bring)
    figures["ready"] = batch.ready_count
    figures["commit"] = _timed(
        lambda: imports.commit(batch=batch, user=user, now=timezone.now(), at_once=True)
    )
    figures["differences_after_commit"] = _differences(account)
    batch.refresh_from_db()
    figures["undo"] = _timed(undo)
    figures["differences_after_undo"] = _differences(account)
    figures["memory_mb_max"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


def _differences(account: Account) -> int:
    return len(next(verified(after_household_id=account.household_id - 1, batch=1)).differences)


def _file(symbols: list[str], rows: int, now: datetime) -> Iterator[bytes]:
    begin = now.astimezone(UTC).replace(microsecond=0) - timedelta(days=3650)
    step = timedelta(days=3640) / rows
    yield _HEADING
    for number in range(rows):
        at = (begin + number * step).strftime("%Y-%m-%dT%H:%M:%SZ")
        sale = number >= len(symbols) and (number + number // len(symbols)) % 10 == 9
        kind, quantity, price = ("sell", "0.5", "11.02") if sale else ("buy", "3", "12.34")
        symbol = symbols[number % len(symbols)]
        yield f"{kind},{at},{symbol},{quantity},{price},USD,\r\n".encode()


def _timed(step: Callable[[], Any]) -> dict[str, float]:
    with _locked_s() as locked:
        start, cpu = time.perf_counter(), time.process_time()
        step()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"s": round(seconds, 2), "cpu_s": round(cpu, 2), "locked_s": round(locked[0], 2)}


@contextmanager
def _locked_s() -> Iterator[list[float]]:
    """Measure from the first lock of an account to the end of its transaction."""
    since: list[float] = []
    total = [0.0]

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not since and 'FROM "transactions_account"' in sql and "FOR NO KEY" in sql:
            since.append(time.perf_counter())
        return execute(sql, params, many, context)

    commit = connection.commit

    def ended() -> None:
        commit()
        if since:
            total[0] += time.perf_counter() - since.pop()

    with connection.execute_wrapper(watch), mock.patch.object(connection, "commit", ended):
        yield total
