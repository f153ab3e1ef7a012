"""`python -m embedded backup`: a back-up of the running copy below BACKUP_DIR.

BACKUP_DIR/base-20260301T020000Z/    base.tar.gz, pg_wal.tar.gz, backup_manifest, backup.json
BACKUP_DIR/dump-20260301T020000Z/    ballast.dump, backup.json: of a server that is not ours
BACKUP_DIR/log/                      see log_archive.py
BACKUP_DIR/price-archive/            old prices, where they are files

A folder with backup.json is complete. The secret key is in it, because it opens the sealed secrets
of the database: whoever reads BACKUP_DIR can read everything.
"""

import argparse
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded import log_archive
from embedded.binaries import database_user, postgres_programs, reachable
from embedded.children import say
from embedded.places import ROOT, Places, Refused, places, running_environment, write_private
from embedded.postgres import USER, Postgres, postgres
from embedded.servers import addresses

KEPT = 7
ARCHIVED_S_MAX = 60.0
NAME_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Backup:
    """A complete back-up."""

    folder: Path
    about: Mapping[str, Any]

    @property
    def finished_at(self) -> datetime:
        return datetime.fromisoformat(self.about["finished_at"])

    @property
    def is_base(self) -> bool:
        return bool(self.about["kind"] == "base")

    @property
    def manifest(self) -> Mapping[str, Any]:
        """PostgreSQL's own list of what a base back-up holds."""
        found: Mapping[str, Any] = json.loads((self.folder / "backup_manifest").read_text())
        return found


def backup_folder() -> Path | None:
    """Return BACKUP_DIR."""
    given = os.environ.get("BACKUP_DIR")
    return (ROOT / given).absolute() if given else None


def required_folder() -> Path:
    folder = backup_folder()
    if folder is None:
        raise Refused(
            "BACKUP_DIR is not set. Set it to a folder on another disk than DATA_DIR, and restart "
            "`make run` with it, so that PostgreSQL archives its log there."
        )
    return folder


def log_folder(folder: Path) -> Path:
    """Return the folder of the archived log, created and owned as PostgreSQL requires."""
    user = database_user()
    log = folder / "log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log.mkdir(mode=0o700, exist_ok=True)
    except OSError as fault:
        raise Refused(f"BACKUP_DIR {folder} cannot be used: {fault.strerror}.") from fault
    if user is not None:
        if not reachable(folder, user=user):
            raise Refused(
                f"PostgreSQL runs as {user.pw_name}, who cannot enter {folder}. Choose another "
                "BACKUP_DIR, or let everybody enter the folders above it."
            )
        os.chown(log, user.pw_uid, user.pw_gid)
    return log


def all_backups(folder: Path) -> list[Backup]:
    """Return the complete back-ups, the oldest first."""
    found = [
        Backup(about.parent, json.loads(about.read_text()))
        for about in folder.glob("*/backup.json")
    ]
    return sorted(found, key=lambda backup: backup.finished_at)


def command(words: Sequence[str]) -> None:
    """Back up the running copy of DATA_DIR."""
    parser = argparse.ArgumentParser(prog="make backup", description="Back up the running copy.")
    parser.add_argument("--keep", type=int, default=KEPT, help="back-ups to keep (default 7)")
    asked = parser.parse_args(list(words))
    if asked.keep < 1:
        raise Refused("--keep must be 1 or more.")
    where = places(Path(os.environ.get("DATA_DIR") or ".data"))
    variables = running_environment(where)
    folder = required_folder()
    made = make(where, folder, url=variables["DATABASE_URL"], key=variables.get("SECRET_KEY", ""))
    say(f"{made.folder} holds {made.about['bytes'] / 1e6:.1f} MB")
    forget_old(folder, keep=asked.keep)


def make(where: Places, folder: Path, *, url: str, key: str) -> Backup:
    """Back up the database at `url`, the secret key and the archived prices."""
    log = log_folder(folder)
    ours = url == addresses(where, given={})["DATABASE_URL"]
    started_at = datetime.now(UTC)
    kind = "base" if ours else "dump"
    target = folder / f"{kind}-{started_at.strftime(NAME_FORMAT)}"
    if target.exists():
        raise Refused(f"{target} exists already. Wait a second and try again.")
    part = folder / f".{target.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        about: dict[str, Any] = _base(where, part, log) if ours else _dump(url, part)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    if key:
        write_private(part / "secret_key", key)
    mirror(where.data / "price-archive", folder / "price-archive")
    size = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
    about |= {
        "kind": kind,
        "started_at": started_at.isoformat(),
        "finished_at": datetime.now(UTC).isoformat(),
        "bytes": size,
    }
    write_private(part / "backup.json", json.dumps(about, indent=2))
    part.rename(target)
    return Backup(target, about)


def _base(where: Places, part: Path, log: Path) -> dict[str, Any]:
    """Copy the files of our own cluster while it runs, and check the copy."""
    server = postgres(where, environment=_environment(), lasting=True)
    if server.user is not None:
        os.chown(part, server.user.pw_uid, server.user.pw_gid)
    done = server.run(
        *("pg_basebackup", "-h", str(server.sockets), "-U", USER, "-D", str(part)),
        *("--format=tar", "--compress=client-gzip:1", "--wal-method=stream", "--checkpoint=fast"),
    )
    if done.returncode:
        raise Refused(f"{done.stderr.strip()}\nThe base back-up failed; the reason is above.")
    verify(server, part)
    manifest = json.loads((part / "backup_manifest").read_text())
    first, last = log_archive.pieces_needed(manifest)
    if server.sql("show archive_mode").stdout.strip() == "on":
        _wait_archived(log, last)
    else:
        say("PostgreSQL archives no log: only the moment of this back-up can be restored. Start")
        say("`make run` with BACKUP_DIR to be able to restore any moment after it.")
    version = server.run("postgres", "--version").stdout.split()[-1]
    return {"first_piece": first, "last_piece": last, "postgresql": version}


def verify(server: Postgres, folder: Path) -> None:
    """Compare every file of a base back-up with its checksum."""
    ours = [f"--ignore={name}" for name in ("backup.json", "secret_key")]
    done = server.run("pg_verifybackup", "--no-parse-wal", *ours, str(folder))
    if done.returncode:
        raise Refused(f"{done.stderr.strip()}\n{folder} is damaged and cannot be restored.")


def _wait_archived(log: Path, piece: str) -> None:
    """Wait until a piece of the log is archived; the end of a base back-up has closed it."""
    deadline = time.monotonic() + ARCHIVED_S_MAX
    while not (log / f"{piece}.gz").exists():
        if time.monotonic() > deadline:
            raise Refused(
                f"PostgreSQL has not archived its log in {ARCHIVED_S_MAX:.0f} s. Is {log} full? "
                "See its log file."
            )
        time.sleep(0.1)


def _dump(url: str, part: Path) -> dict[str, Any]:
    """Dump a database of a server that is not ours, in one snapshot."""
    program = client_program("pg_dump")
    done = subprocess.run(
        [program, "--format=custom", "--compress=gzip:1", "--no-owner", "--no-privileges"]
        + ["--file", str(part / "ballast.dump"), "--dbname", url],
        env=_environment() | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(f"{done.stderr.strip()}\npg_dump failed; the reason is above.")
    say("A dump restores its own moment only. For other moments, let the server archive its log.")
    return {}


def client_program(name: str) -> str:
    """Return one of PostgreSQL's client programs: ours, or the machine's."""
    try:
        ours = postgres_programs(user=None) / name
    except Refused:
        ours = Path(name)
    found = str(ours) if ours.exists() else shutil.which(name)
    if found is None:
        raise Refused(f"{name} is not installed: install PostgreSQL's client programs.")
    return found


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}


def mirror(source: Path, target: Path) -> None:
    """Copy the files that are missing or of another size; delete none."""
    for path in source.rglob("*") if source.exists() else ():
        copy = target / path.relative_to(source)
        if path.is_dir() or (copy.exists() and copy.stat().st_size == path.stat().st_size):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        part = copy.with_name(f".{copy.name}.part")
        shutil.copy2(path, part)
        part.replace(copy)


def forget_old(folder: Path, *, keep: int) -> None:
    """Delete all but the newest back-ups of each kind, and the log that only they needed."""
    found = all_backups(folder)
    for old in [
        *[backup for backup in found if backup.is_base][:-keep],
        *[backup for backup in found if not backup.is_base][:-keep],
    ]:
        # First what makes it complete: a kill in between leaves no half back-up that looks whole.
        (old.folder / "backup.json").unlink()
        shutil.rmtree(old.folder)
        say(f"deleted the old back-up {old.folder.name}")
    bases = [backup for backup in all_backups(folder) if backup.is_base]
    if bases:
        pieces = min((backup.about["first_piece"] for backup in bases), key=lambda name: name[8:])
        if count := log_archive.forget_before(folder / "log", pieces):
            say(f"deleted {count} old pieces of the log")
