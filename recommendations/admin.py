"""Pages for operators: recommendations with inputs, nightly runs, and moderated strategies."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.errors import BallastError
from edge.admin import ReadOnlyAdmin, is_detail
from identity.models import User
from recommendations.engine.options import options_of
from recommendations.models import (
    ModerationKind,
    NightlyRun,
    Recommendation,
    Strategy,
    StrategyModeration,
    StrategyReport,
)
from recommendations.operations.moderation import moderate
from recommendations.operations.nightly import begin_night, cancel_night
from recommendations.queries.nights import details, progress

# Chunks and accounts listed on the page of a run.
_SHOWN = 20


@admin.register(Recommendation)
class RecommendationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "status", "account", "engine_version", "decided_by")
    list_filter = ("status",)
    list_select_related = ("account", "decided_by")
    uuid_fields = ("public_id", "account__public_id")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Recommendation]":
        rows: QuerySet[Recommendation] = super().get_queryset(request)
        return rows if is_detail(request) else rows.defer("inputs", "result")


@admin.register(NightlyRun)
class NightlyRunAdmin(ReadOnlyAdmin):
    """Nights: how far they are, what stopped them, and how each account ended."""

    list_display = ("night", "state", "accounts", "chunks", "created_at", "finished_at")
    ordering = ("-night",)
    actions = ("cancel_nights", "begin_in_spite")
    readonly_fields = ("how_far", "outcomes", "slowest_chunks", "refused_accounts")

    def how_far(self, run: NightlyRun) -> str:
        """Show chunks, accounts, the rate and the time left."""
        now = progress(run=run, now=timezone.now())
        text = (
            f"{now.done} of {now.chunks} chunks, {now.failed} failed; "
            f"{now.accounts} of {run.accounts} accounts"
        )
        if now.accounts_a_second:
            text += f"; {now.accounts_a_second:.0f} accounts a second"
        if now.seconds_left is not None:
            text += f"; {now.seconds_left:.0f} s left"
        return text

    def outcomes(self, run: NightlyRun) -> SafeString:
        """Show how many accounts ended in which way, and the codes of refusals."""
        now = progress(run=run, now=timezone.now())
        rows = [(name.replace("_", " "), count) for name, count in now.outcomes.items()]
        return _lines("{}: {}", [*rows, *now.codes.items()])

    def slowest_chunks(self, run: NightlyRun) -> SafeString:
        """Show the chunks that took longest."""
        rows = details(run=run, shown=_SHOWN).slowest
        return _lines(
            "accounts {} to {}: {} s",
            [(first, last, f"{seconds:.1f}") for first, last, seconds in rows],
        )

    def refused_accounts(self, run: NightlyRun) -> SafeString:
        """Show the first accounts that were refused, with their codes."""
        return _lines("{}: {}", details(run=run, shown=_SHOWN).refused)

    @admin.action(description="Cancel nights that run", permissions=["view"])
    def cancel_nights(self, request: HttpRequest, queryset: "QuerySet[NightlyRun]") -> None:
        for run in queryset.order_by("id"):
            self._told(request, run, cancel=True)

    @admin.action(description="Begin stopped nights in spite of findings", permissions=["view"])
    def begin_in_spite(self, request: HttpRequest, queryset: "QuerySet[NightlyRun]") -> None:
        for run in queryset.order_by("id"):
            self._told(request, run, cancel=False)

    def _told(self, request: HttpRequest, run: NightlyRun, *, cancel: bool) -> None:
        assert isinstance(request.user, User), "the admin is for people who are signed in"
        now = timezone.now()
        try:
            if cancel:
                cancel_night(run=run, now=now)
            else:
                begin_night(
                    night=run.night,
                    options=options_of(run.options),
                    now=now,
                    overruled_by=request.user,
                )
        except BallastError as refusal:
            self.message_user(request, f"{run.night}: {refusal.detail}", messages.WARNING)
        else:
            run.refresh_from_db()
            self.message_user(request, f"The night of {run.night} is {run.state}.")


@admin.register(Strategy)
class StrategyAdmin(ReadOnlyAdmin):
    """Strategies with their reports and decisions. To decide, add a moderation."""

    list_display = ("name", "author_name", "state", "followers", "record_days", "hidden_at")
    list_filter = ("state",)
    readonly_fields = ("open_reports", "decisions")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Strategy]":
        rows: QuerySet[Strategy] = super().get_queryset(request)
        return rows if is_detail(request) else rows.defer("description", "draft_weights")

    def open_reports(self, row: Strategy) -> SafeString:
        """Show the open reports, oldest first."""
        found = StrategyReport.objects.filter(strategy=row, closed_at=None).order_by("id")
        rows = found.values_list("created_at__date", "reason", "details")[:_SHOWN]
        return _lines("{} {}: {}", list(rows))

    def decisions(self, row: Strategy) -> SafeString:
        """Show decisions and appeals with their reasons, newest first."""
        found = StrategyModeration.objects.filter(strategy=row).order_by("-id")
        rows = found.values_list("at__date", "kind", "by__email", "reason")[:_SHOWN]
        return _lines("{} {} by {}: {}", list(rows))


@admin.register(StrategyReport)
class StrategyReportAdmin(ReadOnlyAdmin):
    """Reports of strategies; those without a time of closing wait for a moderator."""

    list_display = ("created_at", "strategy", "reason", "details", "reporter", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "reason")
    list_select_related = ("strategy", "reporter")
    uuid_fields = ("public_id", "strategy__public_id")
    ordering = ("-id",)


@admin.register(StrategyModeration)
class StrategyModerationAdmin(ReadOnlyAdmin):
    """Decisions about strategies and authors, and appeals. A decision is added, never changed."""

    list_display = ("at", "strategy", "kind", "by", "reason")
    list_filter = ("kind",)
    list_select_related = ("strategy", "by")
    uuid_fields = ("strategy__public_id",)
    fields = ("strategy", "kind", "reason")
    raw_id_fields = ("strategy",)
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the decisions of a moderator; an author alone appeals."""
        kwargs["choices"] = [
            choice for choice in ModerationKind.choices if choice[0] != ModerationKind.APPEAL
        ]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: StrategyModeration, form: Any, change: bool
    ) -> None:
        """Decide by the operation, which writes the row; a refusal is shown."""
        assert isinstance(request.user, User), "the admin is for people who are signed in"
        try:
            made = moderate(
                strategy=obj.strategy,
                kind=obj.kind,
                reason=obj.reason,
                user=request.user,
                now=timezone.now(),
            )
        except BallastError as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            obj.pk = made.pk

    def log_addition(self, request: HttpRequest, obj: StrategyModeration, message: Any) -> Any:
        return super().log_addition(request, obj, message) if obj.pk else None

    def response_add(self, request: HttpRequest, obj: StrategyModeration, **kwargs: Any) -> Any:
        """Return to the list, also after a refusal, which left nothing to show."""
        if obj.pk:
            self.message_user(request, f"{obj.strategy.name}: {obj.get_kind_display()}.")
        return HttpResponseRedirect(reverse("admin:recommendations_strategymoderation_changelist"))


def _lines(form: str, rows: "Sequence[tuple[object, ...]]") -> SafeString:
    return format_html_join("", f"<div>{form}</div>", rows)
