"""Operators: assets, prices, exchange rates, and where they come from."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join

from core.money import plain
from edge.admin import LargeTableAdmin, ReadOnlyAdmin
from marketdata.models import Asset, ExchangeRate, LatestPrice, Source
from marketdata.queries import matching, recent_sessions

_SESSIONS_SHOWN = 30


@admin.register(Asset)
class AssetAdmin(LargeTableAdmin):
    """Found by symbol, ISIN, public id, or words of the name. Prices are shown, never edited."""

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

    @admin.display(description="Newest sessions")
    def newest_sessions(self, asset: Asset) -> str:
        """The latest closes, out of the partitioned table, which the admin itself cannot list."""
        rows = recent_sessions(
            asset_id=asset.pk, count=_SESSIONS_SHOWN, as_of=timezone.now().date()
        )
        return format_html_join(
            "", "<div>{} &nbsp; {}</div>", ((row.date, plain(row.close)) for row in rows)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(LatestPrice)
class LatestPriceAdmin(ReadOnlyAdmin):
    """Looked at; removed where a real jump by ten is refused. The next quote makes it anew."""

    list_display = ("asset", "price", "as_of", "source", "previous_close")
    list_select_related = ("asset",)
    uuid_fields = ("asset__public_id",)
    exact_fields = ("asset__symbol",)
    ordering = ("asset_id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    """Found by currency."""

    list_display = ("currency", "date", "rate", "source")
    uuid_fields = ()
    exact_fields = ("currency",)
    ordering = ("-id",)


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    """Provider or package, its licence, and what loading it found."""

    list_display = ("name", "kind", "version", "licence", "loaded_at")
    uuid_fields = ()
    exact_fields = ("name",)
    ordering = ("name",)
