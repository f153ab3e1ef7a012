"""Large files are worked on by a job: once, whatever happens to the worker."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from core.errors import BallastError
from jobs.models import Job
from jobs.operations import LeaseLost, cancel, claim
from notifications.models import Notice
from notifications.operations import relay
from transactions.ledger.entries import Entry
from transactions.models import Holding, Import, ImportChunk, ImportRow, Lot, Transaction
from transactions.operations import imports, record
from transactions.operations.verification import verified
from transactions.tasks import work_on_import

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a job: more than a hundred bytes, more than two rows; portions of two."""
    from transactions.operations.imports import committing, lines, reading

    monkeypatch.setattr(imports, "IMPORT_BYTES_AT_ONCE_MAX", 100)
    monkeypatch.setattr(imports, "IMPORT_ROWS_AT_ONCE_MAX", 2)
    monkeypatch.setattr(committing, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(lines, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(reading, "_ROWS_AT_ONCE", 2)


def work(batch: Any) -> dict[str, Any]:
    """What a worker does with the job of an import; the job as it is then."""
    job = Job.objects.get(public_id=batch["job_id"])
    work_on_import(job.pk)
    job.refresh_from_db()
    return {"status": job.status, "result": job.result, "error": job.error}


def test_a_job_reads_commits_and_undoes(desk: Any, account: Any) -> None:
    batch = desk.preview()
    assert batch["status"] == "reading"
    busy = desk.commit(batch)
    assert (busy.status_code, busy.json()["code"]) == (409, "import_busy")
    assert work(batch)["status"] == "completed"
    batch = desk.get(batch)
    assert (batch["status"], batch["counts"]["ready"]) == ("preview", 5)

    answer = desk.commit(batch)
    assert (answer.status_code, answer.json()["status"]) == (202, "committing")
    assert not Transaction.objects.exists()
    done = work(answer.json())
    assert done["result"]["status"] == "committed"
    assert Transaction.objects.count() == 5
    assert Holding.objects.get(account=account, asset__symbol="AAA").quantity == 6

    answer = desk.remove(batch)
    assert (answer.status_code, answer.json()["status"]) == (202, "undoing")
    work(answer.json())
    assert desk.get(batch)["status"] == "undone"
    assert not Holding.objects.exists()


def test_a_small_file_of_many_rows_is_left_to_a_job(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "IMPORT_BYTES_AT_ONCE_MAX", 1_000_000)
    batch = desk.preview()
    assert (batch["status"], batch["counts"]["rows"]) == ("reading", 0)
    assert not ImportRow.objects.exists()
    assert work(batch)["status"] == "completed"
    assert desk.get(batch)["counts"]["ready"] == 5
    again = desk.change(batch, options={"currency": "USD"}).json()
    assert again["status"] == "reading"


def test_a_file_whose_job_was_given_up_could_not_be_read(desk: Any) -> None:
    """Whoever ended the job: here nobody told the import."""
    batch = desk.preview()
    error = {"code": "attempts_exhausted", "detail": "The worker was lost three times."}
    Job.objects.update(status="failed", error=error, finished_at=timezone.now())
    shown = desk.get(batch)
    assert (shown["status"], shown["error"]) == ("failed", error)
    assert desk.change(batch, options={"currency": "USD"}).json()["status"] == "reading"
    Job.objects.update(status="failed", error=error, finished_at=timezone.now())
    assert desk.remove(batch).status_code == 204


def test_old_files_that_nobody_decided_on_are_discarded(desk: Any) -> None:
    batch = desk.preview()
    work(batch)
    now = timezone.now()
    assert imports.forget_old(now=now + timedelta(days=29)) == (0, 0)
    assert ImportChunk.objects.exists()
    assert imports.forget_old(now=now + timedelta(days=31)) == (1, 0)
    assert not ImportChunk.objects.exists()
    assert desk.get(batch) == 404


def committing_job(desk: Any) -> tuple[Any, Job]:
    batch = desk.preview()
    work(batch)
    answer = desk.commit(batch).json()
    return answer, Job.objects.get(public_id=answer["job_id"])


class Killed(BaseException):
    """As if the process were gone: nothing below may catch it."""


def test_a_worker_that_dies_in_the_middle_leaves_nothing_and_the_next_does_it_once(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, job = committing_job(desk)

    def dies(percent: int) -> None:
        if percent == 90:
            assert Transaction.objects.exists(), "most of it is written in the transaction"
            raise Killed

    held = claim(job_id=job.pk)
    assert held is not None
    with pytest.raises(Killed), transaction.atomic():
        imports.run(claim=held, now=timezone.now(), told=dies)
    assert not Transaction.objects.exists()
    assert not Lot.objects.exists()
    assert desk.get(batch)["status"] == "committing"

    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET lease_until = now() - interval '1 second'")
    assert work(batch)["status"] == "completed"
    assert Transaction.objects.count() == 5
    # The first worker was only asleep: it finds that the job is no longer its own.
    with pytest.raises(BallastError, match="is committed"), transaction.atomic():
        imports.run(claim=held, now=timezone.now(), told=lambda percent: None)
    assert Transaction.objects.count() == 5


def test_a_file_whose_workers_all_died_is_failed_and_whoever_brought_it_is_told(
    desk: Any, people: Any, account: Any
) -> None:
    batch = desk.preview()
    job = Job.objects.get(public_id=batch["job_id"])
    assert job.queue == "imports"
    Job.objects.update(requested_by=people.adviser)
    for _ in range(3):
        assert claim(job_id=job.pk) is not None
        Job.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert desk.get(batch)["status"] == "reading"
    assert work(batch)["status"] == "failed"
    shown = desk.get(batch)
    assert (shown["status"], shown["error"]["code"]) == ("failed", "attempts_exhausted")
    relay(now=timezone.now())
    for person in (people.owner, people.adviser):
        title = Notice.objects.get(user=person).title
        assert title.startswith(f"A file could not be imported into {account.name}. ")
    assert not Notice.objects.filter(user=people.stranger).exists()


def test_a_cancelled_job_writes_nothing(desk: Any) -> None:
    batch, job = committing_job(desk)
    held = claim(job_id=job.pk)
    assert held is not None
    cancel(job=job)
    with pytest.raises(LeaseLost), transaction.atomic():
        imports.run(claim=held, now=timezone.now(), told=lambda percent: None)
    assert not Transaction.objects.exists()
    assert desk.get(batch)["status"] == "preview"
    assert desk.commit(batch).status_code == 202


def test_a_refused_row_fails_the_job_with_its_line(desk: Any) -> None:
    batch = desk.preview(
        """
        type  day    symbol quantity price currency
        buy   01-03  AAA    10       50    USD
        sell  01-04  AAA    4        60    USD
        sell  01-05  AAA    7        60    USD
        """
    )
    work(batch)
    answer = desk.commit(batch).json()
    failed = work(answer)
    assert failed["status"] == "failed"
    assert failed["error"]["detail"].startswith("Line 4 (row 3): ")
    shown = desk.get(batch)
    assert (shown["status"], shown["error"]) == ("preview", failed["error"])
    assert not Transaction.objects.exists()


def test_a_stale_preview_is_refreshed_by_the_job_that_finds_it_stale(desk: Any) -> None:
    batch, other = desk.preview(), desk.preview()
    work(batch)
    work(other)
    first, second = desk.commit(batch).json(), desk.commit(other).json()
    assert work(first)["status"] == "completed"
    assert work(second)["error"]["code"] == "preview_stale"
    assert desk.get(other)["counts"]["duplicates"] == 5
    assert Transaction.objects.count() == 5


def test_a_file_that_turns_out_to_be_none_fails_with_its_code(desk: Any) -> None:
    row = b"buy,2024-01-03T12:00:00Z,AAA,1,5,USD,\r\n"
    heading = b"type,executed_at,symbol,quantity,price,currency,lot_method\r\n"
    batch = desk.preview(heading + row * 10 + b'"' + b"x" * 80_000)
    assert work(batch)["status"] == "failed"
    shown = desk.get(batch)
    assert (shown["status"], shown["error"]["code"]) == ("failed", "row_too_long")
    assert not ImportRow.objects.exists()
    assert desk.remove(batch).status_code == 204


def test_a_discarded_file_ends_its_job(desk: Any) -> None:
    batch = desk.preview()
    job = Job.objects.get(public_id=batch["job_id"])
    cancel(job=job)
    assert desk.remove(batch).status_code == 204
    assert not Import.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_commits_at_once_record_the_file_once(desk: Any, account: Any, people: Any) -> None:
    batch = desk.preview()
    work(batch)
    row = Import.objects.get(public_id=batch["id"])
    outcomes: list[str] = []

    def commits() -> None:
        try:
            done = imports.commit(batch=row, user=people.owner, now=timezone.now(), at_once=True)
            outcomes.append(done.status)
        except Exception as refusal:
            outcomes.append(getattr(refusal, "code", repr(refusal)))
        finally:
            connection.close()

    threads = [threading.Thread(target=commits) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_committed", "committed"]
    assert Transaction.objects.count() == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["commit", "undo"])
def test_a_trade_recorded_while_a_file_is_written_is_not_kept_waiting_and_counts(
    step: str, desk: Any, account: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rival's purchase of AAA falls between the file's trades: all is computed again."""
    from transactions.operations.imports import committing

    batch = desk.preview()
    work(batch)
    written: list[int] = []
    name = {"commit": "write_history", "undo": "write_reversals"}[step]
    write = getattr(committing, name)

    def rival() -> None:
        at = datetime(2024, 1, 3, 18, tzinfo=UTC)
        trade = Entry("buy", at, "USD", "AAA", Decimal(1), Decimal(70))
        record(account=account, entries=[trade], user=people.owner, now=timezone.now())
        connection.close()

    def interrupted(**values: Any) -> Any:
        found = write(**values)
        written.append(found.count)
        if len(written) == 1:
            thread = threading.Thread(target=rival)
            thread.start()
            thread.join()
        return found

    if step == "undo":
        work(desk.commit(batch).json())
    monkeypatch.setattr(committing, name, interrupted)
    answer = desk.commit(batch) if step == "commit" else desk.remove(batch)
    assert work(answer.json())["status"] == "completed"
    assert written == [5, 5]
    held = Holding.objects.get(account=account, asset__symbol="AAA").quantity
    assert held == (7 if step == "commit" else 1)
    assert [found for batch in verified() for found in batch.differences] == []


@pytest.mark.django_db(transaction=True)
def test_a_row_reversed_by_hand_while_its_file_is_undone_is_reversed_once(
    desk: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transactions.operations import reverse
    from transactions.operations.imports import committing

    batch = desk.preview()
    work(batch)
    work(desk.commit(batch).json())
    name = "write_reversals"
    write = getattr(committing, name)
    counts: list[int] = []

    def rival() -> None:
        dividend = Transaction.objects.get(type="dividend")
        reverse(original=dividend, user=people.owner, now=timezone.now())
        connection.close()

    def interrupted(**values: Any) -> Any:
        if not counts:
            thread = threading.Thread(target=rival)
            thread.start()
            thread.join()
        counts.append(len(values["original_ids"]))
        return write(**values)

    monkeypatch.setattr(committing, name, interrupted)
    assert work(desk.remove(batch).json())["status"] == "completed"
    assert counts == [5, 4]
    assert Transaction.objects.filter(reverses__isnull=False).count() == 5
    assert [found for batch in verified() for found in batch.differences] == []


@pytest.mark.django_db(transaction=True)
def test_of_an_undo_and_a_reversal_that_wait_for_each_other_both_have_an_answer(
    desk: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The undo has written its reversals and needs the household, which the rival has locked."""
    from transactions.operations import reverse
    from transactions.operations.imports import committing

    batch = desk.preview()
    work(batch)
    work(desk.commit(batch).json())
    name = "write_reversals"
    write = getattr(committing, name)
    threads: list[threading.Thread] = []
    answers: list[str] = []

    def rival() -> None:
        dividend = Transaction.objects.get(type="dividend")
        try:
            reverse(original=dividend, user=people.owner, now=timezone.now())
            answers.append("reversed")
        except BallastError as refusal:
            answers.append(refusal.code)
        finally:
            connection.close()

    def interrupted(**values: Any) -> Any:
        written = write(**values)
        if not threads:
            threads.append(threading.Thread(target=rival))
            threads[0].start()
            until_blocked()
        return written

    monkeypatch.setattr(committing, name, interrupted)
    assert work(desk.remove(batch).json())["status"] == "completed"
    threads[0].join()
    assert answers in (["reversal_in_progress"], ["reversed"], ["already_reversed"])
    assert desk.get(batch)["status"] == "undone"
    assert Transaction.objects.filter(reverses__isnull=False).count() == 5
    assert [found for batch in verified() for found in batch.differences] == []


def until_blocked() -> None:
    """Wait until another connection waits for a lock."""
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.05)")
    raise AssertionError("nothing waits")


def test_a_file_of_which_a_row_is_reversed_by_hand_is_undone_for_the_rest(desk: Any) -> None:
    """Directly and by a job; all of it reversed by hand leaves nothing to undo."""
    for reversed_by_hand in (1, 5):
        batch = desk.preview()
        work(batch)
        work(desk.commit(batch).json())
        mine = Transaction.objects.filter(import_batch__public_id=batch["id"])
        standing = mine.filter(reversed_by__isnull=True, reverses__isnull=True)
        newest_first = standing.order_by("-executed_at", "-id")[:reversed_by_hand]
        for public_id in list(newest_first.values_list("public_id", flat=True)):
            answer = desk.client.post(
                f"/api/v1/transactions/{public_id}/reverse", {}, format="json"
            )
            assert answer.status_code == 201, answer.content
        assert work(desk.remove(batch).json())["status"] == "completed"
        assert desk.get(batch)["status"] == "undone"
        assert standing.count() == 0
        again = desk.remove(batch)
        assert (again.status_code, again.json()["code"]) == (409, "already_undone")


@pytest.fixture
def command(account: Any, assets: Any, tmp_path: Path) -> Callable[..., str]:
    def run(data: bytes, *words: str) -> str:
        path, out = tmp_path / "file.csv", StringIO()
        path.write_bytes(data)
        call_command(
            "import_transactions",
            str(path),
            "--account",
            str(account.public_id),
            *words,
            stdout=out,
        )
        return out.getvalue()

    return run


HEADING = b"type,executed_at,symbol,quantity,price,currency,lot_method\r\n"
ROWS = b"buy,2024-01-03T12:00:00Z,AAA,1,5,USD,\r\nbuy,2024-01-03T12:00:00Z,ZZZ,1,5,USD,\r\n"


def test_the_command_shows_first_and_records_when_told(command: Callable[..., str]) -> None:
    shown = command(HEADING + ROWS)
    assert "2 rows, 1 ready, 0 duplicates, 1 errors, 0 skipped" in shown
    assert "line 3: symbol_unknown" in shown
    assert not Import.objects.exists()
    assert "Recorded 1 rows" in command(HEADING + ROWS, "--commit", "--format", "ballast")
    assert Transaction.objects.count() == 1
    with pytest.raises(CommandError, match="nothing_ready"):
        command(HEADING + ROWS, "--commit")
    with pytest.raises(CommandError, match="file_empty"):
        command(b"")
