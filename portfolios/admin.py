"""Read-only admin pages of targets, restrictions and tax settings."""

from django.contrib import admin

from edge.admin import ReadOnlyAdmin
from portfolios.models import RebalancePolicy, Restriction, Target, TaxCarryforward, TaxFiling


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


@admin.register(RebalancePolicy)
class RebalancePolicyAdmin(ReadOnlyAdmin):
    list_display = ("account", "cash_policy", "cash_floor", "turnover_budget", "gain_budget")
    list_select_related = ("account",)
    uuid_fields = ("account__public_id",)
    ordering = ("-account_id",)


@admin.register(TaxFiling)
class TaxFilingAdmin(ReadOnlyAdmin):
    list_display = ("household", "filing_status", "changed_at")
    list_select_related = ("household",)
    uuid_fields = ("household__public_id",)
    ordering = ("-household_id",)


@admin.register(TaxCarryforward)
class TaxCarryforwardAdmin(ReadOnlyAdmin):
    list_display = ("owner", "year", "short_term", "long_term")
    list_select_related = ("owner",)
    uuid_fields = ("owner__public_id",)
    ordering = ("-id",)
