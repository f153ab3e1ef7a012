"""The page of a user's notices."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from dashboard.pages.frame import SignedIn, for_investors, shown
from edge.pagination import keyset_page
from notifications import queries
from notifications.models import Notice
from notifications.operations import mark_all_read

NOTICES_SHOWN = 50


@for_investors("GET", "POST")
def notices(request: SignedIn) -> HttpResponse:
    """Show the notices, newest first; a POST marks all of them read."""
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
    """Return the address of the page a notice is about."""
    action_id = notice.payload.get("corporate_action_id")
    if action_id:
        return reverse("corporate_action", args=[action_id])
    account_id = notice.payload.get("account_id")
    recommendation_id = notice.payload.get("recommendation_id")
    if account_id and recommendation_id:
        return reverse("recommendation", args=[account_id, recommendation_id])
    return reverse("portfolio", args=[account_id]) if account_id else None
