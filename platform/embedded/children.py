"""One child process: its output with its name before it, its end with ours, its stop in steps."""

import ctypes
import errno
import os
import pwd
import signal
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

LINE_CHARS_MAX = 65_536  # a longer line is several
LINES_KEPT = 50
PR_SET_PDEATHSIG = 1
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_console = threading.Lock()


@dataclass(frozen=True)
class Program:
    """What to run, and how it likes to be stopped."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s_max: float = 10.0
    user: pwd.struct_passwd | None = None
    quiet: bool = False  # its output goes to the log file only


def say(text: str, *, name: str = "ballast") -> None:
    """One line on the terminal; a closed terminal is no reason to stop."""
    colour = COLOURS[sum(name.encode()) % len(COLOURS)]
    label = f"{name:<18}|"
    if sys.stdout.isatty():
        label = f"\033[{colour}m{label}\033[0m"
    with _console:
        try:
            sys.stdout.write(f"{label} {text}\n")
            sys.stdout.flush()
        except OSError as error:
            if error.errno not in FULL:  # a full disk may have space again
                sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def die_with_parent(stop_signal: int) -> Callable[[], None] | None:
    """On Linux the kernel stops the child when we die, whatever we die of."""
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
    """A running program. Started from the main thread: its death is what the kernel watches."""

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
            process_group=0,  # Ctrl-C reaches us alone; we stop the others in order
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            preexec_fn=die_with_parent(program.stop_signal),  # noqa: PLW1509
        )
        assert self.process.stdout is not None
        self._pump = threading.Thread(target=self._copy, args=(self.process.stdout,), daemon=True)
        self._pump.start()

    def _copy(self, lines: IO[str]) -> None:
        """Read the output to its end whatever becomes of it: a full pipe stops the process."""
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
        """How it ended, in words."""
        status = self.process.returncode
        if status is None:
            return "still runs"
        return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"

    def last_lines(self, count: int = 15) -> list[str]:
        """The newest lines of this run; they are kept in memory, so a full disk hides none."""
        self._pump.join(timeout=1)
        return list(self._last)[-count:]

    def send(self, number: signal.Signals) -> None:
        if self.alive:
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """Ends the process and everything it started, then waits for its last words."""
        with suppress(ProcessLookupError, PermissionError):  # all of them are gone
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._pump.join(timeout=1)


def stop(children: Sequence[Child], *, impatient: Callable[[], bool] = lambda: False) -> None:
    """Asks all at once, waits for each as long as it likes, then ends what is left."""
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
            say(f"{child.program.name} did not stop in time and is ended by force")
        child.kill_group()
