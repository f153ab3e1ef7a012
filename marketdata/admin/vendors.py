"""Pages for operators: vendors of market data, what they quote, and where they disagree."""

from collections.abc import Iterable
from typing import Any

import redis
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.dates import instant_text
from core.money import plain
from edge.admin import LargeTableAdmin, ReadOnlyAdmin
from marketdata.models import Disagreement, Listing, Vendor
from marketdata.operations.asking import limits
from marketdata.operations.provider_state import ProviderState, hold, states
from marketdata.providers.breaker import Held
from marketdata.providers.registry import PROVIDERS
from marketdata.queries.listings import oldest_quotes

_SHOWN = 50


@admin.register(Vendor)
class VendorAdmin(ReadOnlyAdmin):
    """Vendors: breaker, quota, last answer, refusals of the day, and the oldest quotes."""

    list_display = ("name", "breaker", "last_answer", "last_fault", "calls_left")
    uuid_fields = ()
    exact_fields = ("name",)
    ordering = ("name",)
    readonly_fields = ("breaker", "last_answer", "last_fault", "calls_left", "today", "oldest")
    actions = ("open_breaker", "close_breaker", "release_breaker")

    def breaker(self, vendor: Vendor) -> str:
        state = _state(vendor)
        if state is None:
            return "unknown"
        if state.held is not Held.NOT:
            return f"{state.stage}, by hand"
        failures = f", {state.failures} failures in a row" if state.failures else ""
        return f"{state.stage.replace('_', '-')}{failures}"

    def last_answer(self, vendor: Vendor) -> str:
        state = _state(vendor)
        return instant_text(state.answered_at) if state and state.answered_at else "none"

    def last_fault(self, vendor: Vendor) -> str:
        state = _state(vendor)
        if state is None or state.failed_at is None:
            return "none"
        return f"{state.fault}, {instant_text(state.failed_at)}"

    def calls_left(self, vendor: Vendor) -> str:
        state = _state(vendor)
        if state is None:
            return "unknown"
        return ", ".join(
            f"{left:.0f} of {limit.calls} in {limit.window_ms // 1000} s"
            for limit, left in zip(limits(vendor.name), state.tokens, strict=True)
        )

    def today(self, vendor: Vendor) -> SafeString:
        """Show the calls and refusals of today (UTC), by outcome."""
        state = _state(vendor)
        return _lines("{}: {}", state.counts.items() if state else ())

    def oldest(self, vendor: Vendor) -> SafeString:
        """Show the oldest quotes among the assets that this vendor quotes first."""
        now = timezone.now()
        rows = oldest_quotes(provider=vendor.name, count=_SHOWN)
        return _lines(
            "{}: {}",
            [
                (symbol, "no quote yet" if as_of is None else f"{now - as_of} old, from {source}")
                for symbol, as_of, source in rows
            ],
        )

    @admin.action(description="Open the breaker: ask it no more", permissions=["view"])
    def open_breaker(self, request: HttpRequest, queryset: "QuerySet[Vendor]") -> None:
        self._hold(request, queryset, Held.OPEN)

    @admin.action(description="Close the breaker: ask it whatever happens", permissions=["view"])
    def close_breaker(self, request: HttpRequest, queryset: "QuerySet[Vendor]") -> None:
        self._hold(request, queryset, Held.CLOSED)

    @admin.action(description="Leave the breaker to its own rules", permissions=["view"])
    def release_breaker(self, request: HttpRequest, queryset: "QuerySet[Vendor]") -> None:
        self._hold(request, queryset, Held.NOT)

    def _hold(self, request: HttpRequest, queryset: "QuerySet[Vendor]", held: Held) -> None:
        for vendor in queryset.order_by("name"):
            try:
                hold(name=vendor.name, held=held)
            except redis.RedisError:
                self.message_user(request, "Redis is down: nothing was changed.", messages.WARNING)
                return
            self.log_change(request, vendor, f"Breaker: {held.value or 'its own rules'}.")
            self.message_user(request, f"{vendor.name}: {held.value or 'its own rules'}.")


@admin.register(Listing)
class ListingAdmin(LargeTableAdmin):
    """Which vendor quotes which asset, in which order, and how far its sessions are loaded."""

    list_display = (
        *("asset", "provider", "provider_symbol", "rank", "days_since", "days_until"),
        *("days_due_at", "fault"),
    )
    list_filter = ("provider",)
    list_select_related = ("asset",)
    autocomplete_fields = ("asset",)
    fields = ("asset", "provider", "provider_symbol", "rank", "days_due_at")
    uuid_fields = ("asset__public_id",)
    exact_fields = ("asset__symbol", "provider_symbol")
    ordering = ("-id",)
    actions = ("load_again",)

    def save_model(self, request: HttpRequest, obj: Listing, form: Any, change: bool) -> None:
        if not change:
            obj.added_by_id, obj.added_at = request.user.pk, timezone.now()
        super().save_model(request, obj, form, change)

    @admin.action(description="Load all sessions again", permissions=["change"])
    def load_again(self, request: HttpRequest, queryset: "QuerySet[Listing]") -> None:
        rows = Listing.objects.filter(pk__in=[row.pk for row in queryset[:1000]])
        count = rows.update(days_until=None, days_due_at=timezone.now(), fault="")
        self.message_user(request, f"A worker will load the sessions of {count} listings.")


@admin.register(Disagreement)
class DisagreementAdmin(ReadOnlyAdmin):
    """Prices of two vendors at about one moment that are too far apart."""

    list_display = ("seen_at", "asset", "first", "second", "apart")
    list_select_related = ("asset",)
    uuid_fields = ("asset__public_id",)
    exact_fields = ("asset__symbol",)
    ordering = ("-seen_at", "-id")

    def first(self, row: Disagreement) -> str:
        return f"{row.provider} {plain(row.price)}"

    def second(self, row: Disagreement) -> str:
        return f"{row.other_provider} {plain(row.other_price)}"

    def apart(self, row: Disagreement) -> str:
        return f"{row.apart_bp / 100:.2f} %"


def _state(vendor: Vendor) -> ProviderState | None:
    """Return a vendor's state; None while Redis is down, or if this release does not know it."""
    if vendor.name not in PROVIDERS:
        return None
    try:
        return states(limits={vendor.name: limits(vendor.name)}, now=timezone.now())[0]
    except redis.RedisError:
        return None


def _lines(pattern: str, rows: Iterable[tuple[Any, ...]]) -> SafeString:
    return format_html_join("", f"<div>{pattern}</div>", rows)
