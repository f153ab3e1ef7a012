"""Notes are written, changed and deleted."""

from datetime import datetime

from django.db import transaction

from core.errors import Conflict
from core.limits import NOTES_PER_HOUSEHOLD_MAX
from identity.models import Household, User
from recommendations.models import Note
from recommendations.queries.notes import Subject, note_unknown
from stores.locks import locked


def write_note(*, user: User, subject: Subject, body: str, now: datetime) -> Note:
    """Add a note to a subject that the user sees."""
    with transaction.atomic():
        locked(Household.objects.filter(pk=subject.household_id)).get()
        if Note.objects.filter(household_id=subject.household_id).count() >= (
            NOTES_PER_HOUSEHOLD_MAX
        ):
            raise Conflict(
                f"There are already {NOTES_PER_HOUSEHOLD_MAX} notes. Delete some first.",
                code="too_many_notes",
            )
        return Note.objects.create(
            household_id=subject.household_id,
            author=user,
            subject_type=subject.type,
            subject_id=subject.public_id,
            account=subject.account,
            body=body,
            created_at=now,
        )


def change_note(*, note: Note, body: str, now: datetime) -> Note:
    """Replace the text of a note; its first day stays. Raise NotFound if it was just deleted."""
    if body != note.body:
        if not Note.objects.filter(pk=note.pk).update(body=body, changed_at=now):
            raise note_unknown()
        note.body, note.changed_at = body, now
    return note


def delete_note(*, note: Note) -> None:
    """Delete a note for good."""
    note.delete()
