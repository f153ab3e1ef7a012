"""The income of a household over HTTP: paid, withheld, expected."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.money import plain
from core.money_text import money_text, plain_text
from identity.authentication import caller
from portfolios.income.expected import ANNOUNCED, PROJECTED, Expected
from portfolios.income.received import Payment, Sums
from portfolios.queries.income import Income, SourceIncome, household_income
from transactions.models.transactions import PAYMENTS

PAYMENTS_SHOWN = 1000
PROJECTION_RULE = (
    "Announced dividends where a vendor states them; else each payment of the last 12 months again "
    "one year later, per unit, times the units held now. Interest on cash as it was. It is "
    "arithmetic on the past, not a forecast."
)


class IncomeSumsRead(serializers.Serializer[Any]):
    income = serializers.CharField(
        help_text="Dividends, reinvested ones included, and interest, before withheld tax."
    )
    dividends = serializers.CharField(help_text="Dividends and distributions paid in cash.")
    interest = serializers.CharField(help_text="Interest paid.")
    reinvested = serializers.CharField(help_text="Dividends that bought shares at once.")
    withheld_tax = serializers.CharField(help_text="Tax withheld from payments; positive.")
    net_income = serializers.CharField(help_text="Income less withheld tax.")
    returned_capital = serializers.CharField(
        help_text="Returns of capital: they lower the basis and are not income."
    )


class IncomeMonthRead(IncomeSumsRead):
    month = serializers.CharField(help_text="Year and month: 2026-03.")


class IncomeHoldingRead(IncomeSumsRead):
    symbol = serializers.CharField(
        allow_null=True, help_text="Symbol of the holding; null for cash."
    )
    name = serializers.CharField(help_text="Name of the holding; empty for cash.")
    months = serializers.ListField(
        child=serializers.CharField(), help_text="Income of each month, in the order of months."
    )
    income_12_months = serializers.CharField(help_text="Income of the 12 months up to today.")
    cost_basis = serializers.CharField(
        allow_null=True, help_text="Cost basis of what is held now; null if nothing is."
    )
    market_value = serializers.CharField(
        allow_null=True, help_text="Value of what is held now; null without a price."
    )
    yield_on_cost_percentage = serializers.CharField(
        allow_null=True, help_text="Income of 12 months on the cost basis, in percent."
    )
    yield_on_value_percentage = serializers.CharField(
        allow_null=True, help_text="Income of 12 months on the value, in percent."
    )
    expected_income = serializers.CharField(help_text="Expected in the next 12 months.")


class IncomePaymentRead(serializers.Serializer[Any]):
    transaction_id = serializers.UUIDField(help_text="The transaction that recorded it (UUID).")
    account_id = serializers.UUIDField(help_text="Account (UUID).")
    symbol = serializers.CharField(
        allow_null=True, help_text="Symbol of the holding that paid; null for cash."
    )
    type = serializers.ChoiceField(choices=PAYMENTS, help_text="Type of the transaction.")
    date = serializers.DateField(help_text="Trade date of the payment.")
    currency = serializers.CharField(help_text="Currency of the payment, ISO 4217.")
    amount = serializers.CharField(help_text="Amount before fees, in that currency; never < 0.")
    account_currency = serializers.CharField(help_text="Currency of the account, ISO 4217.")
    amount_account = serializers.CharField(
        help_text="Amount in the account's currency, at the rate it was booked at."
    )
    amount_household = serializers.CharField(
        allow_null=True,
        help_text="Amount in the household's currency, at the rate of the day; null without one.",
    )
    quantity = serializers.CharField(
        allow_null=True, help_text="Units it bought or brought; null for cash alone."
    )


class ExpectedPaymentRead(serializers.Serializer[Any]):
    date = serializers.DateField(help_text="Day on which it is expected.")
    symbol = serializers.CharField(
        allow_null=True, help_text="Symbol of the holding that will pay; null for cash."
    )
    basis = serializers.ChoiceField(
        choices=[ANNOUNCED, PROJECTED],
        help_text="announced: a vendor states it; projected: it repeats a payment of the last 12 "
        "months.",
    )
    currency = serializers.CharField(help_text="Currency of the payment, ISO 4217.")
    amount = serializers.CharField(help_text="Expected amount, in that currency.")
    amount_household = serializers.CharField(
        allow_null=True,
        help_text="Expected amount in the household's currency, at the present rate.",
    )
    per_unit = serializers.CharField(
        allow_null=True, help_text="Amount for one unit held now; null for interest on cash."
    )
    ex_date = serializers.DateField(
        allow_null=True, help_text="Ex-date of an announced dividend; null of a projection."
    )
    paid_date = serializers.DateField(
        allow_null=True, help_text="Day of the payment that is projected; null of an announced one."
    )


class ExpectedIncomeRead(serializers.Serializer[Any]):
    total = serializers.CharField(help_text="Sum expected in the next 12 months.")
    announced = serializers.CharField(help_text="The part of it that vendors announced.")
    projected = serializers.CharField(help_text="The part of it that is a projection.")
    rule = serializers.CharField(help_text="How the projection is computed.")
    payments = ExpectedPaymentRead(
        many=True, help_text=f"Expected payments, the soonest first; at most {PAYMENTS_SHOWN}."
    )
    payments_total = serializers.IntegerField(help_text="Number of expected payments.")


class IncomeRead(IncomeSumsRead):
    currency = serializers.CharField(help_text="Household's currency, of all amounts but payments.")
    to = serializers.DateField(help_text="Last day of the range.")
    previous_income = serializers.CharField(help_text="Income of the same range a year earlier.")
    growth_percentage = serializers.CharField(
        allow_null=True,
        help_text="Change of the income to the year before, in percent; null if nothing was paid.",
    )
    income_12_months = serializers.CharField(
        help_text="Income of the 12 months up to today from what is held now."
    )
    cost_basis = serializers.CharField(help_text="Cost basis of the priced holdings.")
    market_value = serializers.CharField(help_text="Value of the priced holdings, without cash.")
    yield_on_cost_percentage = serializers.CharField(
        allow_null=True, help_text="Income of 12 months on the cost basis, in percent."
    )
    yield_on_value_percentage = serializers.CharField(
        allow_null=True, help_text="Income of 12 months on the value, in percent."
    )
    months = IncomeMonthRead(many=True, help_text="Sums of every month that the range touches.")
    holdings = IncomeHoldingRead(
        many=True, help_text="Each asset that paid or will pay, the most income first."
    )
    payments = IncomePaymentRead(
        many=True, help_text=f"Payments, the newest first; at most {PAYMENTS_SHOWN}."
    )
    payments_total = serializers.IntegerField(help_text="Number of payments in the range.")
    expected = ExpectedIncomeRead(help_text="The next 12 months.")
    unconverted_currencies = serializers.ListField(
        child=serializers.CharField(),
        help_text="Currencies of payments without an exchange rate; they are in no sum.",
    )

    def get_fields(self) -> dict[str, Any]:
        first = serializers.DateField(help_text="First day of the range.")
        return {"from": first, **super().get_fields()}


class IncomeAsked(serializers.Serializer[Any]):
    """The checked query of a request."""

    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(required=False), **super().get_fields()}


class HouseholdIncomeView(APIView):
    @extend_schema(
        operation_id="household_income",
        responses=IncomeRead,
        parameters=[
            OpenApiParameter(
                "from", str, description="First date; default: the first of the last 12 months."
            ),
            OpenApiParameter("to", str, description="Last date; default: today."),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the income of all accounts of your household, paid and expected.

        Each payment counts once, at the rate of its day; reversed ones never do. Months, holdings
        and kinds each sum to the total exactly.
        """
        serializer = IncomeAsked(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        found = household_income(
            user=caller(request),
            from_date=serializer.validated_data.get("from"),
            to_date=serializer.validated_data.get("to"),
            now=timezone.now(),
        )
        return Response(income_row(found))


def income_row(found: Income) -> dict[str, object]:
    """Return income in the words of the API."""
    home = found.currency
    symbols = {row.asset_id: row.symbol for row in found.sources}
    return {
        "from": found.from_date.isoformat(),
        "to": found.to_date.isoformat(),
        "currency": home,
        **_sums_row(found.sums, home),
        "previous_income": money_text(found.previous.income, home),
        "growth_percentage": plain_text(found.growth),
        "income_12_months": money_text(found.lately, home),
        "cost_basis": money_text(found.cost_basis, home),
        "market_value": money_text(found.value, home),
        "yield_on_cost_percentage": plain_text(found.yield_on_cost),
        "yield_on_value_percentage": plain_text(found.yield_on_value),
        "months": [
            {"month": f"{month:%Y-%m}", **_sums_row(sums, home)} for month, sums in found.months
        ],
        "holdings": [_holding_row(row, home) for row in found.sources],
        "payments": [_payment_row(row, home) for row in found.payments[:PAYMENTS_SHOWN]],
        "payments_total": len(found.payments),
        "expected": {
            "total": money_text(found.expected_total, home),
            "announced": money_text(found.expected_of(ANNOUNCED), home),
            "projected": money_text(found.expected_of(PROJECTED), home),
            "rule": PROJECTION_RULE,
            "payments": [
                _expected_row(one, symbols, home) for one in found.expected[:PAYMENTS_SHOWN]
            ],
            "payments_total": len(found.expected),
        },
        "unconverted_currencies": list(found.unconverted),
    }


def _sums_row(sums: Sums, currency: str) -> dict[str, object]:
    return {
        "income": money_text(sums.income, currency),
        "dividends": money_text(sums.dividends, currency),
        "interest": money_text(sums.interest, currency),
        "reinvested": money_text(sums.reinvested, currency),
        "withheld_tax": money_text(sums.tax, currency),
        "net_income": money_text(sums.net, currency),
        "returned_capital": money_text(sums.returned, currency),
    }


def _holding_row(row: SourceIncome, currency: str) -> dict[str, object]:
    return {
        "symbol": row.symbol or None,
        "name": row.name,
        **_sums_row(row.sums, currency),
        "months": [money_text(amount, currency) for amount in row.months],
        "income_12_months": money_text(row.lately, currency),
        "cost_basis": money_text(row.cost_basis, currency),
        "market_value": money_text(row.value, currency),
        "yield_on_cost_percentage": plain_text(row.yield_on_cost),
        "yield_on_value_percentage": plain_text(row.yield_on_value),
        "expected_income": money_text(row.expected, currency),
    }


def _payment_row(row: Payment, currency: str) -> dict[str, object]:
    booked = row.booked
    return {
        "transaction_id": str(booked.transaction_id),
        "account_id": str(booked.account_id),
        "symbol": booked.symbol or None,
        "type": booked.kind,
        "date": booked.date.isoformat(),
        "currency": booked.currency,
        "amount": money_text(row.amount, booked.currency),
        "account_currency": booked.account_currency,
        "amount_account": money_text(row.amount_account, booked.account_currency),
        "amount_household": money_text(row.amount_household, currency),
        "quantity": plain_text(booked.quantity),
    }


def _expected_row(
    one: Expected, symbols: dict[int | None, str], currency: str
) -> dict[str, object]:
    return {
        "date": one.day.isoformat(),
        "symbol": symbols.get(one.asset_id) or None,
        "basis": one.basis,
        "currency": one.currency,
        "amount": money_text(one.amount, one.currency),
        "amount_household": money_text(one.amount_household, currency),
        "per_unit": None if one.per_unit is None else plain(round(one.per_unit, 8)),
        "ex_date": one.ex_date.isoformat() if one.ex_date else None,
        "paid_date": one.paid_date.isoformat() if one.paid_date else None,
    }


urlpatterns = [path("households/me/income", HouseholdIncomeView.as_view())]
