"""Work promised and not yet done."""

from django.db import models
from django.db.models import Q

from core.identifiers import uuid7
from core.limits import IDEMPOTENCY_KEY_LENGTH_MAX, JOB_ATTEMPTS_MAX
from identity.models import Household, User, household_ids


class JobStatus(models.TextChoices):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (JobStatus.PENDING, JobStatus.PROCESSING)


class JobQuerySet(models.QuerySet["Job"]):
    def for_user(self, user: User) -> "JobQuerySet":
        return self.filter(household_id__in=household_ids(user))


class Job(models.Model):
    """The queue of record. Celery only wakes a worker; this row says who may write the result."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=64)
    queue = models.CharField(max_length=16)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # The thing worked on, by its public id: an account for a rebalance.
    subject_id = models.UUIDField()
    params = models.JSONField(default=dict)
    params_hash = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.PENDING)
    progress = models.PositiveSmallIntegerField(default=0)
    # Only ever rises, also when an operator starts over: a worker of an earlier life stays out.
    attempt = models.PositiveSmallIntegerField(default=0)
    attempts_max = models.PositiveSmallIntegerField(default=JOB_ATTEMPTS_MAX)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    woken_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    estimated_completion = models.DateTimeField()
    result = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            # Identical requests find the same job.
            models.UniqueConstraint(
                fields=["kind", "subject_id", "params_hash"],
                name="job_active_unique",
                condition=Q(status__in=ACTIVE),
            ),
            models.CheckConstraint(
                name="job_finished_has_time",
                condition=Q(status__in=ACTIVE) | Q(finished_at__isnull=False),
            ),
        ]
        indexes = [
            # The sweeper: unfinished work, oldest first.
            models.Index(
                fields=["status", "woken_at"],
                name="job_unfinished",
                condition=Q(status__in=ACTIVE),
            ),
            # Admin and history: newest first, also by thing.
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
            models.Index(fields=["subject_id", "-id"], name="job_by_subject"),
            # Operators: what went wrong, among very many that did not.
            models.Index(
                fields=["status", "-created_at", "-id"],
                name="job_not_completed",
                condition=~Q(status=JobStatus.COMPLETED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id} {self.status}"


class OutboxState(models.TextChoices):
    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


class Outbox(models.Model):
    """Something others must be told, written in the same transaction as the change itself."""

    topic = models.CharField(max_length=64)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    # Who asked for what is announced: told too, if an adviser of the household.
    asked_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    dedup_key = models.CharField(max_length=128, unique=True)
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=OutboxState.choices, default=OutboxState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            # The relay polls by state, never by id: late committers are not skipped.
            models.Index(fields=["next_at"], name="outbox_waiting", condition=Q(state="waiting")),
            models.Index(fields=["-id"], name="outbox_dead", condition=Q(state="dead")),
            # Told long ago: forgotten by age.
            models.Index(fields=["created_at"], name="outbox_sent", condition=Q(state="sent")),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.dedup_key}"


class IdempotencyKey(models.Model):
    """The answer a creating request got, kept with a hash of what it asked."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=IDEMPOTENCY_KEY_LENGTH_MAX)
    request_hash = models.CharField(max_length=64)
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_unique")
        ]
        # Old keys are swept away by age.
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key
