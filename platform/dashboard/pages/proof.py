"""Acts that need a recent proof of who one is: the guard, and the page that asks for the proof."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters

from core.errors import BallastError
from dashboard.forms.entries import add_refusal
from dashboard.forms.security import CodeForm, PasswordProofForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import count_try
from dashboard.pages.query_parameters import inside
from edge import rate_limits
from identity.authentication import prove
from identity.middleware import renew_session_proof, session_proved_at
from identity.operations.log_ins import ProofNeeded, ensure_recent
from identity.operations.second_factor import has_second_factor
from identity.queries import second_factor as second_factor_of

P = ParamSpec("P")
Page = Callable[Concatenate[SignedIn, P], HttpResponse]


def recently_proved(back: str) -> Callable[[Page[P]], Page[P]]:
    """Send whoever proved nothing in the last minutes to the proof, then to the page `back`."""

    def decorate(view: Page[P]) -> Page[P]:
        @wraps(view)
        def page(request: SignedIn, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                ensure_recent(proved_at=session_proved_at(request), now=timezone.now())
            except ProofNeeded:
                address = f"{reverse('proof')}?{urlencode({'next': reverse(back)})}"
                return HttpResponseRedirect(address)
            return view(request, *args, **kwargs)

        return page

    return decorate


@for_investors("GET", "POST")
@sensitive_post_parameters("password", "code")
def proof(request: SignedIn) -> HttpResponse:
    """Ask for the password, or for a code if there is a second factor; then go on."""
    following = inside(
        request.POST.get("next") or request.GET.get("next", ""), otherwise=reverse("security")
    )
    factor = has_second_factor(user=request.user)
    kind = CodeForm if factor else PasswordProofForm
    form = kind(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            count_try(request, rate_limits.PROOF)
            prove(
                user=request.user,
                password=form.cleaned_data.get("password"),
                otp=form.cleaned_data.get("code"),
                request=request,
            )
        except BallastError as refusal:
            _show(form, refusal)
            status = refusal.status
        else:
            renew_session_proof(request)
            messages.success(request, "Thank you. Now repeat what you were about to do.")
            return HttpResponseRedirect(following)
    elif form.is_bound:
        status = 400
    factors = second_factor_of(user=request.user)
    context = {"form": form, "next": following, "factor": factor, "factors": factors}
    return shown(request, "proof", context, status=status)


def _show(form: CodeForm | PasswordProofForm, refusal: BallastError) -> None:
    """Show the refusal at the one field of the form."""
    if refusal.fields:
        form.add_error(next(iter(form.fields)), refusal.detail)
    else:
        add_refusal(form, refusal)
