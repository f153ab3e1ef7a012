"""The form of a note."""

from django import forms

from core.limits import NOTE_BODY_LENGTH_MAX


class NoteForm(forms.Form):
    """The text of a note, in Markdown."""

    body = forms.CharField(
        label="Note",
        max_length=NOTE_BODY_LENGTH_MAX,
        help_text="Markdown: **bold**, *italic*, - lists, [links](https://…).",
        widget=forms.Textarea(attrs={"rows": 4, "maxlength": NOTE_BODY_LENGTH_MAX}),
    )
