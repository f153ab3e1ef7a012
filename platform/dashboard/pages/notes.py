"""The household's notes: all of them, those of one subject, and the card on a subject's page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from core.errors import BallastError, NotFound
from core.identifiers import uuid7
from core.limits import SEARCH_TEXT_LENGTH_MAX
from dashboard.forms.entries import add_refusal
from dashboard.forms.notes import NoteForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import answered_once
from dashboard.pages.query_parameters import inside
from edge.markdown import rendered
from edge.pagination import keyset_page
from identity.models import User
from jobs.operations import Answer
from recommendations import operations, queries
from recommendations.models import Note, NoteSubject
from recommendations.queries.notes import Subject

NOTES_SHOWN = 30
# On the page of a subject; the others are one link away.
CARD_SHOWN = 5


@dataclass(frozen=True, slots=True)
class NoteShown:
    """A note as pages show it."""

    public_id: UUID
    body: SafeString
    author: str
    created_at: datetime
    changed_at: datetime | None
    subject: str
    address: str


def notes_card(
    request: SignedIn, *, subject_type: str, subject_id: UUID, form: NoteForm | None = None
) -> dict[str, Any]:
    """Return what `_notes.html` needs: the latest notes of a subject and the form of another."""
    rows = queries.notes(user=request.user, subject_type=subject_type, subject_id=subject_id)
    found = list(rows[: CARD_SHOWN + 1])
    return {
        "notes": _shown(request.user, found[:CARD_SHOWN], named=False),
        "notes_more": len(found) > CARD_SHOWN,
        "notes_address": notes_address(subject_type, subject_id),
        "note_form": form or NoteForm(),
        "note_key": str(uuid7()),
        "note_subject": (subject_type, subject_id),
    }


def notes_address(subject_type: str, subject_id: UUID) -> str:
    """Return the address of all notes of a subject."""
    query = urlencode({"subject_type": subject_type, "subject_id": subject_id})
    return f"{reverse('notes')}?{query}"


@for_investors("GET")
def notes(request: SignedIn) -> HttpResponse:
    """List the household's notes, newest first; `q` searches, a subject limits them."""
    return _list(request, request.GET)


def _list(
    request: SignedIn, asked: QueryDict, *, form: NoteForm | None = None, status: int = 200
) -> HttpResponse:
    subject = _subject_asked(request, asked) if asked.get("subject_id") else None
    text = " ".join(asked.get("q", "").split())
    rows, following = keyset_page(
        queries.notes(
            user=request.user,
            q=text,
            subject_type=subject.type if subject else None,
            subject_id=subject.public_id if subject else None,
        ),
        sort_key="created_at",
        cursor=asked.get("cursor", ""),
        size=NOTES_SHOWN,
    )
    query = {"q": text, "cursor": following or ""}
    if subject:
        query |= {"subject_type": subject.type, "subject_id": str(subject.public_id)}
    context = {
        "section": "notes",
        "q": text,
        "query_length_max": SEARCH_TEXT_LENGTH_MAX,
        "subject": subject,
        "subject_address": _address(subject) if subject else "",
        "notes": _shown(request.user, rows, named=subject is None),
        "note_form": form or NoteForm(),
        "note_key": request.POST.get("key") or str(uuid7()),
        "note_subject": (subject.type, subject.public_id) if subject else None,
        "next_query": urlencode(query) if following else "",
    }
    return shown(request, "notes", context, status=status)


@for_investors("POST")
def note_new(request: SignedIn) -> HttpResponse:
    """Write a note about the subject that the form names, and go back to where it stood."""
    subject = _subject_asked(request, request.POST)
    form, now = NoteForm(request.POST), timezone.now()
    if not form.is_valid():
        return _list(request, request.POST, form=form, status=400)

    def effect(_: object) -> Answer:
        body = form.cleaned_data["body"]
        made = operations.write_note(user=request.user, subject=subject, body=body, now=now)
        return 201, {"id": str(made.public_id)}

    try:
        answered_once(request, subject=subject.row, effect=effect, now=now)
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _list(request, request.POST, form=form, status=refusal.status)
    messages.success(request, "Note saved. Only your household and its advisers see it.")
    return redirect(_next(request, subject))


@for_investors("GET", "POST")
def note(request: SignedIn, note_id: UUID) -> HttpResponse:
    """Show a note in a form; a POST replaces its text."""
    found = queries.note(user=request.user, public_id=note_id)
    form = NoteForm(
        request.POST if request.method == "POST" else None, initial={"body": found.body}
    )
    if form.is_bound and form.is_valid():
        operations.change_note(note=found, body=form.cleaned_data["body"], now=timezone.now())
        messages.success(request, "Note changed.")
        return redirect(notes_address(found.subject_type, found.subject_id))
    context = {
        "section": "notes",
        "note": _shown(request.user, [found], named=True)[0],
        "note_form": form,
    }
    return shown(request, "note", context, status=400 if form.is_bound else 200)


@for_investors("POST")
def note_delete(request: SignedIn, note_id: UUID) -> HttpResponse:
    """Delete a note for good."""
    operations.delete_note(note=queries.note(user=request.user, public_id=note_id))
    messages.success(request, "Note deleted.")
    return redirect(inside(request.POST.get("next", ""), otherwise=reverse("notes")))


def _subject_asked(request: HttpRequest, asked: QueryDict) -> Subject:
    unknown = NotFound(
        "What the note is about does not exist, or you have no access to it.",
        code="note_subject_not_found",
    )
    subject_type = asked.get("subject_type", "")
    if subject_type not in NoteSubject.values:
        raise unknown
    try:
        subject_id = UUID(asked.get("subject_id", ""))
    except ValueError:
        raise unknown from None
    assert isinstance(request.user, User)
    return queries.note_subject(user=request.user, subject_type=subject_type, subject_id=subject_id)


def _next(request: SignedIn, subject: Subject) -> str:
    return inside(
        request.POST.get("next", ""), otherwise=notes_address(subject.type, subject.public_id)
    )


def _shown(user: User, rows: Iterable[Note], *, named: bool) -> list[NoteShown]:
    listed = list(rows)
    subjects = queries.subjects_of(user=user, rows=listed) if named else {}
    made = []
    for row in listed:
        subject = subjects.get((row.subject_type, row.subject_id))
        made.append(
            NoteShown(
                public_id=row.public_id,
                body=rendered(row.body),
                author=row.author.full_name or row.author.email,
                created_at=row.created_at,
                changed_at=row.changed_at,
                subject=subject.label if subject else "",
                address=_address(subject) if subject else "",
            )
        )
    return made


def _address(subject: Subject) -> str:
    if subject.symbol:
        return reverse("asset", args=[subject.symbol])
    if subject.account is None:
        return ""
    account_id = subject.account.public_id
    if subject.type == NoteSubject.LOT:
        return reverse("lot", args=[account_id, subject.public_id])
    if subject.type == NoteSubject.TRANSACTION:
        return reverse("transactions", args=[account_id])
    return reverse("portfolio", args=[account_id])
