"""The notice centre: the list with its filters, and the preferences."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError
from dashboard.forms.entries import add_refusal
from dashboard.forms.notices import PreferencesForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from edge.pagination import keyset_page
from notifications import queries
from notifications.operations import mark_all_read, own_public_key, set_preferences
from notifications.operations.links import page_about
from notifications.preferences import Wishes, wants
from notifications.topics import CHOSEN_CHANNELS, TOPICS
from transactions.queries import accounts

NOTICES_SHOWN = 50


@for_investors("GET", "POST")
def notices(request: SignedIn) -> HttpResponse:
    """Show the notices, newest first; a POST marks all of them read."""
    if request.method == "POST":
        mark_all_read(user=request.user, now=timezone.now())
        return redirect("notices")
    topic = request.GET.get("topic") or None
    topic = topic if topic in TOPICS else None
    unread = request.GET.get("unread") == "1"
    rows, following = keyset_page(
        queries.notices(user=request.user, unread=unread, topic=topic),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=NOTICES_SHOWN,
    )
    lines = [
        {
            "title": row.title,
            "created_at": row.created_at,
            "read_at": row.read_at,
            "url": page_about(row.payload),
        }
        for row in rows
    ]
    return shown(
        request,
        "notices",
        {
            "section": "notices",
            "view": "notices",
            "rows": lines,
            "next_cursor": following,
            "topics": TOPICS.values(),
            "topic": topic,
            "unread": unread,
        },
    )


@for_investors("GET", "POST")
def preferences(request: SignedIn) -> HttpResponse:
    """Show and save what the user is told, on which channel, and when."""
    wishes = queries.wishes_of(queries.preference_of(user=request.user))
    of_user = accounts(user=request.user).values_list("public_id", "name").order_by("id")[:200]
    form = PreferencesForm(
        request.POST if request.method == "POST" else None,
        wishes=wishes,
        accounts=[(str(public_id), name) for public_id, name in of_user],
    )
    status = 200
    if form.is_bound and form.is_valid():
        try:
            set_preferences(user=request.user, given=form.given(), now=timezone.now())
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, "Preferences saved.")
            return redirect("notice_preferences")
    elif form.is_bound:
        status = 400
    return shown(
        request,
        "notice_preferences",
        {
            "section": "notices",
            "view": "preferences",
            "form": form,
            "topics": _switches(wishes, form),
            "email": request.user.email,
            "push_key": own_public_key(),
            "browsers": queries.push_subscriptions(user=request.user).count(),
        },
        status=status,
    )


def _switches(wishes: Wishes, form: PreferencesForm) -> list[dict[str, object]]:
    """Return each topic with its switches: as sent, if the form was sent, else as stored."""
    return [
        {
            "topic": topic,
            "switches": [
                {
                    "name": f"{topic.name}.{channel}",
                    "label": {"in_app": "in Ballast", "email": "by mail", "push": "as push"}[
                        channel
                    ],
                    "on": f"{topic.name}.{channel}" in form.data
                    if form.is_bound and channel not in topic.required
                    else wants(wishes=wishes, topic=topic, channel=channel),
                    "fixed": channel in topic.required,
                }
                for channel in CHOSEN_CHANNELS
            ],
        }
        for topic in TOPICS.values()
    ]
