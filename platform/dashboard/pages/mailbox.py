"""The demo's mailbox: mails it has kept instead of sending them. There is none outside the demo."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.pages.frame import shown
from notifications.models import CaughtMail
from notifications.queries import caught_mail, caught_mails

# The mail's own styles, and nothing else: no script, no picture, no form.
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups"


@never_cache
@require_http_methods(["GET", "HEAD"])
def mailbox(request: HttpRequest) -> HttpResponse:
    """List the newest mails."""
    _ensure_demo()
    return shown(request, "mailbox", {"mails": caught_mails()})


@never_cache
@require_http_methods(["GET", "HEAD"])
def mailbox_mail(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Show the text of one mail."""
    return shown(request, "mailbox_mail", {"mail": _mail(mail_id)})


@never_cache
@require_http_methods(["GET", "HEAD"])
def mailbox_html(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Show one mail as a mail program does."""
    return HttpResponse(_mail(mail_id).html, headers={"Content-Security-Policy": _MAIL_POLICY})


def _mail(mail_id: int) -> CaughtMail:
    _ensure_demo()
    found = caught_mail(mail_id)
    if found is None:
        raise Http404
    return found


def _ensure_demo() -> None:
    if not settings.DEMO:
        raise Http404
