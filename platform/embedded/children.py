"""One child process: its output with its name in front, its exit status, its stop in steps."""

import ctypes
import errno
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from embedded.logs import LogFile

LINE_CHARS_MAX = 65_536  # a longer line is split
LINES_KEPT = 50
PR_SET_PDEATHSIG = 1
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_console = threading.Lock()


@dataclass(frozen=True)
class Program:
    """The command to run, and how to stop it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s_max: float = 10.0
    user: pwd.struct_passwd | None = None
    quiet: bool = False  # its output goes to the log file only
    # The socket it listens on. Ours stays open, so connections wait while the process restarts.
    listening: socket.socket | None = None
    reload_signal: signal.Signals | None = None  # makes it load its code again while it serves


def say(text: str, *, name: str = "ballast") -> None:
    """Print one line on the terminal; a closed terminal is ignored."""
    colour = COLOURS[sum(name.encode()) % len(COLOURS)]
    label = f"{name:<18}|"
    if sys.stdout.isatty():
        label = f"\033[{colour}m{label}\033[0m"
    with _console:
        try:
            sys.stdout.write(f"{label} {text}\n")
            sys.stdout.flush()
        except OSError as error:
            if error.errno not in FULL:  # a full disk may have space by now
                sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def die_with_parent(stop_signal: int) -> Callable[[], None] | None:
    """On Linux, let the kernel stop the child when this process ends for any reason."""
    if _LIBC is None:
        return None
    libc, parent = _LIBC, os.getpid()

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


@dataclass
class Child:
    """A running program. Start it from the main thread, because the kernel watches that thread."""

    program: Program
    log: Path
    process: "subprocess.Popen[str]" = field(init=False)
    started_s: float = field(init=False)
    _pump: threading.Thread = field(init=False)
    _last: deque[str] = field(init=False)

    def __post_init__(self) -> None:
        program = self.program
        self._last = deque(maxlen=LINES_KEPT)
        user = program.user
        self.started_s = time.monotonic()
        self.process = subprocess.Popen(
            list(program.command),
            env=dict(program.environment),
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=[program.listening.fileno()] if program.listening else [],
            process_group=0,  # Ctrl-C reaches only this process; it stops the others in order
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            preexec_fn=die_with_parent(program.stop_signal),  # noqa: PLW1509
        )
        assert self.process.stdout is not None
        self._pump = threading.Thread(target=self._copy, args=(self.process.stdout,), daemon=True)
        self._pump.start()

    def _copy(self, lines: IO[str]) -> None:
        """Read the output to its end in every case: a full pipe would block the process."""
        log = LogFile(self.log)
        while line := lines.readline(LINE_CHARS_MAX):
            self._last.append(line.rstrip("\n"))
            log.write(line)
            if not self.program.quiet:
                say(self._last[-1], name=self.program.name)
        log.close()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def ending(self) -> str:
        """Describe in words how it ended."""
        status = self.process.returncode
        if status is None:
            return "still runs"
        return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"

    def last_lines(self, count: int = 15) -> list[str]:
        """Return the newest lines of this run, kept in memory, so a full disk hides none."""
        self._pump.join(timeout=1)
        return list(self._last)[-count:]

    def send(self, number: signal.Signals) -> None:
        if self.alive:
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """Kill the process and everything it started, then wait for its last output."""
        with suppress(ProcessLookupError, PermissionError):  # all of them are gone
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._pump.join(timeout=1)


def stop(children: Sequence[Child], *, impatient: Callable[[], bool] = lambda: False) -> None:
    """Signal all at once, wait for each within its patience, then kill the rest."""
    for child in children:
        child.send(child.program.stop_signal)
    asked_s = time.monotonic()
    waiting = list(children)
    while waiting and not impatient():
        waited_s = time.monotonic() - asked_s
        waiting = [x for x in waiting if x.alive and waited_s < x.program.stop_s_max]
        time.sleep(0.05)
    for child in children:
        if child.alive:
            say(f"{child.program.name} did not stop in time and was killed")
        child.kill_group()
