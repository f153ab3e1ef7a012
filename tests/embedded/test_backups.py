"""Back-ups and restores of the embedded PostgreSQL: the drill, and what must be refused."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from embedded import backups, log_archive, plan, restoring
from embedded.backups import Backup
from embedded.places import Places, Refused, hold, places, write_private
from embedded.servers import Servers, servers
from tests.embedded.conftest import eventually

PERSON = """
from datetime import UTC, datetime
from decimal import Decimal
from django.utils import timezone
from identity.models import User
from identity.operations.users import register
from transactions.models import Account
from transactions.ledger.entries import Entry
from transactions.operations.accounts import open_account
from transactions.operations.ledger import record
"""
FIRST = """
now = timezone.now()
user = register(email="a@example.org", password="a-long-enough-password", full_name="A",
                invitation=None, now=now)
account = open_account(user=user, name="A", type="taxable", currency="USD", now=now)
"""
DEPOSIT = """
account = Account.objects.get()
record(account=account, user=User.objects.get(), now=timezone.now(), entries=[
    Entry("deposit", datetime(2024, 3, 1, tzinfo=UTC), "USD", amount=Decimal("{amount}"))])
"""


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@contextmanager
def running(where: Places, folder: Path) -> Iterator[Servers]:
    """Servers as `make run` starts them with BACKUP_DIR, without the application's processes."""
    log = backups.log_folder(folder)
    with servers(where, lasting=True, log=log) as found:
        write_private(where.environment, json.dumps(plan.environment(where, found.urls)))
        yield found
    where.environment.unlink()


def manage(where: Places, *words: str) -> str:
    variables = json.loads(where.environment.read_text()) | {"TESTING": "1", "DEMO": "0"}
    program = plan.manage("manage", *words, environment=variables)
    done = subprocess.run(
        program.command,
        env=program.environment,
        cwd=program.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def backup_folder(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(data_folder / "data"))
    monkeypatch.setenv("BACKUP_DIR", str(data_folder / "backups"))
    return data_folder / "backups"


@pytest.mark.proof
def test_the_drill_a_moment_is_restored_to_the_transaction(
    data_folder: Path, backup_folder: Path
) -> None:
    where = places(data_folder / "data")
    with running(where, backup_folder) as found:
        url = found.urls["DATABASE_URL"]
        manage(where, "migrate", "--noinput", "-v0")
        manage(where, "shell", "-v0", "-c", PERSON + FIRST + DEPOSIT.format(amount="100.01"))
        backups.command([])
        manage(where, "shell", "-v0", "-c", PERSON + DEPOSIT.format(amount="200.02"))
        time.sleep(1.1)
        moment = datetime.now(UTC)
        time.sleep(1.1)
        manage(where, "shell", "-v0", "-c", PERSON + DEPOSIT.format(amount="300.03"))
        amounts = "select amount from transactions_transaction order by id"
        assert [f"{row[0]:.2f}" for row in rows(url, amounts)] == ["100.01", "200.02", "300.03"]
    # The last piece of the log is not full, so it is taken from the old cluster.
    restoring.command(["--to", moment.isoformat()])
    with running(where, backup_folder) as found:
        url = found.urls["DATABASE_URL"]
        assert [f"{row[0]:.2f}" for row in rows(url, amounts)] == ["100.01", "200.02"]
        [(status, checked)] = rows(
            url,
            "select status, accounts from transactions_verificationrun order by id desc limit 1",
        )
        assert (status, checked) == ("right", 1)
        # The restored copy goes on, and its next back-up starts on the new timeline.
        manage(where, "shell", "-v0", "-c", PERSON + DEPOSIT.format(amount="400.04"))
        backups.command([])
    restoring.command(["--no-verify"])
    with running(where, backup_folder) as found:
        shown = [f"{row[0]:.2f}" for row in rows(found.urls["DATABASE_URL"], amounts)]
        assert shown == ["100.01", "200.02", "400.04"]


def test_a_moment_the_log_does_not_reach_leaves_the_database_as_it_was(
    data_folder: Path, backup_folder: Path
) -> None:
    where = places(data_folder / "data")
    with running(where, backup_folder) as found:
        rows(found.urls["DATABASE_URL"], "create table kept as select 1 as answer")
        backups.command([])
        rows(found.urls["DATABASE_URL"], "update kept set answer = 2")
    with pytest.raises(Refused, match="did not reach the moment"):
        restoring.command(["--to", datetime.now(UTC).isoformat(), "--no-verify"])
    with running(where, backup_folder) as found:
        assert rows(found.urls["DATABASE_URL"], "select answer from kept") == [(2,)]


def test_a_second_restore_goes_on_with_the_history_of_the_first(
    data_folder: Path, backup_folder: Path
) -> None:
    """A back-up that was made after the moment of the first is of a history that was left."""
    where = places(data_folder / "data")
    with running(where, backup_folder) as found:
        url = found.urls["DATABASE_URL"]
        rows(url, "create table kept as select 1 as answer")
        backups.command([])
        rows(url, "insert into kept values (2)")
        moment = datetime.now(UTC)
        time.sleep(1.1)  # the names of back-ups and the moment have seconds
        rows(url, "insert into kept values (3)")
        backups.command([])
    restoring.command(["--to", moment.isoformat(), "--no-verify"])
    with running(where, backup_folder) as found:
        rows(found.urls["DATABASE_URL"], "insert into kept values (4)")
    restoring.command(["--no-verify"])
    with running(where, backup_folder) as found:
        shown = rows(found.urls["DATABASE_URL"], "select answer from kept order by 1")
        assert shown == [(1,), (2,), (4,)]


def test_a_copy_started_afresh_is_restored_from_the_newest_history(
    data_folder: Path, backup_folder: Path
) -> None:
    """Its own history is another one: it begins where the archive's does."""
    where = places(data_folder / "data")
    with running(where, backup_folder) as found:
        rows(found.urls["DATABASE_URL"], "create table kept as select 1 as answer")
        backups.command([])
    restoring.command(["--no-verify"])
    with running(where, backup_folder) as found:
        rows(found.urls["DATABASE_URL"], "update kept set answer = 2")
        backups.command([])
    server = restoring.cluster(where, backup_folder)
    shutil.rmtree(server.data)
    with running(where, backup_folder) as found:
        assert rows(found.urls["DATABASE_URL"], "select to_regclass('kept')") == [(None,)]
    restoring.command(["--no-verify"])
    with running(where, backup_folder) as found:
        assert rows(found.urls["DATABASE_URL"], "select answer from kept") == [(2,)]


def test_a_killed_restore_leaves_the_old_database_to_the_next_start(
    data_folder: Path, backup_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = places(data_folder / "data")
    with running(where, backup_folder) as found:
        rows(found.urls["DATABASE_URL"], "create table kept as select 1 as answer")
        backups.command([])
        rows(found.urls["DATABASE_URL"], "update kept set answer = 2")
    for step in ("_unpack", "_replay"):
        with monkeypatch.context() as patch:
            patch.setattr(restoring, step, lambda *given, **named: os._exit(9))
            child = os.fork()
            if child == 0:
                try:
                    restoring.command(["--no-verify"])
                finally:
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        with running(where, backup_folder) as found:
            assert rows(found.urls["DATABASE_URL"], "select answer from kept") == [(2,)]
    assert not list(where.data.parent.rglob("postgres.before-*"))


def test_a_damaged_back_up_is_refused_before_anything_moves(
    data_folder: Path, backup_folder: Path
) -> None:
    where = places(data_folder / "data")
    with running(where, backup_folder) as found:
        rows(found.urls["DATABASE_URL"], "create table kept as select 1 as answer")
        backups.command([])
    [backup] = backups.all_backups(backup_folder)
    packed = backup.folder / "base.tar.gz"
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(Refused, match="damaged"):
        restoring.command(["--no-verify"])
    with running(where, backup_folder) as found:
        assert rows(found.urls["DATABASE_URL"], "select answer from kept") == [(1,)]


def test_a_lost_data_folder_comes_back_with_its_secret_key_and_old_prices(
    data_folder: Path, backup_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = places(data_folder / "data")
    (where.data / "price-archive").mkdir()
    (where.data / "price-archive" / "2015.parquet").write_text("prices")
    with running(where, backup_folder) as found:
        rows(found.urls["DATABASE_URL"], "create table kept as select 1 as answer")
        backups.command([])
        rows(found.urls["DATABASE_URL"], "select pg_switch_wal()")
        key = (where.data / "secret_key").read_text()
    monkeypatch.setenv("DATA_DIR", str(data_folder / "other"))
    restoring.command(["--no-verify"])
    other = places(data_folder / "other")
    assert (other.data / "secret_key").read_text() == key
    assert (other.data / "price-archive" / "2015.parquet").read_text() == "prices"
    with running(other, backup_folder) as found:
        assert rows(found.urls["DATABASE_URL"], "select answer from kept") == [(1,)]


def test_old_back_ups_and_the_log_only_they_needed_are_deleted(
    data_folder: Path, backup_folder: Path
) -> None:
    where = places(data_folder / "data")
    with running(where, backup_folder) as found:
        for keep in (2, 2, 2):
            rows(found.urls["DATABASE_URL"], "create table if not exists kept (answer int)")
            backups.command(["--keep", str(keep)])
            time.sleep(1.1)  # names have seconds
        kept = backups.all_backups(backup_folder)
        assert len(kept) == 2
        pieces = sorted(path.name for path in (backup_folder / "log").glob("0*.gz"))
        assert pieces[0][8:24] >= kept[0].about["first_piece"][8:24]
        with pytest.raises(Refused, match="1 or more"):
            backups.command(["--keep", "0"])
    restoring.command(["--backup", kept[0].folder.name, "--no-verify"])


def test_an_archived_piece_is_not_replaced_by_another(tmp_path: Path) -> None:
    archive = tmp_path / "with 'space"
    archive.mkdir()
    command = log_archive.settings(archive)["archive_command"]
    piece = tmp_path / "piece"

    def run(content: bytes) -> int:
        piece.write_bytes(content)
        line = command.replace("%p", str(piece)).replace("%f", "0" * 24).replace("%%", "%")
        return subprocess.run(["sh", "-c", line], check=False).returncode

    assert run(b"one") == 0
    assert run(b"one") == 0
    assert run(b"two") != 0
    assert [path.name for path in archive.iterdir()] == [f"{'0' * 24}.gz"]


def test_nothing_is_restored_over_a_running_copy(data_folder: Path, backup_folder: Path) -> None:
    where = places(data_folder / "data")
    with running(where, backup_folder):
        backups.command([])
    with hold(where), pytest.raises(Refused, match="already running"):
        restoring.command(["--no-verify"])


def test_the_newest_back_up_before_the_moment_is_chosen(tmp_path: Path) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)

    def made(hours: int, kind: str = "base") -> Backup:
        ended = start + timedelta(hours=hours)
        folder = tmp_path / f"{kind}-{hours}"
        folder.mkdir()
        range_ = {"Timeline": 1, "Start-LSN": f"0/{hours}000000", "End-LSN": f"0/{hours}000120"}
        (folder / "backup_manifest").write_text(json.dumps({"WAL-Ranges": [range_]}))
        return Backup(folder, {"kind": kind, "finished_at": str(ended)})

    found = [made(0), made(2), made(3, "dump"), made(4)]
    line = log_archive.Line(1, {})

    def chosen(**asked: object) -> str:
        options = {"name": None, "moment": None, "line": line} | asked
        return restoring.choose(found, **options).folder.name  # type: ignore[arg-type]

    assert chosen() == "base-4"
    assert chosen(moment=start + timedelta(hours=3)) == "base-2"
    assert chosen(name="base-0") == "base-0"
    assert chosen(line=None) == "dump-3"
    # Restored to a moment between 2 and 4: what came after it is another history.
    assert chosen(line=log_archive.Line(2, {1: 0x3000000})) == "base-2"
    assert chosen(line=log_archive.Line(3, {1: 0x2000120, 2: 0x5000000})) == "base-2"
    assert chosen(line=log_archive.Line(3, {1: 0x2000100, 2: 0x5000000})) == "base-0"
    with pytest.raises(Refused, match="Earlier moments"):
        chosen(moment=start - timedelta(hours=1))
    with pytest.raises(Refused, match="no such"):
        chosen(name="base-9")


@pytest.mark.parametrize(
    ("text", "words"),
    [("yesterday", "no time"), ("2026-03-01T12:00:00", "no UTC offset"), ("2999-01-01Z", "future")],
)
def test_a_moment_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        restoring.parsed(text.replace("01Z", "01T00:00:00Z"))


def test_a_server_that_is_not_ours_is_dumped_and_loaded_into_an_empty_database(
    data_folder: Path, backup_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, where = places(data_folder / "theirs"), places(data_folder / "data")
    with servers(theirs, lasting=True) as found:
        url = found.urls["DATABASE_URL"]
        rows(url, "create table kept as select 1 as answer")
        write_private(where.environment, json.dumps({"DATABASE_URL": url}))
        backups.command([])
        rows(url, "create database empty")
        monkeypatch.setenv("DATABASE_URL", url)
        with pytest.raises(Refused, match="not empty"):
            restoring.command(["--no-verify"])
        target = url.replace("/ballast?", "/empty?")
        monkeypatch.setenv("DATABASE_URL", target)
        restoring.command(["--no-verify"])
        assert rows(target, "select answer from kept") == [(1,)]
        assert not (where.data / "postgres").exists()


def test_a_folder_that_is_not_set_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BACKUP_DIR", raising=False)
    with pytest.raises(Refused, match="BACKUP_DIR is not set"):
        backups.required_folder()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user")
def test_a_folder_the_database_cannot_enter_is_refused(data_folder: Path) -> None:
    closed = data_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Refused, match="cannot enter"):
        backups.log_folder(closed / "backups")


def test_the_last_minute_is_archived_without_a_full_piece(
    data_folder: Path, backup_folder: Path
) -> None:
    where = places(data_folder / "data")
    with running(where, backup_folder) as found:
        url = found.urls["DATABASE_URL"]
        rows(url, "create table kept as select 1 as answer")
        assert rows(url, "show archive_timeout") == [("1min",)]
        [(piece,)] = rows(url, "select pg_walfile_name(pg_switch_wal())")
        eventually(lambda: (backup_folder / "log" / f"{piece}.gz").exists(), what="the archive")
