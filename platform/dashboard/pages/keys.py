"""The page of API keys: make one, see it once, revoke it."""

from datetime import UTC, datetime, time
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, NotFound
from dashboard.forms.entries import add_refusal
from dashboard.forms.security import KeyForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import count_try, id_sent
from dashboard.pages.proof import recently_proved
from edge import rate_limits
from identity.middleware import origin_of
from identity.operations import api_keys
from identity.queries import api_keys as keys_of
from transactions.queries import accounts


@for_investors("GET", "POST")
def keys(request: SignedIn) -> HttpResponse:
    """List the keys; a POST makes one and shows it once."""
    return _make(request) if request.method == "POST" else _page(request, _form(request))


@recently_proved("api_keys")
def _make(request: SignedIn) -> HttpResponse:
    form = _form(request)
    if not form.is_valid():
        return _page(request, form, status=400)
    data = form.cleaned_data
    until = data["expires_on"]
    try:
        count_try(request, rate_limits.MAKE_KEY)
        key, text = api_keys.make_key(
            user=request.user,
            name=data["name"],
            scopes=data["scopes"],
            account_ids=[UUID(one) for one in data["accounts"]] or None,
            expires_at=datetime.combine(until, time(0), tzinfo=UTC) if until else None,
            now=timezone.now(),
            origin=origin_of(request),
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _page(request, form, status=refusal.status)
    return shown(request, "key_made", {"key": key, "text": text})


@for_investors("POST")
def key_revoke(request: SignedIn) -> HttpResponse:
    """Revoke a key."""
    missing = NotFound("The key does not exist. Reload the list.", code="key_not_found")
    key_id = id_sent(request, "key", missing=missing)
    api_keys.revoke_key(
        user=request.user, key_id=key_id, now=timezone.now(), origin=origin_of(request)
    )
    messages.success(request, "The key is revoked.")
    return redirect("api_keys")


def _form(request: SignedIn) -> KeyForm:
    choices = [
        (str(account.public_id), account.name)
        for account in accounts(user=request.user, archived=False)[:200]
    ]
    return KeyForm(request.POST if request.method == "POST" else None, accounts=choices)


def _page(request: SignedIn, form: KeyForm, *, status: int = 200) -> HttpResponse:
    names = dict(form.account_names)
    now = timezone.now()
    rows = [
        {
            "key": key,
            "expired": key.expires_at is not None and key.expires_at <= now,
            "accounts": [names.get(str(one), "another account") for one in key.account_ids or ()],
        }
        for key in keys_of(user=request.user)[:100]
    ]
    return shown(request, "api_keys", {"form": form, "rows": rows}, status=status)
