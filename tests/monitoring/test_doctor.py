"""The doctor finds what is broken, says what to do, and always answers."""

import json
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from jobs.models import Job, JobStatus, Queue
from monitoring.checks import CHECKS, backups, market, stored, work
from monitoring.examination import examine, worst
from monitoring.findings import Check, Finding, Level, age_text, fine, problem
from transactions.models import VerificationRun
from transactions.models.verification import VerificationStatus


def levels(look: Callable[[], Any]) -> set[Level]:
    return {finding.level for finding in look()}


def test_a_check_that_hangs_is_left_behind() -> None:
    never = threading.Event()

    def hang() -> list[Finding]:
        never.wait()
        return []

    found = examine([Check("hangs", hang), Check("fine", lambda: [fine("Well.")])], look_s_max=0.2)
    never.set()
    assert [x.level for x in found["hangs"]] == [Level.PROBLEM]
    assert "No answer" in found["hangs"][0].text
    assert found["fine"] == [fine("Well.")]


def test_a_check_behind_a_broken_one_is_skipped() -> None:
    looked = []

    def last() -> list[Finding]:
        looked.append("last")
        return []

    found = examine(
        [
            Check("last", last, needs=("middle",)),
            Check("middle", lambda: [fine("Well.")], needs=("first",)),
            Check("first", lambda: [problem("Broken.", "Mend it.", blocks=True)]),
            Check("bad", lambda: [problem("Bad, but there.", "Mend it.")]),
            Check("behind bad", lambda: [fine("Well.")], needs=("bad",)),
        ]
    )
    assert list(found) == ["last", "middle", "first", "bad", "behind bad"]
    assert found["middle"][0].level == found["last"][0].level == Level.SKIPPED
    assert "first" in found["middle"][0].text
    assert looked == []
    assert found["behind bad"] == [fine("Well.")]
    assert worst(found) == Level.PROBLEM


def test_a_check_that_raises_is_a_problem_without_its_text() -> None:
    def raises() -> list[Finding]:
        raise OSError("postgresql://user:secret@host")

    [finding] = examine([Check("raises", raises)])["raises"]
    assert finding.level == Level.PROBLEM
    assert "OSError" in finding.text
    assert "secret" not in finding.text + finding.what_to_do


def test_each_check_needs_one_that_exists() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert {need for check in CHECKS for need in check.needs} <= set(names)


def run(*words: str) -> tuple[int, str]:
    shown = StringIO()
    try:
        call_command("doctor", *words, stdout=shown, stderr=shown)
    except SystemExit as end:
        return int(end.code or 0), shown.getvalue()
    return 0, shown.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_command_answers_in_json_and_by_its_exit_code() -> None:
    code, text = run("--json", "--timeout", "60")
    found = json.loads(text)
    assert set(found["checks"]) == {check.name for check in CHECKS}
    assert (code == 1) == (found["level"] == "problem")
    assert found["checks"]["database"][-1]["level"] == "ok"
    assert found["checks"]["migrations"][-1]["level"] == "ok"
    # no worker runs beside the tests
    assert found["checks"]["workers"][0]["level"] == "problem"
    assert "celery -A config worker" in found["checks"]["workers"][0]["what_to_do"]


@pytest.mark.django_db(transaction=True)
def test_one_check_alone_and_one_that_does_not_exist() -> None:
    code, text = run("--only", "versions", "--timeout", "60")
    assert code == 0, text
    assert "packages are the locked ones" in text
    assert run("--only", "weather")[0] == 2


@pytest.mark.django_db(transaction=True)
def test_servers_that_hang_are_named_and_what_rests_on_them_is_skipped(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.REDIS_URL = settings.BROKER_URL = address
        code, text = run("--json", "--timeout", "30")
    found = json.loads(text)["checks"]
    assert code == 1
    assert {found[name][-1]["level"] for name in ("cache", "broker")} == {"problem"}
    assert found["workers"][0]["level"] == "skipped"
    assert any("same database" in x["text"] for x in found["settings"])


@pytest.mark.django_db(transaction=True)
def test_an_invalid_index_and_an_old_night_of_migrations_are_found() -> None:
    assert levels(stored.migrations) == {Level.OK}
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE doctor_probe (a int); INSERT INTO doctor_probe VALUES (1), (1)"
        )
        with pytest.raises(Exception, match="could not create unique index"):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY doctor_index ON doctor_probe (a)")
    try:
        [finding] = [x for x in stored.tables() if "invalid" in x.text]
        assert (finding.level, "doctor_index" in finding.text) == (Level.PROBLEM, True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE doctor_probe")


@pytest.mark.django_db
def test_a_missing_migration_and_an_unknown_one_are_found() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs' AND name LIKE '0003%%'")
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '9999_new', now())"
        )
    found = list(stored.migrations())
    assert [x.level for x in found] == [Level.PROBLEM, Level.WARNING]
    assert "jobs.0003" in found[0].text
    assert "jobs.9999_new" in found[1].text


@pytest.mark.django_db
def test_late_jobs_and_dead_letters_are_found() -> None:
    assert levels(work.queues) == {Level.OK}
    assert levels(work.dead_letters) == {Level.OK}
    now = timezone.now()
    for status in (JobStatus.PENDING, JobStatus.FAILED):
        Job.objects.create(
            kind="jobs.sweep",
            subject_id=uuid4(),
            queue=Queue.INTERACTIVE,
            status=status,
            next_at=now - timedelta(hours=1),
            created_at=now - timedelta(hours=1),
            woken_at=now,
            estimated_completion=now,
            finished_at=now if status == JobStatus.FAILED else None,
        )
    [late] = work.queues()
    assert (late.level, "interactive" in late.text) == (Level.PROBLEM, True)
    [failed] = work.dead_letters()
    assert (failed.level, "1 jobs of" in failed.text) == (Level.WARNING, True)


@pytest.mark.django_db
def test_a_ledger_with_differences_or_never_verified_is_found() -> None:
    assert levels(work.ledger) == {Level.WARNING}
    now = timezone.now()
    run = VerificationRun.objects.create(
        started_at=now, updated_at=now, finished_at=now, status=VerificationStatus.RIGHT, accounts=3
    )
    assert levels(work.ledger) == {Level.OK}
    run.status, run.difference_count = VerificationStatus.WRONG, 2
    run.save()
    assert levels(work.ledger) == {Level.PROBLEM}


@pytest.mark.django_db
def test_partitions_that_end_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Later:
        @staticmethod
        def now() -> datetime:
            return datetime.now(UTC) + timedelta(days=4000)

    monkeypatch.setattr(stored, "timezone", Later)
    assert levels(stored.partitions) == {Level.PROBLEM}


@pytest.mark.django_db
def test_back_ups_that_are_missing_old_or_fresh(settings: Any, tmp_path: Path) -> None:
    settings.BACKUP_DIR = ""
    assert levels(backups.backups) == {Level.WARNING}
    settings.PRODUCTION = True
    assert levels(backups.backups) == {Level.PROBLEM}
    settings.BACKUP_DIR = str(tmp_path)
    assert levels(backups.backups) == {Level.PROBLEM}
    for name, age, level in (
        ("dump-1", timedelta(days=3), Level.PROBLEM),
        ("dump-2", timedelta(hours=1), Level.OK),
    ):
        (tmp_path / name).mkdir()
        about = {"finished_at": (datetime.now(UTC) - age).isoformat()}
        (tmp_path / name / "backup.json").write_text(json.dumps(about))
        assert next(iter(backups.backups())).level == level


@pytest.mark.django_db
def test_vendors_that_never_answered_are_found(settings: Any) -> None:
    settings.PROVIDERS = ["ecb"]
    [finding] = market.providers()
    assert (finding.level, "ecb" in finding.text) == (Level.WARNING, True)
    assert "check_provider ecb" in finding.what_to_do


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (45, "45 s"), (720, "12 min"), (18_000, "5 h")]
)
def test_ages_read_well(seconds: float, text: str) -> None:
    assert age_text(seconds) == text
