"""Harvests over HTTP: the job, and the household's opportunities, calendar and year."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import ensure_known, ensure_range
from core.limits import EARLIEST_DATE, HISTORY_DAYS_MAX, TAX_YEAR_MAX
from core.money_text import money_text, plain_text
from edge.pagination import page_answer, page_request
from edge.schema import page_of, page_parameters
from edge.serializers import MoneyField, StrictSerializer
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once, requested_row
from jobs.operations import Answer
from portfolios.queries import taxes
from recommendations import operations
from recommendations.api.rebalancing import JobAccepted
from recommendations.harvesting.calendar import KINDS, Entry
from recommendations.harvesting.options import HORIZON_YEARS_MAX, HarvestOptions
from recommendations.harvesting.result import HarvestResult, Offer, Refusal
from recommendations.harvesting.year_ledger import YearLedger
from recommendations.queries.harvest_calendar import harvest_calendar, year_ledgers
from recommendations.queries.opportunities import household_opportunities
from stores.database import snapshot
from transactions.models import Account
from transactions.queries import account as ledger_account

_CALENDAR_DAYS = 90
_HOUSEHOLD = OpenApiParameter("household_id", UUID)


class PercentageField(MoneyField):
    """A percentage from 0 to 100."""

    maximum = Decimal(100)


class HarvestOptionsWrite(StrictSerializer):
    minimum_benefit = MoneyField(
        required=False, help_text="Net benefit that a harvest must exceed; default 100."
    )
    minimum_benefit_percentage = PercentageField(
        required=False,
        help_text="Share of the value sold that the net benefit must exceed; default 10.",
    )
    minimum_loss = MoneyField(required=False, help_text="Least loss of a security; default 0.")
    brokerage_fee = MoneyField(
        required=False, help_text="Fixed fee of the broker for each of the four orders; default 0."
    )


class HarvestWrite(HarvestOptionsWrite):
    horizon_years = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=HORIZON_YEARS_MAX,
        help_text="Years until the tax saved comes back; default 10.",
    )
    discount_percentage = PercentageField(
        required=False, help_text="Yearly discount of later tax; default 5."
    )
    switch_back_gain_percentage = PercentageField(
        required=False,
        help_text="Gain above which a replacement is kept, in percent of its value; default 2.",
    )
    without_replacement = serializers.BooleanField(
        required=False, help_text="Whether to sell if there is no replacement; default false."
    )


class HarvestReplacementRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    quantity = serializers.CharField()
    value = serializers.CharField()
    correlation = serializers.CharField()
    tracking_error = serializers.CharField()
    sessions = serializers.IntegerField()
    expense_difference = serializers.CharField(allow_null=True)
    risk = serializers.CharField()


class HarvestOpportunityRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    account_name = serializers.CharField()
    symbol = serializers.CharField()
    currency = serializers.CharField()
    offered = serializers.BooleanField()
    reason = serializers.CharField(help_text="`harvest_loss`, or the code of why it is refused.")
    explanation = serializers.CharField()
    until = serializers.DateField(
        allow_null=True, help_text="Last day of what stands against it; null if not known."
    )
    quantity = serializers.CharField(allow_null=True, help_text="Units to sell.")
    value = serializers.CharField(help_text="Value sold, or of the holding if it is refused.")
    loss = serializers.CharField(help_text="Loss that counts, or before costs if it is refused.")
    loss_short_term = serializers.CharField(allow_null=True)
    loss_long_term = serializers.CharField(allow_null=True)
    disallowed_loss = serializers.CharField(allow_null=True)
    tax_now = serializers.CharField(allow_null=True)
    tax_carried = serializers.CharField(allow_null=True)
    tax_later = serializers.CharField(allow_null=True)
    costs = serializers.CharField(allow_null=True)
    net_benefit = serializers.CharField(allow_null=True)
    net_benefit_percentage = serializers.CharField(allow_null=True)
    first_safe_date = serializers.DateField(allow_null=True)
    turns_long_term_date = serializers.DateField(allow_null=True)
    replacement = HarvestReplacementRead(allow_null=True)


class HarvestCalendarRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    account_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=KINDS)
    until = serializers.DateField()
    quantity = serializers.CharField(allow_null=True)
    first_safe_date = serializers.DateField(allow_null=True)
    reason = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        return {"from": serializers.DateField(), **super().get_fields()}


class HarvestYearRead(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    currency = serializers.CharField()
    owner_names = serializers.ListField(child=serializers.CharField())
    harvested_short_term = serializers.CharField()
    harvested_long_term = serializers.CharField()
    gains_short_term = serializers.CharField()
    gains_long_term = serializers.CharField()
    carried_in_short_term = serializers.CharField()
    carried_in_long_term = serializers.CharField()
    used_against_gains = serializers.CharField()
    used_against_income = serializers.CharField()
    income_limit = serializers.CharField()
    carried_out_short_term = serializers.CharField()
    carried_out_long_term = serializers.CharField()
    tax_saved = serializers.CharField()
    disallowed_loss = serializers.CharField()
    provisional_loss = serializers.CharField()
    provisional_until = serializers.DateField(allow_null=True)


class HarvestLedgerRead(serializers.Serializer[Any]):
    household_id = serializers.UUIDField()
    year = serializers.IntegerField()
    returns = HarvestYearRead(many=True)


class _OpportunitiesAsked(serializers.Serializer[Any]):
    """The query of a list of opportunities."""

    household_id = serializers.UUIDField(required=False)
    account_id = serializers.UUIDField(required=False)
    offered = serializers.BooleanField(required=False, allow_null=True, default=None)
    minimum_benefit = MoneyField(required=False)
    minimum_benefit_percentage = PercentageField(required=False)
    minimum_loss = MoneyField(required=False)
    brokerage_fee = MoneyField(required=False)


class _CalendarAsked(serializers.Serializer[Any]):
    """The query of the calendar."""

    household_id = serializers.UUIDField(required=False)
    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(required=False), **super().get_fields()}


class _YearAsked(serializers.Serializer[Any]):
    """The query of the year."""

    household_id = serializers.UUIDField(required=False)
    year = serializers.IntegerField(
        required=False, min_value=EARLIEST_DATE.year, max_value=TAX_YEAR_MAX
    )


def _asked(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    serializer = kind(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class HarvestView(APIView):
    @extend_schema(
        operation_id="portfolio_harvest",
        request=HarvestWrite,
        responses={202: JobAccepted},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """Request a harvest of losses. The job returns a recommendation of kind `harvest`."""
        options = HarvestOptions(**HarvestWrite.parsed(request))
        now = timezone.now()

        def access() -> Account:
            return ledger_account(user=caller(request), public_id=account_id)

        def effect(account: Account) -> Answer:
            job = operations.request_harvest(
                account=account, options=options, user=caller(request), now=now
            )
            return 202, requested_row(job)

        return answered_once(request, now=now, access=access, effect=effect)


class OpportunitiesView(APIView):
    @extend_schema(
        operation_id="harvest_opportunities_list",
        responses=page_of(HarvestOpportunityRead),
        parameters=[
            _HOUSEHOLD,
            OpenApiParameter(
                "account_id",
                UUID,
                description="Only this account (UUID); its household replaces household_id.",
            ),
            OpenApiParameter("offered", bool, description="`true`: only what is offered."),
            OpenApiParameter("minimum_benefit", str, description="As in a harvest."),
            OpenApiParameter("minimum_benefit_percentage", str, description="As in a harvest."),
            OpenApiParameter("minimum_loss", str, description="As in a harvest."),
            OpenApiParameter("brokerage_fee", str, description="As in a harvest."),
            *page_parameters(),
        ],
    )
    def get(self, request: Request) -> Response:
        """List every holding with its loss: offered, best first, or why not.

        Each account is worked out as if only its own losses were harvested.
        """
        page, asked = page_request(request.query_params), _asked(_OpportunitiesAsked, request)
        offered, account_id = asked.pop("offered"), asked.pop("account_id", None)
        household_id = asked.pop("household_id", None)
        if account_id is None:
            household = taxes.household(user=caller(request), public_id=household_id)
        else:
            account = ledger_account(user=caller(request), public_id=account_id)
            household = taxes.household_of(account=account)
        found = household_opportunities(
            household=household, options=HarvestOptions(**asked), now=timezone.now()
        )
        rows = [
            row
            for account, result in found
            if account_id is None or account.public_id == account_id
            for row in opportunity_rows(account, result)
            if offered is None or row["offered"] == offered
        ]
        shown = rows[page.offset : page.offset + page.size]
        return Response(page_answer(data=shown, total=len(rows), page=page))


class CalendarView(APIView):
    @extend_schema(
        operation_id="harvest_calendar_list",
        responses=page_of(HarvestCalendarRead),
        parameters=[
            _HOUSEHOLD,
            OpenApiParameter("from", str, description="First date; default: today."),
            OpenApiParameter("to", str, description="Last date; default: 90 days after the first."),
            *page_parameters(),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the household's dates: blocked purchases, washable losses, long-term, switch back.

        Windows are those open today; at most 366 days at once, by the last day of each entry.
        """
        page, asked = page_request(request.query_params), _asked(_CalendarAsked, request)
        now = timezone.now()
        first = asked.get("from") or now.date()
        ensure_known(first, field="from")
        last = asked.get("to") or first + timedelta(days=_CALENDAR_DAYS)
        ensure_known(last, field="to")
        ensure_range(first, last, days_max=HISTORY_DAYS_MAX)
        household = taxes.household(user=caller(request), public_id=asked.get("household_id"))
        with snapshot():
            found = harvest_calendar(household=household, first=first, last=last, now=now)
        shown = found[page.offset : page.offset + page.size]
        return Response(
            page_answer(data=[calendar_row(row) for row in shown], total=len(found), page=page)
        )


class LedgerView(APIView):
    @extend_schema(
        operation_id="harvest_ledger",
        responses=HarvestLedgerRead,
        parameters=[
            _HOUSEHOLD,
            OpenApiParameter("year", int, description="Tax year; default: this year."),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the losses of a year for each return: harvested, used, carried forward."""
        asked, today = _asked(_YearAsked, request), timezone.now().date()
        year = asked.get("year") or today.year
        household = taxes.household(user=caller(request), public_id=asked.get("household_id"))
        with snapshot():
            found = year_ledgers(household=household, year=year, as_of=today)
        return Response(
            {
                "household_id": str(household.public_id),
                "year": year,
                "returns": [year_row(row) for row in found],
            }
        )


def opportunity_rows(account: Account, result: HarvestResult) -> list[dict[str, object]]:
    """Return the offers and then the refusals of an account as the API shows them."""
    head = {
        "account_id": str(account.public_id),
        "account_name": account.name,
        "currency": result.currency,
    }
    return [
        *({**head, **_offer_row(row, result.currency)} for row in result.offers),
        *({**head, **_refusal_row(row, result.currency)} for row in result.refused),
    ]


def _offer_row(row: Offer, currency: str) -> dict[str, object]:
    replacement = row.replacement
    return {
        "symbol": row.symbol,
        "offered": True,
        "reason": "harvest_loss",
        "explanation": "The loss saves tax and pays for the round trip.",
        "until": None,
        "quantity": plain_text(row.quantity),
        "value": money_text(row.value, currency),
        "loss": money_text(row.loss, currency),
        "loss_short_term": money_text(row.loss_short, currency),
        "loss_long_term": money_text(row.loss_long, currency),
        "disallowed_loss": money_text(row.disallowed_loss, currency),
        "tax_now": money_text(row.tax_now, currency),
        "tax_carried": money_text(row.tax_carried, currency),
        "tax_later": money_text(row.tax_later, currency),
        "costs": money_text(row.costs, currency),
        "net_benefit": money_text(row.net_benefit, currency),
        "net_benefit_percentage": plain_text(row.benefit_percentage),
        "first_safe_date": row.first_safe_date.isoformat(),
        "turns_long_term_date": (
            row.turns_long_term_date.isoformat() if row.turns_long_term_date else None
        ),
        "replacement": None
        if replacement is None
        else {
            "symbol": replacement.symbol,
            "quantity": plain_text(replacement.quantity),
            "value": money_text(replacement.value, currency),
            "correlation": plain_text(replacement.correlation),
            "tracking_error": plain_text(replacement.tracking_error),
            "sessions": replacement.sessions,
            "expense_difference": plain_text(replacement.expense_difference),
            "risk": money_text(replacement.risk, currency),
        },
    }


_WORKED_OUT = (
    *("quantity", "loss_short_term", "loss_long_term", "disallowed_loss", "tax_now"),
    *("tax_carried", "tax_later", "costs", "net_benefit_percentage", "first_safe_date"),
    *("turns_long_term_date", "replacement"),
)


def _refusal_row(row: Refusal, currency: str) -> dict[str, object]:
    return {
        **dict.fromkeys(_WORKED_OUT),
        "symbol": row.symbol,
        "offered": False,
        "reason": row.reason,
        "explanation": row.explanation,
        "until": row.until.isoformat() if row.until else None,
        "value": money_text(row.value, currency),
        "loss": money_text(row.loss, currency),
        "net_benefit": money_text(row.net_benefit, currency),
    }


def calendar_row(row: Entry) -> dict[str, object]:
    """Return an entry of the calendar as the API shows it."""
    return {
        "symbol": row.symbol,
        "account_id": row.account_id,
        "kind": row.kind,
        "from": row.from_date.isoformat(),
        "until": row.until.isoformat(),
        "quantity": plain_text(row.quantity),
        "first_safe_date": row.first_safe_date.isoformat() if row.first_safe_date else None,
        "reason": row.reason,
    }


def year_row(row: YearLedger) -> dict[str, object]:
    """Return the losses of a year as the API shows them."""
    amounts = {
        "harvested_short_term": row.harvested.short_term,
        "harvested_long_term": row.harvested.long_term,
        "gains_short_term": row.gains.short_term,
        "gains_long_term": row.gains.long_term,
        "carried_in_short_term": row.carried_in.short_term,
        "carried_in_long_term": row.carried_in.long_term,
        "used_against_gains": row.used_against_gains,
        "used_against_income": row.used_against_income,
        "income_limit": row.income_limit,
        "carried_out_short_term": row.carried_out.short_term,
        "carried_out_long_term": row.carried_out.long_term,
        "tax_saved": row.tax_saved,
        "disallowed_loss": row.disallowed_loss,
        "provisional_loss": row.provisional_loss,
    }
    return {
        "year": row.year,
        "currency": row.currency,
        "owner_names": list(row.owners),
        **{name: money_text(amount, row.currency) for name, amount in amounts.items()},
        "provisional_until": row.provisional_until.isoformat() if row.provisional_until else None,
    }


urlpatterns = [
    path("portfolios/<uuid:account_id>/harvest", HarvestView.as_view()),
    path("harvest/opportunities", OpportunitiesView.as_view()),
    path("harvest/calendar", CalendarView.as_view()),
    path("harvest/ledger", LedgerView.as_view()),
]
