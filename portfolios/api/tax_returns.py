"""Tax returns over HTTP, and the forms of totals, rates and taxes that other routes show too."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import EARLIEST_DATE, TAX_YEAR_MAX
from core.money import plain
from core.money_text import money_text
from identity.authentication import caller
from identity.models import Household
from portfolios.queries import taxes
from portfolios.tax.gains import Provisional, Totals
from portfolios.tax.schedule_d import Carried, ScheduleD, Tax, TaxRates
from portfolios.tax.tax_return import AccountGains, ReturnFigures, TaxReturn, return_figures
from portfolios.tax.tax_tables import FilingStatus

STATUSES = [(status.value, status.value) for status in FilingStatus]
HOUSEHOLD = OpenApiParameter(
    "household_id",
    UUID,
    description="Household (UUID); default: your own. Advisers name a client's household.",
)


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


class CarriedOutRead(serializers.Serializer[Any]):
    short_term = serializers.CharField()
    long_term = serializers.CharField()


class CarriedInRead(CarriedOutRead):
    stated = serializers.BooleanField(
        help_text="Whether the investor entered it instead of Ballast computing it."
    )


class RatesRead(serializers.Serializer[Any]):
    federal_ordinary = serializers.CharField()
    federal_long_term = serializers.CharField()
    state = serializers.CharField()
    net_investment_income = serializers.CharField()
    short_term = serializers.CharField(help_text="Total rate on short-term gains.")
    long_term = serializers.CharField(help_text="Total rate on long-term gains.")


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
    """The query parameters."""

    household_id = serializers.UUIDField(required=False)
    year = serializers.IntegerField(
        required=False, min_value=EARLIEST_DATE.year, max_value=TAX_YEAR_MAX
    )


def household_and_year(request: Request) -> tuple[Household, int]:
    """Return the household and the year of the query string; default: one's own, this year."""
    serializer = TaxesAsked(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    found = taxes.household(
        user=caller(request), public_id=serializer.validated_data.get("household_id")
    )
    return found, serializer.validated_data.get("year") or timezone.now().year


def totals_row(total: Totals, *, currency: str) -> dict[str, object]:
    """Render totals."""
    return {
        "lines": total.lines,
        "proceeds": money_text(total.proceeds, currency),
        "cost_basis": money_text(total.cost_basis, currency),
        "gain": money_text(total.gain, currency),
        "disallowed_loss": money_text(total.disallowed_loss, currency),
        "recognized_gain": money_text(total.recognized_gain, currency),
    }


def provisional_row(found: Provisional, *, currency: str) -> dict[str, object]:
    """Render the losses that a purchase can still disallow."""
    return {
        "provisional_loss": money_text(found.loss, currency),
        "provisional_until": found.until.isoformat() if found.until else None,
    }


def carried_row(carried: Carried, *, currency: str) -> dict[str, object]:
    """Render losses carried from one year to another."""
    return {
        "short_term": money_text(carried.short_term, currency),
        "long_term": money_text(carried.long_term, currency),
    }


def rates_row(rates: TaxRates) -> dict[str, str]:
    """Render the rates of an estimate, as fractions."""
    return {
        "federal_ordinary": plain(rates.ordinary),
        "federal_long_term": plain(rates.long_term),
        "state": plain(rates.state),
        "net_investment_income": plain(rates.net_investment_income),
        "short_term": plain(rates.on_short),
        "long_term": plain(rates.on_long),
    }


def tax_row(estimate: Tax, *, schedule: ScheduleD, currency: str) -> dict[str, str]:
    """Render the tax and its parts; negative if losses save tax on other income."""
    parts = {
        "taxed_short_term": schedule.taxed_short,
        "taxed_long_term": schedule.taxed_long,
        "federal_short_term": estimate.federal_short,
        "federal_long_term": estimate.federal_long,
        "state": estimate.state,
        "net_investment_income": estimate.net_investment_income,
        "total": estimate.total,
    }
    return {name: money_text(amount, currency) for name, amount in parts.items()}


def account_row(account: AccountGains, found: TaxReturn) -> dict[str, object]:
    """Render an account's part of a return."""
    short, long = (account.total(found.year, long_term=term) for term in (False, True))
    return {
        "account_id": account.account_id,
        "name": account.name,
        "currency": account.currency,
        "converted": account.currency != found.currency,
        "short_term": totals_row(short, currency=found.currency),
        "long_term": totals_row(long, currency=found.currency),
    }


def return_row(figures: ReturnFigures) -> dict[str, object]:
    """Render a return."""
    found, schedule = figures.tax_return, figures.schedule
    currency = found.currency
    return {
        "year": found.year,
        "currency": currency,
        "filing_status": found.filing_status.value,
        "owners": [{"id": owner.id, "full_name": owner.full_name} for owner in found.owners],
        "accounts": [account_row(account, found) for account in found.accounts],
        "short_term": totals_row(figures.short_term, currency=currency),
        "long_term": totals_row(figures.long_term, currency=currency),
        "carried_in": {
            **carried_row(schedule.carried_in, currency=currency),
            "stated": figures.carry_in_stated,
        },
        "net_short_term": money_text(schedule.net_short, currency),
        "net_long_term": money_text(schedule.net_long, currency),
        "net": money_text(schedule.net, currency),
        "loss_limit": money_text(schedule.loss_limit, currency),
        "deducted_loss": money_text(schedule.deducted, currency),
        "carried_out": carried_row(schedule.carried_out, currency=currency),
        "lines": {
            number: money_text(amount, currency) for number, amount in schedule.lines.items()
        },
        "rates": rates_row(figures.rates),
        "tax": tax_row(figures.tax, schedule=schedule, currency=currency),
        **provisional_row(found.provisional, currency=currency),
    }


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
        household, year = household_and_year(request)
        found = taxes.tax_returns(household=household, year=year, as_of=timezone.now().date())
        return Response(
            {
                "household_id": str(household.public_id),
                "year": year,
                "filing_status": taxes.filing_status(household).value,
                "returns": [return_row(return_figures(one)) for one in found],
            }
        )


@extend_schema_view(get=extend_schema(operation_id="household_tax"))
class HouseholdTaxView(TaxReturnsView):
    """The same under the address of the household's other figures."""


urlpatterns = [
    path("tax/returns", TaxReturnsView.as_view()),
    path("households/me/tax", HouseholdTaxView.as_view()),
]
