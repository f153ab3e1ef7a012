"""Strategies over HTTP: write, publish, read, follow and report them."""

from collections.abc import Mapping
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

from core import limits
from core.dates import instant_text
from edge.pagination import Pages
from edge.rate_limits import PUBLISH, REPORT, consume
from edge.schema import page_of, page_parameters
from edge.serializers import PercentageField, StrictSerializer, SymbolField
from identity.authentication import caller
from identity.models import User
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from marketdata.models import AssetClass
from portfolios.holdings.targets import ABSOLUTE, THRESHOLD_KINDS
from recommendations.api.strategy_search import StrategySearch
from recommendations.models import ReportReason, RiskProfile, Strategy, StrategyState
from recommendations.operations import strategies as operations
from recommendations.queries import strategies as queries
from recommendations.strategies.diff import WeightChange
from recommendations.strategies.rules import Rules, Schedule


class StrategyWeightWrite(StrictSerializer):
    symbol = SymbolField(required=False, help_text="An asset of the market, or CASH.")
    asset_class = serializers.ChoiceField(
        choices=AssetClass.choices,
        required=False,
        help_text="In place of `symbol`: a class, filled by the first of `funds` that may be "
        "bought.",
    )
    funds = serializers.ListField(
        child=SymbolField(),
        required=False,
        max_length=limits.FUNDS_PER_CLASS_MAX,
        help_text="Symbols of the funds that fill the class, in order.",
    )
    target_percentage = PercentageField()
    rebalance_threshold = PercentageField(
        default=Decimal(5),
        help_text="Half the width of the band: percentage points, or percent of the target.",
    )
    threshold_kind = serializers.ChoiceField(choices=THRESHOLD_KINDS, default=ABSOLUTE)


class StrategyRulesWrite(StrictSerializer):
    schedule = serializers.ChoiceField(
        choices=[one.value for one in Schedule],
        help_text="How often it is brought back to its weights, whatever their drift.",
    )
    bands = serializers.BooleanField(
        help_text="Whether it is also brought back when a weight leaves its band."
    )


class StrategyChange(StrictSerializer):
    name = serializers.CharField(max_length=limits.STRATEGY_NAME_LENGTH_MAX, required=False)
    summary = serializers.CharField(
        max_length=limits.STRATEGY_SUMMARY_LENGTH_MAX, required=False, allow_blank=True
    )
    description = serializers.CharField(
        max_length=limits.STRATEGY_DESCRIPTION_LENGTH_MAX,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
    )
    risk_profile = serializers.ChoiceField(choices=RiskProfile.choices, required=False)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=limits.STRATEGY_TAG_LENGTH_MAX),
        required=False,
        max_length=limits.STRATEGY_TAGS_MAX,
    )
    weights = serializers.ListField(
        child=StrategyWeightWrite(), required=False, max_length=limits.STRATEGY_WEIGHTS_MAX
    )
    rules = StrategyRulesWrite(required=False)
    author_name = serializers.CharField(max_length=limits.AUTHOR_NAME_LENGTH_MAX, required=False)


class StrategyWrite(StrategyChange):
    name = serializers.CharField(max_length=limits.STRATEGY_NAME_LENGTH_MAX)
    risk_profile = serializers.ChoiceField(choices=RiskProfile.choices)


class PublishWrite(StrictSerializer):
    change_note = serializers.CharField(
        max_length=limits.STRATEGY_NOTE_LENGTH_MAX, required=False, allow_blank=True
    )
    listed = serializers.BooleanField(
        default=True, help_text="False: found by its address only, in no list and no search."
    )


class ReportWrite(StrictSerializer):
    reason = serializers.ChoiceField(choices=ReportReason.choices)
    details = serializers.CharField(
        max_length=limits.NOTE_LENGTH_MAX, required=False, allow_blank=True
    )


class StrategyWeightRead(serializers.Serializer[Any]):
    symbol = serializers.CharField(allow_null=True)
    asset_class = serializers.CharField(allow_null=True)
    funds = serializers.ListField(child=serializers.CharField())
    target_percentage = serializers.CharField()
    rebalance_threshold = serializers.CharField()
    threshold_kind = serializers.ChoiceField(choices=THRESHOLD_KINDS)


class StrategyRulesRead(serializers.Serializer[Any]):
    schedule = serializers.ChoiceField(choices=[one.value for one in Schedule])
    bands = serializers.BooleanField()


class StrategyDraftRead(serializers.Serializer[Any]):
    weights = StrategyWeightRead(many=True)
    rules = StrategyRulesRead()


class StrategyRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    author_name = serializers.CharField()
    state = serializers.ChoiceField(choices=StrategyState.choices)
    asset_classes = serializers.ListField(child=serializers.CharField())
    risk_profile = serializers.ChoiceField(choices=RiskProfile.choices)
    tags = serializers.ListField(child=serializers.CharField())
    followers = serializers.IntegerField()
    published_at = serializers.DateTimeField(allow_null=True)
    return_1y = serializers.CharField(allow_null=True)
    sharpe = serializers.CharField(allow_null=True)
    max_drawdown = serializers.CharField(allow_null=True)
    record_days = serializers.IntegerField(allow_null=True)


class StrategyDetail(StrategyRead):
    description = serializers.CharField(allow_blank=True)
    own = serializers.BooleanField()
    following = serializers.BooleanField()
    hidden = serializers.BooleanField()
    retired_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField(allow_null=True)
    weights = StrategyWeightRead(many=True)
    rules = StrategyRulesRead(allow_null=True)
    draft = StrategyDraftRead(allow_null=True)


class WeightChangeRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)
    detail = serializers.BooleanField()


class StrategyVersionRead(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    change_note = serializers.CharField(allow_blank=True)
    published_at = serializers.DateTimeField()
    weights = StrategyWeightRead(many=True)
    rules = StrategyRulesRead()
    changes = WeightChangeRead(many=True)
    previous_hash = serializers.CharField(allow_blank=True)
    hash = serializers.CharField()


class FollowRead(serializers.Serializer[Any]):
    following = serializers.BooleanField()
    followers = serializers.IntegerField()


class ReportRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    reason = serializers.ChoiceField(choices=ReportReason.choices)
    details = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class StrategiesView(StrategySearch):
    @extend_schema(
        operation_id="strategies_create",
        request=StrategyWrite,
        responses={201: StrategyDetail},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Create a strategy as a draft, which its author alone sees."""
        data = StrategyWrite.parsed(request)
        user, now = caller(request), timezone.now()

        def effect(_: User) -> Answer:
            row = operations.create_strategy(user=user, content=content_of(data), now=now)
            return 201, strategy_detail(queries.strategy_seen(user=user, public_id=row.public_id))

        return answered_once(request, now=now, access=lambda: user, effect=effect)


class StrategyView(APIView):
    @extend_schema(operation_id="strategies_retrieve", responses=StrategyDetail)
    def get(self, request: Request, strategy_id: UUID) -> Response:
        """Return a strategy with the weights in force."""
        return _detail(request, strategy_id)

    @extend_schema(
        operation_id="strategies_update", request=StrategyChange, responses=StrategyDetail
    )
    def patch(self, request: Request, strategy_id: UUID) -> Response:
        """Change the texts at once, and weights and rules of the next version."""
        user, row = caller(request), _own(request, strategy_id)
        data = StrategyChange.parsed(request)
        operations.change_strategy(
            strategy=row, user=user, content=content_of(data), now=timezone.now()
        )
        return _detail(request, strategy_id)


class PublishView(APIView):
    @extend_schema(
        operation_id="strategies_publish", request=PublishWrite, responses=StrategyDetail
    )
    def post(self, request: Request, strategy_id: UUID) -> Response:
        """Publish weights and rules as the next version, which never changes."""
        user, row = caller(request), _own(request, strategy_id)
        data = PublishWrite.parsed(request)
        consume(PUBLISH, request=request, subject=f"user:{user.pk}")
        operations.publish(
            strategy=row,
            user=user,
            change_note=data.get("change_note", ""),
            listed=data["listed"],
            now=timezone.now(),
        )
        return _detail(request, strategy_id)


class RetireView(APIView):
    @extend_schema(operation_id="strategies_retire", request=None, responses=StrategyDetail)
    def post(self, request: Request, strategy_id: UUID) -> Response:
        """Retire a strategy: it leaves the lists and gets no further version; its page stays."""
        operations.retire(strategy=_own(request, strategy_id), now=timezone.now())
        return _detail(request, strategy_id)


class VersionsView(APIView):
    @extend_schema(
        operation_id="strategies_versions",
        responses=page_of(StrategyVersionRead),
        parameters=page_parameters(),
    )
    def get(self, request: Request, strategy_id: UUID) -> Response:
        """Return the published versions, newest first, each with what it changed."""
        row = queries.visible_strategy(user=caller(request), public_id=strategy_id)
        return Pages().answer(
            request,
            queries.versions(strategy=row),
            rows=lambda page: [version_row(one) for one in queries.with_changes(page)],
        )


class FollowView(APIView):
    @extend_schema(operation_id="strategies_follow", request=None, responses=FollowRead)
    def post(self, request: Request, strategy_id: UUID) -> Response:
        """Follow a strategy: the household gets news of its versions. Its accounts stay as is."""
        row = queries.visible_strategy(user=caller(request), public_id=strategy_id)
        found = operations.follow(strategy=row, user=caller(request), now=timezone.now())
        return Response({"following": True, "followers": found.followers})

    @extend_schema(operation_id="strategies_unfollow", responses={204: None})
    def delete(self, request: Request, strategy_id: UUID) -> Response:
        """Follow a strategy no longer. Targets of accounts stay as they are."""
        row = queries.followed_or_visible(user=caller(request), public_id=strategy_id)
        operations.unfollow(strategy=row, user=caller(request))
        return Response(status=204)


class ReportView(APIView):
    @extend_schema(operation_id="strategies_report", request=ReportWrite, responses=ReportRead)
    def post(self, request: Request, strategy_id: UUID) -> Response:
        """Report a strategy to the moderators; a second report replaces an open first one."""
        user = caller(request)
        row = queries.visible_strategy(user=user, public_id=strategy_id)
        data = ReportWrite.parsed(request)
        consume(REPORT, request=request, subject=f"user:{user.pk}")
        made = operations.report(
            strategy=row,
            user=user,
            reason=data["reason"],
            details=data.get("details", ""),
            now=timezone.now(),
        )
        return Response(
            {
                "id": str(made.public_id),
                "reason": made.reason,
                "details": made.details,
                "created_at": instant_text(made.created_at),
            }
        )


def _own(request: Request, strategy_id: UUID) -> Strategy:
    return queries.own_strategy(user=caller(request), public_id=strategy_id)


def _detail(request: Request, strategy_id: UUID) -> Response:
    seen = queries.strategy_seen(user=caller(request), public_id=strategy_id)
    return Response(strategy_detail(seen))


def content_of(data: Mapping[str, Any]) -> operations.Content:
    """Return what a request states of a strategy."""
    fields = {**data}
    if "weights" in data:
        fields["weights"] = [
            operations.WeightWish(**{**row, "funds": tuple(row.get("funds", ()))})
            for row in data["weights"]
        ]
    if "rules" in data:
        stated = data["rules"]
        fields["rules"] = Rules(Schedule(stated["schedule"]), bands=stated["bands"])
    return operations.Content(**fields)


def weight_row(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored weight in the words of the API."""
    return {
        "symbol": packed.get("symbol"),
        "asset_class": packed.get("asset_class"),
        "funds": [fund["symbol"] for fund in packed.get("funds", ())],
        "target_percentage": packed["target_percentage"],
        "rebalance_threshold": packed["rebalance_threshold"],
        "threshold_kind": packed["threshold_kind"],
    }


def strategy_row(row: Strategy) -> dict[str, Any]:
    """Return a strategy as lists show it."""
    return {
        "id": str(row.public_id),
        "name": row.name,
        "summary": row.summary,
        "author_name": row.author_name,
        "state": row.state,
        "asset_classes": row.asset_classes,
        "risk_profile": row.risk_profile,
        "tags": row.tags,
        "followers": row.followers,
        "published_at": instant_text(row.published_at) if row.published_at else None,
        "return_1y": _figure(row.return_1y),
        "sharpe": _figure(row.sharpe),
        "max_drawdown": _figure(row.max_drawdown),
        "record_days": row.record_days,
    }


def strategy_detail(seen: queries.StrategySeen) -> dict[str, Any]:
    """Return a strategy as its page shows it; the working copy to its author alone."""
    row, version = seen.strategy, seen.strategy.current_version
    draft = None
    if seen.own:
        draft = {
            "weights": [weight_row(weight) for weight in row.draft_weights],
            "rules": row.draft_rules,
        }
    return {
        **strategy_row(row),
        "description": row.description,
        "own": seen.own,
        "following": seen.following,
        "hidden": row.hidden_at is not None,
        "retired_at": instant_text(row.retired_at) if row.retired_at else None,
        "updated_at": instant_text(row.updated_at),
        "version": version.number if version else None,
        "weights": [weight_row(one) for one in version.targets.weights] if version else [],
        "rules": version.rules if version else None,
        "draft": draft,
    }


def change_row(one: WeightChange) -> dict[str, Any]:
    """Return one changed weight in the words of the API."""
    return {
        "symbol": one.symbol,
        "before": _figure(one.before),
        "after": _figure(one.after),
        "detail": one.detail,
    }


def version_row(found: queries.VersionWithChanges) -> dict[str, Any]:
    """Return a version in the words of the API."""
    row = found.version
    return {
        "number": row.number,
        "change_note": row.change_note,
        "published_at": instant_text(row.published_at),
        "weights": [weight_row(one) for one in row.targets.weights],
        "rules": row.rules,
        "changes": [change_row(one) for one in found.changes],
        "previous_hash": row.previous_hash,
        "hash": row.hash,
    }


def _figure(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"


urlpatterns = [
    path("strategies", StrategiesView.as_view()),
    path("strategies/<uuid:strategy_id>", StrategyView.as_view()),
    path("strategies/<uuid:strategy_id>/publish", PublishView.as_view()),
    path("strategies/<uuid:strategy_id>/retire", RetireView.as_view()),
    path("strategies/<uuid:strategy_id>/versions", VersionsView.as_view()),
    path("strategies/<uuid:strategy_id>/follow", FollowView.as_view()),
    path("strategies/<uuid:strategy_id>/report", ReportView.as_view()),
]
