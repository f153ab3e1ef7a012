"""Jobs over HTTP, and the Idempotency-Key every creating route takes."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.limits import JOB_ATTEMPTS_MAX
from identity.authentication import caller
from jobs import operations, queries
from jobs.models import Job, JobStatus
from jobs.operations import Answer, Subject, answer_once

IDEMPOTENCY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description=(
        "Key of your choice. For one day, a repeated request with this key gets the first response."
    ),
)


class JobRead(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()
    kind = serializers.CharField()
    subject_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    progress = serializers.IntegerField()
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    estimated_completion = serializers.DateTimeField()
    result = serializers.JSONField(allow_null=True)
    error = serializers.JSONField(allow_null=True)


def answered_once(
    request: Request,
    *,
    now: datetime,
    access: Callable[[], Subject],
    effect: Callable[[Subject], Answer],
) -> Response:
    """Return the response of `effect`, or the stored one if the Idempotency-Key is known.

    `access` loads what the request concerns and refuses strangers, also before a stored response.
    """
    (status, body), replayed = answer_once(
        user=caller(request),
        key=request.headers.get("Idempotency-Key"),
        request={
            "method": request.method,
            "path": request.path,
            "body": _hashable(request.data),
        },
        now=now,
        access=access,
        effect=effect,
    )
    headers = {"Idempotency-Replayed": "true"} if replayed else None
    return Response(body, status=status, headers=headers)


def _hashable(data: Any) -> Any:
    """Return the body as it was sent, in a form that has one canonical JSON."""
    if isinstance(data, dict):
        return {str(name): _hashable(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_hashable(value) for value in data]
    if isinstance(data, UploadedFile):
        # Two files are the same if their contents are.
        digest = sha256()
        for chunk in data.chunks():
            digest.update(chunk)
        data.seek(0)
        return [data.name, digest.hexdigest()]
    return data if data is None or isinstance(data, int | bool) else str(data)


def job_row(job: Job) -> dict[str, object]:
    """Render a job."""
    return {
        "job_id": str(job.public_id),
        "kind": job.kind.rsplit(".", 1)[-1],
        "subject_id": str(job.subject_id),
        "status": job.status,
        "progress": job.progress,
        "attempts": min(job.tries, JOB_ATTEMPTS_MAX),
        "created_at": instant_text(job.created_at),
        "started_at": instant_text(job.started_at) if job.started_at else None,
        "finished_at": instant_text(job.finished_at) if job.finished_at else None,
        "estimated_completion": instant_text(job.estimated_completion),
        "result": queries.result(job),
        "error": job.error,
    }


def requested_row(job: Job) -> dict[str, object]:
    """Render a job for the person who has just requested it."""
    return {
        "job_id": str(job.public_id),
        "status": job.status,
        "estimated_completion": instant_text(job.estimated_completion),
    }


class JobView(APIView):
    @extend_schema(operation_id="jobs_retrieve", responses=JobRead)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return a job, its progress and, once completed, its result."""
        return Response(job_row(queries.job(user=caller(request), public_id=job_id)))


class JobCancelView(APIView):
    @extend_schema(operation_id="jobs_cancel", request=None, responses=JobRead)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Cancel an unfinished job."""
        job = queries.job(user=caller(request), public_id=job_id)
        operations.cancel(job=job)
        return Response(job_row(queries.job(user=caller(request), public_id=job_id)))


urlpatterns = [
    path("jobs/<uuid:job_id>", JobView.as_view()),
    path("jobs/<uuid:job_id>/cancel", JobCancelView.as_view()),
]
