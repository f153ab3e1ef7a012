"""A household's notes over HTTP."""

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
from core.limits import NOTE_BODY_LENGTH_MAX
from edge.markdown import rendered
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from edge.serializers import StrictSerializer
from identity.authentication import caller
from identity.models import User
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from recommendations import operations, queries
from recommendations.models import Note, NoteSubject
from recommendations.queries.notes import Subject


class NoteWrite(StrictSerializer):
    subject_type = serializers.ChoiceField(choices=NoteSubject.choices)
    subject_id = serializers.UUIDField()
    body = serializers.CharField(max_length=NOTE_BODY_LENGTH_MAX)


class NoteChange(StrictSerializer):
    body = serializers.CharField(max_length=NOTE_BODY_LENGTH_MAX)


class NoteRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    subject_type = serializers.ChoiceField(choices=NoteSubject.choices)
    subject_id = serializers.UUIDField()
    subject = serializers.CharField()
    body = serializers.CharField()
    body_html = serializers.CharField()
    author = serializers.CharField()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField(allow_null=True)


class NoteFilter(StrictSerializer):
    """The filters of the list."""

    q = serializers.CharField(
        required=False, allow_blank=True, help_text='Words, "a phrase", -without.'
    )
    subject_type = serializers.ChoiceField(choices=NoteSubject.choices, required=False)
    subject_id = serializers.UUIDField(required=False)


def note_rows(*, user: User, rows: list[Note]) -> list[dict[str, object]]:
    """Return notes as JSON values, with what they are about."""
    subjects = queries.subjects_of(user=user, rows=rows)
    return [_row(row, subjects.get((row.subject_type, row.subject_id))) for row in rows]


def _row(row: Note, subject: Subject | None) -> dict[str, object]:
    return {
        "id": str(row.public_id),
        "subject_type": row.subject_type,
        "subject_id": str(row.subject_id),
        "subject": subject.label if subject else "",
        "body": row.body,
        "body_html": rendered(row.body),
        "author": row.author.full_name or row.author.email,
        "created_at": instant_text(row.created_at),
        "changed_at": instant_text(row.changed_at) if row.changed_at else None,
    }


class NotesView(APIView):
    @extend_schema(
        operation_id="notes_list",
        responses=page_of(NoteRead, keyset=True),
        parameters=[
            OpenApiParameter("q", str, description='Words, "a phrase", -without.'),
            OpenApiParameter("subject_type", str, enum=NoteSubject.values),
            OpenApiParameter(
                "subject_id",
                UUID,
                description="Subject (UUID). With the type of a transaction or lot, the notes on "
                "the transactions that it replaced are included.",
            ),
            *page_parameters(keyset=True),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the household's notes, newest first; `q` searches their texts."""
        names = NoteFilter().fields
        params = {name: value for name, value in request.query_params.items() if name in names}
        asked = NoteFilter(data=params)
        asked.is_valid(raise_exception=True)
        user = caller(request)
        rows = queries.notes(user=user, **asked.validated_data)
        return Keyset(sort_key="created_at").answer(
            request, rows, rows=lambda found: note_rows(user=user, rows=found)
        )

    @extend_schema(
        operation_id="notes_create",
        request=NoteWrite,
        responses={201: NoteRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Write a note about an account, an asset, a transaction, a lot or a strategy."""
        data = NoteWrite.parsed(request)
        now, user = timezone.now(), caller(request)

        subject = queries.note_subject(
            user=user, subject_type=data["subject_type"], subject_id=data["subject_id"]
        )

        def effect(_: object) -> Answer:
            note = operations.write_note(user=user, subject=subject, body=data["body"], now=now)
            return 201, _row(note, subject)

        return answered_once(request, now=now, access=lambda: subject.row, effect=effect)


class NoteView(APIView):
    @extend_schema(operation_id="notes_retrieve", responses=NoteRead)
    def get(self, request: Request, note_id: UUID) -> Response:
        """Return a note."""
        user = caller(request)
        found = queries.note(user=user, public_id=note_id)
        return Response(note_rows(user=user, rows=[found])[0])

    @extend_schema(operation_id="notes_update", request=NoteChange, responses=NoteRead)
    def patch(self, request: Request, note_id: UUID) -> Response:
        """Replace the text of a note."""
        user = caller(request)
        found = queries.note(user=user, public_id=note_id)
        body = NoteChange.parsed(request)["body"]
        operations.change_note(note=found, body=body, now=timezone.now())
        return Response(note_rows(user=user, rows=[found])[0])

    @extend_schema(operation_id="notes_delete", responses={204: None})
    def delete(self, request: Request, note_id: UUID) -> Response:
        """Delete a note for good."""
        operations.delete_note(note=queries.note(user=caller(request), public_id=note_id))
        return Response(status=204)


urlpatterns = [
    path("notes", NotesView.as_view()),
    path("notes/<uuid:note_id>", NoteView.as_view()),
]
