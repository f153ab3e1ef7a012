"""The places of the local servers: data, sockets, and the lock of a running copy.

DATA_DIR/            secret_key, environment.json (both mode 600), log/, redis-cache/, redis-broker/
DATA_DIR/postgres    the database, or /var/tmp/ballast-<id>/postgres where the database's own
                     user cannot reach DATA_DIR (root's checkout below a folder of mode 700)
/tmp/ballast-<id>/   the sockets: their paths are limited to about 100 bytes, DATA_DIR is not
"""

import fcntl
import hashlib
import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent.parent
SOCKETS_BELOW = Path("/tmp")
UNREACHABLE_BELOW = Path("/var/tmp")


class Refused(Exception):
    """The servers cannot start; the text is one clear sentence for the user at the terminal."""


@dataclass(frozen=True)
class Places:
    """The folders of one copy of Ballast."""

    data: Path
    sockets: Path

    @property
    def logs(self) -> Path:
        return self.data / "log"

    @property
    def environment(self) -> Path:
        return self.data / "environment.json"


def places(data: Path) -> Places:
    """Return the folders of a DATA_DIR, created if they are missing."""
    data = data if data.is_absolute() else ROOT / data
    try:
        data.mkdir(parents=True, exist_ok=True)
        data = data.resolve()
        (data / "log").mkdir(exist_ok=True)
    except OSError as error:
        raise Refused(
            f"DATA_DIR {data} cannot be used: {error.strerror}. Choose another DATA_DIR."
        ) from error
    sockets = SOCKETS_BELOW / f"ballast-{_identity(data)}"
    own_folder(sockets, mode=0o711 if os.geteuid() == 0 else 0o700)
    return Places(data=data, sockets=sockets)


def _identity(data: Path) -> str:
    """Return a short id of this data folder and this user; a recreated folder gets a new one."""
    mark = data / "id"
    if not mark.exists():
        write_private(mark, secrets.token_hex(16))
    found = hashlib.sha256(f"{data}\n{mark.read_text()}\n{os.geteuid()}".encode())
    return found.hexdigest()[:12]


def own_folder(path: Path, *, mode: int) -> None:
    """Create a folder in a shared place, or accept ours; refuse one of another user."""
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise Refused(
                f"{path} belongs to another user. Delete it or choose another DATA_DIR."
            ) from None
    path.chmod(mode)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it is complete or absent."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


def secret_key(data: Path) -> str:
    """Return the secret of this copy, created once."""
    path = data / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def hold(where: Places) -> IO[str]:
    """Take the lock of a running copy; closing the returned file or our death releases it."""
    lock = (where.data / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise Refused(
            f"Ballast is already running on {where.data} (process {holder or 'unknown'}). Stop "
            "it with "
            "Ctrl-C there, or start this one with another DATA_DIR, PORT and STREAM_PORT."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def running_process(where: Places) -> int:
    """Return the process of the running copy."""
    with (where.data / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            return int(lock.read())
    raise Refused(f"Nothing runs on {where.data}: start it with `make run`.")


def running_environment(where: Places) -> dict[str, str]:
    """Return the variables of the running servers, for commands beside `make run`."""
    try:
        found: dict[str, str] = json.loads(where.environment.read_text())
    except FileNotFoundError:
        raise Refused(
            f"Ballast is not running on {where.data}. Start it with `make run`."
        ) from None
    return found
