"""The forms of strategies: what an author writes, what publishes it, a takeover and a report."""

from typing import Any

from django import forms

from core import limits
from recommendations.models import ReportReason, RiskProfile
from recommendations.strategies.rules import Schedule

_SCHEDULES = {
    Schedule.NEVER: "Never",
    Schedule.MONTHLY: "Every month",
    Schedule.QUARTERLY: "Every quarter",
    Schedule.YEARLY: "Every year",
}


def _line(length: int, **options: Any) -> forms.CharField:
    return forms.CharField(max_length=length, **options)


class StrategyForm(forms.Form):
    """The texts and rules of a strategy; its weights are rows of the page."""

    name = _line(limits.STRATEGY_NAME_LENGTH_MAX, label="Name")
    summary = _line(
        limits.STRATEGY_SUMMARY_LENGTH_MAX,
        label="Summary",
        required=False,
        help_text="One or two sentences: what it holds, and why.",
    )
    description = forms.CharField(
        label="Description",
        max_length=limits.STRATEGY_DESCRIPTION_LENGTH_MAX,
        required=False,
        strip=False,
        help_text="Markdown: **bold**, *italic*, - lists, [links](https://…). No images, no HTML.",
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    author_name = _line(
        limits.AUTHOR_NAME_LENGTH_MAX,
        label="Published under the name",
        required=False,
        help_text="Everybody sees it. Empty: a name such as “Investor 3f2a91”. It holds for all "
        "your strategies.",
    )
    risk_profile = forms.ChoiceField(label="Risk profile", choices=RiskProfile.choices)
    tags = _line(
        limits.STRATEGY_TAGS_MAX * (limits.STRATEGY_TAG_LENGTH_MAX + 2),
        label="Tags",
        required=False,
        help_text="Up to ten, with commas between them: dividend, low-turnover.",
    )
    schedule = forms.ChoiceField(
        label="Brought back to its weights",
        choices=[(one.value, label) for one, label in _SCHEDULES.items()],
    )
    bands = forms.BooleanField(
        label="Also when a weight leaves its band", required=False, initial=True
    )


class PublishForm(forms.Form):
    """What goes with a version."""

    change_note = _line(
        limits.STRATEGY_NOTE_LENGTH_MAX,
        label="What changed, and why",
        required=False,
        help_text="Shown with the version, which never changes.",
    )
    listed = forms.BooleanField(label="Show it in lists and searches", required=False, initial=True)


class CloneForm(forms.Form):
    """The budget of a takeover."""

    gain_budget = forms.DecimalField(
        label="Gains a calendar year",
        required=False,
        min_value=0,
        max_value=limits.MONEY_MAX,
        decimal_places=limits.MONEY_DECIMALS,
        help_text="At most this much gain is realized each year, so that the change is spread over "
        "years. Empty: the rules of the account stay as they are.",
    )


class ReportForm(forms.Form):
    """A report to the moderators."""

    reason = forms.ChoiceField(label="Reason", choices=ReportReason.choices)
    details = forms.CharField(
        label="What is wrong",
        max_length=limits.NOTE_LENGTH_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
