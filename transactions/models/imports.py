"""Uploaded files of transactions, and the rows read from them."""

from typing import Any

from django.db import models
from django.db.models import Q

from core import limits
from core.identifiers import uuid7
from identity.models import Household, User, household_ids
from jobs.models import ACTIVE, Job, JobStatus
from transactions.models.accounts import Account, money_field


class ImportStatus(models.TextChoices):
    """The status of a file between jobs; `Import.state` also covers running jobs."""

    UPLOADED = "uploaded", "Not read yet"
    PREVIEW = "preview", "Ready to be looked at"
    FAILED = "failed", "Could not be read"
    COMMITTED = "committed", "In the ledger"
    UNDONE = "undone", "Taken back"


class ImportState(models.TextChoices):
    """The status, or the step of the job that is running."""

    UPLOADED = "uploaded"
    READING = "reading"
    PREVIEW = "preview"
    FAILED = "failed"
    COMMITTING = "committing"
    COMMITTED = "committed"
    UNDOING = "undoing"
    UNDONE = "undone"


_WORKING = {
    "read": ImportState.READING,
    "commit": ImportState.COMMITTING,
    "undo": ImportState.UNDOING,
}


class ImportQuerySet(models.QuerySet["Import"]):
    def for_user(self, user: User) -> "ImportQuerySet":
        return self.filter(account__household_id__in=household_ids(user))


class Import(models.Model):
    """An uploaded file of transactions; its transactions are undone together."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="imports")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(
        max_length=16, choices=ImportStatus.choices, default=ImportStatus.UPLOADED
    )
    # The format it is read as; `named` if a user chose it.
    format = models.CharField(max_length=32, blank=True)
    format_is_chosen = models.BooleanField(default=False)
    # How sure the format is, by the file's columns: 0 to 1; nothing if a user chose it.
    format_score = models.DecimalField(max_digits=4, decimal_places=3, null=True, blank=True)
    file_name = models.CharField(max_length=limits.NAME_LENGTH_MAX, blank=True)
    file_bytes = models.PositiveIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    # Column mapping (Ballast field -> heading) and the styles of numbers and dates.
    mapping = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)
    # The fingerprint of the file's heading, under which its mapping is kept; empty for no table.
    heading_sha256 = models.CharField(max_length=64, blank=True)
    # Symbol of the file -> what the user maps it to.
    symbols = models.JSONField(default=dict, blank=True)
    # The securities in the file, with its data on them, and the accounts in it.
    securities = models.JSONField(default=list, blank=True)
    accounts = models.JSONField(default=list, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    ready_count = models.PositiveIntegerField(default=0)
    duplicate_count = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    from_date = models.DateField(null=True, blank=True)
    to_date = models.DateField(null=True, blank=True)
    # The account after it: cash, positions, and whether the file's own balances are met.
    outcome = models.JSONField(default=dict, blank=True)
    # The positions and the cash that the file states of a day; empty if it states none.
    stated = models.JSONField(default=dict, blank=True)
    # The version of the account's ledger with which the rows were compared.
    ledger_version = models.BigIntegerField(default=0)
    # The current or last job, and the step that it performs.
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    step = models.CharField(max_length=8, blank=True)
    error = models.JSONField(null=True, blank=True)
    committed_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="import_newest")]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def is_busy(self) -> bool:
        """Whether a job is working on it; needs `job` loaded."""
        return self.job is not None and self.job.status in ACTIVE

    @property
    def state(self) -> str:
        """The status shown to users; needs `job` loaded.

        If the job failed before the file was read, the state is "failed", however the job ended.
        """
        if self.is_busy:
            return str(_WORKING[self.step])
        gave_up = self.job is not None and self.job.status == JobStatus.FAILED
        if gave_up and self.status == ImportStatus.UPLOADED:
            return str(ImportState.FAILED)
        return str(self.status)


class ImportMapping(models.Model):
    """How a household reads files with one heading, as it did when it last imported one."""

    household = models.ForeignKey(
        Household, on_delete=models.CASCADE, related_name="import_mappings", db_index=False
    )
    heading_sha256 = models.CharField(max_length=64)
    # As in `Import`.
    mapping = models.JSONField()
    options = models.JSONField()
    used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household", "heading_sha256"], name="import_mapping_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.household_id} {self.heading_sha256[:8]}"


class ImportChunk(models.Model):
    """A piece of the file, readable by any worker; deleted after the commit."""

    batch = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="import_chunk_unique")
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}"


class RowStatus(models.TextChoices):
    READY = "ready"
    DUPLICATE = "duplicate"
    ERROR = "error"
    SKIPPED = "skipped"


class ImportRow(models.Model):
    """One transaction of a file, and whether it may be recorded in the ledger.

    The findings of the reader never change. `status` and `findings` are computed again whenever
    symbols, choices or the ledger have changed.
    """

    batch = models.ForeignKey(
        Import, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    # The id of its future transaction: other rows may refer to it before it is written.
    public_id = models.UUIDField(default=uuid7, editable=False)
    # From 1 in the order of the file; one line can hold several.
    number = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    status = models.CharField(max_length=9, choices=RowStatus.choices)
    # The user's choice: "include" or "exclude".
    choice = models.CharField(max_length=7, blank=True)
    # The draft as JSON, with the file's symbols; empty if it could not be read.
    draft = models.TextField(null=True, blank=True)
    # The transaction's time, by which rows are written in order.
    executed_at = models.DateTimeField(null=True, blank=True)
    # The cash that the file states after the row; an empty currency is that of the account.
    balance = money_field(null=True, blank=True)
    balance_currency = models.CharField(max_length=3, blank=True)
    # From the reader: problems, warnings and why it is skipped, [{code, detail, column}].
    problems: "models.JSONField[Any, Any]" = models.JSONField(default=list, blank=True)
    warnings: "models.JSONField[Any, Any]" = models.JSONField(default=list, blank=True)
    skipped: "models.JSONField[Any, Any]" = models.JSONField(null=True, blank=True)
    # From comparing it with the ledger and the rest of the file.
    findings: "models.JSONField[Any, Any]" = models.JSONField(default=list, blank=True)
    # Rows of one event are recorded together or not at all; empty if the row is one of its own.
    event = models.CharField(max_length=160, blank=True)
    # The original cells, kept only for rows that cannot be imported.
    raw: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="import_row_unique")
        ]
        indexes = [
            models.Index(fields=["batch", "status", "number"], name="import_row_by_status"),
            # The order of writing.
            models.Index(
                fields=["batch", "executed_at", "number"],
                name="import_row_chronological",
                condition=Q(status="ready"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}"
