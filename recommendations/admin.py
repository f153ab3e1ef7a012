"""Pages for operators: recommendations with their inputs, and the nightly runs."""

from collections.abc import Sequence

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.errors import BallastError
from edge.admin import ReadOnlyAdmin, is_detail
from identity.models import User
from recommendations.engine.options import options_of
from recommendations.models import NightlyRun, Recommendation
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


def _lines(form: str, rows: "Sequence[tuple[object, ...]]") -> SafeString:
    return format_html_join("", f"<div>{form}</div>", rows)
