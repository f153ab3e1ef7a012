"""Where the figures of a lot come from, over HTTP."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identity.authentication import caller
from portfolios.api.gains import GainLineRead
from portfolios.queries.lineage import lot_lineage
from transactions import queries as ledger


class AcquisitionRead(serializers.Serializer[Any]):
    transaction_id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    type = serializers.CharField()
    symbol = serializers.CharField(allow_null=True)
    executed_at = serializers.DateTimeField()
    opened_date = serializers.DateField()
    quantity = serializers.CharField(allow_null=True)
    price = serializers.CharField(allow_null=True)
    amount = serializers.CharField()
    fee = serializers.CharField()
    currency = serializers.CharField()
    fx_rate = serializers.CharField()
    fx_date = serializers.DateField(allow_null=True)
    cost = serializers.CharField(help_text="(amount + fee) x fx_rate, in the account's currency.")


class PieceRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    symbol = serializers.CharField()
    quantity = serializers.CharField()
    cost_basis = serializers.CharField()
    wash_sale_adjustment = serializers.CharField()
    opened_date = serializers.DateField()
    holding_period_date = serializers.DateField()
    tacked_days = serializers.IntegerField(help_text="Days other shares were held that count.")
    term = serializers.ChoiceField(choices=["short", "long"])
    replaces_loss = serializers.BooleanField()


class StepRead(serializers.Serializer[Any]):
    transaction_id = serializers.UUIDField()
    executed_at = serializers.DateTimeField()
    account_id = serializers.UUIDField()
    symbol = serializers.CharField()
    type = serializers.CharField(help_text="The transaction's type, or wash_sale.")
    quantity = serializers.CharField(help_text="Shares added or taken, sales apart.")
    basis = serializers.CharField(help_text="Basis added or taken, sales apart.")
    closed_quantity = serializers.CharField()
    closed_basis = serializers.CharField()
    quantity_after = serializers.CharField()
    basis_after = serializers.CharField()
    ratio = serializers.CharField(allow_null=True)


class LineageWashSaleRead(serializers.Serializer[Any]):
    sale_id = serializers.UUIDField()
    sold_date = serializers.DateField()
    loss_account_id = serializers.UUIDField()
    loss_symbol = serializers.CharField()
    loss_lot_id = serializers.UUIDField()
    loss_quantity = serializers.CharField()
    disallowed_loss = serializers.CharField()
    replacement_lot_id = serializers.UUIDField()
    replacement_account_id = serializers.UUIDField()
    replacement_date = serializers.DateField()
    quantity = serializers.CharField()
    basis_added = serializers.CharField()
    days_held = serializers.IntegerField()
    permanent = serializers.BooleanField()


class AbsorbedWashSaleRead(LineageWashSaleRead):
    depth = serializers.IntegerField(
        help_text="1: this lot took the loss over; 2: the lot sold had taken it over before; ..."
    )


class LotDisposalRead(GainLineRead):
    wash_sales = LineageWashSaleRead(many=True, help_text="What replaced the shares sold.")


class ArithmeticRead(serializers.Serializer[Any]):
    steps = serializers.CharField(help_text="Sum of `basis` over the steps of this account.")
    open_basis = serializers.CharField()
    closed_basis = serializers.CharField()
    difference = serializers.CharField(help_text="steps - open_basis - closed_basis: nothing.")


class LineageRead(serializers.Serializer[Any]):
    lot_id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    currency = serializers.CharField()
    acquisition = AcquisitionRead()
    pieces = PieceRead(many=True)
    steps = StepRead(many=True)
    absorbed_wash_sales = AbsorbedWashSaleRead(many=True)
    disposals = LotDisposalRead(many=True)
    arithmetic = ArithmeticRead()


class LineageView(APIView):
    @extend_schema(operation_id="lot_lineage", responses=LineageRead)
    def get(self, request: Request, account_id: UUID, lot_id: UUID) -> Response:
        """Every figure of a lot: its purchase, what changed it, what it replaced, its sales."""
        account = ledger.account(user=caller(request), public_id=account_id)
        return Response(lot_lineage(account=account, lot_id=lot_id, as_of=timezone.now().date()))


urlpatterns = [
    path("portfolios/<uuid:account_id>/lots/<uuid:lot_id>/lineage", LineageView.as_view())
]
