"""Descriptions, codes and examples of notes."""

from typing import Any

MEANINGS: dict[str, str] = {
    "note_id": "Note (UUID).",
    "subject_type": "What it is about: account, asset, transaction, lot or strategy.",
    "NoteRead.subject_id": "What it is about (UUID).",
    "NoteWriteRequest.subject_id": "What it is about (UUID); a lot by its `lot_id`.",
    "NoteRead.subject": "What it is about, in words; empty if it can no longer be seen.",
    "body": "Text in Markdown.",
    "body_html": "The text as HTML that is safe to show.",
    "author": "Name of the person who wrote it, or the e-mail address.",
    "NoteRead.changed_at": "Time of the last change of the text; null before the first.",
}

CODES: dict[str, str] = {
    "note_not_found": "The note does not exist, or you have no access to it. Reload the list.",
    "note_subject_not_found": (
        "What the note is about does not exist, or you have no access to it. Check its id."
    ),
    "too_many_notes": "There are too many notes. Delete some first.",
}

REQUESTS: dict[str, Any] = {
    "notes_update": {"body": "Sold half after the split. *Keep the rest.*"},
}
