"""API of notices: list them and mark them as read."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.errors import InvalidInput
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from identity.authentication import caller
from notifications import operations, queries
from notifications.models import Notice
from notifications.topics import TOPIC_NAMES, TOPICS


class NoticeRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    topic = serializers.CharField()
    title = serializers.CharField()
    payload = serializers.JSONField()
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


def notice_row(notice: Notice) -> dict[str, object]:
    """Return a notice as JSON values."""
    return {
        "id": str(notice.public_id),
        "topic": notice.topic,
        "title": notice.title,
        "payload": notice.payload,
        "created_at": instant_text(notice.created_at),
        "read_at": instant_text(notice.read_at) if notice.read_at else None,
    }


class NoticesView(APIView):
    @extend_schema(
        operation_id="notifications_list",
        responses=page_of(NoticeRead, keyset=True),
        parameters=[
            OpenApiParameter("unread", bool),
            OpenApiParameter("topic", str, enum=TOPIC_NAMES),
            *page_parameters(keyset=True),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the caller's notices, newest first."""
        unread = request.query_params.get("unread", "").lower() in {"1", "true"}
        topic = request.query_params.get("topic") or None
        if topic is not None and topic not in TOPICS:
            raise InvalidInput(
                "There is no such topic. Use those of `notifications/preferences`.",
                code="topic_unknown",
            )
        rows = queries.notices(user=caller(request), unread=unread, topic=topic)
        return Keyset(sort_key="created_at").answer(request, rows, row=notice_row)


class NoticeReadView(APIView):
    @extend_schema(operation_id="notifications_read", request=None, responses=NoticeRead)
    def post(self, request: Request, notice_id: UUID) -> Response:
        """Mark a notice read."""
        notice = queries.notice(user=caller(request), public_id=notice_id)
        return Response(notice_row(operations.mark_read(notice=notice, now=timezone.now())))


class AllReadRead(serializers.Serializer[Any]):
    marked = serializers.IntegerField()


class NoticesReadView(APIView):
    @extend_schema(operation_id="notifications_read_all", request=None, responses=AllReadRead)
    def post(self, request: Request) -> Response:
        """Mark every notice of the caller read."""
        count = operations.mark_all_read(user=caller(request), now=timezone.now())
        return Response({"marked": count})


urlpatterns = [
    path("notifications", NoticesView.as_view()),
    path("notifications/read-all", NoticesReadView.as_view()),
    path("notifications/<uuid:notice_id>/read", NoticeReadView.as_view()),
]
