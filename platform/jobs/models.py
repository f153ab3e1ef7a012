"""Models of background jobs, the outbox of events, and stored responses for repeated requests."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.identifiers import uuid7
from core.limits import IDEMPOTENCY_KEY_LENGTH_MAX, JOB_WAIT_S_MAX
from identity.models import Household, User, household_ids

WAIT_MAX = timedelta(seconds=JOB_WAIT_S_MAX)


class JobStatus(models.TextChoices):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (JobStatus.PENDING, JobStatus.PROCESSING)


class Queue(models.TextChoices):
    """The queues of jobs; each has workers of its own."""

    INTERACTIVE = "interactive"
    IMPORTS = "imports"
    NIGHTLY = "nightly"


class JobQuerySet(models.QuerySet["Job"]):
    def for_user(self, user: User) -> "JobQuerySet":
        return self.filter(household_id__in=household_ids(user))


class Job(models.Model):
    """A background job. Celery only wakes a worker; this row decides which may write the result.

    `attempt` is the token of one claim and only ever rises. `tries` counts the claims, except
    those that had to wait for a lock or for the database: `waits` counts these.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=64)
    queue = models.CharField(max_length=16, choices=Queue.choices)
    # Both are empty for work of the system itself, which only operators see.
    household = models.ForeignKey(
        Household, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    requested_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Ids of further users who asked for the same while it was active.
    also_asked = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    # The public id of the subject: an account for a rebalance.
    subject_id = models.UUIDField()
    params = models.JSONField(default=dict)
    params_hash = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.PENDING)
    progress = models.PositiveSmallIntegerField(default=0)
    # Only ever rises, even when an operator retries, so an earlier attempt can never write.
    attempt = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    waits = models.PositiveIntegerField(default=0)
    # The job is not claimed before this time, by the clock of the database, as leases are.
    next_at = models.DateTimeField(db_default=Now())
    # A job that is still waiting at this time is given up.
    give_up_at = models.DateTimeField(db_default=Now() + WAIT_MAX)
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
            # The sweeper: unfinished work of a queue, least recently woken first.
            models.Index(
                fields=["queue", "woken_at", "id"],
                name="job_unfinished",
                condition=Q(status__in=ACTIVE),
            ),
            # Admin and history: newest first, also by subject.
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
            models.Index(fields=["subject_id", "-id"], name="job_by_subject"),
            # Operators: the few failed jobs among very many others.
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
    """An event to send, written in the same transaction as the change it announces."""

    topic = models.CharField(max_length=64)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    # The person who asked for the work; an adviser of the household gets the notice too.
    asked_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    dedup_key = models.CharField(max_length=128, unique=True)
    payload = models.JSONField()
    # A single message that somebody may wait for, rather than one of very many.
    urgent = models.BooleanField(default=True, db_default=True)
    state = models.CharField(max_length=8, choices=OutboxState.choices, default=OutboxState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            # The relay polls by state, never by id: late committers are not skipped.
            models.Index(
                fields=["urgent", "next_at"], name="outbox_due", condition=Q(state="waiting")
            ),
            models.Index(fields=["-id"], name="outbox_dead", condition=Q(state="dead")),
            # Sent long ago: deleted by age.
            models.Index(fields=["created_at"], name="outbox_sent", condition=Q(state="sent")),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.dedup_key}"


class IdempotencyKey(models.Model):
    """The stored response to a creating request, with a hash of the request."""

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
        # Old keys are deleted by age.
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key
