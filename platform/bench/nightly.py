"""A whole night with real workers: every account with targets, from the guards to the last chunk.

    make bench ARGS=nightly                     over the accounts that are there
    ACCOUNTS=50000 OUT_OF_BAND=1 make bench ...  loads so many first
    KILLS=20 make bench ...                     and a second night at the same moment, while so many
                                                workers are killed with SIGKILL at random times

Beside the wall time it gives the seconds of each stage, summed over chunks and workers, the bytes
written, and the largest memory of a worker.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from jobs.operations import sweep
from recommendations.engine.options import Options
from recommendations.models import NightlyRun, NightState
from recommendations.operations.nightly import begin_night
from recommendations.queries.nights import chunk_jobs, progress
from stores.rows import rows_of

TARGETS = {"accounts_a_second_all_outside_min": 2500, "accounts_a_second_tenth_outside_min": 6250}
_STAGES = ("market_s", "screen_s", "read_s", "decide_s", "alone_s", "write_s")
_WAIT_S = 3600
_BYTES = """
SELECT COALESCE(sum(pg_total_relation_size(inhrelid)), 0)
  FROM pg_inherits WHERE inhrelid::regclass::text LIKE %(name)s
"""
_FIGURES = "account_id, outcome, code, trades, gap_bps, drift_after, turnover, tax"
_DIFFERENT = f"""
SELECT count(*) FROM (
    (SELECT {_FIGURES} FROM recommendations_nightlyresult WHERE run_id = %(one)s
     EXCEPT ALL SELECT {_FIGURES} FROM recommendations_nightlyresult WHERE run_id = %(other)s)
    UNION ALL
    (SELECT {_FIGURES} FROM recommendations_nightlyresult WHERE run_id = %(other)s
     EXCEPT ALL SELECT {_FIGURES} FROM recommendations_nightlyresult WHERE run_id = %(one)s)) found
"""
_ONCE = """
SELECT count(*), count(DISTINCT account_id) FROM recommendations_nightlyresult
 WHERE run_id = %(run)s
"""
_PROPOSALS = "SELECT count(*) FROM recommendations_recommendation WHERE run_id = %(run)s"


def run() -> dict[str, Any]:
    """Return figures of one night, with as many worker processes as there are cores."""
    wanted = int(os.environ.get("ACCOUNTS", "0"))
    if wanted:
        outside = float(os.environ.get("OUT_OF_BAND", "0.1"))
        call_command("seed_scale", accounts=wanted, out_of_band=outside, verbosity=0)
    worker = _worker()
    try:
        begun = time.perf_counter()
        night = _free_night()
        run = begin_night(night=night, options=Options(), now=timezone.now())
        if run.state != NightState.RUNNING:
            return {"stopped": run.findings}
        ready = time.perf_counter()
        _wait(run, lambda: None)
        done = time.perf_counter()
        memory = _memory_mb(worker.pid)
        found = _report(run, ready - begun, done - ready, memory)
        if kills := int(os.environ.get("KILLS", "0")):
            found["killed"] = _disturbed(run, worker.pid, kills)
    finally:
        worker.terminate()
        worker.wait(timeout=30)
    return found


def _disturbed(before: NightlyRun, worker: int, kills: int) -> dict[str, Any]:
    """Return what a night under kills has in common with the undisturbed one before it."""
    rng, left, due = random.Random(kills), [kills], [time.monotonic() + 1]

    def kill_one() -> None:
        if left[0] and time.monotonic() >= due[0]:
            os.kill(rng.choice(_processes(worker)), signal.SIGKILL)
            left[0] -= 1
            due[0] = time.monotonic() + rng.uniform(0.2, 3)

    begun = time.perf_counter()
    run = begin_night(night=_free_night(), options=Options(), now=before.as_of)
    _wait(run, kill_one)
    ((different,),) = rows_of(_DIFFERENT, {"one": before.pk, "other": run.pk})
    ((accounts, once),) = rows_of(_ONCE, {"run": run.pk})
    ((proposals,),) = rows_of(_PROPOSALS, {"run": run.pk})
    return {
        "kills": kills - left[0],
        "work_s": round(time.perf_counter() - begun, 1),
        "attempts": sum(chunk_jobs(run=run).values_list("attempt", flat=True)),
        "accounts": f"{accounts} outcomes of {once} accounts, {run.accounts} expected",
        "proposals": proposals,
        "outcomes that differ": different,
    }


def _worker() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "-Q", "nightly",
            "-n", "bench@%h", "--concurrency", str(os.cpu_count() or 1), "--loglevel", "WARNING",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ],
        cwd=settings.ROOT,
    )  # fmt: skip


def _free_night() -> Any:
    """Return a day that no night has yet: figures may be wanted twice on one day."""
    day = datetime.now(UTC).date()
    taken = set(NightlyRun.objects.values_list("night", flat=True))
    while day in taken:
        day = day.replace(year=day.year + 1)
    return day


def _wait(run: NightlyRun, disturb: Callable[[], None]) -> None:
    """Wait for the end of the night; wake what a killed worker left, as the schedule does."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.state != NightState.RUNNING:
            return
        disturb()
        sweep(now=timezone.now())
        time.sleep(0.2)
    state = progress(run=run, now=timezone.now())
    raise TimeoutError(f"the night did not end in {_WAIT_S} s: {state}")


def _memory_mb(pid: int) -> int:
    """Return the largest memory that a process of the worker has had."""
    peaks = [_facts(child).get("VmHWM", "0 kB") for child in _processes(pid)]
    return max((int(peak.split()[0]) // 1024 for peak in peaks), default=0)


def _processes(worker: int) -> list[int]:
    """Return the processes of a worker that do its tasks."""
    every = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in every if _facts(pid).get("PPid") == str(worker)]


def _facts(pid: int) -> dict[str, str]:
    """Return what the kernel says of a process; nothing if it has ended meanwhile."""
    try:
        lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _report(run: NightlyRun, begin_s: float, work_s: float, memory_mb: int) -> dict[str, Any]:
    results = [row or {} for row in chunk_jobs(run=run).values_list("result", flat=True)]
    found = progress(run=run, now=timezone.now())
    ((result_bytes,),) = rows_of(_BYTES, {"name": f"recommendations_nightlyresult_{run.pk}"})
    ((block_bytes,),) = rows_of(_BYTES, {"name": f"recommendations_nightlyblock_{run.pk}"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('recommendations_recommendation')")
        (proposal_bytes,) = cursor.fetchone()
    return {
        "targets": TARGETS,
        "accounts": found.accounts,
        "chunks": f"{found.done} done, {found.failed} failed",
        "begin_s": round(begin_s, 1),
        "work_s": round(work_s, 1),
        "accounts_a_second": round(found.accounts / work_s),
        "stages_s": {
            name: round(sum(row.get(name, 0) for row in results), 1) for name in _STAGES
        },
        "doubtful": sum(row.get("doubtful", 0) for row in results),
        "alone": sum(row.get("alone", 0) for row in results),
        "outcomes": found.outcomes,
        "refusals": found.codes,
        "bytes": {
            "outcomes": result_bytes, "blocks": block_bytes, "all proposals": proposal_bytes,
        },
        "worker_memory_mb": memory_mb,
    }  # fmt: skip
