"""Reading jobs."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from core.errors import NotFound
from identity.models import User
from jobs.models import Job


def job(*, user: User, public_id: UUID) -> Job:
    """Return the job, if this user may see it; a stranger finds nothing."""
    found = Job.objects.for_user(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("No such job.", code="job_not_found")
    return found


def result(job: Job) -> Mapping[str, Any] | None:
    """Return the result of a job: the stored one, or what its kind reads from rows of its own."""
    reader = settings.JOB_RESULTS.get(job.kind)
    if job.result is None or reader is None:
        return job.result
    read: Callable[[Job], Mapping[str, Any]] = import_string(reader)
    return read(job)
