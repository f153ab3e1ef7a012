"""Corporate actions over HTTP: list, propose, preview, confirm, withdraw."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.limits import NOTE_LENGTH_MAX
from core.money import plain
from core.money_text import money_text
from edge.pagination import Pages
from edge.schema import page_of, page_parameters
from edge.serializers import (
    BasisPercentageField,
    CurrencyField,
    PriceField,
    QuantityField,
    StrictSerializer,
    SymbolField,
)
from identity.authentication import caller
from identity.models import Household, User
from identity.queries import household_seen
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from marketdata.corporate_actions import ACTION_CHOICES, sentence
from marketdata.models import ActionSource, ActionState, CorporateAction
from marketdata.queries import corporate_action
from stores.database import snapshot
from transactions.ledger.entries import ratio_of
from transactions.models import ActionRun
from transactions.operations.actions import (
    Position,
    PreviewedPart,
    confirm_own,
    previewed,
    propose_own,
    withdraw_own,
)
from transactions.queries.actions import actions, booking_state, ensure_concerns, runs_of

BOOKING_STATES = ("none", "due", "failed", "booked", "reversed")
OUTCOMES = ("to_book", "booked", "told", "reversed", "refused")


class CorporateActionWrite(StrictSerializer):
    symbol = SymbolField()
    kind = serializers.ChoiceField(choices=ACTION_CHOICES)
    ex_date = serializers.DateField()
    payment_date = serializers.DateField(required=False)
    new_symbol = SymbolField(required=False)
    ratio = serializers.CharField(
        max_length=40,
        required=False,
        help_text="New units for old ones (2:1, 1:10), or units received for units held (1:20).",
    )
    basis_percentage = BasisPercentageField(required=False)
    cash_per_share = PriceField(required=False)
    new_share_value = PriceField(required=False)
    cash_in_lieu_price = PriceField(required=False)
    currency = CurrencyField(
        required=False, help_text="Currency of the cash; default: the security's."
    )
    final = serializers.BooleanField(required=False)
    reference = serializers.CharField(
        max_length=NOTE_LENGTH_MAX, required=False, allow_blank=True, default=""
    )


class TenderedWrite(StrictSerializer):
    account_id = serializers.UUIDField()
    quantity = QuantityField()


class CorporateActionConfirm(StrictSerializer):
    tendered = TenderedWrite(many=True, required=False)


class CorporateActionRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    symbol = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=ACTION_CHOICES)
    ex_date = serializers.DateField()
    payment_date = serializers.DateField(allow_null=True)
    new_symbol = serializers.CharField(allow_null=True)
    ratio = serializers.CharField(allow_null=True)
    basis_percentage = serializers.CharField(allow_null=True)
    cash_per_share = serializers.CharField(allow_null=True)
    new_share_value = serializers.CharField(allow_null=True)
    cash_in_lieu_price = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    final = serializers.BooleanField()
    source = serializers.ChoiceField(choices=ActionSource.choices)  # type: ignore[assignment]
    reference = serializers.CharField(allow_blank=True)
    scope = serializers.ChoiceField(choices=["everyone", "household"])
    state = serializers.ChoiceField(choices=ActionState.choices)
    proposed_by = serializers.CharField()
    proposed_at = serializers.DateTimeField()
    confirmed_by = serializers.CharField(allow_null=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)
    withdrawn_by = serializers.CharField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    booking = serializers.ChoiceField(choices=BOOKING_STATES)
    booking_error = serializers.CharField(allow_blank=True)


class ActionLotRead(serializers.Serializer[Any]):
    lot_id = serializers.UUIDField()
    symbol = serializers.CharField()
    opened_date = serializers.DateField()
    holding_period_date = serializers.DateField()
    quantity = serializers.CharField()
    cost_basis = serializers.CharField()


class ActionPositionRead(serializers.Serializer[Any]):
    quantity = serializers.CharField()
    cost_basis = serializers.CharField()
    new_quantity = serializers.CharField()
    new_cost_basis = serializers.CharField()
    cash = serializers.CharField()
    lots = ActionLotRead(many=True)


class ActionGainRead(serializers.Serializer[Any]):
    term = serializers.ChoiceField(choices=["short", "long"])
    proceeds = serializers.CharField()
    cost_basis = serializers.CharField()
    gain = serializers.CharField()


class ActionAccountRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    name = serializers.CharField()
    currency = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    refusal = serializers.CharField(allow_blank=True)
    before = ActionPositionRead(allow_null=True)
    after = ActionPositionRead(allow_null=True)
    gains = ActionGainRead(many=True)


class CorporateActionPreview(serializers.Serializer[Any]):
    action = CorporateActionRead()
    accounts = ActionAccountRead(many=True)
    refusal = serializers.CharField(allow_blank=True)


def action_row(action: CorporateAction, run: ActionRun | None) -> dict[str, object]:
    """Render an action, and what has become of it in the caller's household."""
    terms = action.terms
    ratio = None
    if terms.ratio_new is not None and terms.ratio_old is not None:
        ratio = f"{plain(terms.ratio_new)}:{plain(terms.ratio_old)}"
    prices = ("basis_percentage", "cash_per_share", "new_share_value", "cash_in_lieu_price")
    return {
        "id": str(action.public_id),
        "symbol": terms.symbol,
        "title": sentence(terms),
        "kind": action.kind,
        "ex_date": action.ex_date.isoformat(),
        "payment_date": action.payment_date.isoformat() if action.payment_date else None,
        "new_symbol": terms.new_symbol,
        "ratio": ratio,
        **{
            name: None if (value := getattr(terms, name)) is None else plain(value)
            for name in prices
        },
        "currency": action.currency,
        "final": action.final,
        "source": action.source,
        "reference": action.reference,
        "scope": "everyone" if action.household_id is None else "household",
        "state": action.state,
        "proposed_by": _by(action, action.proposed_by) or "vendor",
        "proposed_at": instant_text(action.proposed_at),
        "confirmed_by": _by(action, action.confirmed_by),
        "confirmed_at": instant_text(action.confirmed_at) if action.confirmed_at else None,
        "withdrawn_by": _by(action, action.withdrawn_by),
        "withdrawn_at": instant_text(action.withdrawn_at) if action.withdrawn_at else None,
        "booking": booking_state(run),
        "booking_error": "" if run is None else run.error,
    }


def _by(action: CorporateAction, user: User | None) -> str | None:
    """Return who decided. Investors do not see the names of operators."""
    if user is None:
        return None
    return "operator" if action.household_id is None else user.email


def _rows(found: Sequence[CorporateAction], household_id: int) -> list[dict[str, object]]:
    runs = runs_of(action_ids=[row.pk for row in found], household_id=household_id)
    return [action_row(row, runs.get(row.pk)) for row in found]


def part_row(part: PreviewedPart) -> dict[str, object]:
    """Render one account before and after an action."""
    currency = part.account.currency
    return {
        "account_id": str(part.account.public_id),
        "name": part.account.name,
        "currency": currency,
        "outcome": part.outcome,
        "refusal": part.refusal,
        "before": _position_row(part.before, currency),
        "after": _position_row(part.after, currency),
        "gains": [
            {
                "term": "long" if one.long_term else "short",
                "proceeds": money_text(one.proceeds, currency),
                "cost_basis": money_text(one.cost_basis, currency),
                "gain": money_text(one.gain, currency),
            }
            for one in part.gains
        ],
    }


def _position_row(position: Position | None, currency: str) -> dict[str, object] | None:
    if position is None:
        return None
    return {
        "quantity": plain(position.quantity),
        "cost_basis": money_text(position.cost_basis, currency),
        "new_quantity": plain(position.new_quantity),
        "new_cost_basis": money_text(position.new_cost_basis, currency),
        "cash": money_text(position.cash, currency),
        "lots": [
            {
                "lot_id": str(lot.lot_id),
                "symbol": lot.symbol,
                "opened_date": lot.opened_date.isoformat(),
                "holding_period_date": lot.holding_period_date.isoformat(),
                "quantity": plain(lot.quantity),
                "cost_basis": money_text(lot.cost_basis, currency),
            }
            for lot in position.lots
        ],
    }


class CorporateActionsView(APIView):
    @extend_schema(
        operation_id="corporate_actions_list",
        responses=page_of(CorporateActionRead),
        parameters=[
            OpenApiParameter("symbol", str, description="Only actions of this security."),
            OpenApiParameter(
                "state",
                str,
                enum=ActionState.values,
                description="Only actions in this state.",
            ),
            OpenApiParameter(
                "held",
                bool,
                description="Only actions of securities that your accounts hold or have held.",
            ),
            *page_parameters(),
        ],
    )
    def get(self, request: Request) -> Response:
        """List corporate actions, the latest ex-day first: public ones and your household's own."""
        user, query = caller(request), request.query_params
        rows = actions(
            user=user,
            symbol=query.get("symbol", "").upper()[:40],
            state=query.get("state", ""),
            held=query.get("held", "").lower() in {"1", "true"},
        )
        return Pages().answer(request, rows, rows=lambda found: _rows(found, user.household_id))

    @extend_schema(
        operation_id="corporate_actions_propose",
        request=CorporateActionWrite,
        responses={201: CorporateActionRead, 200: CorporateActionRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Propose a corporate action for your household. Nothing is booked before it is confirmed.

        An action that is known already, from you or for everyone, is returned with status 200.
        """
        data = CorporateActionWrite.parsed(request)
        user, now = caller(request), timezone.now()

        def access() -> Household:
            return household_seen(user=user, public_id=None)

        def effect(household: Household) -> Answer:
            action, made = propose_own(user=user, now=now, **_stated(data))
            runs = runs_of(action_ids=[action.pk], household_id=household.pk)
            return 201 if made else 200, action_row(action, runs.get(action.pk))

        return answered_once(request, now=now, access=access, effect=effect)


def _stated(data: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a proposal that a validated request states."""
    terms = {**data}
    stated = {name: terms.pop(name, None) for name in ("symbol", "new_symbol", "reference")}
    ratio = terms.pop("ratio", None)
    if ratio is not None:
        terms |= {"ratio_new": (read := ratio_of(ratio)).new, "ratio_old": read.old}
    return {**stated, "terms": terms}


class CorporateActionView(APIView):
    @extend_schema(operation_id="corporate_actions_retrieve", responses=CorporateActionRead)
    def get(self, request: Request, action_id: UUID) -> Response:
        """Return a corporate action, and what has become of it in your household."""
        return Response(_answer(caller(request), action_id))


class CorporateActionPreviewView(APIView):
    @extend_schema(
        operation_id="corporate_actions_preview",
        responses=CorporateActionPreview,
        parameters=[
            OpenApiParameter(
                "household_id",
                UUID,
                description="Household (UUID); without it that of the action, or your own.",
            )
        ],
    )
    def get(self, request: Request, action_id: UUID) -> Response:
        """Show each account of the household before and after the action; book nothing."""
        user = caller(request)
        text = request.query_params.get("household_id")
        wanted = serializers.UUIDField().run_validation(text) if text else None
        with snapshot():
            action = corporate_action(user=user, public_id=action_id)
            if wanted is None and action.household is not None:
                wanted = action.household.public_id
            household = household_seen(user=user, public_id=wanted)
            ensure_concerns(action=action, household_id=household.pk)
            parts, refusal = previewed(action=action, household_id=household.pk, now=timezone.now())
            runs = runs_of(action_ids=[action.pk], household_id=household.pk)
        return Response(
            {
                "action": action_row(action, runs.get(action.pk)),
                "accounts": [part_row(part) for part in parts],
                "refusal": refusal,
            }
        )


class CorporateActionConfirmView(APIView):
    @extend_schema(
        operation_id="corporate_actions_confirm",
        request=CorporateActionConfirm,
        responses=CorporateActionRead,
    )
    def post(self, request: Request, action_id: UUID) -> Response:
        """Confirm an action for your household and book it in the accounts that held the security.

        If an account already recorded the action, its transaction is linked and nothing is booked
        again. A worker books a large ledger within minutes; until then `booking` is `due`. An
        exchange offer needs the units that each account tenders.
        """
        user = caller(request)
        action = corporate_action(user=user, public_id=action_id)
        rows = CorporateActionConfirm.parsed(request).get("tendered")
        confirm_own(
            action=action,
            user=user,
            now=timezone.now(),
            tendered={row["account_id"]: row["quantity"] for row in rows} if rows else None,
        )
        return Response(_answer(user, action_id))


class CorporateActionWithdrawView(APIView):
    @extend_schema(
        operation_id="corporate_actions_withdraw", request=None, responses=CorporateActionRead
    )
    def post(self, request: Request, action_id: UUID) -> Response:
        """Reverse what the action booked in your household, and nothing else.

        An action of your household is withdrawn with it. One for everyone stays for the others.
        """
        user = caller(request)
        action = corporate_action(user=user, public_id=action_id)
        withdraw_own(action=action, user=user, now=timezone.now())
        return Response(_answer(user, action_id))


def _answer(user: User, action_id: UUID) -> dict[str, object]:
    action = corporate_action(user=user, public_id=action_id)
    runs = runs_of(action_ids=[action.pk], household_id=user.household_id)
    return action_row(action, runs.get(action.pk))


urlpatterns = [
    path("corporate-actions", CorporateActionsView.as_view()),
    path("corporate-actions/<uuid:action_id>", CorporateActionView.as_view()),
    path("corporate-actions/<uuid:action_id>/preview", CorporateActionPreviewView.as_view()),
    path("corporate-actions/<uuid:action_id>/confirm", CorporateActionConfirmView.as_view()),
    path("corporate-actions/<uuid:action_id>/withdraw", CorporateActionWithdrawView.as_view()),
]
