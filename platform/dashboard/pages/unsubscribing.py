"""Ending the mails of a topic, by the signed link of a mail and without a log-in (RFC 8058)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dashboard.pages.frame import shown
from notifications.operations.links import unsubscribed
from notifications.operations.preferences import unsubscribe
from notifications.topics import TOPICS


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, and on a POST end the mails. Mail programs send the POST by themselves."""
    found = unsubscribed(token)
    if found is None:
        raise Http404
    user_id, name = found
    title = TOPICS[name].title if name in TOPICS else "Summary of your accounts"
    done = False
    if request.method == "POST":
        done = unsubscribe(user_id=user_id, topic=name, now=timezone.now())
    return shown(request, "unsubscribe", {"title": title, "done": done})
