"""Pages for operators: recommendations and their inputs."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from edge.admin import ReadOnlyAdmin, is_detail
from recommendations.models import Recommendation


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
