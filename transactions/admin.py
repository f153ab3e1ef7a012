"""Operators: accounts and their ledger, to look at. Corrections are transactions, not edits."""

from django.contrib import admin

from edge.admin import LargeTableAdmin, ReadOnlyAdmin
from transactions.models import Account, Disposal, Lot, Transaction


@admin.register(Account)
class AccountAdmin(LargeTableAdmin):
    list_display = ("name", "type", "currency", "cash", "lot_method", "owner", "created_at")
    list_filter = ("type",)
    list_select_related = ("owner",)
    autocomplete_fields = ("household", "owner")
    readonly_fields = ("public_id", "currency", "cash", "ledger_version", "created_at")
    exact_fields = ("owner__email", "name")
    ordering = ("-id",)

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = (
        "executed_at",
        "type",
        "asset",
        "quantity",
        "price",
        "amount",
        "currency",
        "cash_effect",
        "account",
        "recorded_by",
    )
    list_filter = ("type",)
    list_select_related = ("asset", "account", "recorded_by")
    uuid_fields = ("public_id", "account__public_id")
    exact_fields = ("account__owner__email",)
    ordering = ("-id",)


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    list_display = ("account", "asset", "opened_at", "quantity", "cost_basis")
    list_select_related = ("account", "asset")
    uuid_fields = ("transaction__public_id", "account__public_id")
    ordering = ("-id",)


@admin.register(Disposal)
class DisposalAdmin(ReadOnlyAdmin):
    list_display = (
        "account",
        "asset",
        "opened_at",
        "closed_at",
        "quantity",
        "proceeds",
        "cost_basis",
        "long_term",
    )
    list_select_related = ("account", "asset")
    uuid_fields = ("transaction__public_id", "account__public_id")
    ordering = ("-id",)
