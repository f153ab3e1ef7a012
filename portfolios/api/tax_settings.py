"""Tax settings over HTTP: the filing status, and the losses carried in."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.money import plain
from edge.serializers import MoneyField, StrictSerializer
from portfolios import operations
from portfolios.api.tax_returns import HOUSEHOLD, STATUSES, household_and_year
from portfolios.operations.taxes import CARRYFORWARDS_MAX
from portfolios.queries import taxes
from portfolios.tax.filing import TaxSettings


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
        household, _ = household_and_year(request)
        return Response(settings_row(taxes.tax_settings(household=household)))

    @extend_schema(
        operation_id="tax_settings_replace",
        request=TaxSettingsWrite,
        responses=TaxSettingsRead,
        parameters=[HOUSEHOLD],
    )
    def put(self, request: Request) -> Response:
        """Replace the filing status and every stated carry-forward."""
        household, _ = household_and_year(request)
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


urlpatterns = [
    path("tax/settings", TaxSettingsView.as_view()),
]
