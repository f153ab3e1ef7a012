"""Add to the OpenAPI schema of every route the problems it can return."""

from functools import cache
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from edge.pagination import CURSOR_PARAMETER, PAGE_PARAMETERS
from edge.problems import CONTENT_TYPE
from edge.serializers import ProblemSerializer

_PROBLEMS = {
    "400": "The request is not valid.",
    "401": "The token or session is missing, expired or revoked.",
    "403": "The caller is not allowed to do this.",
    "404": "The resource does not exist, or the caller has no access to it.",
    "409": "The resource is not in a state that allows the request.",
    "413": "The body is too large.",
    "415": "The body has an unsupported Content-Type.",
    "422": "The Idempotency-Key was already used for a different request.",
    "429": "Too many requests; see Retry-After.",
    "503": "Busy or partly down; see Retry-After.",
}


_METHODS = {
    "413": ("POST", "PUT", "PATCH"),
    "415": ("POST", "PUT", "PATCH"),
    "422": ("POST",),
}


class ProblemAutoSchema(AutoSchema):
    """drf-spectacular's description of a route, with the problems added."""

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self._problem().ref
        for status, description in _PROBLEMS.items():
            if self.method not in _METHODS.get(status, (self.method,)):
                continue
            bodies.setdefault(
                status,
                {"description": description, "content": {CONTENT_TYPE: {"schema": problem}}},
            )
        return bodies

    def _problem(self) -> ResolvedComponent:
        return self.resolve_serializer(ProblemSerializer, "response")


@cache
def page_of(serializer: type[serializers.Serializer[Any]], *, keyset: bool = False) -> Any:
    """Return a serializer that describes one page, for views that build their rows themselves."""
    name = serializer.__name__.removesuffix("Serializer") + "Page"
    fields: dict[str, Any] = {
        "data": serializer(many=True),
        "total": _count(0, allow_null=keyset),
        "page": _count(1, allow_null=keyset),
        "page_size": _count(1),
    }
    if keyset:
        fields["next_cursor"] = serializers.CharField(allow_null=True)
    return type(f"{name}Serializer", (serializers.Serializer,), fields)


def page_parameters(*, keyset: bool = False) -> list[OpenApiParameter]:
    """Return `page` and `page_size` (and `cursor`) for `extend_schema(parameters=...)`."""
    entries = [*PAGE_PARAMETERS, CURSOR_PARAMETER] if keyset else PAGE_PARAMETERS
    return [
        OpenApiParameter(
            entry["name"], entry["schema"], description=entry["description"], required=False
        )
        for entry in entries
    ]


def _count(minimum: int, **options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=minimum, **options)
