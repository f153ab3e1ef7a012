"""Admin lists that stay fast with millions of rows: no COUNT over a table, search by index only."""

from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin

COUNT_MAX = 10_000


def is_detail(request: HttpRequest) -> bool:
    """Return whether the request shows one object with all its details, rather than a list."""
    match = request.resolver_match
    return match is not None and "object_id" in match.kwargs


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most COUNT_MAX rows; users who need more must filter or search."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[:COUNT_MAX].count()
        return len(rows)


class LargeTableAdmin(ModelAdmin):  # type: ignore[misc]
    """Base of every list: capped count, exact search by public id, prefixes where declared.

    `uuid_fields` are searched when the text is a UUID, `exact_fields` by equality; both need
    an index.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    uuid_fields: tuple[str, ...] = ("public_id",)
    exact_fields: tuple[str, ...] = ()
    search_fields: tuple[str, ...] = ("pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            wanted = UUID(term)
        except ValueError:
            wanted = None
        if wanted is not None:
            return _matching(queryset, self.uuid_fields, wanted), False
        return _matching(queryset, self.exact_fields, term), False


def _matching(queryset: Any, fields: tuple[str, ...], value: object) -> Any:
    """Return the rows with `value` in any of `fields`, each looked up by its own index.

    An OR over several tables would read the largest of them from end to end.
    """
    if not fields:
        return queryset.none()
    if len(fields) == 1:
        return queryset.filter(**{fields[0]: value})
    rows = queryset.model._base_manager.order_by()
    first, *others = (rows.filter(**{field: value}).values("pk") for field in fields)
    return queryset.filter(pk__in=first.union(*others))


class ReadOnlyAdmin(LargeTableAdmin):
    """Facts that are shown here and never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
