"""The form of a household's filing status and the losses its members carried in."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from core import limits
from core.money import plain
from identity.models import User
from portfolios.operations import StatedCarryforward
from portfolios.operations.taxes import CARRYFORWARDS_MAX
from portfolios.tax.tax_tables import FilingStatus

STATUSES = [
    (FilingStatus.SINGLE.value, "Single, each member separately"),
    (FilingStatus.JOINT.value, "Married, filing jointly"),
    (FilingStatus.SEPARATE.value, "Married, filing separately"),
    (FilingStatus.HEAD_OF_HOUSEHOLD.value, "Head of household"),
]


class FilingForm(forms.Form):
    filing_status = forms.ChoiceField(label="Filing status", choices=STATUSES)


def amount_field(label: str) -> forms.DecimalField:
    """Return an optional field of an amount of money that is not negative."""
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_value=limits.MONEY_MAX,
        max_digits=24,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


class CarryforwardForm(forms.Form):
    """One stated carry-forward; a row without a year is ignored."""

    owner = forms.ChoiceField(label="Member", choices=[])
    year = forms.IntegerField(
        label="Carried into",
        required=False,
        min_value=limits.EARLIEST_DATE.year,
        max_value=2200,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    short_term = amount_field("Short-term loss")
    long_term = amount_field("Long-term loss")

    def __init__(self, *args: Any, people: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = [  # type: ignore[attr-defined]
            (str(user.public_id), user.full_name or user.email) for user in people
        ]


def initial(row: StatedCarryforward) -> dict[str, object]:
    """Return the values that show a stored statement in a row of the form."""
    return {
        "owner": str(row.owner_id),
        "year": row.year,
        "short_term": plain(row.short_term),
        "long_term": plain(row.long_term),
    }


CarryforwardRows = forms.formset_factory(CarryforwardForm, extra=1, max_num=CARRYFORWARDS_MAX)


def stated(rows: "forms.BaseFormSet[CarryforwardForm]") -> list[StatedCarryforward]:
    """Return the statements of a valid formset."""
    return [
        StatedCarryforward(
            owner_id=UUID(data["owner"]),
            year=data["year"],
            short_term=data["short_term"] or Decimal(0),
            long_term=data["long_term"] or Decimal(0),
        )
        for row in rows
        if (data := row.cleaned_data).get("year")
    ]
