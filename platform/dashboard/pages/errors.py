"""Error pages of Django itself: an unknown address, a stale form, a fault of ours.

API clients get problems instead; `edge.problems` answers everything below /api/.
"""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from edge import problems


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address (handler404)."""
    if problems.is_api(request):
        return problems.page_not_found(request, exception)
    return _page("Nothing here", "This page does not exist, or you have no access to it.", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault (handler500) without any read, because a read may have caused it."""
    if problems.is_api(request):
        return problems.server_error(request)
    request_id = problems.request_id_of(request)
    return _page(
        "Something went wrong",
        f"The error was logged. Send this request id to the operator: {request_id}.",
        500,
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that no page of this session sent (CSRF_FAILURE_VIEW)."""
    if problems.is_api(request):
        return problems.permission_denied(request, PermissionError(reason))
    detail = "The form has expired, or cookies are switched off. Open the page again and try again."
    return _page("The form was not accepted", detail, 403)


def _page(title: str, detail: str, status: int) -> HttpResponse:
    body = render_to_string("dashboard/problem.html", {"title": title, "detail": detail})
    return HttpResponse(body, status=status)
