"""The search over strategies over HTTP, and suggestions while somebody types."""

from decimal import Decimal
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import limits
from core.dates import instant_text
from core.errors import InvalidInput
from core.money_text import plain_text
from edge.pagination import page_request
from edge.schema import page_parameters
from edge.serializers import StrictSerializer
from marketdata.models import AssetClass
from recommendations.models import RiskProfile, Strategy
from recommendations.queries import strategy_search
from recommendations.queries.strategy_search import Filters, Found, Hit, Sort
from recommendations.strategies.search_text import TEXT_LENGTH_MAX, search_text

VALUES_MAX = 10
# Deeper pages of a list that is sorted by a column are read by cursor.
DEPTH_MAX = 10_000


class ValuesField(serializers.CharField):
    """Several values separated by commas."""

    default_error_messages = {
        "too_many_values": f"Send at most {VALUES_MAX} values.",
        "unknown_value": "One of the values does not exist. Use those of the schema.",
    }

    def __init__(self, *, choices: list[str] | None = None, **options: Any) -> None:
        self.known = choices
        super().__init__(required=False, **options)

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        values = tuple(
            dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip())
        )
        if len(values) > VALUES_MAX:
            self.fail("too_many_values")
        if self.known is not None and not set(values) <= set(self.known):
            self.fail("unknown_value")
        return values


def _figure(minimum: int, maximum: int) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=18,
        decimal_places=8,
        min_value=Decimal(minimum),
        max_value=Decimal(maximum),
        required=False,
    )


class StrategySearchFilter(StrictSerializer):
    """What a search asks for."""

    q = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    asset_classes = ValuesField(choices=list(AssetClass.values))
    risk_profile = ValuesField(choices=list(RiskProfile.values))
    tags = ValuesField(max_length=VALUES_MAX * (limits.STRATEGY_TAG_LENGTH_MAX + 1))
    min_return = _figure(-1, 1000)
    min_sharpe = _figure(-100, 100)
    max_drawdown = _figure(0, 1)
    min_record_days = serializers.IntegerField(min_value=0, max_value=100_000, required=False)
    sort = serializers.ChoiceField(choices=[one.value for one in Sort], required=False)


class HighlightRead(serializers.Serializer[Any]):
    name = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)


class StrategyHitRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    author_name = serializers.CharField()
    asset_classes = serializers.ListField(child=serializers.CharField())
    risk_profile = serializers.ChoiceField(choices=RiskProfile.choices)
    tags = serializers.ListField(child=serializers.CharField())
    followers = serializers.IntegerField()
    published_at = serializers.DateTimeField()
    return_1y = serializers.CharField(allow_null=True)
    sharpe = serializers.CharField(allow_null=True)
    max_drawdown = serializers.CharField(allow_null=True)
    record_days = serializers.IntegerField(allow_null=True)
    highlights = HighlightRead()


class FacetValueRead(serializers.Serializer[Any]):
    value = serializers.CharField()
    count = serializers.IntegerField()


class FacetsRead(serializers.Serializer[Any]):
    asset_classes = FacetValueRead(many=True)
    risk_profile = FacetValueRead(many=True)
    tags = FacetValueRead(many=True)


class StrategySearchPage(serializers.Serializer[Any]):
    data = StrategyHitRead(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField(allow_null=True)
    total_is_exact = serializers.BooleanField()
    page = serializers.IntegerField(allow_null=True)
    page_size = serializers.IntegerField()
    next_cursor = serializers.CharField(allow_null=True)
    facets = FacetsRead(allow_null=True)
    corrected = serializers.CharField(allow_blank=True)


class StrategySuggestionRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    author_name = serializers.CharField()
    followers = serializers.IntegerField()


class StrategySuggestionsRead(serializers.Serializer[Any]):
    data = StrategySuggestionRead(many=True)  # type: ignore[assignment]


_Q = OpenApiParameter("q", str, description='Words in any form, "a phrase", a or b, -without.')


def asked_text(text: str) -> str:
    """Return the text of a search; raise query_too_long."""
    if len(text) > TEXT_LENGTH_MAX:
        raise InvalidInput(
            f"The search text may have at most {TEXT_LENGTH_MAX} characters.",
            code="query_too_long",
            fields={"q": [f"at most {TEXT_LENGTH_MAX} characters"]},
        )
    return text


class StrategySearch(APIView):
    """`GET strategies`; the view of the same address adds what it writes."""

    @extend_schema(
        operation_id="strategies_list",
        responses=StrategySearchPage,
        parameters=[
            _Q,
            OpenApiParameter("asset_classes", str, description="Has all of these, by commas."),
            OpenApiParameter("risk_profile", str, description="One of these, by commas."),
            OpenApiParameter("tags", str, description="Has all of these, by commas."),
            OpenApiParameter("min_return", str, description="Least return of a year, a fraction."),
            OpenApiParameter("min_sharpe", str, description="Least Sharpe ratio."),
            OpenApiParameter(
                "max_drawdown", str, description="Deepest drawdown allowed, a fraction from 0 to 1."
            ),
            OpenApiParameter("min_record_days", int, description="Least days of its record."),
            OpenApiParameter(
                "sort",
                str,
                enum=[one.value for one in Sort],
                description="Default: relevance with a text, followers without. By return, and "
                "with a filter of figures, only records of at least 90 days are listed.",
            ),
            *page_parameters(keyset=True),
        ],
    )
    def get(self, request: Request) -> Response:
        """Search the published strategies.

        Total and facets are exact up to 400 matches; above, they are of the 400 most followed and
        `total_is_exact` is false. By relevance these and the newest are ranked.
        """
        names = StrategySearchFilter().fields
        params = {name: value for name, value in request.query_params.items() if name in names}
        asked_text(request.query_params.get("q", ""))
        asked = StrategySearchFilter(data=params)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        text = search_text(values.pop("q", ""))
        default = Sort.FOLLOWERS if text.is_empty else Sort.RELEVANCE
        sort = Sort(values.pop("sort", default))
        page = page_request(request.query_params)
        cursor = request.query_params.get("cursor")
        if page.offset > DEPTH_MAX and cursor is None:
            raise InvalidInput(
                f"Pages end after {DEPTH_MAX} rows. Go on by cursor.",
                code="page_too_large",
                fields={"page": ["too deep; use the cursor"]},
            )
        found = strategy_search.search(
            text=text,
            filters=Filters(**values),
            sort=sort,
            size=page.size,
            start=page.offset if cursor is None else 0,
            cursor=cursor,
        )
        return Response(
            {
                "data": [hit_row(hit) for hit in found.hits],
                "total": found.total,
                "total_is_exact": found.exact,
                "page": page.number if cursor is None else None,
                "page_size": page.size,
                "next_cursor": found.next_cursor,
                "facets": _facets(found),
                "corrected": found.corrected,
            }
        )


class StrategySuggest(APIView):
    @extend_schema(
        operation_id="strategies_suggest", responses=StrategySuggestionsRead, parameters=[_Q]
    )
    def get(self, request: Request) -> Response:
        """Suggest up to 8 published strategies whose name, tags or summary begin like the text."""
        text = search_text(asked_text(request.query_params.get("q", "")), typing=True)
        rows = strategy_search.suggestions(text=text)
        return Response({"data": [suggestion_row(row) for row in rows]})


def suggestion_row(row: Strategy) -> dict[str, Any]:
    """Return a suggested strategy."""
    return {
        "id": str(row.public_id),
        "name": row.name,
        "author_name": row.author_name,
        "followers": row.followers,
    }


def hit_row(hit: Hit) -> dict[str, Any]:
    """Return a strategy that was found, with what was found marked in safe HTML."""
    row = hit.strategy
    assert row.published_at is not None, "only published strategies are listed"
    return {
        **suggestion_row(row),
        "summary": row.summary,
        "asset_classes": row.asset_classes,
        "risk_profile": row.risk_profile,
        "tags": row.tags,
        "published_at": instant_text(row.published_at),
        "return_1y": plain_text(row.return_1y),
        "sharpe": plain_text(row.sharpe),
        "max_drawdown": plain_text(row.max_drawdown),
        "record_days": row.record_days,
        "highlights": {
            "name": hit.name_html,
            "summary": hit.summary_html,
            "description": hit.description_html,
        },
    }


def _facets(found: Found) -> dict[str, Any] | None:
    if found.counts is None:
        return None
    return {
        name: [{"value": value, "count": count} for value, count in values.items()]
        for name, values in (
            ("asset_classes", found.counts.asset_classes),
            ("risk_profile", found.counts.risk_profile),
            ("tags", found.counts.tags),
        )
    }


urlpatterns = [
    path("strategies/suggest", StrategySuggest.as_view()),
]
