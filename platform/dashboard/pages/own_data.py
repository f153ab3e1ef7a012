"""The page on which a person asks for everything kept about them, and fetches it."""

from typing import cast

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import NotFound
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import count_try
from dashboard.pages.proof import recently_proved
from edge import rate_limits
from identity import queries as identity
from notifications.api.own_data import archive_response
from notifications.operations import request_archive
from notifications.operations.own_data import KEPT
from notifications.queries.own_data import archive_of, collecting


@for_investors("GET", "POST")
@recently_proved("own_data")
def own_data(request: SignedIn) -> HttpResponse:
    """Show whether an archive is there or on its way; a POST asks for a new one."""
    user = identity.profile(user_id=request.user.pk)
    now = timezone.now()
    if request.method == "POST":
        count_try(request, rate_limits.OWN_DATA)
        request_archive(user=user, now=now)
        messages.success(request, "Your data are being collected. A mail tells you when.")
        return redirect("own_data")
    try:
        archive = archive_of(user=user, now=now)
    except NotFound:
        archive = None
    job = collecting(user=user)
    context = {"section": "security", "archive": archive, "job": job, "days": KEPT.days}
    return shown(request, "own_data", context)


@for_investors("GET")
@recently_proved("own_data")
def own_data_archive(request: SignedIn) -> HttpResponse:
    """Download the archive."""
    user = identity.profile(user_id=request.user.pk)
    # A streaming response is no HttpResponse by its type, but goes through the same wrapper.
    return cast(HttpResponse, archive_response(archive_of(user=user, now=timezone.now())))
