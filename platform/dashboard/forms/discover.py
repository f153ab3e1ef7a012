"""The form of the search over strategies."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from core.limits import STRATEGY_TAG_LENGTH_MAX
from marketdata.models import AssetClass
from recommendations.models import RiskProfile
from recommendations.queries.strategy_search import Filters, Sort
from recommendations.strategies.search_text import TEXT_LENGTH_MAX

TAGS_MAX = 10
_HUNDRED = Decimal(100)
_SORTS = (
    ("", "Best match"),
    (Sort.FOLLOWERS.value, "Most followed"),
    (Sort.RETURN.value, "Return of a year"),
    (Sort.RECENCY.value, "Newest"),
)
_AGES = (("", "Any record"), ("90", "90 days"), ("365", "1 year"), ("1095", "3 years"))


class TagsField(forms.MultipleChoiceField):
    """Any tags; the choices are those that the matches have."""

    def validate(self, value: Any) -> None:
        if len(value) > TAGS_MAX or any(len(tag) > STRATEGY_TAG_LENGTH_MAX for tag in value):
            raise forms.ValidationError(f"Choose at most {TAGS_MAX} tags.", code="too_many_values")


def _number(label: str, *, least: int, most: int) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(least),
        max_value=Decimal(most),
        max_digits=12,
        decimal_places=4,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off", "size": 6}),
    )


class DiscoverForm(forms.Form):
    """The text and the filters; the names are those of the API's query parameters."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=TEXT_LENGTH_MAX,
        widget=forms.TextInput(
            {
                "type": "search",
                "placeholder": 'dividend income, "low cost", -crypto',
                "autocomplete": "off",
            }
        ),
    )
    sort = forms.ChoiceField(label="Sort by", required=False, choices=_SORTS)
    min_record_days = forms.ChoiceField(label="Record of at least", required=False, choices=_AGES)
    min_return = _number("Return of a year, at least %", least=-100, most=100_000)
    max_drawdown = _number("Drawdown, at most %", least=0, most=100)
    min_sharpe = _number("Sharpe ratio, at least", least=-100, most=100)
    risk_profile = forms.MultipleChoiceField(
        label="Risk profile", required=False, choices=RiskProfile.choices
    )
    asset_classes = forms.MultipleChoiceField(
        label="Asset classes", required=False, choices=AssetClass.choices
    )
    tags = TagsField(label="Tags", required=False)

    def filters(self) -> Filters:
        """Return the filters of a valid form: percentages as fractions."""
        chosen: Mapping[str, Any] = self.cleaned_data
        fall, gain = chosen["max_drawdown"], chosen["min_return"]
        return Filters(
            asset_classes=tuple(chosen["asset_classes"]),
            risk_profile=tuple(chosen["risk_profile"]),
            tags=tuple(chosen["tags"]),
            min_return=None if gain is None else gain / _HUNDRED,
            min_sharpe=chosen["min_sharpe"],
            max_drawdown=None if fall is None else fall / _HUNDRED,
            min_record_days=int(chosen["min_record_days"]) if chosen["min_record_days"] else None,
        )

    def as_query(self) -> list[tuple[str, str]]:
        """Return what is set, as the parts of a query string."""
        chosen = self.cleaned_data
        return [
            (name, str(one))
            for name, value in chosen.items()
            if value not in (None, "", [])
            for one in (value if isinstance(value, list) else [value])
        ]
