"""Tax settings and tax returns over HTTP."""

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
from core.money import plain
from edge.serializers import MoneyField, StrictSerializer
from identity.authentication import caller
from identity.models import Household
from portfolios import operations
from portfolios.api.tax_returns import STATUSES, TaxReturnRead, return_row
from portfolios.operations.taxes import CARRYFORWARDS_MAX
from portfolios.queries import taxes
from portfolios.tax.filing import TaxSettings
from portfolios.tax.tax_return import return_figures

HOUSEHOLD = OpenApiParameter(
    "household_id",
    UUID,
    description="Household (UUID); default: your own. Advisers name a client's household.",
)


class CarryforwardRow(StrictSerializer):
    owner_id = serializers.UUIDField()
    year = serializers.IntegerField(help_text="Tax year into which the loss was carried.")
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


class TaxReturnsRead(serializers.Serializer[Any]):
    household_id = serializers.UUIDField()
    year = serializers.IntegerField()
    filing_status = serializers.ChoiceField(choices=STATUSES)
    returns = TaxReturnRead(many=True)


class TaxesAsked(serializers.Serializer[Any]):
    """The query parameters."""

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


def settings_row(found: TaxSettings) -> dict[str, object]:
    """Render tax settings."""
    return {
        "household_id": str(found.household_id),
        "filing_status": found.filing_status.value,
        "carryforwards": [
            {
                "owner_id": str(row.owner_id),
                "year": row.year,
                "short_term": plain(row.short_term),
                "long_term": plain(row.long_term),
            }
            for row in found.carryforwards
        ],
    }


class TaxSettingsView(APIView):
    @extend_schema(operation_id="tax_settings", responses=TaxSettingsRead, parameters=[HOUSEHOLD])
    def get(self, request: Request) -> Response:
        """Return the filing status and the losses the members carried in."""
        household, _ = _asked(request)
        return Response(settings_row(taxes.tax_settings(household=household)))

    @extend_schema(
        operation_id="tax_settings_replace",
        request=TaxSettingsWrite,
        responses=TaxSettingsRead,
        parameters=[HOUSEHOLD],
    )
    def put(self, request: Request) -> Response:
        """Replace the filing status and every stated carry-forward."""
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
            OpenApiParameter(
                "year", int, description="Tax year of the trade date; default: this year."
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return every tax return of the household: netting, limit, carry-forward and tax."""
        household, year = _asked(request)
        found = taxes.tax_returns(household=household, year=year, as_of=timezone.now().date())
        return Response(
            {
                "household_id": str(household.public_id),
                "year": year,
                "filing_status": taxes.filing_status(household).value,
                "returns": [return_row(return_figures(one)) for one in found],
            }
        )


urlpatterns = [
    path("tax/settings", TaxSettingsView.as_view()),
    path("tax/returns", TaxReturnsView.as_view()),
]
