"""Processes end without a last look at everything they imported."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What is registered first runs last.
PROCESS = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count(), len(gc.get_objects())))
import django
django.setup()
"""


def test_a_process_leaves_no_objects_to_the_last_collections() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROCESS],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "platform"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    frozen, left = map(int, ended.stdout.split())
    assert frozen > 100_000
    assert left < frozen / 100
