"""The lineage of a lot over HTTP."""

from datetime import date
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.money import plain
from core.money_text import money_text, plain_text
from identity.authentication import caller
from portfolios.api.gains import GainLineRead, gain_row
from portfolios.queries.lineage import lot_lineage
from portfolios.tax.lineage import Acquisition, Lineage, Piece, Replacement, Step
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
    tacked_days = serializers.IntegerField(
        help_text="Days added to the holding period by wash sales."
    )
    term = serializers.ChoiceField(choices=["short", "long"])
    replaces_loss = serializers.BooleanField()


class StepRead(serializers.Serializer[Any]):
    transaction_id = serializers.UUIDField()
    executed_at = serializers.DateTimeField()
    account_id = serializers.UUIDField()
    symbol = serializers.CharField()
    type = serializers.CharField(help_text="The transaction's type, or wash_sale.")
    quantity = serializers.CharField(help_text="Shares added or removed, other than by sales.")
    basis = serializers.CharField(help_text="Cost basis added or removed, other than by sales.")
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
        help_text=(
            "1: the loss was added to this lot directly; 2: it had been added to the sold lot "
            "before; ..."
        )
    )


class LotDisposalRead(GainLineRead):
    wash_sales = LineageWashSaleRead(many=True, help_text="Replacement shares for the shares sold.")


class ArithmeticRead(serializers.Serializer[Any]):
    steps = serializers.CharField(help_text="Sum of `basis` over the steps of this account.")
    open_basis = serializers.CharField()
    closed_basis = serializers.CharField()
    difference = serializers.CharField(help_text="steps - open_basis - closed_basis; always 0.")


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


def lineage_row(found: Lineage, *, as_of: date) -> dict[str, object]:
    """Render the lineage of a lot."""
    sums = found.arithmetic
    return {
        "lot_id": str(found.lot_id),
        "account_id": str(found.account_id),
        "currency": found.currency,
        "acquisition": _acquisition_row(found.acquisition),
        "pieces": [_piece_row(piece) for piece in found.pieces],
        "steps": [_step_row(step) for step in found.steps],
        "absorbed_wash_sales": [
            {**_replacement_row(row.wash_sale), "depth": row.depth} for row in found.absorbed
        ],
        "disposals": [
            {
                **gain_row(row.line, as_of=as_of),
                "wash_sales": [_replacement_row(wash_sale) for wash_sale in row.wash_sales],
            }
            for row in found.disposals
        ],
        "arithmetic": {
            "steps": money_text(sums.steps, found.currency),
            "open_basis": money_text(sums.open_basis, found.currency),
            "closed_basis": money_text(sums.closed_basis, found.currency),
            "difference": money_text(sums.difference, found.currency),
        },
    }


def _acquisition_row(row: Acquisition) -> dict[str, object]:
    return {
        "transaction_id": str(row.transaction_id),
        "account_id": str(row.account_id),
        "type": row.type,
        "symbol": row.symbol,
        "executed_at": instant_text(row.executed_at),
        "opened_date": row.opened_date.isoformat(),
        "quantity": plain_text(row.quantity),
        "price": plain_text(row.price),
        "amount": money_text(row.amount, row.currency),
        "fee": money_text(row.fee, row.currency),
        "currency": row.currency,
        "fx_rate": plain(row.fx_rate),
        "fx_date": row.fx_date.isoformat() if row.fx_date else None,
        "cost": money_text(row.cost, row.cost_currency),
    }


def _piece_row(row: Piece) -> dict[str, object]:
    return {
        "account_id": str(row.account_id),
        "symbol": row.symbol,
        "quantity": plain(row.quantity),
        "cost_basis": money_text(row.cost_basis, row.currency),
        "wash_sale_adjustment": money_text(row.wash_sale_adjustment, row.currency),
        "opened_date": row.opened_date.isoformat(),
        "holding_period_date": row.holding_period_date.isoformat(),
        "tacked_days": row.tacked_days,
        "term": "long" if row.long_term else "short",
        "replaces_loss": row.replaces_loss,
    }


def _step_row(row: Step) -> dict[str, object]:
    return {
        "transaction_id": str(row.transaction_id),
        "executed_at": instant_text(row.executed_at),
        "account_id": str(row.account_id),
        "symbol": row.symbol,
        "type": row.type,
        "quantity": plain(row.quantity),
        "basis": money_text(row.basis, row.currency),
        "closed_quantity": plain(row.closed_quantity),
        "closed_basis": money_text(row.closed_basis, row.currency),
        "quantity_after": plain(row.quantity_after),
        "basis_after": money_text(row.basis_after, row.currency),
        "ratio": ":".join(plain(units) for units in row.ratio) if row.ratio else None,
    }


def _replacement_row(row: Replacement) -> dict[str, object]:
    return {
        "sale_id": str(row.sale_id),
        "sold_date": row.sold_date.isoformat(),
        "loss_account_id": str(row.loss_account_id),
        "loss_symbol": row.loss_symbol,
        "loss_lot_id": str(row.loss_lot_id),
        "loss_quantity": plain(row.loss_quantity),
        "disallowed_loss": money_text(row.disallowed_loss, row.loss_currency),
        "replacement_lot_id": str(row.replacement_lot_id),
        "replacement_account_id": str(row.replacement_account_id),
        "replacement_date": row.replacement_date.isoformat(),
        "quantity": plain(row.quantity),
        "basis_added": money_text(row.basis_added, row.replacement_currency),
        "days_held": row.days_held,
        "permanent": row.permanent,
    }


class LineageView(APIView):
    @extend_schema(operation_id="lot_lineage", responses=LineageRead)
    def get(self, request: Request, account_id: UUID, lot_id: UUID) -> Response:
        """Return a lot's acquisition, its changes, the losses it took over and its sales."""
        account = ledger.account(user=caller(request), public_id=account_id)
        as_of = timezone.now().date()
        found = lot_lineage(account=account, lot_id=lot_id, as_of=as_of)
        return Response(lineage_row(found, as_of=as_of))


urlpatterns = [
    path("portfolios/<uuid:account_id>/lots/<uuid:lot_id>/lineage", LineageView.as_view())
]
