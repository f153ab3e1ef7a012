"""Pages for operators: see, retry and cancel jobs; send dead letters again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.errors import BallastError
from edge.admin import ReadOnlyAdmin, is_detail
from jobs import operations
from jobs.models import Job, Outbox


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "kind",
        "status",
        "progress",
        "tries",
        "waits",
        "queue",
        "requested_by",
        "finished_at",
    )
    # Only filters that an index serves; the choices of kind and queue would scan the whole table.
    list_filter = ("status",)
    list_select_related = ("requested_by",)
    uuid_fields = ("public_id", "subject_id")
    exact_fields = ("requested_by__email",)
    ordering = ("-created_at", "-id")
    actions = ("retry_jobs", "cancel_jobs")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Job]":
        """Leave the large columns out of the list."""
        rows: QuerySet[Job] = super().get_queryset(request)
        return rows if is_detail(request) else rows.defer("params", "result")

    @admin.action(description="Retry failed or cancelled jobs", permissions=["view"])
    def retry_jobs(self, request: HttpRequest, queryset: "QuerySet[Job]") -> None:
        self._each(request, queryset, "retried")

    @admin.action(description="Cancel unfinished jobs", permissions=["view"])
    def cancel_jobs(self, request: HttpRequest, queryset: "QuerySet[Job]") -> None:
        self._each(request, queryset, "cancelled")

    def _each(self, request: HttpRequest, queryset: "QuerySet[Job]", done: str) -> None:
        """Act on every selected job; show the reason of each refusal."""
        count = 0
        for job in queryset.order_by("id")[:100]:
            try:
                if done == "retried":
                    operations.retry(job=job, now=timezone.now())
                else:
                    operations.cancel(job=job)
                count += 1
            except BallastError as refusal:
                self.message_user(request, f"{job.public_id}: {refusal.detail}", messages.WARNING)
        self.message_user(request, f"{count} jobs {done}.")


@admin.register(Outbox)
class OutboxAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "topic", "state", "attempts", "next_at", "sent_at", "error")
    list_filter = ("state",)
    list_select_related = ("household",)
    uuid_fields = ()
    exact_fields = ("dedup_key",)
    ordering = ("-id",)
    actions = ("replay",)

    @admin.action(description="Resend failed messages", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: "QuerySet[Outbox]") -> None:
        count = 0
        for row in queryset.order_by("id")[:1000]:
            try:
                operations.replay_dead(row=row, now=timezone.now())
                count += 1
            except BallastError as refusal:
                self.message_user(request, f"{row}: {refusal.detail}", messages.WARNING)
        self.message_user(request, f"{count} messages will be sent again.")
