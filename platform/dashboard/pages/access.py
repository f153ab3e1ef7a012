"""The pages to log in, register and log out."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core.emails import folded
from core.errors import BallastError
from dashboard.forms.entries import LoginForm, RegisterForm, add_refusal
from dashboard.pages.frame import shown
from edge.rate_limits import REGISTER, consume
from identity.middleware import begin_session
from identity.operations.users import register as open_user


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Log in by e-mail. Attempts are counted by address and by e-mail."""
    following = _inside(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return HttpResponseRedirect(following)
    form = LoginForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            status = _try(request, form)
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        if status == 200:
            return HttpResponseRedirect(following)
    elif form.is_bound:
        status = 400
    return shown(request, "login", {"form": form, "next": following}, status=status)


def _try(request: HttpRequest, form: LoginForm) -> int:
    email, password = str(form.cleaned_data["email"]), form.cleaned_data["password"]
    user = authenticate(request, username=email, password=password)
    if user is None:
        form.add_error(
            None, "The e-mail address or the password is wrong. Check both and try again."
        )
        return 401
    login(request, user)
    begin_session(request)
    return 200


def _inside(request: HttpRequest, address: str) -> str:
    """Return the page to go on to: a path of this site, or else the first page."""
    ours = address.startswith("/") and url_has_allowed_host_and_scheme(
        address, allowed_hosts=None, require_https=request.is_secure()
    )
    return address if ours else settings.LOGIN_REDIRECT_URL


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Register a user. A taken address gets the same response, so that it does not reveal users."""
    form = RegisterForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            consume(REGISTER, request=request, subject=folded(data["email"]))
            open_user(
                email=data["email"],
                password=data["password"],
                full_name=data["full_name"],
                invitation=None,
                now=timezone.now(),
            )
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, "Your account is ready. Log in to begin.")
            return redirect("login")
    elif form.is_bound:
        status = 400
    return shown(request, "register", {"form": form}, status=status)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    logout(request)
    return redirect("login")
