"""Tax returns over HTTP: who files how, what was carried in, the whole return of a year."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import EARLIEST_DATE, TAX_YEAR_MAX
from edge.serializers import MoneyField, StrictSerializer
from identity.authentication import caller
from identity.models import Household
from portfolios import operations
from portfolios.operations.taxes import CARRYFORWARDS_MAX
from portfolios.queries import taxes
from portfolios.tax.tax_return import return_row
from portfolios.tax.tax_tables import FilingStatus

STATUSES = [(status.value, status.value) for status in FilingStatus]
HOUSEHOLD = OpenApiParameter(
    "household_id", UUID, description="One's own unless an adviser names a client's."
)


class CarryforwardRow(StrictSerializer):
    owner_id = serializers.UUIDField()
    year = serializers.IntegerField(help_text="The year it was carried into.")
    short_term = MoneyField(help_text="Short-term loss (Schedule D line 6), not negative.")
    long_term = MoneyField(help_text="Long-term loss (Schedule D line 14), not negative.")


class TaxSettingsWrite(StrictSerializer):
    filing_status = serializers.ChoiceField(choices=STATUSES)
    carryforwards: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=CarryforwardRow(), max_length=CARRYFORWARDS_MAX, required=False
    )


class TaxSettingsRead(serializers.Serializer[Any]):
    household_id = serializers.UUIDField()
    filing_status = serializers.ChoiceField(choices=STATUSES)
    carryforwards = CarryforwardRow(many=True)


class ReturnOwnerRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    full_name = serializers.CharField()


class ReturnTotalsRead(serializers.Serializer[Any]):
    lines = serializers.IntegerField()
    proceeds = serializers.CharField()
    cost_basis = serializers.CharField()
    gain = serializers.CharField()
    disallowed_loss = serializers.CharField()
    recognized_gain = serializers.CharField()


class ReturnAccountRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    name = serializers.CharField()
    currency = serializers.CharField()
    converted = serializers.BooleanField()
    short_term = ReturnTotalsRead()
    long_term = ReturnTotalsRead()


class CarriedInRead(serializers.Serializer[Any]):
    short_term = serializers.CharField()
    long_term = serializers.CharField()
    stated = serializers.BooleanField(help_text="Said by the investor, not computed.")


class CarriedOutRead(serializers.Serializer[Any]):
    short_term = serializers.CharField()
    long_term = serializers.CharField()


class RatesRead(serializers.Serializer[Any]):
    federal_ordinary = serializers.CharField()
    federal_long_term = serializers.CharField()
    state = serializers.CharField()
    net_investment_income = serializers.CharField()
    short_term = serializers.CharField(help_text="The sum that short-term gains bear.")
    long_term = serializers.CharField(help_text="The sum that long-term gains bear.")


class TaxRead(serializers.Serializer[Any]):
    taxed_short_term = serializers.CharField()
    taxed_long_term = serializers.CharField()
    federal_short_term = serializers.CharField()
    federal_long_term = serializers.CharField()
    state = serializers.CharField()
    net_investment_income = serializers.CharField()
    total = serializers.CharField()


class TaxReturnRead(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    currency = serializers.CharField()
    filing_status = serializers.ChoiceField(choices=STATUSES)
    owners = ReturnOwnerRead(many=True)
    accounts = ReturnAccountRead(many=True)
    short_term = ReturnTotalsRead(help_text="Part I: Form 8949 of all accounts.")
    long_term = ReturnTotalsRead(help_text="Part II: Form 8949 of all accounts.")
    carried_in = CarriedInRead()
    net_short_term = serializers.CharField(help_text="Line 7.")
    net_long_term = serializers.CharField(help_text="Line 15.")
    net = serializers.CharField(help_text="Line 16.")
    loss_limit = serializers.CharField(help_text="IRC 1211(b).")
    deducted_loss = serializers.CharField(help_text="Line 21, without its sign.")
    carried_out = CarriedOutRead()
    lines = serializers.DictField(
        child=serializers.CharField(), help_text="Schedule D by line number, with signs."
    )
    rates = RatesRead()
    tax = TaxRead()
    provisional_loss = serializers.CharField()
    provisional_until = serializers.DateField(allow_null=True)


class TaxReturnsRead(serializers.Serializer[Any]):
    household_id = serializers.UUIDField()
    year = serializers.IntegerField()
    filing_status = serializers.ChoiceField(choices=STATUSES)
    returns = TaxReturnRead(many=True)


class TaxesAsked(serializers.Serializer[Any]):
    """What a request may name."""

    household_id = serializers.UUIDField(required=False)
    year = serializers.IntegerField(
        required=False, min_value=EARLIEST_DATE.year, max_value=TAX_YEAR_MAX
    )


def _asked(request: Request) -> tuple[Household, int]:
    serializer = TaxesAsked(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    found = taxes.household(
        user=caller(request), public_id=serializer.validated_data.get("household_id")
    )
    return found, serializer.validated_data.get("year") or timezone.now().year


class TaxSettingsView(APIView):
    @extend_schema(operation_id="tax_settings", responses=TaxSettingsRead, parameters=[HOUSEHOLD])
    def get(self, request: Request) -> Response:
        """How the household files, and the losses its members carried in."""
        household, _ = _asked(request)
        return Response(taxes.tax_settings(household=household))

    @extend_schema(
        operation_id="tax_settings_replace",
        request=TaxSettingsWrite,
        responses=TaxSettingsRead,
        parameters=[HOUSEHOLD],
    )
    def put(self, request: Request) -> Response:
        """Replaces the filing status and every stated carry-forward."""
        household, _ = _asked(request)
        data = TaxSettingsWrite.parsed(request)
        operations.set_taxes(
            household=household,
            filing_status=data["filing_status"],
            carryforwards=[
                operations.StatedCarryforward(**row) for row in data.get("carryforwards", [])
            ],
            now=timezone.now(),
        )
        return self.get(request)


class TaxReturnsView(APIView):
    @extend_schema(
        operation_id="tax_returns",
        responses=TaxReturnsRead,
        parameters=[
            HOUSEHOLD,
            OpenApiParameter("year", int, description="Tax year, in UTC; this year where absent."),
        ],
    )
    def get(self, request: Request) -> Response:
        """The Schedule D of every return of the household: netting, limit, carry-forward, tax."""
        household, year = _asked(request)
        found = taxes.tax_returns(household=household, year=year, as_of=timezone.now().date())
        return Response(
            {
                "household_id": str(household.public_id),
                "year": year,
                "filing_status": taxes.filing_status(household).value,
                "returns": [return_row(one) for one in found],
            }
        )


urlpatterns = [
    path("tax/settings", TaxSettingsView.as_view()),
    path("tax/returns", TaxReturnsView.as_view()),
]
