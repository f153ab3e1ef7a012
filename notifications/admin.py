"""Notices, deliveries and webhooks in the admin; dead letters are sent again from here."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from edge.admin import ReadOnlyAdmin
from notifications import operations
from notifications.models import Delivery, DeliveryState, Notice, PriceAlert, Webhook

REPLAYED_AT_ONCE = 10_000


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "topic", "title", "read_at")
    list_select_related = ("user",)
    exact_fields = ("user__email",)
    ordering = ("-id",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Deliveries of every channel. Filter by `dead` to see the dead letters with their reasons."""

    list_display = (
        *("created_at", "channel", "topic", "address", "state", "attempts", "next_at"),
        *("response_status", "error"),
    )
    # Only filters that an index serves.
    list_filter = ("state",)
    exact_fields = ("user__email",)
    ordering = ("-id",)
    actions = ("replay_selected", "replay_like")

    @admin.action(description="Send the selected dead letters again", permissions=["view"])
    def replay_selected(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> None:
        ids = list(queryset.order_by("id").values_list("id", flat=True)[:REPLAYED_AT_ONCE])
        count = operations.replay(ids=ids, now=timezone.now())
        self.message_user(request, f"{count} deliveries will be sent again.")
        if count < len(ids):
            self.message_user(
                request,
                f"{len(ids) - count} are not dead letters and were left alone.",
                messages.WARNING,
            )

    @admin.action(
        description="Send all dead letters of the selected channels again", permissions=["view"]
    )
    def replay_like(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> None:
        channels = set(queryset.order_by().values_list("channel", flat=True)[:100])
        dead = Delivery.objects.filter(state=DeliveryState.DEAD, channel__in=channels)
        ids = list(dead.order_by("id").values_list("id", flat=True)[:REPLAYED_AT_ONCE])
        count = operations.replay(ids=ids, now=timezone.now())
        self.message_user(request, f"{count} deliveries will be sent again.")


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "url", "enabled", "disabled_reason")
    list_select_related = ("user",)
    exact_fields = ("user__email",)
    ordering = ("-id",)


@admin.register(PriceAlert)
class PriceAlertAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "asset", "kind", "value", "armed", "fired_at")
    list_select_related = ("user", "asset")
    exact_fields = ("user__email",)
    ordering = ("-id",)
