"""The pages of the links in mails: a new password, and the proof of an address.

A link's first page puts its token into a cookie and goes on to an address without it, so the token
gets into no log, no history entry that is shared, and no session row. Opening a link uses nothing
up, because programs that read mail open links too; the button does.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from core.emails import folded
from core.errors import BallastError
from dashboard.forms.entries import add_refusal
from dashboard.forms.security import NewPasswordForm, ResetRequestForm
from dashboard.pages.frame import shown
from edge import rate_limits
from identity.middleware import origin_of
from identity.models import LinkPurpose
from identity.operations import email_addresses, recovery
from identity.operations.mail_links import is_open

COOKIE = "ballast_link"
COOKIE_AGE_S = 3600
TOKEN_LENGTH_MAX = 200


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for the mail with the link; the answer is the same for every address."""
    form = ResetRequestForm(request.POST if request.method == "POST" else None)
    status, asked = 200, ""
    if form.is_bound and form.is_valid():
        try:
            email = folded(form.cleaned_data["email"])
            rate_limits.consume(rate_limits.RESET, request=request, subject=email)
            recovery.ask_for_reset(email=email, now=timezone.now(), origin=origin_of(request))
            asked = email
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
    elif form.is_bound:
        status = 400
    return shown(request, "forgotten", {"form": form, "asked": asked}, status=status)


@never_cache
@require_safe
def link(request: HttpRequest, page: str, token: str) -> HttpResponse:
    """Take the token of a mail out of the address."""
    address = reverse(page)
    response = redirect(address)
    response.set_cookie(
        COOKIE,
        token[:TOKEN_LENGTH_MAX],
        max_age=COOKIE_AGE_S,
        path=address,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@never_cache
@sensitive_post_parameters("new_password")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest) -> HttpResponse:
    """Set a new password."""
    now, token = timezone.now(), request.COOKIES.get(COOKIE, "")
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    opened = is_open(token=token, purpose=LinkPurpose.PASSWORD_RESET, now=now)
    status = 200 if opened else 400
    if opened and form.is_bound and form.is_valid():
        try:
            rate_limits.consume(rate_limits.LINK, request=request)
            recovery.reset_password(
                token=token, now=now, origin=origin_of(request), **form.cleaned_data
            )
        except BallastError as refusal:
            field = "new_password" if refusal.code == "password_weak" else None
            form.add_error(field, refusal.detail)
            status = refusal.status
        else:
            messages.success(
                request, "The new password is set and every log-in has ended. Log in with it."
            )
            response = redirect("login")
            response.delete_cookie(COOKIE, path=request.path)
            return response
    elif opened and form.is_bound:
        status = 400
    return shown(request, "reset", {"form": form, "opened": opened}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Prove an address."""
    refused, status = "", 200
    if request.method == "POST":
        try:
            rate_limits.consume(rate_limits.LINK, request=request)
            user = email_addresses.use_link(
                token=request.COOKIES.get(COOKIE, ""),
                now=timezone.now(),
                origin=origin_of(request),
            )
        except BallastError as refusal:
            refused, status = refusal.detail, refusal.status
        else:
            messages.success(request, f"{user.email} is confirmed.")
            response = redirect("security" if request.user.is_authenticated else "login")
            response.delete_cookie(COOKIE, path=request.path)
            return response
    return shown(request, "verify", {"refused": refused}, status=status)
