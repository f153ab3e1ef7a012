"""Operators: targets and restrictions, to look at."""

from django.contrib import admin

from edge.admin import ReadOnlyAdmin
from portfolios.models import Restriction, Target


@admin.register(Target)
class TargetAdmin(ReadOnlyAdmin):
    list_display = ("account", "asset", "target_percentage", "rebalance_threshold")
    list_select_related = ("account", "asset")
    uuid_fields = ("account__public_id",)
    ordering = ("-id",)


@admin.register(Restriction)
class RestrictionAdmin(ReadOnlyAdmin):
    list_display = ("account", "asset", "kind", "until_date", "reason")
    list_select_related = ("account", "asset")
    uuid_fields = ("account__public_id",)
    ordering = ("-id",)
