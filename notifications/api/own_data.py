"""API of the archive of everything about oneself: ask for it, and fetch it."""

from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge import rate_limits
from identity.api.handling import count, ensure_recent_proof
from identity.authentication import caller
from identity.models import User
from identity.queries import profile
from jobs.api import IDEMPOTENCY_HEADER, answered_once, requested_row
from jobs.operations import Answer
from notifications import operations
from notifications.models import OwnDataArchive
from notifications.queries.own_data import archive_of


class OwnDataRequested(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()
    status = serializers.CharField()
    estimated_completion = serializers.DateTimeField()


class OwnDataView(APIView):
    @extend_schema(
        operation_id="own_data_request",
        tags=["users"],
        request=None,
        responses={202: OwnDataRequested},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Collect everything about yourself into one archive. Needs a recent proof.

        The job returns when it can be fetched and until when. A new archive replaces the old one.
        """
        ensure_recent_proof(request)
        count(rate_limits.OWN_DATA, request)
        now = timezone.now()

        def access() -> User:
            return profile(user_id=caller(request).pk)

        def effect(user: User) -> Answer:
            job = operations.request_archive(user=user, now=now)
            return 202, requested_row(job)

        return answered_once(request, now=now, access=access, effect=effect)

    @extend_schema(
        operation_id="own_data_retrieve",
        tags=["users"],
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "The archive.")},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Fetch your archive as a ZIP. Needs a recent proof."""
        ensure_recent_proof(request)
        return archive_response(
            archive_of(user=profile(user_id=caller(request).pk), now=timezone.now())
        )


def archive_response(archive: OwnDataArchive) -> StreamingHttpResponse:
    """Return an archive as a download, part by part."""
    response = StreamingHttpResponse(_parts(archive), content_type="application/zip")
    name = f"ballast-data-{archive.created_at:%Y-%m-%d}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Length"] = str(archive.bytes)
    response["Cache-Control"] = "no-store"
    return response


def _parts(archive: OwnDataArchive) -> Iterator[bytes]:
    numbers = archive.parts.order_by("number").values_list("number", flat=True)
    for number in list(numbers):
        yield bytes(archive.parts.values_list("data", flat=True).get(number=number))


urlpatterns = [path("users/me/export", OwnDataView.as_view())]
