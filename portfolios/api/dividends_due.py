"""Dividends to record, over HTTP."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import DIVIDENDS_MAX
from core.money import plain
from core.money_text import money_text
from edge.pagination import page_answer, page_request
from edge.schema import page_of, page_parameters
from edge.serializers import MoneyField, StrictSerializer, SymbolField
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from marketdata.models import Asset
from portfolios.holdings.dividends_due import DueDividend
from portfolios.operations.dividends_due import Received, record_dividends, skip_dividends
from portfolios.queries.dividends_due import dividends_due, securities_of
from transactions import queries as ledger
from transactions.models import Account


class DueDividendRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    name = serializers.CharField()
    ex_date = serializers.DateField()
    payment_date = serializers.DateField(allow_null=True)
    units = serializers.CharField(help_text="Held at the end of the day before the ex-date.")
    cash_per_unit = serializers.CharField()
    amount = serializers.CharField(help_text="Before withheld tax.")
    currency = serializers.CharField()


class ReceivedWrite(StrictSerializer):
    symbol = SymbolField()
    ex_date = serializers.DateField()
    paid_on = serializers.DateField(required=False)
    amount = MoneyField(required=False)


class SkippedWrite(StrictSerializer):
    symbol = SymbolField()
    ex_date = serializers.DateField()


class DividendsRecorded(serializers.Serializer[Any]):
    transaction_ids = serializers.ListField(child=serializers.UUIDField())


class DueDividendsView(APIView):
    @extend_schema(
        operation_id="dividends_due_list",
        responses=page_of(DueDividendRead),
        parameters=page_parameters(),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return the announced dividends that the account has not recorded, newest first."""
        account = ledger.account(user=caller(request), public_id=account_id)
        page = page_request(request.query_params)
        found = dividends_due(account=account, as_of=timezone.now().date())
        shown = found[page.offset : page.offset + page.size]
        assets = securities_of(shown)
        rows = [due_row(due, assets[due.announced.asset_id]) for due in shown]
        return Response(page_answer(data=rows, total=len(found), page=page))


class DividendsRecordView(APIView):
    @extend_schema(
        operation_id="dividends_due_record",
        request=ReceivedWrite(many=True),
        responses={201: DividendsRecorded},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """Record due dividends as transactions, all or none.

        Without `amount` the announced one is recorded. `paid_on` may be left out where the vendor
        says when the dividend is paid.
        """
        data = ReceivedWrite.parsed_many(request, rows_max=DIVIDENDS_MAX)
        rows = [Received(**row) for row in data]
        user, now = caller(request), timezone.now()

        def access() -> Account:
            return ledger.account(user=user, public_id=account_id)

        def effect(account: Account) -> Answer:
            made = record_dividends(account=account, received=rows, user=user, now=now)
            return 201, {"transaction_ids": [str(row.public_id) for row in made]}

        return answered_once(request, now=now, access=access, effect=effect)


class DividendsSkipView(APIView):
    @extend_schema(
        operation_id="dividends_due_skip", request=SkippedWrite(many=True), responses={204: None}
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """Take due dividends off the list, because the broker booked them in another way."""
        user = caller(request)
        account = ledger.account(user=user, public_id=account_id)
        rows = SkippedWrite.parsed_many(request, rows_max=DIVIDENDS_MAX)
        skip_dividends(
            account=account,
            dividends=[(row["symbol"], row["ex_date"]) for row in rows],
            user=user,
            now=timezone.now(),
        )
        return Response(status=204)


def due_row(due: DueDividend, asset: Asset) -> dict[str, object]:
    one = due.announced
    return {
        "symbol": asset.symbol,
        "name": asset.name,
        "ex_date": one.ex_date.isoformat(),
        "payment_date": one.payment_date and one.payment_date.isoformat(),
        "units": plain(due.units),
        "cash_per_unit": plain(one.amount),
        "amount": money_text(due.amount, one.currency),
        "currency": one.currency,
    }


urlpatterns = [
    path("portfolios/<uuid:account_id>/dividends-due", DueDividendsView.as_view()),
    path("portfolios/<uuid:account_id>/dividends-due/record", DividendsRecordView.as_view()),
    path("portfolios/<uuid:account_id>/dividends-due/skip", DividendsSkipView.as_view()),
]
