"""The page of one asset: what the household has and had of it, and where its figures come from."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, NotFound
from core.limits import SYMBOL_LENGTH_MAX
from core.money import plain
from dashboard.forms.assets import OwnAssetForm
from dashboard.forms.entries import add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.notes import notes_card
from dashboard.presenters.figures import currency_decimals, currency_prefix
from dashboard.presenters.holding_table import age
from marketdata.corporate_actions import sentence
from marketdata.models import Asset
from marketdata.operations import create_own_asset
from marketdata.queries import assets
from portfolios.holdings.tables import class_label
from portfolios.income.received import summed
from portfolios.queries.asset_positions import AssetPosition, asset_position
from recommendations.models import NoteSubject
from transactions.ledger.kinds import KINDS
from transactions.queries.actions import actions

SIMILAR_SHOWN = 8
ACTIONS_SHOWN = 20
PAYMENTS_SHOWN = 12


@for_investors("GET")
def asset(request: SignedIn, symbol: str) -> HttpResponse:
    """Show one asset over all accounts; for an unknown symbol show similar ones, with 404."""
    now, symbol = timezone.now(), symbol.upper()
    if len(symbol) > SYMBOL_LENGTH_MAX:
        raise NotFound("No symbol is this long. Search for it.", code="symbol_unknown")
    try:
        found = asset_position(user=request.user, symbol=symbol, now=now)
    except NotFound:
        return _unknown(request, symbol, OwnAssetForm(initial=_usual(request, symbol)), status=404)
    events = actions(user=request.user, symbol=symbol).filter(asset=found.asset)[:ACTIONS_SHOWN]
    return shown(
        request,
        "asset",
        {
            "section": "holdings",
            "found": found,
            "asset": found.asset,
            "asset_class": class_label(found.asset.asset_class),
            "price_age": age(found.quote.as_of, now) if found.quote else "",
            "rates": _rates(found),
            "received": summed(found.payments),
            **notes_card(request, subject_type=NoteSubject.ASSET, subject_id=found.asset.public_id),
            "payments": [
                (row, KINDS[row.booked.kind].label) for row in found.payments[:PAYMENTS_SHOWN]
            ],
            "events": [(row, sentence(row.terms)) for row in events],
            "chart": _chart(found),
            "trades": [
                {
                    "date": one.date.isoformat(),
                    "bought": one.bought,
                    "quantity": plain(one.quantity),
                }
                for one in found.trades
            ],
        },
    )


@for_investors("POST")
def asset_new(request: SignedIn) -> HttpResponse:
    """Create an asset of the household's own, and go on to its prices."""
    form = OwnAssetForm(request.POST)
    if not form.is_valid():
        return _unknown(request, str(form["symbol"].value() or ""), form, status=400)
    try:
        made = create_own_asset(user=request.user, **form.cleaned_data)
    except BallastError as refusal:
        symbol = form.cleaned_data["symbol"]
        add_refusal(form, refusal)
        return _unknown(request, symbol, form, status=refusal.status)
    messages.success(request, f"{made.symbol} is created. Only your household sees it.")
    return redirect("asset_prices", made.symbol)


def _unknown(request: SignedIn, symbol: str, form: OwnAssetForm, *, status: int) -> HttpResponse:
    similar = list(assets(user=request.user, q=symbol)[:SIMILAR_SHOWN]) if symbol.strip() else []
    context: dict[str, Any] = {
        "section": "holdings",
        "symbol": symbol[:SYMBOL_LENGTH_MAX],
        "similar": similar,
        "form": form,
    }
    return shown(request, "asset_unknown", context, status=status)


def _usual(request: SignedIn, symbol: str) -> dict[str, str]:
    return {"symbol": symbol, "currency": request.user.base_currency}


def _rates(found: AssetPosition) -> list[dict[str, object]]:
    """Return the exchange rates between the price and the accounts, each once, with their days."""
    rates: dict[tuple[str, str], dict[str, object]] = {}
    for part in found.parts:
        for row in part.value.holdings:
            rate = row.rate
            if row.position.asset_id == found.asset.pk and rate and rate.base != rate.quote:
                rates[rate.base, rate.quote] = {
                    "base": rate.base,
                    "quote": rate.quote,
                    "rate": rate.rate,
                    "date": rate.date,
                    "stale": rate.stale,
                }
    return list(rates.values())


def _chart(found: AssetPosition) -> dict[str, object]:
    """Return what the script of the chart needs of the only symbol it shows."""
    row: Asset = found.asset
    form = {
        "symbol": row.symbol,
        "decimals": currency_decimals(row.currency),
        "prefix": currency_prefix(row.currency),
    }
    return {"accounts": [{"positions": [form]}]}
