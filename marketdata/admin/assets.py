"""Pages for operators: assets, and decisions on their identity."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join

from core.money import plain
from edge.admin import LargeTableAdmin, ReadOnlyAdmin
from identity.models import User
from marketdata.models import Asset, IdentityDecision
from marketdata.operations import decide_identity, record_class_change
from marketdata.queries import matching, recent_sessions

_SESSIONS_SHOWN = 30


@admin.register(Asset)
class AssetAdmin(LargeTableAdmin):
    """Assets, searched by symbol, ISIN, public id or words of the name. Prices are read-only."""

    list_display = (
        "symbol",
        "name",
        "asset_class",
        "currency",
        "exchange",
        "source",
        "household",
        "is_active",
    )
    list_filter = ("asset_class", "is_active")
    list_select_related = ("source", "household")
    autocomplete_fields = ("household", "substantially_identical_to", "source")
    readonly_fields = (
        "public_id",
        "shifted_days",
        "original_first_date",
        "original_last_date",
        "created_at",
        "traded_by",
        "newest_sessions",
    )
    ordering = ("symbol", "id")

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Asset]", search_term: str
    ) -> tuple[Any, bool]:
        by_id, distinct = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        if not term or len(term) == 36:
            return by_id, distinct
        return matching(rows=queryset, q=term), False

    def save_model(self, request: HttpRequest, obj: Asset, form: Any, change: bool) -> None:
        """Record changes of identity and class as decisions, which rebook the ledgers."""
        user, now = User.objects.get(pk=request.user.pk or 0), timezone.now()
        if change and {"asset_class", "substantially_identical_to"} & set(form.changed_data):
            count = _households(obj)
            self.message_user(request, f"A worker will rebook the ledgers of {count} household(s).")
        if change and "asset_class" in form.changed_data:
            record_class_change(
                asset=Asset(
                    pk=obj.pk,
                    asset_class=obj.asset_class,
                    substantially_identical_to_id=form.initial.get("substantially_identical_to"),
                ),
                previously=form.initial["asset_class"],
                user=user,
                now=now,
            )
        decided = "substantially_identical_to" in form.changed_data
        wanted = obj.substantially_identical_to
        if not decided:
            super().save_model(request, obj, form, change)
            return
        obj.substantially_identical_to_id = form.initial.get("substantially_identical_to")
        super().save_model(request, obj, form, change)
        decide_identity(
            asset=obj,
            identical_to=wanted,
            user=user,
            now=now,
            reason="Decided by an operator in the administration.",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Asset | None = None) -> Any:
        """Fix the currency of a traded asset, because recorded transactions depend on it."""
        fields = super().get_readonly_fields(request, obj)
        traded = obj is not None and obj.transactions.exists()
        return (*fields, "currency") if traded else fields

    @admin.display(description="Households that traded it")
    def traded_by(self, asset: Asset) -> str:
        """Return how many ledgers a change of the class or of the identity rebooks."""
        return f"{_households(asset)}. A change of class or identity rebooks their ledgers."

    @admin.display(description="Newest sessions")
    def newest_sessions(self, asset: Asset) -> str:
        """Return the latest closes from the partitioned table, which the admin cannot list."""
        rows = recent_sessions(
            asset_id=asset.pk, count=_SESSIONS_SHOWN, as_of=timezone.now().date()
        )
        return format_html_join(
            "", "<div>{} &nbsp; {}</div>", ((row.date, plain(row.close)) for row in rows)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _households(asset: Asset) -> int:
    """Return how many households have ever traded the asset."""
    if asset._state.adding:
        return 0
    return asset.transactions.values("account__household_id").distinct().count()


@admin.register(IdentityDecision)
class IdentityDecisionAdmin(ReadOnlyAdmin):
    """Decisions on substantial identity, and whether the ledgers have been rebooked."""

    list_display = ("decided_at", "asset", "identical_to", "decided_by", "reason", "applied_at")
    list_select_related = ("asset", "identical_to", "decided_by")
    uuid_fields = ("asset__public_id",)
    ordering = ("-id",)
