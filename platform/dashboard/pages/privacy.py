"""The switch that hides amounts on all pages, for the eyes of bystanders."""

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from dashboard.pages.frame import PRIVATE, SignedIn, for_investors


@for_investors("POST")
def privacy(request: SignedIn) -> HttpResponse:
    """Hide amounts, or show them again; the choice is kept in the session."""
    request.session[PRIVATE] = not request.session.get(PRIVATE, False)
    following = request.POST.get("next", "")
    ours = following.startswith("/") and url_has_allowed_host_and_scheme(
        following, allowed_hosts=None, require_https=request.is_secure()
    )
    return HttpResponseRedirect(following if ours else "/")
