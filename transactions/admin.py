"""Admin pages for accounts and their ledger. Corrections are transactions, not edits."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from edge.admin import COUNT_MAX, LargeTableAdmin, ReadOnlyAdmin, is_detail
from transactions.models import (
    Account,
    ActionRun,
    Disposal,
    Lot,
    Rebooking,
    Transaction,
    VerificationRun,
)
from transactions.operations.accounts import lock_account, next_version, publish_version


@admin.register(Account)
class AccountAdmin(LargeTableAdmin):
    list_display = ("name", "type", "currency", "cash", "lot_method", "owner", "created_at")
    list_select_related = ("owner",)
    autocomplete_fields = ("household", "owner")
    readonly_fields = ("public_id", "currency", "cash", "ledger_version", "created_at")
    exact_fields = ("owner__email", "name")
    ordering = ("-id",)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Save only the changed fields: a trade may be changing the cash at the same time."""
        obj.save(update_fields=form.changed_data)
        locked = lock_account(account=obj)
        publish_version(account=locked, version=next_version(locked))

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


class RebookingState(admin.SimpleListFilter):
    """Waiting for their first try, or failed and waiting for a retry, each with its count."""

    title = "state"
    parameter_name = "state"
    _STATES: ClassVar[dict[str, tuple[str, Q]]] = {
        "waiting": ("Waiting", Q(attempts=0)),
        "failed": ("Failed, to be retried", Q(attempts__gt=0)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states with their counts, which stop at COUNT_MAX like those of lists."""
        counted = {
            name: Rebooking.objects.filter(wanted).order_by()[:COUNT_MAX].count()
            for name, (_, wanted) in self._STATES.items()
        }
        return [
            (name, f"{label} ({counted[name]:,}{'+' if counted[name] == COUNT_MAX else ''})")
            for name, (label, _) in self._STATES.items()
        ]

    def queryset(
        self, request: HttpRequest, queryset: "QuerySet[Rebooking]"
    ) -> "QuerySet[Rebooking]":
        wanted = self._STATES.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted[1])


@admin.register(Rebooking)
class RebookingAdmin(ReadOnlyAdmin):
    """Households that a decision on identity affects and that are not rebooked yet."""

    list_display = ("household", "decision", "attempts", "next_at", "error")
    list_filter = (RebookingState,)
    list_select_related = ("household", "decision__asset", "decision__identical_to")
    uuid_fields = ("household__public_id",)
    ordering = ("next_at", "id")


@admin.register(VerificationRun)
class VerificationRunAdmin(ReadOnlyAdmin):
    """Verification runs and the differences they found."""

    list_display = (
        "started_at",
        "finished_at",
        "status",
        "households",
        "accounts",
        "transactions",
        "difference_count",
    )
    uuid_fields = ()
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[VerificationRun]":
        """Omit the differences of each run from the list of runs."""
        rows: QuerySet[VerificationRun] = super().get_queryset(request)
        return rows if is_detail(request) else rows.defer("differences")


@admin.register(ActionRun)
class ActionRunAdmin(ReadOnlyAdmin):
    """Households in which a corporate action is due, failed, booked or reversed."""

    list_display = ("action", "household", "undo", "attempts", "next_at", "done_at", "error")
    list_select_related = ("action__asset", "action__new_asset", "household")
    uuid_fields = ("household__public_id", "action__public_id")
    ordering = ("-id",)
