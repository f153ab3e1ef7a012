"""Query strings are checked against the schema: an undeclared parameter is refused.

The declaration is the `parameters` of `extend_schema` on the view's method, so the published schema
and the check cannot differ. Three refusals, each 400 with the parameters named:

    unknown_parameter    the operation has no such parameter
    parameter_repeated   a parameter is given twice, and only one of the two can be meant
    parameter_empty      a parameter is present without a value; leave it out instead
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.views import APIView

from core.errors import InvalidInput

# May be empty: the first page of a walk, and a search without a filter.
MAY_BE_EMPTY = frozenset({"cursor", "q"})
_NAMED_MAX = 20


def refuse_undeclared(request: HttpRequest, view: Callable[..., Any]) -> None:
    """Raise InvalidInput if the query string contains parameters the operation does not declare."""
    found = request.GET
    kind = getattr(view, "cls", None)
    if not found or kind is None or not issubclass(kind, APIView):
        return
    method = (request.method or "").lower()
    if method not in kind.http_method_names:  # the view answers 405; no invented word is cached
        return
    declared = declared_parameters(kind, method)
    if declared is None:
        return
    _refuse(
        [name for name in found if name not in declared],
        code="unknown_parameter",
        detail="This query parameter does not exist",
        each=_allowed_text(declared),
    )
    _refuse(
        [name for name in found if len(found.getlist(name)) > 1],
        code="parameter_repeated",
        detail="A query parameter appears twice",
        each="may appear once",
    )
    _refuse(
        [name for name in found if not found[name] and name not in MAY_BE_EMPTY],
        code="parameter_empty",
        detail="A query parameter has no value",
        each="has no value; omit the parameter to get the default",
    )


@cache
def declared_parameters(kind: type[APIView], method: str) -> frozenset[str] | None:
    """Return the names of an operation's query parameters; None if nothing describes it."""
    handler = getattr(kind, method, None)
    described = getattr(handler, "kwargs", {}).get("schema")
    if described is None:
        return None
    schema = described()
    schema.method, schema.view = method.upper(), kind()
    schema.view.request, schema.view.kwargs = None, {}
    return frozenset(
        name for parameter in schema.get_override_parameters() for name in _names(parameter)
    )


def _names(parameter: Any) -> list[str]:
    if isinstance(parameter, OpenApiParameter):
        return [parameter.name] if parameter.location == OpenApiParameter.QUERY else []
    if isinstance(parameter, type) and issubclass(parameter, serializers.Serializer):
        return list(parameter().fields)
    if isinstance(parameter, serializers.Serializer):
        return list(parameter.fields)
    raise TypeError(f"a query parameter declared as {parameter!r}")


def _allowed_text(declared: frozenset[str]) -> str:
    if not declared:
        return "is unknown; this operation takes no query parameters"
    return f"is unknown; this operation takes {', '.join(sorted(declared))}"


def _refuse(names: list[str], *, code: str, detail: str, each: str) -> None:
    if not names:
        return
    shown = [name[:100].encode("utf-8", "replace").decode() for name in names[:_NAMED_MAX]]
    raise InvalidInput(
        f"{detail}: {', '.join(shown)}.", code=code, fields={name: [each] for name in shown}
    )
