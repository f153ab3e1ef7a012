"""List an asset at the other vendors too, so that one of them quotes it when the first fails.

due      an asset with a price, one of whose listings was never looked up elsewhere
match    a vendor that searches: its security with the asset's ISIN, else with its symbol, currency
         and exchange as far as both say them. One that does not search is asked for the symbol, if
         the asset trades in the United States, where vendors agree on symbols
proof    its quote must be in the asset's currency and within two percent of ours, which is fresh. A
         symbol alone proves nothing: SU is one company in Toronto, another one in Paris
done     the asset is not looked up again. A vendor that does not answer leaves it due
"""

import logging
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from marketdata.models import Asset, Listing
from marketdata.operations.asking import ask, providers
from marketdata.operations.vendor_assets import matches_at
from marketdata.providers.port import Capability, Match, Provider, ProviderFault
from marketdata.queries.quotes import quotes
from marketdata.vendor_quotes import APART_BP_MAX, apart_bp, in_currency

logger = logging.getLogger(__name__)

BATCH = 10
_UNITED_STATES = "XNYS"


def list_elsewhere(*, now: datetime, stop: Callable[[], bool]) -> list[Listing]:
    """Look up a few assets that are due; return the listings that were added."""
    others = [one for one in providers().values() if Capability.QUOTES in one.capabilities]
    if len(others) < 2:
        return []
    # In any order: one that no vendor answers for must not keep the others waiting.
    due = (
        Asset.objects.filter(
            household=None,
            is_active=True,
            latest_price__isnull=False,
            listings__others_asked_at=None,
            listings__isnull=False,
        )
        .distinct()
        .values_list("pk", flat=True)
    )
    chosen = list(Asset.objects.filter(pk__in=due).order_by("?")[:BATCH])
    ours = quotes(assets=chosen, now=now)
    added: list[Listing] = []
    for asset in chosen:
        if stop():
            break
        if (quote := ours.get(asset.pk)) is not None and not quote.stale:
            added += _listed(asset, quote.price, others, now)
    return added


def _listed(asset: Asset, price: Decimal, others: list[Provider], now: datetime) -> list[Listing]:
    known = {one.provider for one in asset.listings.all()}
    ranks = {name: rank for rank, name in enumerate(providers())}
    added, complete = [], True
    for vendor in others:
        if vendor.name in known:
            continue
        try:
            symbol = _symbol_at(vendor, asset, price, now)
        except ProviderFault as fault:
            logger.info("%s could not be looked up at %s: %s", asset, vendor.name, fault)
            complete = False
            continue
        if symbol is None:
            continue
        listing, made = Listing.objects.get_or_create(
            asset=asset,
            provider=vendor.name,
            defaults={"provider_symbol": symbol, "rank": ranks[vendor.name], "added_at": now},
        )
        added += [listing] if made else []
    if complete:
        asset.listings.update(others_asked_at=now)
    return added


def _symbol_at(vendor: Provider, asset: Asset, price: Decimal, now: datetime) -> str | None:
    """Return the vendor's name for the asset, proved by its price, or None."""
    if Capability.SEARCH in vendor.capabilities:
        match = _match(vendor, asset, now)
        symbol = None if match is None else match.symbol
    else:
        symbol = asset.symbol if asset.exchange == _UNITED_STATES else None
    if symbol is None:
        return None
    answered = ask(vendor, "quotes", lambda one: one.quotes([symbol]), now=now)
    stated = next((one for one in answered if one.symbol == symbol), None)
    converted = None if stated is None else in_currency(stated, currency=asset.currency)
    if converted is None or converted.price <= 0:
        return None
    return symbol if apart_bp(price, converted.price) <= APART_BP_MAX else None


def _match(vendor: Provider, asset: Asset, now: datetime) -> Match | None:
    found = matches_at(vendor, asset.isin or asset.symbol, now)
    if asset.isin:
        same = next((one for one in found if one.isin == asset.isin), None)
        if same is not None:
            return same
        found = matches_at(vendor, asset.symbol, now)
    return next((one for one in found if _may_be(one, asset)), None)


def _may_be(match: Match, asset: Asset) -> bool:
    return (
        match.symbol.upper() == asset.symbol
        and match.isin in {"", asset.isin}
        and match.currency in {None, asset.currency}
        and (not match.exchange or not asset.exchange or match.exchange == asset.exchange)
    )
