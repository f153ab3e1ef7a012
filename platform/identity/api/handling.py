"""What the views of identity share: reading a body, counting tries, pages, the recent proof."""

from datetime import UTC, datetime
from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from edge import rate_limits
from edge.pagination import Pages
from identity.authentication import caller
from identity.middleware import session_proved_at
from identity.operations import log_ins
from identity.operations.sessions import session_family
from identity.token_signing import Access


class PublicView(APIView):
    """A view for callers who are not logged in: it ignores the credentials of a request."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


def given(serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the checked fields of the body."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def count(rate_limit: rate_limits.RateLimit, request: Request) -> None:
    """Count a try of a user who is logged in, by their address and by their id."""
    rate_limits.consume(rate_limit, request=request._request, subject=f"user:{caller(request).pk}")


def page(rows: Any, request: Request, serializer: type[Serializer[Any]]) -> Response:
    """Return one page of a list."""
    pages = Pages()
    found = pages.paginate_queryset(rows, request)
    return pages.get_paginated_response(serializer(found, many=True).data)


def family(request: Request) -> str:
    """Return the log-in of this request: the token's family, or the session of the pages."""
    claims = request.auth
    if isinstance(claims, Access):
        return claims.family_id
    return session_family(request._request.session.session_key or "")


def ensure_recent_proof(request: Request) -> None:
    """Refuse unless the caller proved who they are within the last minutes."""
    claims = request.auth
    if isinstance(claims, Access):
        proved_at = log_ins.token_proved_at(family_id=claims.family_id)
    else:
        proved_at = session_proved_at(request._request)
    log_ins.ensure_recent(proved_at=proved_at, now=datetime.now(UTC))
