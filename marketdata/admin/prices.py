"""Pages for operators: newest prices, exchange rates, and where figures come from."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from edge.admin import ReadOnlyAdmin
from marketdata.models import ExchangeRate, LatestPrice, Source


@admin.register(LatestPrice)
class LatestPriceAdmin(ReadOnlyAdmin):
    """Read-only. Delete a row when a real jump by ten is refused: the next quote rewrites it."""

    list_display = ("asset", "price", "as_of", "source", "previous_close")
    list_select_related = ("asset",)
    uuid_fields = ("asset__public_id",)
    exact_fields = ("asset__symbol",)
    ordering = ("asset_id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    """Exchange rates, searched by currency."""

    list_display = ("currency", "date", "rate", "source")
    uuid_fields = ()
    exact_fields = ("currency",)
    ordering = ("-id",)


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    """A provider or package, its license, and the results of loading it."""

    list_display = ("name", "kind", "version", "licence", "loaded_at")
    uuid_fields = ()
    exact_fields = ("name",)
    ordering = ("name",)
