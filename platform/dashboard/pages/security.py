"""The security page: address, password, second factor, log-ins."""

from uuid import UUID

import segno
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters

from core.emails import folded
from core.errors import BallastError, NotFound
from core.limits import PASSKEYS_MAX
from dashboard.forms.entries import add_refusal
from dashboard.forms.security import CodeForm, EmailChangeForm, PasswordChangeForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import count_try, id_sent
from dashboard.pages.proof import recently_proved
from edge import rate_limits
from identity.middleware import begin_session, origin_of
from identity.operations import email_addresses, log_ins, second_factor
from identity.operations.sessions import PROVED, SECOND_FACTOR, session_family
from identity.operations.users import change_password, ensure_password
from identity.queries import passkeys, profile
from identity.queries import second_factor as second_factor_of
from identity.socket_rights import SESSION_PREFIX

LOG_INS_SHOWN = 50
# Two forms of one page have fields of one name; their ids must differ.
_PASSWORD_IDS, _EMAIL_IDS = "password_%s", "email_%s"


@for_investors("GET")
def security(request: SignedIn) -> HttpResponse:
    """Show how the person logs in, and where they are logged in."""
    return _page(request)


@for_investors("POST")
@sensitive_post_parameters("current_password", "new_password")
def password_change(request: SignedIn) -> HttpResponse:
    """Set a new password; every other log-in ends, this one goes on."""
    form = PasswordChangeForm(request.POST, auto_id=_PASSWORD_IDS)
    if not form.is_valid():
        return _page(request, password_form=form, status=400)
    now = timezone.now()
    try:
        count_try(request, rate_limits.PASSWORD)
        user = change_password(
            user=request.user, now=now, origin=origin_of(request), **form.cleaned_data
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _page(request, password_form=form, status=refusal.status)
    proved_by_factor = bool(request.session.get(SECOND_FACTOR))
    proved_before = request.session.get(PROVED)
    update_session_auth_hash(request, user)
    begin_session(request, second_factor=proved_by_factor)
    if second_factor.has_second_factor(user=user):
        # The password alone is no proof of this person.
        request.session[PROVED] = proved_before
    messages.success(request, "The password is changed. Every other log-in has ended.")
    return redirect("security")


@for_investors("POST")
@sensitive_post_parameters("current_password")
def email_change(request: SignedIn) -> HttpResponse:
    """Send a link to a new address, or to the present one if it is not proved yet."""
    count_try(request, rate_limits.CHANGE_EMAIL)
    now = timezone.now()
    if "verify" in request.POST:
        email_addresses.begin_verification(user=request.user, now=now)
        messages.success(request, "The mail is on its way.")
        return redirect("security")
    form = EmailChangeForm(request.POST, auto_id=_EMAIL_IDS)
    if not form.is_valid():
        return _page(request, email_form=form, status=400)
    try:
        ensure_password(request.user, form.cleaned_data["current_password"])
        email_addresses.begin_change(
            user=request.user,
            email=folded(form.cleaned_data["email"]),
            now=now,
            origin=origin_of(request),
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _page(request, email_form=form, status=refusal.status)
    messages.success(request, "Open the link in the mail to your new address.")
    return redirect("security")


@for_investors("POST")
def log_in_end(request: SignedIn) -> HttpResponse:
    """End one log-in, or every other one."""
    now, origin = timezone.now(), origin_of(request)
    current = session_family(request.session.session_key or "")
    if request.POST.get("log_in") == "others":
        count = log_ins.end_others(user=request.user, current=current, now=now, origin=origin)
        messages.success(request, f"{count} other log-in{'s' if count != 1 else ''} ended.")
        return redirect("security")
    named = id_sent(
        request,
        "log_in",
        missing=NotFound("This log-in has ended already. Reload the list."),
    )
    log_ins.end_log_in(user=request.user, log_in_id=named, now=now, origin=origin)
    messages.success(request, "The log-in has ended.")
    return redirect("security")


@for_investors("GET", "POST")
@recently_proved("security")
def totp(request: SignedIn) -> HttpResponse:
    """Set up an authenticator app: begin, show its secret, take the first code."""
    now = timezone.now()
    if request.method == "POST" and "code" not in request.POST:
        second_factor.begin(user=request.user, now=now)
        return redirect("totp")
    setup = second_factor.pending(user=request.user)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_bound:
        return _setup_page(request, form, setup)
    if not form.is_valid():
        return _setup_page(request, form, setup, status=400)
    count_try(request, rate_limits.SECOND_FACTOR)
    try:
        codes = second_factor.confirm(
            user=request.user,
            code=form.cleaned_data["code"],
            now=now,
            origin=origin_of(request),
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _setup_page(request, form, setup, status=refusal.status)
    request.session[SECOND_FACTOR] = True
    return shown(request, "recovery_codes", {"codes": codes, "added": "authenticator app"})


def _setup_page(
    request: SignedIn, form: CodeForm, setup: "second_factor.Setup", *, status: int = 200
) -> HttpResponse:
    drawn = segno.make(setup.address, error="m").svg_inline(
        scale=5, dark="#000", light="#fff", border=3, omitsize=True
    )
    context = {
        "form": form,
        "secret": " ".join(setup.secret[i : i + 4] for i in range(0, len(setup.secret), 4)),
        "address": setup.address,
        # The library drew it out of our own text.
        "drawn": mark_safe(drawn),
    }
    return shown(request, "totp", context, status=status)


@for_investors("POST")
@recently_proved("security")
def totp_remove(request: SignedIn) -> HttpResponse:
    """Remove the authenticator app."""
    second_factor.remove(user=request.user, now=timezone.now(), origin=origin_of(request))
    messages.success(request, "The authenticator app is removed.")
    return redirect("security")


@for_investors("POST")
@recently_proved("security")
def recovery_codes(request: SignedIn) -> HttpResponse:
    """Replace the recovery codes and show the new ones once."""
    codes = second_factor.new_recovery_codes(
        user=request.user, now=timezone.now(), origin=origin_of(request)
    )
    return shown(request, "recovery_codes", {"codes": codes, "added": ""})


def _page(
    request: SignedIn,
    *,
    password_form: PasswordChangeForm | None = None,
    email_form: EmailChangeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now, user = timezone.now(), profile(user_id=request.user.pk)
    rows = list(log_ins.open_log_ins(user=user, now=now)[: LOG_INS_SHOWN + 1])
    current = session_family(request.session.session_key or "").removeprefix(SESSION_PREFIX)
    for row in rows:
        row["current"] = UUID(row["name"]).hex == current
    context = {
        "section": "security",
        "person": user,
        "pending_email": email_addresses.pending_email(user=user, now=now),
        "factors": second_factor_of(user=user),
        "passkeys": list(passkeys(user=user)[:PASSKEYS_MAX]),
        "log_ins": rows[:LOG_INS_SHOWN],
        "more": len(rows) > LOG_INS_SHOWN,
        "password_form": password_form or PasswordChangeForm(auto_id=_PASSWORD_IDS),
        "email_form": email_form or EmailChangeForm(auto_id=_EMAIL_IDS),
    }
    return shown(request, "security", context, status=status)
