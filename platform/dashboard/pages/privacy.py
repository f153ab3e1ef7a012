"""The switch that hides amounts on all pages, for the eyes of bystanders."""

from django.http import HttpResponse, HttpResponseRedirect

from dashboard.pages.frame import PRIVATE, SignedIn, for_investors
from dashboard.pages.query_parameters import inside


@for_investors("POST")
def privacy(request: SignedIn) -> HttpResponse:
    """Hide amounts, or show them again; the choice is kept in the session."""
    request.session[PRIVATE] = not request.session.get(PRIVATE, False)
    return HttpResponseRedirect(inside(request.POST.get("next", ""), otherwise="/"))
