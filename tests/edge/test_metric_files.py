"""Metrics in shared files survive a full disk. The disk is a real one of two megabytes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

ROOT = Path(__file__).resolve().parents[2]

# One line of input is one step; one line of output confirms it.
PROCESS = """
import os, sys
from edge import metric_files, metrics
metric_files.RETRY_S = 0.0
for line in sys.stdin:
    word, count = line.split()
    if word == "fork":
        pid = os.fork()
        if pid == 0:
            metrics.UNHANDLED.labels("forked").inc(int(count))
            os._exit(0)
        print(os.waitpid(pid, 0)[1], flush=True)
        continue
    for number in range(int(count)):
        metrics.UNHANDLED.labels(f"{word}{number:0200}").inc()
        metrics.observe_request(
            route=word, method="GET", status=200, seconds=0.1, tally=metrics.QueryTally("test")
        )
    print("done", flush=True)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=2m", "ballast-test", str(folder)]
    made = None
    if sys.platform == "linux" and os.geteuid() == 0:
        made = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if made is None or made.returncode:
        pytest.skip("no small disk could be mounted here: that needs root on Linux")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Counting:
    """Another process that counts on command."""

    def __init__(self, disk: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROCESS],
            env={
                **os.environ,
                "PROMETHEUS_MULTIPROC_DIR": str(disk),
                "PYTHONPATH": str(ROOT / "platform"),
                "DJANGO_SETTINGS_MODULE": "config.settings",
            },
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def step(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = str(self.process.stdout.readline()).strip()
        assert answer, f"the process has ended with {self.process.wait()}"
        return answer

    def count(self, word: str, times: int) -> None:
        assert self.step(f"{word} {times}") == "done"

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait() == 0
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def counting(disk: Path) -> Iterator[list[Counting]]:
    processes: list[Counting] = []
    yield processes
    for each in processes:
        each.process.kill()
        each.process.wait()


def fill(disk: Path) -> None:
    with (disk / "filling").open("wb", buffering=0) as file:
        while file.write(bytes(1 << 22)) == 1 << 22:  # a short count: it is full
            pass
        with pytest.raises(OSError, match="space"):
            file.write(bytes(1))


def requests(disk: Path, word: str) -> float:
    """Return the number of requests of the route as Prometheus would see it."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(disk))  # type: ignore[no-untyped-call]
    generate_latest(registry)
    labels = {"route": word, "method": "GET", "status": "200"}
    return registry.get_sample_value("ballast_request_seconds_count", labels) or 0.0


def test_a_process_goes_on_when_the_disk_fills_while_it_counts(
    disk: Path, counting: list[Counting]
) -> None:
    counting.append(process := Counting(disk))
    process.count("before", 1)
    fill(disk)
    process.count("full", 900)
    assert requests(disk, "before") == 1, "a full disk loses no figure that was there"
    (disk / "filling").unlink()
    process.count("after", 1)
    assert [requests(disk, word) for word in ("before", "full", "after")] == [1, 900, 1]
    process.end()


def test_a_process_that_starts_on_a_full_disk_counts(disk: Path, counting: list[Counting]) -> None:
    fill(disk)
    counting.append(process := Counting(disk))
    process.count("full", 900)
    assert requests(disk, "full") == 0
    (disk / "filling").unlink()
    process.count("after", 1)
    assert [requests(disk, word) for word in ("full", "after")] == [900, 1]
    process.end()


def test_a_process_that_forks_on_a_full_disk_does_not_die(
    disk: Path, counting: list[Counting]
) -> None:
    """Fork as a Celery worker does when it replaces one of its processes."""
    counting.append(process := Counting(disk))
    process.count("before", 3)
    fill(disk)
    assert process.step("fork 1") == "0"
    (disk / "filling").unlink()
    process.count("before", 1)
    assert requests(disk, "before") == 4
    process.end()
