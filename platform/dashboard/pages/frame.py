"""The parts that all pages share: access, the frame, and refusals as pages."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from core.errors import BallastError
from dashboard.pages.query_parameters import ensure_printable
from dashboard.pages.scopes import navigation
from dashboard.presenters.figures import amounts_hidden
from edge.addresses import stream_url
from edge.problems import translated
from identity.models import User
from marketdata.operations.asking import providers_of
from marketdata.providers.port import Capability
from notifications.queries import unread_count

P = ParamSpec("P")

# The name in the session of the choice to hide amounts.
PRIVATE = "private"


class SignedIn(HttpRequest):
    """A request of a logged-in user."""

    user: User


def for_investors(
    *methods: str,
) -> Callable[
    [Callable[Concatenate[SignedIn, P], HttpResponse]],
    Callable[Concatenate[HttpRequest, P], HttpResponse],
]:
    """Wrap a page for logged-in users. Others go to the log-in; refusals become pages."""
    allowed = methods or ("GET",)

    def decorate(
        view: Callable[Concatenate[SignedIn, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_login(request)
            if request.method not in (*allowed, *(("HEAD",) if "GET" in allowed else ())):
                return refused(
                    request,
                    BallastError(
                        f"This page does not accept {request.method} requests. Open it from the "
                        "menu.",
                        status=405,
                    ),
                )
            try:
                ensure_printable(request)
                with amounts_hidden(bool(request.session.get(PRIVATE, False))):
                    return view(request, *args, **kwargs)  # type: ignore[arg-type]
            except BallastError as refusal:
                return refused(request, refusal)
            except DataError as fault:
                # A value no column can hold, such as a text with U+0000.
                return refused(request, translated(fault))

        return never_cache(page)

    return decorate


def _to_login(request: HttpRequest) -> HttpResponse:
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Redirect": settings.LOGIN_URL})
    return redirect_to_login(request.get_full_path())


_TITLES = {403: "Not yours to see", 404: "Nothing here", 409: "Not possible now"}


def refused(request: HttpRequest, refusal: BallastError) -> HttpResponse:
    """Render a refusal as a page with the status of the problem."""
    response = shown(
        request,
        "problem",
        {"title": _TITLES.get(refusal.status, "That did not work"), "detail": refusal.detail},
        status=refusal.status,
    )
    if refusal.retry_after_s is not None:
        response["Retry-After"] = str(refusal.retry_after_s)
    return response


def shown(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a template in the common frame; a fragment (name with '_') has no frame."""
    frame: dict[str, Any] = {
        "demo": settings.DEMO,
        "vendors": bool(providers_of(Capability.SEARCH)),
    }
    if request.user.is_authenticated and not template.startswith("_"):
        frame["stream_url"] = stream_url(request)
        frame["unread_count"] = unread_count(user=request.user)
        frame["private"] = bool(request.session.get(PRIVATE, False))
        frame["nav"] = navigation(request, context, status=status)
    return render(request, f"dashboard/{template}.html", {**frame, **context}, status=status)
