"""Find a security at the vendors of market data, and follow it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.errors import BallastError, NotFound
from dashboard.forms.entries import add_refusal
from dashboard.forms.securities import FindForm, FollowForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import count_try
from dashboard.pages.query_parameters import inside
from edge import rate_limits
from marketdata.operations.vendor_assets import find_at_vendors, follow_security, security_at
from marketdata.queries.quotes import quotes


@for_investors("GET")
def securities(request: SignedIn) -> HttpResponse:
    """Show the search, and what the vendors found."""
    asked = bool(request.GET.get("q"))
    form = FindForm(request.GET if asked else None)
    context: dict[str, Any] = {
        "form": form,
        "asked": asked,
        "back": inside(request.GET.get("back", ""), otherwise=""),
    }
    status = 200
    if asked and form.is_valid():
        try:
            count_try(request, rate_limits.VENDOR_SEARCH)
            context["found"] = find_at_vendors(text=form.cleaned_data["q"], now=timezone.now())
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
    elif asked:
        status = 400
    return shown(request, "securities", context, status=status)


@for_investors("POST")
def security_follow(request: SignedIn) -> HttpResponse:
    """Follow a security that was found; show the search again, with its first price."""
    form = FollowForm(request.POST)
    if not form.is_valid():
        raise NotFound("This security cannot be added. Search for it again.")
    chosen = form.cleaned_data
    count_try(request, rate_limits.VENDOR_SEARCH)
    now = timezone.now()
    security = security_at(
        provider=chosen["provider"], provider_symbol=chosen["provider_symbol"], now=now
    )
    asset = follow_security(user=request.user, security=security, now=now)
    quote = quotes(assets=[asset], now=now).get(asset.pk)
    price = f" Its newest price is {quote.price.normalize():f} {asset.currency}." if quote else ""
    messages.success(
        request, f"{asset.symbol} is added.{price} Its history loads in the next minutes."
    )
    query = {"q": chosen["q"] or asset.symbol}
    if back := inside(chosen["back"], otherwise=""):
        query["back"] = back
    return redirect(f"{reverse('securities')}?{urlencode(query)}")
