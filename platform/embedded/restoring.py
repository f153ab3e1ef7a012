"""`python -m embedded restore`: bring the stopped copy of DATA_DIR back to a moment.

    the newest base back-up before the moment -> a new cluster -> the archived log up to the moment
    -> promoted -> migrated -> its ledger verified

The old cluster is kept beside the new one, and is put back if anything fails.
"""

import argparse
import os
import subprocess
import tarfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from embedded import log_archive, plan
from embedded import postgres as database
from embedded.backups import (
    NAME_FORMAT,
    Backup,
    all_backups,
    client_program,
    log_folder,
    mirror,
    required_folder,
    verify,
)
from embedded.children import Child, say, stop
from embedded.places import Places, Refused, hold, places, write_private
from embedded.postgres import Postgres, postgres
from embedded.servers import servers

REPLAY_S_MAX = 6 * 3600.0
SAY_EVERY_S = 10.0


def command(words: Sequence[str]) -> None:
    """Restore DATA_DIR, or an empty database of a server that is not ours."""
    parser = argparse.ArgumentParser(
        prog="make restore", description="Restore the stopped copy of DATA_DIR."
    )
    parser.add_argument("--to", metavar="TIME", help="the moment, such as 2026-03-01T14:30:00Z")
    parser.add_argument("--backup", metavar="NAME", help="the back-up to start from")
    parser.add_argument("--list", action="store_true", help="only list the back-ups")
    parser.add_argument("--no-verify", action="store_true", help="leave out verify_ledger")
    asked = parser.parse_args(list(words))
    folder = required_folder()
    if asked.list:
        for backup in all_backups(folder):
            say(f"{backup.folder.name}  {backup.finished_at:%Y-%m-%d %H:%M:%S} UTC")
        return
    moment = parsed(asked.to) if asked.to else None
    where = places(Path(os.environ.get("DATA_DIR") or ".data"))
    url = os.environ.get("DATABASE_URL")
    with ExitStack() as ends:
        ends.enter_context(hold(where))
        server = None if url else cluster(where, folder)
        found = all_backups(folder)
        line = None if server is None else line_of(server, folder, found)
        chosen = choose(found, name=asked.backup, moment=moment, line=line)
        if server is None or line is None:
            restore_dump(chosen, url=url or "", moment=moment)
        else:
            kept = restore_base(where, server, chosen, moment=moment, line=line)
            if kept is not None:
                say(f"the old database is kept in {kept}; delete it when all is well")
        restore_files(where, folder, chosen)
        if not asked.no_verify:
            verify_ledger(where)
    say("restored; start it with `make run`")


def parsed(text: str) -> datetime:
    """Return the moment; without a UTC offset it would be a guess."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"--to {text} is no time. Write 2026-03-01T14:30:00Z.") from None
    if moment.tzinfo is None:
        raise Refused(f"--to {text} has no UTC offset. Write {text}Z for UTC.")
    if moment > datetime.now(UTC):
        raise Refused(f"--to {text} is in the future.")
    return moment


def cluster(where: Places, folder: Path) -> Postgres:
    """Return our own cluster, stopped, and as it was before a restore that was killed."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    server = postgres(where, environment=environment, lasting=True, log=log_folder(folder))
    database.put_back(server)
    if any(server.data.iterdir()):
        database.stop_stale(server)
    return server


def line_of(server: Postgres, folder: Path, found: Sequence[Backup]) -> log_archive.Line:
    """Return the history to go on with: that of our cluster, if it is one that was backed up.

    A lost folder has none, and a copy that was started afresh has another: then it is the newest
    history of the archive.
    """
    ours = database.identifier(server)
    known = {backup.manifest.get("System-Identifier") for backup in found if backup.is_base}
    own = server.data / "pg_wal" if ours in known else None
    return log_archive.line_of(folder / "log", own)


def choose(
    found: Sequence[Backup],
    *,
    name: str | None,
    moment: datetime | None,
    line: log_archive.Line | None,
) -> Backup:
    """Return the back-up to start from: the named one, or the newest before the moment.

    `line`: the history to go on with, which a base back-up must be of; None asks for a dump.
    """
    kind = "dump" if line is None else "base back-up"
    able = [backup for backup in found if backup.is_base == (line is not None)]
    if line is not None:
        able = [backup for backup in able if line.holds(backup.manifest)]
    if name is not None:
        able = [backup for backup in able if backup.folder.name == name]
    if not able:
        raise Refused(f"There is no such {kind}. `make restore ARGS=--list` names them.")
    before = [backup for backup in able if moment is None or backup.finished_at <= moment]
    if not before:
        raise Refused(
            f"The oldest {kind} ended at {able[0].finished_at:%Y-%m-%dT%H:%M:%SZ}, after the "
            "moment. Earlier moments cannot be restored."
        )
    return before[-1]


def restore_base(
    where: Places,
    server: Postgres,
    chosen: Backup,
    *,
    moment: datetime | None,
    line: log_archive.Line,
) -> Path | None:
    """Put a new cluster in place of the old one. Return where the old one is kept.

    A kill leaves a mark, by which the next start puts the old one back.
    """
    say(f"checking {chosen.folder.name}")
    verify(server, chosen.folder)
    stamp = datetime.now(UTC).strftime(NAME_FORMAT)
    kept = server.data.with_name(f"{server.data.name}.before-{stamp}")
    mark = database.restore_mark(server)
    write_private(mark, kept.name)
    server.data.rename(kept)
    try:
        _unpack(server, chosen.folder)
        _replay(where, server, moment=moment, unarchived=kept / "pg_wal", line=line)
    except BaseException:
        database.put_back(server)
        say("the old database is back in its place")
        raise
    mark.unlink()
    if not any(kept.iterdir()):
        kept.rmdir()
        return None
    return kept


def _unpack(server: Postgres, source: Path) -> None:
    """Unpack a base back-up as a cluster that belongs to the database's user."""
    server.data.mkdir(mode=0o700)
    for name, target in (("base", server.data), ("pg_wal", server.data / "pg_wal")):
        with tarfile.open(source / f"{name}.tar.gz") as packed:
            packed.extractall(target, filter="data")
    if server.user is not None:
        for path in [server.data, *server.data.rglob("*")]:
            os.chown(path, server.user.pw_uid, server.user.pw_gid, follow_symlinks=False)
    database.prepare(server)  # refuses one of another version


def _replay(
    where: Places,
    server: Postgres,
    *,
    moment: datetime | None,
    unarchived: Path,
    line: log_archive.Line,
) -> None:
    """Start the cluster, let it replay the log up to the moment, and stop it again."""
    (server.data / "recovery.signal").touch()
    assert server.log is not None, "a restore reads the archive"
    more = {
        "restore_command": log_archive.restore_command(server.log, unarchived=unarchived),
        # Not the newest one of the archive, which a restore that was put back may have begun.
        "recovery_target_timeline": str(line.timeline),
    }
    if moment is not None:
        more |= {
            "recovery_target_time": moment.astimezone(UTC).isoformat(sep=" "),
            "recovery_target_action": "promote",
        }
    child = Child(server.program(more), where.logs / "restore.log")
    try:
        _wait_promoted(server, child)
    finally:
        stop([child])


def _wait_promoted(server: Postgres, child: Child) -> None:
    started = said = time.monotonic()
    while child.alive and time.monotonic() - started < REPLAY_S_MAX:
        found = server.sql("select pg_is_in_recovery(), pg_last_xact_replay_timestamp()")
        recovering, _, at = found.stdout.strip().partition("|")
        if not found.returncode and recovering == "f":
            return
        if time.monotonic() - said > SAY_EVERY_S:
            said = time.monotonic()
            say(f"replaying the log: {at or 'the start'}")
        time.sleep(0.2)
    lines = "\n".join(child.last_lines())
    raise Refused(
        f"{lines}\nPostgreSQL did not reach the moment; its last messages are above. If the log "
        "ends before it, the moment is newer than the last transaction: leave out --to."
    )


def restore_dump(chosen: Backup, *, url: str, moment: datetime | None) -> None:
    """Load a dump into an empty database."""
    if moment is not None:
        raise Refused(
            "A dump restores its own moment only. Name it with --backup, or use the archive of "
            "your server."
        )
    empty = subprocess.run(
        [client_program("psql"), "-X", "-A", "-t", "-d", url, "-c"]
        + ["select count(*) from pg_tables where schemaname = 'public'"],
        capture_output=True,
        text=True,
        check=False,
    )
    if empty.returncode:
        raise Refused(f"{empty.stderr.strip()}\nThe database does not answer.")
    if empty.stdout.strip() != "0":
        raise Refused("The database is not empty. Create an empty one and name it in DATABASE_URL.")
    done = subprocess.run(
        [client_program("pg_restore"), "--exit-on-error", "--single-transaction", "--no-owner"]
        + ["--no-privileges", "--dbname", url, str(chosen.folder / "ballast.dump")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(f"{done.stderr.strip()}\npg_restore failed; nothing was changed.")


def restore_files(where: Places, folder: Path, chosen: Backup) -> None:
    """Bring back the archived prices, and the secret key that opens what the database seals."""
    mirror(folder / "price-archive", where.data / "price-archive")
    saved, current = chosen.folder / "secret_key", where.data / "secret_key"
    if not saved.exists() or (current.exists() and current.read_text() == saved.read_text()):
        return
    if current.exists():
        stamp = datetime.now(UTC).strftime(NAME_FORMAT)
        current.rename(current.with_name(f"secret_key.before-{stamp}"))
        say("the secret key differs from the back-up's, whose key is used from now on")
    write_private(current, saved.read_text())


def verify_ledger(where: Places) -> None:
    """Migrate the restored database and verify its ledger."""
    given = {name: os.environ[name] for name in ("DATABASE_URL",) if os.environ.get(name)}
    with servers(where, given=given, lasting=True) as running:
        variables = plan.environment(where, running.urls)
        for words in (("migrate", "--noinput", "-v0"), ("verify_ledger",)):
            _manage(words, variables)


def _manage(words: Sequence[str], variables: Mapping[str, str]) -> None:
    program = plan.manage(words[0], *words, environment=variables)
    done = subprocess.run(program.command, env=program.environment, cwd=program.folder, check=False)
    if done.returncode:
        raise Refused(
            f"manage.py {words[0]} failed after the restore; see above. The restored database is "
            "in its place."
        )
