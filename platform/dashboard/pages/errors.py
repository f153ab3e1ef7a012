"""What people see where Django itself refuses: no such address, a stale form, our own fault.

Programs get problems instead; `edge.problems` answers everything below /api/.
"""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from edge import problems


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404"""
    if problems.is_api(request):
        return problems.page_not_found(request, exception)
    return _page("Nothing here", "This address leads nowhere, or is not for you.", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: reads nothing, because something we read may be what broke."""
    if problems.is_api(request):
        return problems.server_error(request)
    request_id = problems.request_id_of(request)
    return _page("Something went wrong", f"It is logged under request {request_id}.", 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: a form that did not come from a page of this session."""
    if problems.is_api(request):
        return problems.permission_denied(request, PermissionError(reason))
    detail = "This form is too old, or cookies are switched off. Open the page again and retry."
    return _page("The form was not accepted", detail, 403)


def _page(title: str, detail: str, status: int) -> HttpResponse:
    body = render_to_string("dashboard/problem.html", {"title": title, "detail": detail})
    return HttpResponse(body, status=status)
