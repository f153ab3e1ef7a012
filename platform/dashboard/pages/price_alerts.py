"""The user's price alerts."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError
from dashboard.forms.entries import add_refusal
from dashboard.forms.notices import PriceAlertForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from marketdata.queries import asset
from notifications import queries
from notifications.operations import create_price_alert, delete_price_alert


@for_investors("GET", "POST")
def price_alerts(request: SignedIn) -> HttpResponse:
    """Show the alerts; a POST sets another. `?symbol=` fills in the security."""
    sent = request.POST if request.method == "POST" else None
    form = PriceAlertForm(sent, initial={"symbol": request.GET.get("symbol", "")})
    status = 200
    if form.is_bound and form.is_valid():
        chosen = form.cleaned_data
        try:
            alert = create_price_alert(
                user=request.user,
                asset=asset(user=request.user, symbol=chosen["symbol"].strip().upper()),
                kind=chosen["kind"],
                value=chosen["value"],
                now=timezone.now(),
            )
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            waits = "" if alert.armed else " The price is there already: the next time counts."
            messages.success(request, f"Alert on {alert.asset.symbol} set.{waits}")
            return redirect("price_alerts")
    elif form.is_bound:
        status = 400
    return shown(
        request,
        "price_alerts",
        {
            "section": "notices",
            "view": "alerts",
            "form": form,
            "alerts": list(queries.price_alerts(user=request.user)[:200]),
        },
        status=status,
    )


@for_investors("POST")
def price_alert_delete(request: SignedIn, alert_id: UUID) -> HttpResponse:
    """Delete an alert."""
    delete_price_alert(alert=queries.price_alert(user=request.user, public_id=alert_id))
    messages.success(request, "Alert deleted.")
    return redirect("price_alerts")
