"""The risk questionnaire and target weights from models over HTTP."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.limits import SYMBOL_LENGTH_MAX
from core.money import plain
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from edge.serializers import (
    CurrencyField,
    PercentageField,
    StrictSerializer,
    SymbolField,
)
from identity.authentication import caller
from identity.models import Household
from jobs.api import IDEMPOTENCY_HEADER, answered_once, requested_row
from jobs.models import JobStatus
from jobs.operations import Answer
from recommendations import operations, queries
from recommendations.allocations.problem import (
    COST_BP_MAX,
    MODEL_CHOICES,
    SYMBOLS_MAX,
    YEARS_DEFAULT,
    YEARS_MAX,
    YEARS_MIN,
)
from recommendations.allocations.questionnaire import (
    METHOD,
    PROFILE_NAMES,
    PROFILES,
    QUESTIONS,
    SOURCES,
    profile_named,
)
from recommendations.models import AllocationModel, RiskAssessment
from recommendations.operations.allocations import THRESHOLD_DEFAULT
from recommendations.operations.fit_requests import NO_PROFILE
from transactions.models import Account
from transactions.queries import account as ledger_account
from transactions.queries import account_with_owner


class BasisPointsField(PercentageField):
    """A cost in hundredths of a percent."""

    maximum = Decimal(COST_BP_MAX)


PROFILE_CHOICES = (*PROFILE_NAMES, (NO_PROFILE, "None"))


class QuestionnaireWrite(StrictSerializer):
    answers = serializers.DictField(
        child=serializers.CharField(max_length=SYMBOL_LENGTH_MAX),
        help_text="By the id of each question, the id of the choice.",
    )


class CautionRead(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable code of the caution.")
    detail = serializers.CharField(help_text="What it means, in words.")


class AssessmentRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    profile = serializers.ChoiceField(choices=PROFILE_NAMES, help_text="The risk profile.")
    level = serializers.IntegerField(help_text="1 (conservative) to 5 (aggressive).")
    tolerance = serializers.IntegerField(help_text="Points for accepting losses, 5 to 20.")
    capacity = serializers.IntegerField(help_text="Points for bearing losses, 5 to 20.")
    volatility_max_percentage = serializers.CharField(
        help_text="The most volatility a year that models of this profile may have, in percent."
    )
    equity_max_percentage = serializers.CharField(
        help_text="The largest share of equity that models of this profile may have, in percent."
    )
    cautions = CautionRead(many=True, help_text="What to know about these answers.")
    method = serializers.CharField(help_text="Version of questions, points and limits.")
    answers = serializers.DictField(
        child=serializers.CharField(), help_text="By question, the choice."
    )
    answered_at = serializers.DateTimeField(help_text="When the questions were answered.")


class ChoiceRead(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Id to send as the answer.")
    text = serializers.CharField(help_text="The answer in words.")
    points = serializers.IntegerField(help_text="Points of the answer.")


class QuestionRead(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Id of the question.")
    measures = serializers.CharField(help_text="tolerance or capacity.")
    text = serializers.CharField(help_text="The question.")
    choices = ChoiceRead(many=True, help_text="The possible answers.")


class ProfileRead(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="The profile.")
    level = serializers.IntegerField(help_text="1 (conservative) to 5 (aggressive).")
    volatility_max_percentage = serializers.CharField(help_text="Most volatility a year, percent.")
    equity_max_percentage = serializers.CharField(help_text="Largest share of equity, percent.")


class QuestionnaireRead(serializers.Serializer[Any]):
    method = serializers.CharField(help_text="Version of questions, points and limits.")
    sources = serializers.ListField(
        child=serializers.CharField(), help_text="What the method is based on."
    )
    questions = QuestionRead(many=True, help_text="All of them need an answer.")
    profiles = ProfileRead(many=True, help_text="The possible profiles with their limits.")
    latest = AssessmentRead(allow_null=True, help_text="The newest answers of your household.")


class BoundWrite(StrictSerializer):
    symbol = SymbolField()
    min = PercentageField(required=False, help_text="Lowest weight in percent; default 0.")
    max = PercentageField(required=False, help_text="Highest weight in percent; default 100.")


class ModelWrite(StrictSerializer):
    model = serializers.ChoiceField(choices=MODEL_CHOICES, help_text="How weights are found.")
    symbols = serializers.ListField(
        child=SymbolField(),
        required=False,
        max_length=SYMBOLS_MAX,
        help_text="Default: the holdings of `account_id`.",
    )
    account_id = serializers.UUIDField(
        required=False,
        help_text="Account whose holdings and currency are used, unless stated. Of a client, for "
        "advisers.",
    )
    risk_profile = serializers.ChoiceField(
        choices=PROFILE_CHOICES,
        required=False,
        help_text="Default: the newest questionnaire of the household, if there is one.",
    )
    years = serializers.IntegerField(
        default=YEARS_DEFAULT,
        min_value=YEARS_MIN,
        max_value=YEARS_MAX,
        help_text="Years of price history, up to today.",
    )
    currency = CurrencyField(
        required=False, help_text="Currency of returns. Default: of the account, else yours."
    )
    weight_min = PercentageField(
        required=False, help_text="Lowest weight of each symbol in percent; default 0."
    )
    weight_max = PercentageField(
        required=False, help_text="Highest weight of each symbol in percent; default 100."
    )
    bounds = serializers.ListField(
        child=BoundWrite(),
        required=False,
        max_length=SYMBOLS_MAX,
        help_text="Bounds of single symbols instead of the common ones.",
    )
    cost_bp = BasisPointsField(
        required=False,
        help_text="Cost of trading beside half the spread, in hundredths of a percent; default 0.",
    )


class ModelAccepted(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()
    model_id = serializers.UUIDField(help_text="Id of the model, the same as that of its job.")
    status = serializers.ChoiceField(choices=JobStatus.choices)
    estimated_completion = serializers.DateTimeField()


class ModelRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    job_id = serializers.UUIDField()
    model = serializers.ChoiceField(choices=MODEL_CHOICES, help_text="How weights were found.")
    status = serializers.ChoiceField(choices=JobStatus.choices)
    engine_version = serializers.CharField()
    created_at = serializers.DateTimeField()
    fitted_at = serializers.DateTimeField(allow_null=True, help_text="When it was fitted.")


class ModelDetail(ModelRead):
    request = serializers.JSONField(help_text="What was asked, with all defaults.")
    error = serializers.JSONField(allow_null=True)
    result = serializers.JSONField(
        allow_null=True,
        help_text="Weights, data range, walk-forward evidence beside 1/N, and cautions.",
    )


class AdoptWrite(StrictSerializer):
    account_id = serializers.UUIDField(help_text="Account whose targets are replaced.")
    rebalance_threshold = PercentageField(
        required=False,
        help_text="Half the width of the band of each target, in percentage points; default 5.",
    )


class AdoptedTarget(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    target_percentage = serializers.CharField()
    rebalance_threshold = serializers.CharField()


class AdoptedRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    model_id = serializers.UUIDField(help_text="The adopted model.")
    targets = AdoptedTarget(many=True, help_text="The account's targets now.")


def assessment_row(row: RiskAssessment) -> dict[str, object]:
    """Return a filled questionnaire as the API shows it."""
    profile = profile_named(row.profile)
    return {
        "id": str(row.public_id),
        "profile": row.profile,
        "level": profile.level,
        "tolerance": row.tolerance,
        "capacity": row.capacity,
        "volatility_max_percentage": plain(profile.volatility_max_percentage),
        "equity_max_percentage": plain(profile.equity_max_percentage),
        "cautions": row.cautions,
        "method": row.method,
        "answers": row.answers,
        "answered_at": instant_text(row.created_at),
    }


def allocation_row(row: AllocationModel) -> dict[str, object]:
    """Return a model without its request and result."""
    return {
        "id": str(row.public_id),
        "job_id": str(row.job.public_id),
        "model": row.model,
        "status": row.job.status,
        "engine_version": row.engine_version,
        "created_at": instant_text(row.created_at),
        "fitted_at": instant_text(row.fitted_at) if row.fitted_at else None,
    }


class QuestionnaireView(APIView):
    @extend_schema(operation_id="allocations_questionnaire", responses=QuestionnaireRead)
    def get(self, request: Request) -> Response:
        """Return the questions, the method with its sources, and your household's last answers."""
        latest = queries.latest_assessment(household_id=caller(request).household_id)
        return Response(
            {
                "method": METHOD,
                "sources": SOURCES,
                "questions": [
                    {
                        "id": question.id,
                        "measures": question.measures,
                        "text": question.text,
                        "choices": [
                            {"id": one.id, "text": one.text, "points": one.points}
                            for one in question.choices
                        ],
                    }
                    for question in QUESTIONS
                ],
                "profiles": [
                    {
                        "name": profile.name,
                        "level": profile.level,
                        "volatility_max_percentage": plain(profile.volatility_max_percentage),
                        "equity_max_percentage": plain(profile.equity_max_percentage),
                    }
                    for profile in PROFILES
                ],
                "latest": assessment_row(latest) if latest else None,
            }
        )

    @extend_schema(
        operation_id="allocations_questionnaire_answer",
        request=QuestionnaireWrite,
        responses={201: AssessmentRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Keep the answers to all questions; return the risk profile they give."""
        data, now = QuestionnaireWrite.parsed(request), timezone.now()

        def effect(household: Household) -> Answer:
            row = operations.answer_questionnaire(
                household=household, user=caller(request), answers=data["answers"], now=now
            )
            return 201, assessment_row(row)

        return answered_once(
            request, now=now, access=lambda: caller(request).household, effect=effect
        )


class AllocationsView(APIView):
    @extend_schema(
        operation_id="allocations_models_list",
        responses=page_of(ModelRead, keyset=True),
        parameters=page_parameters(keyset=True),
    )
    def get(self, request: Request) -> Response:
        """List the models of your households, newest first."""
        rows = queries.allocations(user=caller(request)).defer(
            "result", "request", "job__params", "job__result"
        )
        return Keyset(sort_key="created_at").answer(request, rows, row=allocation_row)

    @extend_schema(
        operation_id="allocations_models_create",
        request=ModelWrite,
        responses={202: ModelAccepted},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Request target weights from a model; its job fits it and tries it out of sample."""
        data, now = ModelWrite.parsed(request), timezone.now()
        user = caller(request)
        account: Account | None = None

        def access() -> Household:
            nonlocal account
            if "account_id" not in data:
                return user.household
            account = account_with_owner(user=user, public_id=data["account_id"])
            return account.household

        def effect(household: Household) -> Answer:
            row = operations.request_fit(
                household=household,
                request=operations.fit_request(
                    household=household, account=account, user=user, asked=data
                ),
                user=user,
                now=now,
            )
            return 202, {"model_id": str(row.public_id), **requested_row(row.job)}

        return answered_once(request, now=now, access=access, effect=effect)


class AllocationView(APIView):
    @extend_schema(operation_id="allocations_models_retrieve", responses=ModelDetail)
    def get(self, request: Request, model_id: UUID) -> Response:
        """Return a model: what was asked, and once it is fitted its weights and evidence."""
        row = queries.allocation(user=caller(request), public_id=model_id)
        return Response(
            {
                **allocation_row(row),
                "request": row.request,
                "error": row.job.error,
                "result": json.loads(row.result) if row.result else None,
            }
        )


class AdoptView(APIView):
    @extend_schema(
        operation_id="allocations_models_adopt",
        request=AdoptWrite,
        responses=AdoptedRead,
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, model_id: UUID) -> Response:
        """Replace the targets of an account by the weights of a fitted model."""
        data, user = AdoptWrite.parsed(request), caller(request)

        def access() -> Account:
            queries.allocation(user=user, public_id=model_id)
            return ledger_account(user=user, public_id=data["account_id"])

        def effect(account: Account) -> Answer:
            weights = operations.adopt(
                row=queries.allocation(user=user, public_id=model_id),
                account=account,
                threshold=data.get("rebalance_threshold", THRESHOLD_DEFAULT),
            )
            return 200, {
                "account_id": str(account.public_id),
                "model_id": str(model_id),
                "targets": [
                    {
                        "symbol": one.symbol,
                        "target_percentage": plain(one.target_percentage),
                        "rebalance_threshold": plain(one.rebalance_threshold),
                    }
                    for one in weights
                ],
            }

        return answered_once(request, now=timezone.now(), access=access, effect=effect)


urlpatterns = [
    path("allocations/questionnaire", QuestionnaireView.as_view()),
    path("allocations/models", AllocationsView.as_view()),
    path("allocations/models/<uuid:model_id>", AllocationView.as_view()),
    path("allocations/models/<uuid:model_id>/adopt", AdoptView.as_view()),
]
