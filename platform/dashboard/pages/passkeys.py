"""The pages of passkeys: add, remove, log in, prove. The browser's half is `passkeys.js`."""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from core.errors import BallastError, InvalidInput, NotFound
from core.limits import NAME_LENGTH_MAX
from dashboard.pages.access import enter, following_page
from dashboard.pages.frame import SignedIn, for_investors, refused, shown
from dashboard.pages.posts import id_sent
from dashboard.pages.proof import recently_proved
from edge import rate_limits
from identity.authentication import prove_by_passkey
from identity.middleware import origin_of, renew_session_proof, site_of
from identity.models import User
from identity.operations import passkeys
from identity.operations.passkeys import Ceremony
from identity.operations.sessions import SECOND_FACTOR

CREDENTIAL_LENGTH_MAX = 20_000


class PasskeyForm(forms.Form):
    """What the browser answered."""

    ceremony = forms.CharField(max_length=64)
    credential = forms.CharField(max_length=CREDENTIAL_LENGTH_MAX)
    name = forms.CharField(max_length=NAME_LENGTH_MAX, required=False)

    def clean_credential(self) -> dict[str, Any]:
        try:
            found = json.loads(self.cleaned_data["credential"])
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise forms.ValidationError("is not valid", code="passkey_invalid")
        return found


@for_investors("POST")
@recently_proved("security")
def options_to_add(request: SignedIn) -> HttpResponse:
    """Return the options for a new passkey."""
    return _begun(request, lambda: passkeys.begin_adding(user=request.user, site=site_of(request)))


@for_investors("POST")
@recently_proved("security")
def passkey_add(request: SignedIn) -> HttpResponse:
    """Store a new passkey; show the recovery codes if they were made with it."""
    data = _answer(request)
    _, codes = passkeys.add(
        user=request.user,
        ceremony=data["ceremony"],
        credential=data["credential"],
        name=data["name"] or origin_of(request).device or "Passkey",
        site=site_of(request),
        now=timezone.now(),
        origin=origin_of(request),
    )
    request.session[SECOND_FACTOR] = True
    if codes:
        return shown(request, "recovery_codes", {"codes": codes, "added": "passkey"})
    messages.success(request, "The passkey is added.")
    return redirect("security")


@for_investors("POST")
@recently_proved("security")
def passkey_remove(request: SignedIn) -> HttpResponse:
    """Remove a passkey."""
    missing = NotFound("The passkey does not exist. Reload the list.", code="passkey_not_found")
    passkey_id = id_sent(request, "passkey", missing=missing)
    passkeys.remove(
        user=request.user, passkey_id=passkey_id, now=timezone.now(), origin=origin_of(request)
    )
    messages.success(request, "The passkey is removed. Delete it in your device too.")
    return redirect("security")


@never_cache
@require_POST
def options_to_log_in(request: HttpRequest) -> HttpResponse:
    """Return the options for a log-in or a proof; they name no user."""
    return _begun(request, lambda: passkeys.begin_log_in(site=site_of(request)))


@never_cache
@require_POST
def passkey_log_in(request: HttpRequest) -> HttpResponse:
    """Log in with a passkey, which is two factors in itself."""
    try:
        user = _signed(request)
    except BallastError as refusal:
        return refused(request, refusal)
    enter(request, user, second_factor=True, by="passkey")
    return HttpResponseRedirect(following_page(request.POST.get("next", "")))


@for_investors("POST")
def passkey_proof(request: SignedIn) -> HttpResponse:
    """Prove with a passkey that one is still oneself."""
    rate_limits.consume(rate_limits.PASSKEY, request=request)
    data = _answer(request)
    prove_by_passkey(
        user=request.user,
        ceremony=data["ceremony"],
        credential=data["credential"],
        request=request,
    )
    request.session[SECOND_FACTOR] = True
    renew_session_proof(request)
    messages.success(request, "Thank you. Now repeat what you were about to do.")
    return HttpResponseRedirect(following_page(request.POST.get("next", "")))


def _begun(request: HttpRequest, begin: Callable[[], Ceremony]) -> HttpResponse:
    try:
        rate_limits.consume(rate_limits.PASSKEY, request=request)
    except BallastError as refusal:
        return refused(request, refusal)
    ceremony = begin()
    return JsonResponse({"ceremony": ceremony.token, "options": ceremony.options})


def _signed(request: HttpRequest) -> User:
    rate_limits.consume(rate_limits.PASSKEY, request=request)
    data = _answer(request)
    return passkeys.verified(
        ceremony=data["ceremony"],
        credential=data["credential"],
        site=site_of(request),
        now=timezone.now(),
    )


def _answer(request: HttpRequest) -> dict[str, Any]:
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("The device's answer is not valid. Start again.", code="passkey_invalid")
    return form.cleaned_data
