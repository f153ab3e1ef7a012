"""Writing JSON fast: decimals as plain strings, instants with a Z, UUIDs."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.db.models.query import QuerySet
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

from core.money import plain

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_NON_STR_KEYS


def encoded(data: Any) -> bytes:
    """Return JSON bytes in the form of every API answer."""
    return orjson.dumps(data, default=_other, option=_OPTIONS)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError("a decimal that is not finite cannot be written as JSON")
        return plain(value)
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, QuerySet | frozenset | set):
        return list(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if hasattr(value, "tolist"):  # numpy
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


# An attribute of a request: a function that takes the value of an answer and returns what of it may
# be sent. Authentication sets it.
ANSWER_FILTER = "answer_filter"


class OrjsonRenderer(BaseRenderer):
    """Passes bytes through as ready JSON, so that a cached answer is not parsed again."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        text = data if isinstance(data, bytes) else encoded(data)
        kept = _filter_of(renderer_context)
        return text if kept is None else encoded(kept(orjson.loads(text)))


def _filter_of(renderer_context: Mapping[str, Any] | None) -> Callable[[Any], Any] | None:
    """Return what authentication lets through of the answer to this request, if not all of it."""
    request = (renderer_context or {}).get("request")
    found: Callable[[Any], Any] | None = getattr(
        getattr(request, "_request", None), ANSWER_FILTER, None
    )
    return found


class CsvRenderer(OrjsonRenderer):
    """Accepts requests for text/csv; problems stay JSON."""

    media_type = "text/csv"
    format = "csv"
