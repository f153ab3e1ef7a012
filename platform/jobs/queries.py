"""Reading jobs."""

from uuid import UUID

from core.dates import instant_text
from core.errors import NotFound
from identity.models import User
from jobs.models import Job


def job(*, user: User, public_id: UUID) -> Job:
    """The job, if this user may see it; a stranger finds nothing."""
    found = Job.objects.for_user(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("No such job.", code="job_not_found")
    return found


def job_row(job: Job) -> dict[str, object]:
    """A job in the words of the API."""
    return {
        "job_id": str(job.public_id),
        "kind": job.kind.rsplit(".", 1)[-1],
        "subject_id": str(job.subject_id),
        "status": job.status,
        "progress": job.progress,
        "attempts": job.attempt,
        "created_at": instant_text(job.created_at),
        "started_at": instant_text(job.started_at) if job.started_at else None,
        "finished_at": instant_text(job.finished_at) if job.finished_at else None,
        "estimated_completion": instant_text(job.estimated_completion),
        "result": job.result,
        "error": job.error,
    }
