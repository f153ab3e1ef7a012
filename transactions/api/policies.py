"""A household's wash-sale policy over HTTP."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge.serializers import StrictSerializer
from identity.authentication import caller
from identity.models import Household
from identity.queries import household_seen
from transactions.models import HoldingPeriodMethod, WashSalePolicy
from transactions.operations.policies import is_rebooking_pending, set_policy

HOUSEHOLD = OpenApiParameter(
    "household_id",
    UUID,
    description="Household (UUID); default: your own. Advisers name a client's household.",
)
REASONS = {
    "enabled": "IRC 1091 applies to taxpayers of the United States. Switch it off elsewhere.",
    "earlier_acquired_count": "Some shares were bought before the sold ones. The statute only asks "
    "whether they were acquired within 30 days of the sale, so they count by default. Some "
    "practitioners read it otherwise.",
    "holding_period": (
        "IRC 1223(3) adds the time the sold shares were held. It does not say whether "
        "the gap until the replacement counts. Adding the days excludes the gap; carrying over the "
        "date includes it."
    ),
    "employer_plan_counts": (
        "Rev. Rul. 2008-5 is about IRAs. Its reasoning also covers a 401(k), so "
        "by default a purchase there disallows a loss permanently too."
    ),
    "crypto_exempt": (
        "IRC 1091 covers stock and securities. The IRS treats crypto-assets as property."
    ),
}


class WashSalePolicyWrite(StrictSerializer):
    enabled = serializers.BooleanField(default=True)
    earlier_acquired_count = serializers.BooleanField(default=True)
    holding_period = serializers.ChoiceField(
        choices=HoldingPeriodMethod.choices, default=HoldingPeriodMethod.ADD_DAYS
    )
    employer_plan_counts = serializers.BooleanField(default=True)
    crypto_exempt = serializers.BooleanField(default=True)


class WashSalePolicyRead(serializers.Serializer[Any]):
    household_id = serializers.UUIDField()
    enabled = serializers.BooleanField()
    earlier_acquired_count = serializers.BooleanField()
    holding_period = serializers.ChoiceField(choices=HoldingPeriodMethod.choices)
    employer_plan_counts = serializers.BooleanField()
    crypto_exempt = serializers.BooleanField()
    rebooking_pending = serializers.BooleanField(
        help_text="Whether a worker still has to rebook the ledger under this policy; that takes "
        "minutes for a large ledger."
    )
    reasons = serializers.DictField(
        child=serializers.CharField(),
        help_text="For each setting: why it can be chosen, and the reason for the default.",
    )


def policy_row(household: Household, policy: WashSalePolicy) -> dict[str, object]:
    """Return a policy as JSON."""
    return {
        "household_id": str(household.public_id),
        "enabled": policy.enabled,
        "earlier_acquired_count": policy.earlier_acquired_count,
        "holding_period": policy.holding_period,
        "employer_plan_counts": policy.employer_plan_counts,
        "crypto_exempt": policy.crypto_exempt,
        "rebooking_pending": is_rebooking_pending(household=household),
        "reasons": REASONS,
    }


class WashSalePolicyView(APIView):
    @extend_schema(
        operation_id="wash_sale_policy_retrieve",
        responses=WashSalePolicyRead,
        parameters=[HOUSEHOLD],
    )
    def get(self, request: Request) -> Response:
        """Return the household's choices where the law is open, or the defaults."""
        household = household_seen(user=caller(request), public_id=_household_id(request))
        stated = WashSalePolicy.objects.filter(household=household).first()
        return Response(policy_row(household, stated or WashSalePolicy(household=household)))

    @extend_schema(
        operation_id="wash_sale_policy_replace",
        request=WashSalePolicyWrite,
        responses=WashSalePolicyRead,
        parameters=[HOUSEHOLD],
    )
    def put(self, request: Request) -> Response:
        """Replace the policy and rebook the household's whole ledger under it.

        A ledger of more than 5,000 transactions is rebooked by a worker within minutes:
        `rebooking_pending` is true until then.
        """
        data = WashSalePolicyWrite.parsed(request)
        policy = set_policy(
            user=caller(request), household_id=_household_id(request), now=timezone.now(), **data
        )
        return Response(policy_row(policy.household, policy))


def _household_id(request: Request) -> UUID | None:
    text = request.query_params.get("household_id")
    return serializers.UUIDField().run_validation(text) if text else None


urlpatterns = [path("tax/wash-sale-policy", WashSalePolicyView.as_view())]
