"""An account's own statement of a day, over HTTP."""

from datetime import date
from uuid import UUID

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from identity.authentication import caller
from transactions import queries
from transactions.files.stated.ballast import write
from transactions.queries.reconciliations import holdings_of_day


class StatementView(APIView):
    @extend_schema(
        operation_id="accounts_statement",
        parameters=[
            OpenApiParameter(
                "as_of", date, description="Day at whose end it is stated; default: today in UTC."
            )
        ],
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY, "The statement.")},
    )
    def get(self, request: Request, account_id: UUID) -> HttpResponse:
        """Download the positions and the cash of an account at the end of a day, as CSV."""
        account = queries.account(user=caller(request), public_id=account_id)
        asked = request.query_params.get("as_of")
        day = serializers.DateField().run_validation(asked) if asked else timezone.now().date()
        positions, cash = holdings_of_day(account=account, day=day)
        lines = write(
            day=day,
            account=account.name,
            positions=positions,
            cash=cash,
            currency=account.currency,
        )
        answer = HttpResponse("".join(lines), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="ballast-statement-{day}.csv"'
        return answer


urlpatterns = [path("accounts/<uuid:account_id>/statement", StatementView.as_view())]
