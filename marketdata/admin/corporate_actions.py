"""Pages for operators: corporate actions, proposed, confirmed and withdrawn for everyone."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.errors import BallastError
from edge.admin import LargeTableAdmin
from identity.models import User
from marketdata.corporate_actions import Terms, ensure_terms
from marketdata.models import ActionSource, CorporateAction
from marketdata.operations import (
    confirm_for_everyone,
    propose,
    propose_for_everyone,
    withdraw_for_everyone,
)

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
