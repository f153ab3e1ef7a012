"""Sale previews over HTTP."""

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
from core.limits import LOTS_PER_SALE_MAX, PIECES_PER_LOT_MAX
from core.money import plain
from core.money_text import money_text
from edge.serializers import MoneyField, PriceField, QuantityField, StrictSerializer, SymbolField
from identity.authentication import caller
from portfolios.api.gains import amounts_row
from portfolios.api.tax_returns import (
    CarriedOutRead,
    RatesRead,
    ReturnTotalsRead,
    TaxRead,
    carried_row,
    rates_row,
    tax_row,
    totals_row,
)
from portfolios.queries.sale_previews import Asked, sale_preview
from portfolios.tax.gains import GainLine
from portfolios.tax.sale_preview import (
    ComparedMethod,
    PreviewedReplacement,
    SalePreview,
    TaxEffect,
)
from portfolios.tax.schedule_d import Carried, ScheduleD, Tax
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
    price = PriceField(
        required=False, help_text="Price in the asset's currency; default: the live price."
    )
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


class NetTermsRead(serializers.Serializer[Any]):
    net_short_term = serializers.CharField()
    net_long_term = serializers.CharField()


class PreviewedTaxRead(NetTermsRead, TaxRead):
    pass


class CarriedChangeRead(CarriedOutRead):
    pass


class TaxEffectRead(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    currency = serializers.CharField()
    total = serializers.CharField(help_text="Tax of the return with the sale minus without it.")
    marginal = serializers.CharField(
        help_text="Gains of this sale times the rates, without the rest of the year."
    )
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
        help_text="Loss that a purchase before first_safe_date, in any account, would disallow."
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
    price_estimated = serializers.BooleanField()
    fx_rate = serializers.CharField()
    currency = serializers.CharField()
    fee = serializers.CharField()
    proceeds = serializers.CharField(help_text="Proceeds after the fee, in the account's currency.")
    lot_method = serializers.CharField()
    lots = PreviewedLotRead(many=True)
    short_term = ReturnTotalsRead()
    long_term = ReturnTotalsRead()
    total = ReturnTotalsRead()
    estimated_tax = serializers.CharField(help_text="In the currency of the owner's return.")
    tax = TaxEffectRead(allow_null=True, help_text="Null when the account is not taxed.")
    wash_sale = PreviewedWashSaleRead()
    first_safe_date = serializers.DateField(
        allow_null=True, help_text="First date on which a purchase no longer disallows the loss."
    )
    clean_sale_date = serializers.DateField(
        allow_null=True,
        help_text="First date on which a sale is not a wash sale because of earlier purchases.",
    )
    methods = ComparedMethodRead(many=True)


def preview_row(found: SalePreview) -> dict[str, object]:
    """Render the preview of a sale."""
    currency, wash_sale = found.currency, found.wash_sale
    safe, clean = found.first_safe_date, found.clean_sale_date
    return {
        "account_id": str(found.account_id),
        "symbol": found.symbol,
        "quantity": plain(found.quantity),
        "as_of": instant_text(found.as_of),
        "price": plain(found.price),
        "price_currency": found.price_currency,
        "price_as_of": instant_text(found.price_as_of) if found.price_as_of else None,
        "price_stale": found.price_stale,
        "price_estimated": found.price_estimated,
        "fx_rate": plain(found.fx_rate),
        "currency": currency,
        "fee": money_text(found.fee, found.price_currency),
        "proceeds": money_text(found.proceeds, currency),
        "lot_method": found.lot_method,
        "lots": [_lot_row(line) for line in found.lines],
        "short_term": totals_row(found.totals.short_term, currency=currency),
        "long_term": totals_row(found.totals.long_term, currency=currency),
        "total": totals_row(found.totals.total, currency=currency),
        "estimated_tax": money_text(found.estimated_tax, found.tax_currency),
        "tax": _effect_row(found.effect) if found.effect else None,
        "wash_sale": {
            "disallowed_loss": money_text(wash_sale.disallowed_loss, currency),
            "deferred_loss": money_text(wash_sale.deferred_loss, currency),
            "permanent_loss": money_text(wash_sale.permanent_loss, currency),
            "loss_at_risk": money_text(wash_sale.loss_at_risk, currency),
            "replacements": [_replacement_row(row, currency) for row in wash_sale.replacements],
        },
        "first_safe_date": safe.isoformat() if safe else None,
        "clean_sale_date": clean.isoformat() if clean else None,
        "methods": [_method_row(row, found) for row in found.methods],
    }


def _lot_row(line: GainLine) -> dict[str, object]:
    return {
        "lot_id": line.lot_id,
        "quantity": plain(line.quantity),
        "opened_date": line.opened_date.isoformat(),
        "holding_period_date": line.holding_period_date.isoformat(),
        **amounts_row(line),
    }


def _effect_row(effect: TaxEffect) -> dict[str, object]:
    currency = effect.currency
    before, after = effect.before.carried_out, effect.after.carried_out
    change = Carried(after.short_term - before.short_term, after.long_term - before.long_term)
    return {
        "year": effect.after.year,
        "currency": currency,
        "total": money_text(effect.total, currency),
        "marginal": money_text(effect.marginal, currency),
        "rates": rates_row(effect.rates),
        "before": _tax_row(effect.tax_before, effect.before, currency),
        "after": _tax_row(effect.tax_after, effect.after, currency),
        "carried_out_change": carried_row(change, currency=currency),
    }


def _tax_row(estimate: Tax, schedule: ScheduleD, currency: str) -> dict[str, object]:
    return {
        "net_short_term": money_text(schedule.net_short, currency),
        "net_long_term": money_text(schedule.net_long, currency),
        **tax_row(estimate, schedule=schedule, currency=currency),
    }


def _replacement_row(row: PreviewedReplacement, currency: str) -> dict[str, object]:
    return {
        "lot_id": row.lot_id,
        "account_id": str(row.account_id),
        "account_name": row.account_name,
        "replacement_date": row.replacement_date.isoformat(),
        "quantity": plain(row.quantity),
        "disallowed_loss": money_text(row.disallowed_loss, currency),
        "basis_added": money_text(row.basis_added, row.currency),
        "permanent": row.permanent,
        "days_held": row.days_held,
    }


def _method_row(row: ComparedMethod, found: SalePreview) -> dict[str, object]:
    if row.totals is None:
        return {"lot_method": row.lot_method, "available": False}
    totals = row.totals
    return {
        "lot_method": row.lot_method,
        "available": True,
        "short_term_gain": money_text(totals.short_term.recognized_gain, found.currency),
        "long_term_gain": money_text(totals.long_term.recognized_gain, found.currency),
        "disallowed_loss": money_text(totals.total.disallowed_loss, found.currency),
        "estimated_tax": money_text(row.estimated_tax, found.tax_currency),
    }


class SalePreviewView(APIView):
    @extend_schema(
        operation_id="sale_preview", request=SalePreviewWrite, responses={200: SalePreviewRead}
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """Preview a sale: lots, gains, tax and wash sales, beside the other lot methods."""
        account = ledger.account_with_owner(user=caller(request), public_id=account_id)
        data = SalePreviewWrite.parsed(request)
        data["lots"] = tuple(ChosenLot(**row) for row in data.get("lots", []))
        preview = sale_preview(
            account=account, asked=Asked(**data), user=caller(request), now=timezone.now()
        )
        return Response(preview_row(preview))


urlpatterns = [path("portfolios/<uuid:account_id>/sale-preview", SalePreviewView.as_view())]
