"""Notices, settings, and where the figures come from."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.errors import BallastError
from dashboard.forms import SettingsForm, add_refusal, stated
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.lists import keyset_page
from dashboard.queries import provenance
from identity.operations.accounts import change_profile
from identity.queries import profile
from notifications import queries
from notifications.models import Notice
from notifications.operations import mark_all_read

NOTICES_SHOWN = 50
SERIES_SHOWN = 500


@for_investors("GET", "POST")
def notices(request: SignedIn) -> HttpResponse:
    """What one was told, newest first; a POST marks all of it read."""
    if request.method == "POST":
        mark_all_read(user=request.user, now=timezone.now())
        return redirect("notices")
    rows, following = keyset_page(
        queries.notices(user=request.user),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=NOTICES_SHOWN,
    )
    lines = [
        {
            "title": row.title,
            "created_at": row.created_at,
            "read_at": row.read_at,
            "url": _address(row),
        }
        for row in rows
    ]
    return shown(
        request, "notices", {"section": "notices", "rows": lines, "next_cursor": following}
    )


def _address(notice: Notice) -> str | None:
    """The page a notice is about."""
    account_id = notice.payload.get("account_id")
    recommendation_id = notice.payload.get("recommendation_id")
    if account_id and recommendation_id:
        return reverse("recommendation", args=[account_id, recommendation_id])
    return reverse("portfolio", args=[account_id]) if account_id else None


@for_investors("GET", "POST")
def settings(request: SignedIn) -> HttpResponse:
    """Name, base currency, and one's own tax rates."""
    user = profile(user_id=request.user.pk)
    form = SettingsForm(request.POST if request.method == "POST" else None, initial=stated(user))
    status = 200
    if form.is_bound and form.is_valid():
        try:
            change_profile(user=user, changes=form.changes())
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, "Settings saved.")
            return redirect("settings")
    elif form.is_bound:
        status = 400
    return shown(request, "settings", {"form": form, "household": user.household}, status=status)


@for_investors("GET")
def about_data(request: SignedIn) -> HttpResponse:
    """Sources, licences, and the dates the series really had."""
    found = provenance(assets_max=SERIES_SHOWN)
    for asset in found.assets:
        asset.shifted_weeks = asset.shifted_days // 7  # type: ignore[attr-defined]
    return shown(
        request,
        "about_data",
        {
            "section": "about_data",
            "sources": found.sources,
            "assets": found.assets,
            "more_assets": found.more_assets,
        },
    )
