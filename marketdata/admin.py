"""Pages for operators: assets, prices, exchange rates, and their sources."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join

from core.errors import BallastError
from core.money import plain
from edge.admin import LargeTableAdmin, ReadOnlyAdmin
from identity.models import User
from marketdata.corporate_actions import Terms, ensure_terms
from marketdata.models import (
    ActionSource,
    Asset,
    CorporateAction,
    ExchangeRate,
    IdentityDecision,
    LatestPrice,
    Source,
)
from marketdata.operations import (
    confirm_for_everyone,
    decide_identity,
    propose,
    propose_for_everyone,
    record_class_change,
    withdraw_for_everyone,
)
from marketdata.queries import matching, recent_sessions

_SESSIONS_SHOWN = 30


@admin.register(Asset)
class AssetAdmin(LargeTableAdmin):
    """Assets, searched by symbol, ISIN, public id or words of the name. Prices are read-only."""

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
        "traded_by",
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

    def save_model(self, request: HttpRequest, obj: Asset, form: Any, change: bool) -> None:
        """Record changes of identity and class as decisions, which rebook the ledgers."""
        user, now = User.objects.get(pk=request.user.pk or 0), timezone.now()
        if change and {"asset_class", "substantially_identical_to"} & set(form.changed_data):
            count = _households(obj)
            self.message_user(request, f"A worker will rebook the ledgers of {count} household(s).")
        if change and "asset_class" in form.changed_data:
            record_class_change(
                asset=Asset(
                    pk=obj.pk,
                    asset_class=obj.asset_class,
                    substantially_identical_to_id=form.initial.get("substantially_identical_to"),
                ),
                previously=form.initial["asset_class"],
                user=user,
                now=now,
            )
        decided = "substantially_identical_to" in form.changed_data
        wanted = obj.substantially_identical_to
        if not decided:
            super().save_model(request, obj, form, change)
            return
        obj.substantially_identical_to_id = form.initial.get("substantially_identical_to")
        super().save_model(request, obj, form, change)
        decide_identity(
            asset=obj,
            identical_to=wanted,
            user=user,
            now=now,
            reason="Decided by an operator in the administration.",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Asset | None = None) -> Any:
        """Fix the currency of a traded asset, because recorded transactions depend on it."""
        fields = super().get_readonly_fields(request, obj)
        traded = obj is not None and obj.transactions.exists()
        return (*fields, "currency") if traded else fields

    @admin.display(description="Households that traded it")
    def traded_by(self, asset: Asset) -> str:
        """Return how many ledgers a change of the class or of the identity rebooks."""
        return f"{_households(asset)}. A change of class or identity rebooks their ledgers."

    @admin.display(description="Newest sessions")
    def newest_sessions(self, asset: Asset) -> str:
        """Return the latest closes from the partitioned table, which the admin cannot list."""
        rows = recent_sessions(
            asset_id=asset.pk, count=_SESSIONS_SHOWN, as_of=timezone.now().date()
        )
        return format_html_join(
            "", "<div>{} &nbsp; {}</div>", ((row.date, plain(row.close)) for row in rows)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _households(asset: Asset) -> int:
    """Return how many households have ever traded the asset."""
    if asset._state.adding:
        return 0
    return asset.transactions.values("account__household_id").distinct().count()


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


@admin.register(IdentityDecision)
class IdentityDecisionAdmin(ReadOnlyAdmin):
    """Decisions on substantial identity, and whether the ledgers have been rebooked."""

    list_display = ("decided_at", "asset", "identical_to", "decided_by", "reason", "applied_at")
    list_select_related = ("asset", "identical_to", "decided_by")
    uuid_fields = ("asset__public_id",)
    ordering = ("-id",)


_TERM_FIELDS = (
    *("kind", "ex_date", "payment_date", "ratio_new", "ratio_old", "basis_percentage"),
    *("cash_per_share", "new_share_value", "cash_in_lieu_price", "final"),
)


class CorporateActionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A proposal for everyone. The terms are checked by the rules that the API uses."""

    class Meta:
        model = CorporateAction
        fields = ("asset", "new_asset", *_TERM_FIELDS, "currency", "reference")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors or self.instance.pk is not None:  # the terms of a stored one are fixed
            return data
        assets = [one for one in (data["asset"], data.get("new_asset")) if one is not None]
        if any(one.household_id is not None for one in assets):
            raise ValidationError("Only public securities have corporate actions for everyone.")
        stated: dict[str, Any] = {name: data.get(name) for name in _TERM_FIELDS}
        try:
            ensure_terms(
                Terms(
                    symbol=data["asset"].symbol,
                    new_symbol=data["new_asset"].symbol if data.get("new_asset") else None,
                    currency=data["currency"],
                    **stated,
                )
            )
        except BallastError as refusal:
            raise ValidationError(refusal.detail, code=refusal.code) from refusal
        return data


@admin.register(CorporateAction)
class CorporateActionAdmin(LargeTableAdmin):
    """Corporate actions: propose one for everyone, confirm or withdraw it.

    Confirming leaves a job that books the action in every account that held the security.
    """

    form = CorporateActionForm
    list_display = (
        *("ex_date", "__str__", "state", "source", "household", "proposed_by", "confirmed_at"),
    )
    list_filter = ("state", "kind", "source")
    list_select_related = ("asset", "new_asset", "household", "proposed_by")
    autocomplete_fields = ("asset", "new_asset")
    exact_fields = ("asset__symbol",)
    uuid_fields = ("public_id",)
    ordering = ("-ex_date", "-id")
    actions = ("confirm", "withdraw", "propose_again")

    def get_readonly_fields(self, request: HttpRequest, obj: CorporateAction | None = None) -> Any:
        """The terms of an action never change: a wrong one is withdrawn and proposed again."""
        if obj is None:
            return ()
        return [field.name for field in CorporateAction._meta.fields if field.name != "id"]

    def get_fields(self, request: HttpRequest, obj: CorporateAction | None = None) -> Any:
        if obj is None:
            return CorporateActionForm.Meta.fields
        return self.get_readonly_fields(request, obj)

    def save_model(
        self, request: HttpRequest, obj: CorporateAction, form: Any, change: bool
    ) -> None:
        if change:
            return
        found, made = propose(
            user=_operator(request),
            household_id=None,
            asset=obj.asset,
            new_asset=obj.new_asset,
            terms={name: getattr(obj, name) for name in (*_TERM_FIELDS, "currency")},
            source=ActionSource.OPERATOR,
            reference=obj.reference,
            now=timezone.now(),
        )
        obj.pk = found.pk
        if not made:
            self.message_user(request, f"It is known already: {found}.", messages.WARNING)

    @admin.action(description="Confirm for everyone", permissions=["change"])
    def confirm(self, request: HttpRequest, queryset: "QuerySet[CorporateAction]") -> None:
        self._each(request, queryset, confirm_for_everyone, "confirmed")

    @admin.action(description="Withdraw, and reverse what was booked", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: "QuerySet[CorporateAction]") -> None:
        self._each(request, queryset, withdraw_for_everyone, "withdrawn")

    @admin.action(description="Propose a household's action for everyone", permissions=["change"])
    def propose_again(self, request: HttpRequest, queryset: "QuerySet[CorporateAction]") -> None:
        self._each(request, queryset, propose_for_everyone, "proposed for everyone")

    def _each(
        self,
        request: HttpRequest,
        queryset: "QuerySet[CorporateAction]",
        decide: Callable[..., object],
        done: str,
    ) -> None:
        """Decide on every selected action; show the reason of each refusal."""
        count = 0
        for action in queryset.select_related("asset", "new_asset").order_by("id")[:100]:
            try:
                decide(action=action, user=_operator(request), now=timezone.now())
                count += 1
            except BallastError as refusal:
                self.message_user(request, f"{action}: {refusal.detail}", messages.WARNING)
        self.message_user(request, f"{count} actions {done}.")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _operator(request: HttpRequest) -> User:
    return User.objects.get(pk=request.user.pk or 0)
