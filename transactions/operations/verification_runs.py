"""Record verification runs: their progress, their findings, and where to resume."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime

from core.errors import Conflict
from core.limits import VERIFICATION_DIFFERENCES_KEPT, VERIFICATION_TEXT_LENGTH_MAX
from transactions.models import VerificationRun, VerificationStatus
from transactions.operations.verification import BATCH, Difference, Verified, verified

Clock = Callable[[], datetime]


class RunTaken(Conflict):
    """Another process has continued the same run."""

    code = "verification_run_taken"


def begin_run(*, clock: Clock, after_household_id: int = 0) -> VerificationRun:
    """Begin a run over all households with a greater id."""
    now = clock()
    return VerificationRun.objects.create(
        started_at=now, updated_at=now, last_household_id=after_household_id
    )


def unfinished_run() -> VerificationRun | None:
    """Return the newest run that did not finish."""
    rows = VerificationRun.objects.filter(finished_at__isnull=True)
    return rows.order_by("-id").first()


def go_on(*, run: VerificationRun, clock: Clock, batch: int = BATCH) -> Iterator[Verified]:
    """Check the remaining households of the run; store each batch before the next one.

    A batch is stored only after the batch before it. If two processes share a run, the slower one
    stops with RunTaken.
    """
    for found in verified(after_household_id=run.last_household_id, batch=batch):
        before = run.last_household_id
        run.last_household_id = found.last_household_id
        run.households += found.households
        run.accounts += found.accounts
        run.transactions += found.transactions
        run.difference_count += len(found.differences)
        room = VERIFICATION_DIFFERENCES_KEPT - len(run.differences)
        run.differences += [_kept(difference) for difference in found.differences[:room]]
        _save(run, before=before, now=clock())
        yield found
    run.finished_at = clock()
    right = not run.difference_count
    run.status = VerificationStatus.RIGHT if right else VerificationStatus.WRONG
    _save(run, before=run.last_household_id, now=run.finished_at)


def _save(run: VerificationRun, *, before: int, now: datetime) -> None:
    run.updated_at = now
    written = VerificationRun.objects.filter(
        pk=run.pk, last_household_id=before, finished_at__isnull=True
    ).update(
        updated_at=run.updated_at,
        finished_at=run.finished_at,
        status=run.status,
        last_household_id=run.last_household_id,
        households=run.households,
        accounts=run.accounts,
        transactions=run.transactions,
        difference_count=run.difference_count,
        differences=run.differences,
    )
    if not written:
        raise RunTaken(f"Another process is working on run {run.pk}. Wait until it has ended.")


def _kept(difference: Difference) -> dict[str, object]:
    """Return a difference as JSON, with long figures truncated."""
    return {
        name: value[:VERIFICATION_TEXT_LENGTH_MAX] if isinstance(value, str) else value
        for name, value in asdict(difference).items()
    }
