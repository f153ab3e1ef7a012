"""A whole night with real workers: every account with targets, from the guards to the last chunk.

    make bench ARGS=nightly                     over the accounts that are there
    ACCOUNTS=50000 OUT_OF_BAND=1 make bench ...  loads so many first

Beside the wall time it gives the seconds of each stage, summed over chunks and workers, the bytes
written, and the largest memory of a worker.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

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
        _wait(run)
        done = time.perf_counter()
        memory = _memory_mb(worker.pid)
    finally:
        worker.terminate()
        worker.wait(timeout=30)
    return _report(run, ready - begun, done - ready, memory)


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


def _wait(run: NightlyRun) -> None:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.state != NightState.RUNNING:
            return
        time.sleep(0.2)
    state = progress(run=run, now=timezone.now())
    raise TimeoutError(f"the night did not end in {_WAIT_S} s: {state}")


def _memory_mb(pid: int) -> int:
    """Return the largest memory that a process of the worker has had."""
    peaks = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "status").read_text()
        except OSError:
            continue
        facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        if int(facts["PPid"]) == pid and "VmHWM" in facts:
            peaks.append(int(facts["VmHWM"].split()[0]) // 1024)
    return max(peaks, default=0)


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
