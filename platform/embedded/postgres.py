"""PostgreSQL from the wheel: initdb, start on a socket, wait, clean up after a crash."""

import os
import pwd
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded import log_archive
from embedded.binaries import database_user, postgres_programs, reachable
from embedded.children import Child, Program, die_with_parent, say
from embedded.places import UNREACHABLE_BELOW, Places, Refused, own_folder

USER = "ballast"
DATABASE = "ballast"
READY_S_MAX = 60.0
STALE_S_MAX = 20.0
LASTING = {"shared_buffers": "256MB", "max_connections": "200", "wal_compression": "on"}
# For tests: no data has to survive a power cut.
THROWAWAY = {
    "shared_buffers": "256MB",
    "max_connections": "400",  # several test processes, each with tests that open dozens
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
}


@dataclass(frozen=True)
class Postgres:
    """One cluster: its files, its socket and the user that runs it."""

    programs: Path
    data: Path
    sockets: Path
    user: pwd.struct_passwd | None
    environment: Mapping[str, str]
    lasting: bool
    log: Path | None = None  # where its write-ahead log is archived

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@/{DATABASE}?host={self.sockets}"

    def program(self, more: Mapping[str, str] | None = None) -> Program:
        """Return the server, with more settings than those of every start."""
        settings = {
            **(LASTING if self.lasting else THROWAWAY),
            **(log_archive.settings(self.log) if self.log else {}),
            **(more or {}),
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "timezone": "UTC",
            "log_timezone": "UTC",
            # neither refused rows nor the values of statements
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            "shared_preload_libraries": "pg_stat_statements" if self.lasting else "",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return Program(
            name="postgres",
            command=[str(self.programs / "postgres"), "-D", str(self.data), *options],
            environment=self.environment,
            folder=Path("/"),
            stop_signal=signal.SIGINT,  # fast: ends sessions, loses nothing
            stop_s_max=15.0,
            user=self.user,
            quiet=True,
        )

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run one of PostgreSQL's own programs as the database's user."""
        return subprocess.run(
            [str(self.programs / command[0]), *command[1:]],
            env=dict(self.environment),
            cwd="/",
            user=self.user.pw_uid if self.user else None,
            group=self.user.pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            process_group=0,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509
        )

    def sql(self, statement: str) -> "subprocess.CompletedProcess[str]":
        return self.run(
            *("psql", "-X", "-q", "-A", "-t", "-h", str(self.sockets), "-U", USER),
            *("-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", statement),
        )


def postgres(
    where: Places,
    *,
    environment: Mapping[str, str],
    lasting: bool,
    log: Path | None = None,
) -> Postgres:
    """Return the cluster of a data folder, its folders created and owned as PostgreSQL requires."""
    user = database_user()
    home = where.data
    if user is not None and not reachable(home, user=user):
        home = UNREACHABLE_BELOW / where.sockets.name
        own_folder(home, mode=0o711)
    data, sockets = home / "postgres", where.sockets / "pg"
    for folder in (data, sockets):
        folder.mkdir(mode=0o700, exist_ok=True)
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
    return Postgres(
        programs=postgres_programs(user=user),
        data=data,
        sockets=sockets,
        user=user,
        environment={**environment, "LC_ALL": "C", "TZ": "UTC"},
        lasting=lasting,
        log=log,
    )


def identifier(server: Postgres) -> int | None:
    """Return the number that initdb gave the cluster, which its back-ups have too."""
    control = server.data / "global" / "pg_control"
    return struct.unpack("=Q", control.read_bytes()[:8])[0] if control.exists() else None


def restore_mark(server: Postgres) -> Path:
    """Return the file that names where a running restore keeps the old cluster."""
    return server.data.with_name(f"{server.data.name}.restoring")


def put_back(server: Postgres) -> None:
    """Put the old cluster back in its place if a restore of it has failed or was killed."""
    mark = restore_mark(server)
    if not mark.exists():
        return
    kept = server.data.with_name(mark.read_text())
    if kept.exists():
        stop_stale(server)
        shutil.rmtree(server.data, ignore_errors=True)
        kept.rename(server.data)
    mark.unlink()


def prepare(server: Postgres) -> None:
    """Create the cluster on disk if it is missing; repair an unfinished one; stop a stale one."""
    if (server.data / "PG_VERSION").exists() and (server.data / "global" / "pg_control").exists():
        _refuse_other_version(server)
        stop_stale(server)
        return
    for leftover in server.data.iterdir():
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    made = server.run(
        *("initdb", "-D", str(server.data), "-U", USER, "--auth=trust", "-E", "UTF8"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        *(() if server.lasting else ("--no-sync",)),
    )
    if made.returncode:
        shutil.rmtree(server.data / "global", ignore_errors=True)
        raise Refused(f"{made.stderr.strip()}\nPostgreSQL could not create its data folder.")


def _refuse_other_version(server: Postgres) -> None:
    ours = server.run("postgres", "--version").stdout.split()[-1].split(".")[0]
    theirs = (server.data / "PG_VERSION").read_text().strip()
    if ours != theirs:
        raise Refused(
            f"{server.data} was created by PostgreSQL {theirs}, but version {ours} is installed. "
            "Dump "
            "it with the old version and restore it, or start with another DATA_DIR."
        )


def stop_stale(server: Postgres) -> None:
    """Stop a database that outlived its supervisor; ignore a file left by a dead one."""
    pid = _stale_pid(server)
    if pid is None:
        _disown(server)
        return
    say("stopping a PostgreSQL that an earlier start left running")
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        os.kill(pid, number)
        deadline = time.monotonic() + STALE_S_MAX
        while time.monotonic() < deadline:
            if _stale_pid(server) is None:
                return
            time.sleep(0.1)
    raise Refused(f"PostgreSQL (process {pid}) does not stop. Kill it and start again.")


def _disown(server: Postgres) -> None:
    """Replace the process number of a dead database, which another program may have by now.

    This happens after a power cut, say. PostgreSQL would take that program for itself and refuse
    to start. It treats the number of its parent, ours, as stale. The lines below that number show
    whether a child of the dead one still lives.
    """
    pidfile = server.data / "postmaster.pid"
    if pidfile.exists():
        lines = pidfile.read_text().splitlines(keepends=True)
        pidfile.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))


def _stale_pid(server: Postgres) -> int | None:
    """Return the process named in postmaster.pid if it is alive and really this database."""
    try:
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, IndexError, ValueError, ProcessLookupError, PermissionError):
        return None
    there = Path(f"/proc/{pid}/cwd")
    if there.parent.exists():
        try:
            return pid if there.resolve() == server.data.resolve() else None
        except PermissionError:
            return None
    shown = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return pid if str(server.data) in shown.stdout else None


def wait_ready(server: Postgres, child: Child) -> None:
    """Wait until the server takes connections; the database exists by then."""
    deadline = time.monotonic() + READY_S_MAX
    while child.alive and time.monotonic() < deadline:
        # psql rather than pg_isready: recovery after a crash counts as not ready
        if (server.sockets / ".s.PGSQL.5432").exists():
            found = server.sql(f"select 1 from pg_database where datname = '{DATABASE}'")
            if not found.returncode:
                if not found.stdout.strip():
                    server.sql(f"create database {DATABASE}")
                return
        time.sleep(0.05)
    raise Refused(
        "\n".join([*child.last_lines(), "PostgreSQL did not start; its last messages are above."])
    )
