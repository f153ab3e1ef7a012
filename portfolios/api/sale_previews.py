"""A sale before it is made, over HTTP."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import LOTS_PER_SALE_MAX, PIECES_PER_LOT_MAX
from edge.serializers import MoneyField, PriceField, QuantityField, StrictSerializer, SymbolField
from identity.authentication import caller
from portfolios.api.taxes import RatesRead, ReturnTotalsRead
from portfolios.queries.sale_previews import Asked, sale_preview
from transactions import queries as ledger
from transactions.ledger.entries import ChosenLot
from transactions.models import LotMethod


class PreviewedLotWrite(StrictSerializer):
    lot_id = serializers.UUIDField()
    quantity = QuantityField()
    piece = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=PIECES_PER_LOT_MAX,
        help_text="One piece of a lot that wash sales divided, by its number in GET lots.",
    )


class SalePreviewWrite(StrictSerializer):
    symbol = SymbolField()
    quantity = QuantityField()
    lot_method = serializers.ChoiceField(choices=LotMethod.choices, required=False)
    lots: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=PreviewedLotWrite(), required=False, max_length=LOTS_PER_SALE_MAX
    )
    price = PriceField(required=False, help_text="In the asset's currency; the live one if absent.")
    fee = MoneyField(required=False, help_text="In the asset's currency.")


class PreviewedLotRead(serializers.Serializer[Any]):
    lot_id = serializers.UUIDField()
    quantity = serializers.CharField()
    opened_date = serializers.DateField()
    holding_period_date = serializers.DateField()
    proceeds = serializers.CharField()
    cost_basis = serializers.CharField()
    gain = serializers.CharField()
    disallowed_loss = serializers.CharField()
    recognized_gain = serializers.CharField()
    term = serializers.ChoiceField(choices=["short", "long"])
    wash_sale = serializers.BooleanField()
    permanent = serializers.BooleanField()
    wash_sale_adjustment = serializers.CharField()


class PreviewedTaxRead(serializers.Serializer[Any]):
    net_short_term = serializers.CharField()
    net_long_term = serializers.CharField()
    taxed_short_term = serializers.CharField()
    taxed_long_term = serializers.CharField()
    federal_short_term = serializers.CharField()
    federal_long_term = serializers.CharField()
    state = serializers.CharField()
    net_investment_income = serializers.CharField()
    total = serializers.CharField()


class CarriedChangeRead(serializers.Serializer[Any]):
    short_term = serializers.CharField()
    long_term = serializers.CharField()


class TaxEffectRead(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    currency = serializers.CharField()
    total = serializers.CharField(help_text="Tax of the return with the sale minus without it.")
    marginal = serializers.CharField(help_text="Gains times rates, the rest of the year aside.")
    rates = RatesRead()
    before = PreviewedTaxRead()
    after = PreviewedTaxRead()
    carried_out_change = CarriedChangeRead()


class ReplacementRead(serializers.Serializer[Any]):
    lot_id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    account_name = serializers.CharField()
    replacement_date = serializers.DateField()
    quantity = serializers.CharField()
    disallowed_loss = serializers.CharField()
    basis_added = serializers.CharField()
    permanent = serializers.BooleanField()
    days_held = serializers.IntegerField()


class PreviewedWashSaleRead(serializers.Serializer[Any]):
    disallowed_loss = serializers.CharField()
    deferred_loss = serializers.CharField()
    permanent_loss = serializers.CharField()
    loss_at_risk = serializers.CharField(
        help_text="What a purchase before first_safe_date, in any account, would keep back."
    )
    replacements = ReplacementRead(many=True)


class ComparedMethodRead(serializers.Serializer[Any]):
    lot_method = serializers.CharField()
    available = serializers.BooleanField()
    short_term_gain = serializers.CharField(required=False)
    long_term_gain = serializers.CharField(required=False)
    disallowed_loss = serializers.CharField(required=False)
    estimated_tax = serializers.CharField(required=False)


class SalePreviewRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    symbol = serializers.CharField()
    quantity = serializers.CharField()
    as_of = serializers.DateTimeField()
    price = serializers.CharField()
    price_currency = serializers.CharField()
    price_as_of = serializers.DateTimeField(allow_null=True)
    price_stale = serializers.BooleanField()
    fx_rate = serializers.CharField()
    currency = serializers.CharField()
    fee = serializers.CharField()
    proceeds = serializers.CharField(help_text="After the fee, in the account's currency.")
    lot_method = serializers.CharField()
    lots = PreviewedLotRead(many=True)
    short_term = ReturnTotalsRead()
    long_term = ReturnTotalsRead()
    total = ReturnTotalsRead()
    estimated_tax = serializers.CharField(help_text="In the currency of the owner's return.")
    tax = TaxEffectRead(allow_null=True, help_text="Null where the account is not taxed.")
    wash_sale = PreviewedWashSaleRead()
    first_safe_date = serializers.DateField(
        allow_null=True, help_text="The first day to buy back without washing the loss."
    )
    clean_sale_date = serializers.DateField(
        allow_null=True, help_text="The first day to sell beyond the purchases made already."
    )
    methods = ComparedMethodRead(many=True)


class SalePreviewView(APIView):
    @extend_schema(
        operation_id="sale_preview", request=SalePreviewWrite, responses={200: SalePreviewRead}
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """What a sale would do now: lots, gains, tax, wash sales, other methods beside it."""
        account = ledger.account_with_owner(user=caller(request), public_id=account_id)
        data = SalePreviewWrite.parsed(request)
        data["lots"] = tuple(ChosenLot(**row) for row in data.get("lots", []))
        preview = sale_preview(
            account=account, asked=Asked(**data), user=caller(request), now=timezone.now()
        )
        return Response(preview)


urlpatterns = [path("portfolios/<uuid:account_id>/sale-preview", SalePreviewView.as_view())]
