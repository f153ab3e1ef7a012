"""Local copies in their own processes, which a test can signal, kill and inspect."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from embedded.children import die_with_parent
from embedded.places import ROOT, UNREACHABLE_BELOW, places

PATIENCE_S = 60.0
SCRIPT = Path(__file__).with_name("local_copy.py")


def eventually(holds: Callable[[], object], *, what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {patience_s} s in vain for: {what}"
        time.sleep(0.05)


def processes_naming(*marks: str) -> dict[int, str]:
    """Return every living process whose command line or folder contains one of the marks."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            folder = os.readlink(entry / "cwd")
        except OSError:
            continue  # gone meanwhile
        if command and any(mark in command or mark in folder for mark in marks):
            found[int(entry.name)] = command
    return found


class LocalCopy:
    """One run of local_copy.py in a process group of its own, as a terminal starts it."""

    def __init__(
        self,
        data: Path,
        *words: str,
        user: str | None = None,
        python: Path = Path(sys.executable),
    ) -> None:
        self.data = data
        self.lines: list[str] = []
        entry = pwd.getpwnam(user) if user else None
        self.process = subprocess.Popen(
            [str(python), "-u", str(SCRIPT), str(data), *words],
            cwd="/",
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(data),
                "PYTHONPATH": os.pathsep.join(
                    [str(ROOT / "platform"), str(Path(redis.__file__).parent.parent)]
                ),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
            user=entry.pw_uid if entry else None,
            group=entry.pw_gid if entry else None,
            extra_groups=[] if entry else None,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines += ()
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def says(self, words: str) -> "LocalCopy":
        eventually(lambda: words in self.text or self.process.poll() is not None, what=f"{words!r}")
        assert words in self.text, self.text
        return self

    def press_ctrl_c(self) -> int:
        """Send the signal a terminal sends, to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(timeout=PATIENCE_S)
        self._reader.join(timeout=5)
        return status

    def left(self) -> dict[int, str]:
        """Return the processes of this copy that are still alive."""
        return processes_naming(str(self.data), str(places(self.data).sockets))

    def pid_of(self, mark: str) -> int:
        found = [pid for pid, command in self.left().items() if mark in command]
        assert found, f"no process with {mark!r} among {self.left()}"
        return min(found)


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A short folder that any user can reach, removed with all that belongs to it."""
    folder = Path(tempfile.mkdtemp(prefix="ballast-local-"))
    folder.chmod(0o755)
    yield folder
    for mark in folder.rglob("id"):
        sockets = places(mark.parent).sockets
        shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(UNREACHABLE_BELOW / sockets.name, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start_copy() -> Iterator[Callable[..., LocalCopy]]:
    copies: list[LocalCopy] = []

    def start(data: Path, *words: str, **options: Any) -> LocalCopy:
        copies.append(LocalCopy(data, *words, **options))
        return copies[-1]

    yield start
    for copy in copies:
        copy.process.kill()
        copy.process.wait()
