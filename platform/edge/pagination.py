"""Lists come in pages: `?page=&page_size=`, and `?cursor=` where rows are only appended.

    {"data": [...], "total": N, "page": M, "page_size": K}            Pages
    the same and "next_cursor": "..." or null                          Keyset

`total` is exact below TOTAL_MAX and stops there: counting a million rows costs more than the page.
A page by cursor counts nothing: its `total` and `page` are null.

A cursor holds the sort key and the id of the last row seen. The next page is one row comparison,
`(sort_key, id) < (a, b)`: ties neither repeat nor skip rows, and every page costs the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import Func, Value
from django.db.models.sql.compiler import SQLCompiler
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from core.dates import instant_text
from core.errors import InvalidInput

PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1000
PAGE_NUMBER_MAX = 1_000_000
# Totals are exact up to this number; a longer list reports this number.
TOTAL_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page of a list that is requested; the first is 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


def page_request(params: Mapping[str, str]) -> PageRequest:
    """Return `page` and `page_size` of a query string; raise InvalidInput with a code."""
    return PageRequest(
        number=_bounded(params, "page", default=1, maximum=PAGE_NUMBER_MAX),
        size=_bounded(params, "page_size", default=PAGE_SIZE_DEFAULT, maximum=PAGE_SIZE_MAX),
    )


def page_answer(*, data: Sequence[Any], total: int | None, page: PageRequest) -> dict[str, Any]:
    """Return the body of one page, for views that build their rows themselves."""
    return {"data": data, "total": total, "page": page.number, "page_size": page.size}


class Pages(BasePagination):
    """Numbered pages with the exact total."""

    total: int | None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.page = page_request(request.query_params)
        self.total = total = counted(queryset)
        start = self.page.offset
        if not reaches(start, total):
            return []
        return list(queryset[start : start + self.page.size])

    def get_paginated_response(self, data: Any) -> Response:
        return Response(page_answer(data=data, total=self.total, page=self.page))

    def answer(
        self,
        request: Request,
        queryset: Any,
        *,
        row: Callable[[Any], Any] | None = None,
        rows: Callable[[list[Any]], list[Any]] | None = None,
    ) -> Response:
        """Return one page of `queryset`, each item through `row` or all of them through `rows`."""
        found = self.paginate_queryset(queryset, request)
        if rows is not None:
            return self.get_paginated_response(rows(found))
        return self.get_paginated_response([row(item) if row else item for item in found])

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["data", "total", "page", "page_size"],
            "properties": {
                "data": schema,
                "total": {"type": "integer", "minimum": 0},
                "page": {"type": "integer", "minimum": 1},
                "page_size": {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return PAGE_PARAMETERS


class Keyset(Pages):
    """Pages that can also be walked by cursor, sorted by `sort_key` and id, newest first."""

    def __init__(self, *, sort_key: str = "created_at") -> None:
        self.sort_key = sort_key

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.page = page_request(request.query_params)
        self.by_cursor = "cursor" in request.query_params
        if self.by_cursor:
            cursor = request.query_params["cursor"]
            found, self.next_cursor = keyset_page(
                queryset, sort_key=self.sort_key, cursor=cursor, size=self.page.size
            )
            self.total = None
            return found
        self.total = total = counted(queryset)
        start, self.next_cursor = self.page.offset, None
        if not reaches(start, total):
            return []
        found, self.next_cursor = keyset_page(
            queryset, sort_key=self.sort_key, size=self.page.size, start=start
        )
        return found

    def get_paginated_response(self, data: Any) -> Response:
        body = page_answer(data=data, total=self.total, page=self.page)
        if self.by_cursor:
            body["page"] = None
        return Response({**body, "next_cursor": self.next_cursor})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        found = super().get_paginated_response_schema(schema)
        found["required"].append("next_cursor")
        found["properties"]["page"]["nullable"] = True
        found["properties"]["total"]["nullable"] = True
        found["properties"]["next_cursor"] = {"type": "string", "nullable": True}
        return found

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [*PAGE_PARAMETERS, CURSOR_PARAMETER]


def keyset_page(
    rows: Any, *, sort_key: str, size: int, cursor: str = "", start: int = 0
) -> tuple[list[Any], str | None]:
    """Return the rows after a cursor, newest first, and the cursor of the rest, if any.

    `rows` is a queryset of models, of `values()` or of named tuples with `sort_key` and id. Without
    a cursor the page begins at `start`. Raise InvalidInput for a cursor that is not ours or that
    belongs to another order.
    """
    rows = rows.order_by(f"-{sort_key}", "-id")
    if cursor:
        rows = rows.filter(_after(rows.model, sort_key, cursor))
    found = list(rows[start : start + size + 1])
    if len(found) <= size:
        return found, None
    del found[size:]
    return found, _cursor(found[-1], sort_key)


def _salt(sort_key: str) -> str:
    return f"cursor.{sort_key}"


def _cursor(row: Any, sort_key: str) -> str:
    listed = isinstance(row, Mapping)
    value = row[sort_key] if listed else getattr(row, sort_key)
    if isinstance(value, datetime):
        value = instant_text(value)
    elif isinstance(value, date):
        value = value.isoformat()
    else:
        value = str(value)
    return signing.dumps([value, row["id"] if listed else row.id], salt=_salt(sort_key))


def _after(model: type[models.Model], sort_key: str, text: str) -> "RowComparison":
    field = model._meta.get_field(sort_key)
    key = model._meta.pk
    assert isinstance(field, models.Field), "a list is sorted by a column of its own"
    assert key is not None, "every model has a key"
    try:
        value, row_id = signing.loads(text, salt=_salt(sort_key))
        return RowComparison(
            sort_key,
            "id",
            Value(field.to_python(value), output_field=field),
            Value(int(row_id), output_field=key),
            operator="<",
        )
    except (signing.BadSignature, ValidationError, ValueError, TypeError):
        raise InvalidInput(
            "The cursor is not valid. Send next_cursor of the previous page unchanged.",
            code="cursor_invalid",
            fields={"cursor": ["must be next_cursor of the previous page, unchanged"]},
        ) from None


class RowComparison(Func):
    """`(a, b) < (x, y)` in SQL: given a, b, x, y and an operator."""

    output_field = models.BooleanField()

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, *args: Any, **kwargs: Any
    ) -> tuple[str, list[Any]]:
        texts: list[str] = []
        params: list[Any] = []
        for expression in self.get_source_expressions():
            text, values = compiler.compile(expression)
            texts.append(text)
            params.extend(values)
        half = len(texts) // 2
        left, right = ", ".join(texts[:half]), ", ".join(texts[half:])
        return f"({left}) {self.extra['operator']} ({right})", params


def counted(rows: Any) -> int:
    """Return the number of rows, counted up to TOTAL_MAX: no list scans its whole table."""
    if isinstance(rows, models.QuerySet):
        return int(rows.order_by()[:TOTAL_MAX].count())
    return len(rows)


def reaches(start: int, total: int) -> bool:
    """Return whether a row can exist after `start`."""
    return start < total or total == TOTAL_MAX


def _bounded(params: Mapping[str, str], name: str, *, default: int, maximum: int) -> int:
    text = params.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and text.strip("0")):
        raise InvalidInput(
            f"{name} must be a whole number, 1 or more.",
            code=f"{name}_invalid",
            fields={name: ["must be a whole number, 1 or more"]},
        )
    if len(text) > 18 or int(text) > maximum:
        raise InvalidInput(
            f"{name} must be at most {maximum}.",
            code=f"{name}_too_large",
            fields={name: [f"at most {maximum}"]},
        )
    return int(text)


PAGE_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "page",
        "in": "query",
        "description": "Page number, from 1.",
        "schema": {"type": "integer", "minimum": 1, "maximum": PAGE_NUMBER_MAX, "default": 1},
    },
    {
        "name": "page_size",
        "in": "query",
        "description": "Rows of a page.",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": PAGE_SIZE_MAX,
            "default": PAGE_SIZE_DEFAULT,
        },
    },
]
CURSOR_PARAMETER: dict[str, Any] = {
    "name": "cursor",
    "in": "query",
    "description": "`next_cursor` of the previous page; empty for the first. Replaces `page`, and "
    "`total` is null.",
    "schema": {"type": "string"},
}
