"""Filters of a list: a django-filter FilterSet applied strictly and described in the schema."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter

from core.errors import InvalidInput

LIST_VALUES_MAX = 50


class _BoundedList(django_filters.fields.BaseCSVField):  # type: ignore[misc]
    def clean(self, value: Any) -> Any:
        if isinstance(value, list) and len(value) > LIST_VALUES_MAX:
            raise ValidationError(f"Send at most {LIST_VALUES_MAX} values.", code="too_many_values")
        return super().clean(value)


class ListFilter(django_filters.BaseInFilter):  # type: ignore[misc]
    """Several values separated by commas; a row matches when it has one of them."""

    base_field_class = _BoundedList


class ChoicesFilter(ListFilter, django_filters.ChoiceFilter):  # type: ignore[misc]
    """Several values separated by commas, each one of `choices`."""


def filtered(
    kind: type[django_filters.FilterSet], *, params: Mapping[str, str], rows: QuerySet[Any]
) -> QuerySet[Any]:
    """Return the rows that match; raise InvalidInput naming every parameter that is not valid."""
    given = {name: value for name, value in params.items() if name in kind.base_filters}
    if not given:
        return rows
    found = kind(data=given, queryset=rows)
    if not found.form.is_valid():
        raise InvalidInput(
            f"These filters are not valid: {', '.join(sorted(found.form.errors))}.",
            code="filter_invalid",
            fields={
                name: [str(message) for message in messages]
                for name, messages in found.form.errors.items()
            },
        )
    matching: QuerySet[Any] = found.qs
    return matching


def filter_parameters(kind: type[django_filters.FilterSet]) -> list[OpenApiParameter]:
    """The filters as query parameters of the schema; each filter's help text describes it."""
    return [
        OpenApiParameter(
            name,
            date if isinstance(one.field, forms.DateField) else str,
            description=one.extra["help_text"],
        )
        for name, one in kind.base_filters.items()
    ]
