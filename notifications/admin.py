"""Notices in the admin, read-only."""

from django.contrib import admin

from edge.admin import ReadOnlyAdmin
from notifications.models import Notice


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "topic", "title", "read_at")
    list_select_related = ("user",)
    exact_fields = ("user__email",)
    ordering = ("-id",)
