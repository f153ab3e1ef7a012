"""Workers of deliveries killed between any two steps, over all channels, 200 times (KILLS).

The test of the suite is run with more kills, on servers of its own: it needs the tools for tests
(`make set-up`). What was counted at the receivers is the figure; a lost or doubled delivery fails.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

KILLS = "200"
TARGETS = {"lost_max": 0}
_TEST = (
    "tests/notifications/test_kills.py::test_a_worker_killed_between_any_two_steps_loses_nothing"
)
_OWN = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "DATA_DIR")


def run() -> dict[str, Any]:
    """Return what the receivers counted, and how long it took."""
    if importlib.util.find_spec("pytest") is None:
        raise AssertionError("pytest is not installed. Run `make set-up` first.")
    kills = os.environ.get("KILLS", KILLS)
    inherited = {name: value for name, value in os.environ.items() if name not in _OWN}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "0", "-q", f"--junitxml={report}", _TEST],
            cwd=Path(__file__).resolve().parents[2],
            env={**inherited, "KILLS": kills, "TESTING": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"a delivery was lost or doubled:\n{done.stdout[-3000:]}")
        found = ElementTree.parse(report).find(".//property[@name='counted']")
    return {
        "targets": TARGETS,
        "kills": int(kills),
        "lost": 0,
        "counted": "" if found is None else found.get("value", ""),
        "seconds": round(time.perf_counter() - started, 1),
    }
