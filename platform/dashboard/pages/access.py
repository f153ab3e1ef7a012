"""The pages to log in, register and log out."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core.emails import folded
from core.errors import BallastError
from dashboard.forms.entries import LoginForm, RegisterForm, add_refusal
from dashboard.forms.security import CodeForm
from dashboard.pages.frame import refused, shown
from dashboard.pages.query_parameters import inside
from edge.rate_limits import REGISTER, consume
from identity.authentication import ensure_second_factor, note_new_log_in
from identity.middleware import begin_session
from identity.models import User
from identity.operations.second_factor import has_second_factor
from identity.operations.users import register as open_user
from identity.queries import second_factor as second_factor_of

# In the session of a browser that waits for a second factor, at most this long.
_WAITING = "_waiting_for_second_factor"
WAITING_S = 300


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Log in by e-mail. Attempts are counted by address and by e-mail."""
    following = following_page(request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return HttpResponseRedirect(following)
    form = LoginForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            status = _try(request, form, form.cleaned_data)
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        if status == 200:
            return HttpResponseRedirect(following)
        if status == 202:
            return HttpResponseRedirect(
                f"{reverse('login_second')}?{urlencode({'next': following})}"
            )
    elif form.is_bound:
        status = 400
    return shown(request, "login", {"form": form, "next": following}, status=status)


def _try(request: HttpRequest, form: LoginForm, data: Mapping[str, Any]) -> int:
    email, password = str(data["email"]), data["password"]
    user = authenticate(request, username=email, password=password)
    if user is None:
        form.add_error(
            None, "The e-mail address or the password is wrong. Check both and try again."
        )
        return 401
    assert isinstance(user, User), "the one backend returns users of ours"
    if has_second_factor(user=user):
        # The password alone logs nobody in: the session stays anonymous and says whose code it
        # waits for. The hash ends the wait with a change of the password.
        request.session[_WAITING] = [
            user.pk,
            user.get_session_auth_hash(),
            int(timezone.now().timestamp()),
        ]
        return 202
    enter(request, user, second_factor=False, by="password")
    return 200


def enter(request: HttpRequest, user: User, *, second_factor: bool, by: str) -> None:
    """Log the user in: everything they had to prove is proved."""
    note_new_log_in(user=user, request=request, by=by)
    request.session.pop(_WAITING, None)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    begin_session(request, second_factor=second_factor)


def waiting_user(request: HttpRequest) -> User | None:
    """Return the user whose password was right a moment ago in this browser."""
    waiting = request.session.get(_WAITING)
    if not waiting:
        return None
    user_id, session_hash, at = waiting
    if timezone.now().timestamp() - at > WAITING_S:
        return None
    user = User.objects.filter(pk=user_id).first()
    if user is None or not user.may_log_in:
        return None
    return user if constant_time_compare(user.get_session_auth_hash(), session_hash) else None


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in_second(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of a user whose password was right."""
    following = following_page(request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return HttpResponseRedirect(following)
    user = waiting_user(request)
    if user is None:
        return redirect("login")
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            ensure_second_factor(user=user, otp=form.cleaned_data["code"], request=request)
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            enter(request, user, second_factor=True, by="password and second factor")
            return HttpResponseRedirect(following)
    elif form.is_bound:
        status = 400
    context = {"form": form, "next": following, "factors": second_factor_of(user=user)}
    return shown(request, "login_second", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD"])
def log_in_to_admin(request: HttpRequest) -> HttpResponse:
    """Send operators to the one log-in, and tell others that the administration is not theirs."""
    following = following_page(request.GET.get("next", "/admin/"))
    if not request.user.is_authenticated:
        return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': following})}")
    if request.user.is_staff:
        return HttpResponseRedirect(following)
    detail = "Only operators see the administration. Log in as one of them."
    return refused(request, BallastError(detail, code="permission_denied", status=403))


def following_page(address: str) -> str:
    """Return the page after a log-in: a path of this site, or else the first page."""
    return inside(address, otherwise=settings.LOGIN_REDIRECT_URL)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Register a user, log them in and lead to the first steps.

    A taken address is a log-in with the password that was typed, under the limits of log-ins; if
    the password is wrong, the log-in page follows, which mails a new one.
    """
    if request.user.is_authenticated:
        return redirect("overview")
    form = RegisterForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            return _entered(request, form)
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
    elif form.is_bound:
        status = 400
    return shown(request, "register", {"form": form}, status=status)


def _entered(request: HttpRequest, form: RegisterForm) -> HttpResponse:
    data = form.cleaned_data
    consume(REGISTER, request=request, subject=folded(data["email"]))
    user = open_user(
        email=data["email"],
        password=data["password"],
        full_name=data["full_name"],
        invitation=None,
        now=timezone.now(),
    )
    if user is not None:
        login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
        begin_session(request, second_factor=False)
        return redirect("welcome")
    status = _try(request, LoginForm(data), data)
    if status == 200:
        return redirect("overview")
    if status == 202:
        return redirect("login_second")
    messages.info(
        request,
        "No new log-in was made. If this address is yours, log in, or have a new password mailed.",
    )
    return redirect("login")


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    logout(request)
    return redirect("login")
