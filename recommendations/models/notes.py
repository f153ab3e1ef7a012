"""A household's own notes on what it owns, did and considers."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q

from core.identifiers import uuid7
from core.limits import NOTE_BODY_LENGTH_MAX
from identity.models import Household, User, household_ids
from transactions.models import Account

# The dictionary by which notes are stored and asked for; both sides must name the same one.
NOTE_LANGUAGE = "english"


class NoteSubject(models.TextChoices):
    """What a note can be about."""

    ACCOUNT = "account"
    ASSET = "asset"
    TRANSACTION = "transaction"
    LOT = "lot"
    STRATEGY = "strategy"


# Those that belong to one account.
OF_AN_ACCOUNT = (NoteSubject.ACCOUNT, NoteSubject.TRANSACTION, NoteSubject.LOT)


class NoteQuerySet(models.QuerySet["Note"]):
    def for_user(self, user: User) -> "NoteQuerySet":
        return self.filter(household_id__in=household_ids(user))


class Note(models.Model):
    """A text in Markdown about one subject, seen by the household and its advisers only.

    The subject is named by its public id, which never changes. A lot is named, as everywhere, by
    the public id of its acquisition.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    # Two indexes begin with it.
    household = models.ForeignKey(
        Household, on_delete=models.CASCADE, related_name="notes", db_index=False
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    subject_type = models.CharField(max_length=16, choices=NoteSubject.choices)
    subject_id = models.UUIDField()
    # Of an account, a transaction or a lot: the note is deleted with its account.
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="notes"
    )
    body = models.TextField(max_length=NOTE_BODY_LENGTH_MAX)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True, blank=True)
    words = models.GeneratedField(
        expression=SearchVector("body", config=NOTE_LANGUAGE),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = NoteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="note_has_its_account",
                condition=Q(subject_type__in=OF_AN_ACCOUNT, account__isnull=False)
                | (~Q(subject_type__in=OF_AN_ACCOUNT) & Q(account__isnull=True)),
            )
        ]
        indexes = [
            models.Index(fields=["household", "-created_at", "-id"], name="note_newest"),
            models.Index(
                fields=["household", "subject_id", "-created_at", "-id"], name="note_by_subject"
            ),
            # One index for both conditions: the words of one household among those of all.
            GinIndex(fields=["household", "words"], name="note_words"),
        ]

    def __str__(self) -> str:
        return f"note on {self.subject_type} {self.subject_id}"
