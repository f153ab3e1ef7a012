"""Form 8949 of a whole tax return, as a file, over HTTP."""

from uuid import UUID

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import NotFound
from portfolios.api.tax_returns import HOUSEHOLD, household_and_year
from portfolios.queries.tax_files import whole_return
from portfolios.tax.form_8949 import form_8949
from portfolios.tax.txf import txf

_CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "txf": "text/plain; charset=us-ascii"}


class TaxFileView(APIView):
    @extend_schema(
        operation_id="tax_form_8949",
        parameters=[
            OpenApiParameter(
                "tax_file_format", str, OpenApiParameter.PATH, enum=sorted(_CONTENT_TYPES)
            ),
            HOUSEHOLD,
            OpenApiParameter(
                "year", int, description="Tax year of the trade date; default: this year."
            ),
            OpenApiParameter(
                "owner_id", UUID, description="Owner whose return it is, if there are several."
            ),
        ],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY, "The file."),
            (200, "text/plain"): OpenApiResponse(OpenApiTypes.BINARY, "The file."),
        },
    )
    def get(self, request: Request, tax_file_format: str) -> HttpResponse:
        """Download Form 8949 of a tax return: all taxable accounts of its owners.

        `csv` has a row for each line with its box and totals; `txf` is read by tax software.
        """
        if tax_file_format not in _CONTENT_TYPES:
            raise NotFound(
                "The file format is not supported. Choose one of those listed.",
                code="format_unknown",
            )
        household, year = household_and_year(request)
        asked = request.query_params.get("owner_id")
        owner_id = serializers.UUIDField().run_validation(asked) if asked else None
        found = whole_return(household=household, year=year, owner_id=owner_id)
        if tax_file_format == "txf":
            text = txf(found.lines, boxes=found.boxes, made_on=timezone.now().date())
        else:
            text = form_8949(
                found.lines, currency=found.currency, with_totals=True, boxes=found.boxes
            )
        name = f"form-8949-{year}.{tax_file_format}"
        return HttpResponse(
            text,
            content_type=_CONTENT_TYPES[tax_file_format],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


urlpatterns = [path("tax/form-8949/<str:tax_file_format>", TaxFileView.as_view())]
