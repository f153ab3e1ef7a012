"""A job goes on only while someone who asked for it may still see its household.

Jobs of the system and jobs of no household always go on. Access may end while a job runs: `working`
looks every second, and `claims.complete` looks once more under a lock on the people who asked. So a
withdrawal that is committed before the result leaves no result.
"""

from django.db.models import BigIntegerField, Func, Value

from core.errors import Conflict
from identity.models import User, users_of
from jobs.models import ACTIVE, Job
from stores.locks import locked


class AccessWithdrawn(Conflict):
    """Nobody who asked for the job may see its household any more."""

    code = "access_withdrawn"

    def __init__(self) -> None:
        super().__init__(
            "The person who asked for this no longer has access to the household. Nothing was "
            "changed. Start it again if you want it."
        )


def join(*, job: Job, user: User | None) -> bool:
    """Note that this user asks for the active job too; return False if it has ended meanwhile."""
    if user is None or job.requested_by_id is None:
        return True
    if user.pk == job.requested_by_id or user.pk in job.also_asked:
        return True
    added = Func("also_asked", Value(user.pk, BigIntegerField()), function="array_append")
    return bool(Job.objects.filter(pk=job.pk, status__in=ACTIVE).update(also_asked=added))


def ensure_wanted(*, job_id: int, household_id: int | None, until_commit: bool = False) -> None:
    """Raise AccessWithdrawn if nobody who asked for the job may see its household now.

    `until_commit` makes a change of their rights wait until the running transaction has ended.
    """
    if household_id is None:
        return
    rows = Job.objects.filter(pk=job_id).values_list("requested_by_id", "also_asked")
    # The rows of a transaction that is not committed are invisible to other connections.
    first, others = rows.first() or (None, [])
    if first is None:
        return
    asked = User.objects.filter(pk__in=[first, *others])
    if until_commit:
        # The rights are read by a statement of its own, after the lock was granted.
        list(locked(asked).values_list("pk"))
    if not users_of(household_id).filter(pk__in=[first, *others]).exists():
        raise AccessWithdrawn
