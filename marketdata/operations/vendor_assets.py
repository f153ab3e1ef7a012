"""Find securities at vendors, and follow one: it becomes an asset of everyone's, with prices.

find      the vendors that can search are asked in their order until one answers; answers are
          kept for a day
follow    the vendor is asked again, so name, class and currency are its own words and not the
          caller's; the asset is created, or the public one of this symbol gets the listing; its
          newest quote is fetched at once, its history by the next run of the task
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import redis
from django.db import transaction

from core.currencies import CURRENCIES, minor_unit_of
from core.errors import Conflict, InvalidInput, NotFound, Unavailable
from core.limits import NAME_LENGTH_MAX
from identity.models import User
from marketdata.calendars import is_known
from marketdata.identifiers import ensure_symbol, is_isin
from marketdata.models import Asset, AssetClass, Listing
from marketdata.operations.asking import ask, providers, providers_of
from marketdata.operations.quotes import IncomingQuote, record_quotes
from marketdata.providers.port import (
    Capability,
    Fault,
    Match,
    Provider,
    ProviderFault,
    VendorQuote,
)
from marketdata.vendor_quotes import in_currency
from stores.redis import redis_client

logger = logging.getLogger(__name__)

_KEPT_S = 86_400
MATCHES_MAX = 20
# Vendors do not agree which of these a security is.
_MIXED_UP = {AssetClass.EQUITY, AssetClass.ETF, AssetClass.FUND}


@dataclass(frozen=True, slots=True)
class Found:
    """A security at a vendor. `known_as`: the public symbol under which it is followed already."""

    provider: str
    symbol: str
    name: str
    asset_class: str
    currency: str | None
    exchange: str
    isin: str
    known_as: str | None = None


@dataclass(frozen=True, slots=True)
class Security:
    """What a vendor says of one security."""

    provider: str
    match: Match
    currency: str
    quote: VendorQuote | None


class NoVendor(Unavailable):
    """No vendor can be asked now."""

    code = "vendor_unavailable"


def find_at_vendors(*, text: str, now: datetime) -> list[Found]:
    """Return securities that vendors know, best first; raise NoVendor if none answers."""
    wanted = " ".join(text.split())
    if not wanted:
        return []
    asked = providers_of(Capability.SEARCH)
    if not asked:
        raise NoVendor(
            "No vendor of market data is set up that can search. Set PROVIDERS, or add the asset "
            "as one of your own.",
            status=409,
            code="vendor_not_configured",
        )
    faults = []
    for provider in asked:
        try:
            return _marked(provider.name, matches_at(provider, wanted, now))
        except ProviderFault as fault:
            faults.append(fault)
    raise _unavailable(faults)


def security_at(*, provider: str, provider_symbol: str, now: datetime) -> Security:
    """Return a vendor's security with its newest quote. Asks the vendor, writes nothing."""
    vendor = providers().get(provider)
    if vendor is None or Capability.SEARCH not in vendor.capabilities:
        raise InvalidInput(
            f"The vendor {provider[:32]} is not set up. Search again.",
            code="vendor_unknown",
            fields={"provider": ["is not set up"]},
        )
    try:
        matches = matches_at(vendor, provider_symbol, now)
        match = next((one for one in matches if one.symbol == provider_symbol), None)
        if match is None:
            raise NotFound(
                f"{provider} does not know {provider_symbol[:64]}. Search for it first.",
                code="vendor_symbol_unknown",
            )
        quote = _quote(vendor, match, now)
    except ProviderFault as fault:
        raise _unavailable([fault]) from None
    return Security(provider, match, _currency(provider, match, quote), quote)


def follow_security(*, user: User, security: Security, now: datetime) -> Asset:
    """Return the public asset of a vendor's security; create what is new of it and its listing."""
    match = security.match
    symbol = ensure_symbol(match.symbol.upper())
    with transaction.atomic():
        asset, made = Asset.objects.get_or_create(
            symbol=symbol,
            household=None,
            defaults={
                "name": match.name[:NAME_LENGTH_MAX] or symbol,
                "asset_class": match.asset_class,
                "currency": security.currency,
                "exchange": match.exchange if is_known(match.exchange) else "",
                "isin": match.isin if is_isin(match.isin) else "",
            },
        )
        if not made and not _is_the_same(asset, security):
            raise Conflict(
                f"Another asset already has the symbol {symbol}: {asset.name}, in "
                f"{asset.currency}. An operator has to add this one.",
                code="symbol_taken",
                fields={"provider_symbol": ["is taken"]},
            )
        first = not asset.listings.exists()
        Listing.objects.get_or_create(
            asset=asset,
            provider=security.provider,
            defaults={
                "provider_symbol": match.symbol,
                "rank": list(providers()).index(security.provider),
                "added_by_id": user.pk,
                "added_at": now,
                "days_due_at": now if first else None,
            },
        )
        transaction.on_commit(lambda: _publish(asset, security, now))
    return asset


def _is_the_same(asset: Asset, security: Security) -> bool:
    """Return whether a public asset may be quoted by this security's vendor.

    Never a series of the demo: its days are shifted, and the replay quotes it. Never another kind
    of thing: USD is a currency here and a fund of semiconductors at the vendors.
    """
    isins = {asset.isin, security.match.isin} - {""}
    kinds = {asset.asset_class, security.match.asset_class}
    sample = asset.source is not None and asset.source.kind != "provider"
    return (
        asset.is_active
        and asset.tradable
        and asset.currency == security.currency
        and len(isins) <= 1
        and (len(kinds) == 1 or kinds <= _MIXED_UP)
        and not sample
    )


def _publish(asset: Asset, security: Security, now: datetime) -> None:
    """Record the first price, so that the next page shows one."""
    quote = None
    if security.quote is not None:
        quote = in_currency(security.quote, currency=asset.currency)
    if quote is not None:
        incoming = IncomingQuote(
            symbol=asset.symbol,
            price=quote.price,
            as_of=quote.as_of,
            source=security.provider,
            previous_close=quote.previous_close,
        )
        record_quotes(quotes=[incoming], now=now)


def matches_at(provider: Provider, text: str, now: datetime) -> list[Match]:
    """Return what one vendor finds, which is kept for a day. Raise ProviderFault."""
    key = f"vendor-search:{provider.name}:{text.casefold()[:80]}"
    try:
        kept = redis_client().get(key)
    except redis.RedisError:
        kept = None
    if kept is not None:
        return [Match(**fields) for fields in json.loads(kept)]
    found = ask(provider, "search", lambda vendor: vendor.search(text), now=now)
    usable = [one for one in found if one.asset_class in AssetClass.values][:MATCHES_MAX]
    try:
        redis_client().set(key, json.dumps([asdict(one) for one in usable]), ex=_KEPT_S)
    except redis.RedisError:
        logger.warning("Redis is down, what %s found is not kept", provider.name)
    return usable


def _marked(provider: str, matches: Sequence[Match]) -> list[Found]:
    known = dict(
        Listing.objects.filter(
            asset__household=None,
            provider=provider,
            provider_symbol__in=[one.symbol for one in matches],
        ).values_list("provider_symbol", "asset__symbol")
    )
    return [
        Found(provider=provider, known_as=known.get(one.symbol), **asdict(one)) for one in matches
    ]


def _quote(vendor: Provider, match: Match, now: datetime) -> VendorQuote | None:
    if Capability.QUOTES not in vendor.capabilities:
        return None
    quotes = ask(vendor, "quotes", lambda one: one.quotes([match.symbol]), now=now)
    return next((one for one in quotes if one.symbol == match.symbol), None)


def _currency(provider: str, match: Match, quote: VendorQuote | None) -> str:
    """Return the currency of the asset: the vendor's, or that of the minor unit it quotes in."""
    stated = match.currency or (quote.currency if quote else None)
    minor = minor_unit_of(stated) if stated else None
    if minor is not None and (quote is None or quote.currency is None):
        # Its quotes would count as pounds: a hundred times too much.
        raise Conflict(
            f"{provider} has {match.symbol} in {stated}, but its quotes do not say so. "
            "Choose another vendor, or add the asset as one of your own.",
            code="vendor_currency_unknown",
        )
    currency = minor.currency if minor else (stated or "")
    if currency not in CURRENCIES:
        raise Conflict(
            f"{provider} does not say the currency of {match.symbol}, or it is none we know "
            f"({currency or 'not stated'}). Add the asset as one of your own.",
            code="vendor_currency_unknown",
        )
    return currency


def _unavailable(faults: Sequence[ProviderFault]) -> NoVendor:
    used = next((one for one in faults if one.fault is Fault.QUOTA_USED), None)
    if used is not None:
        return NoVendor(
            "The vendor's calls are used up for now. Try again later.",
            code="vendor_quota_used",
            retry_after_s=round(used.retry_after_s or 60),
        )
    return NoVendor(
        "The vendor of market data does not answer. Try again in a minute.", retry_after_s=60
    )
