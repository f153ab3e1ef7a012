"""Vendors' quotes judged before they are believed. Pure.

A vendor's answer is refused, with a code, if it is about a symbol it was not asked for, in a
currency that is not the asset's, or yesterday's close under today's date. What can be judged
without knowing who said it (zero, jumps, future times) is judged where every quote is recorded, in
`marketdata.operations.quotes`.

    currency     pence of an asset in pounds are converted; any other difference is refused
    yesterday's  the price is the close of the last session, while the vendor's previous close is
    close        another: its day has not begun. A price that truly stands where it closed comes
                 with that close as its previous one
    doubtful     not refused, but held until another vendor has spoken: a price a fifth away from
                 the last one, or exactly the last close in the middle of a session. Without another
                 vendor it is believed, because markets do move by a fifth and do stand still
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from core.currencies import minor_unit_of
from marketdata.providers.port import VendorQuote

# Two vendors' prices may differ by this share of the first, in basis points.
APART_BP_MAX = 200
# A move by more than this share is confirmed by another vendor, if there is one.
MOVED_MAX = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Listed:
    """An asset, and its vendors with their names for it, the preferred one first."""

    asset_id: int
    symbol: str
    currency: str
    exchange: str
    listings: tuple[tuple[str, str], ...]

    def name_at(self, provider: str) -> str | None:
        return next((name for vendor, name in self.listings if vendor == provider), None)


@dataclass(frozen=True, slots=True)
class Close:
    """The last close that is stored, and its session."""

    day: date
    price: Decimal


@dataclass(frozen=True, slots=True)
class Judged:
    """The quotes to believe by asset id, the code of each refusal, and who had no answer."""

    believed: Mapping[int, VendorQuote]
    refused: Sequence[tuple[str, str]]
    missing: Sequence[Listed]


def judged(
    quotes: Sequence[VendorQuote],
    *,
    asked: Sequence[Listed],
    provider: str,
    closes: Mapping[int, Close],
) -> Judged:
    """Return what to believe of an answer to a question about `asked`."""
    by_name = {one.name_at(provider): one for one in asked}
    believed: dict[int, VendorQuote] = {}
    refused: list[tuple[str, str]] = []
    for quote in quotes:
        listed = by_name.get(quote.symbol)
        if listed is None:
            refused.append((quote.symbol, "symbol_not_asked"))
            continue
        converted = in_currency(quote, currency=listed.currency)
        if not quote.price.is_finite() or quote.price <= 0:
            refused.append((listed.symbol, "price_not_positive"))
        elif converted is None:
            refused.append((listed.symbol, "currency_wrong"))
        elif _is_yesterdays(converted, closes.get(listed.asset_id)):
            refused.append((listed.symbol, "yesterdays_close"))
        elif listed.asset_id in believed:
            refused.append((listed.symbol, "said_twice"))
        else:
            believed[listed.asset_id] = converted
    missing = [one for one in asked if one.asset_id not in believed]
    return Judged(believed, refused, missing)


def is_doubtful(quote: VendorQuote, *, last: Decimal | None, close: Close | None) -> bool:
    """Return whether another vendor should confirm a quote. `last`: the newest recorded price."""
    known = last or (close.price if close else None)
    if known is not None and abs(quote.price - known) > known * MOVED_MAX:
        return True
    return close is not None and quote.as_of.date() > close.day and quote.price == close.price


def in_currency(quote: VendorQuote, *, currency: str) -> VendorQuote | None:
    """Return the quote in the asset's currency; None if it is in another one."""
    if quote.currency is None or quote.currency == currency:
        return quote
    minor = minor_unit_of(quote.currency)
    if minor is None or minor.currency != currency:
        return None
    before = quote.previous_close
    return replace(
        quote,
        price=quote.price / minor.per,
        previous_close=None if before is None else before / minor.per,
        currency=currency,
    )


def apart_bp(price: Decimal, other: Decimal) -> int:
    """Return how far another price is from one, in basis points of the first."""
    return round(abs(other - price) / price * 10_000)


def _is_yesterdays(quote: VendorQuote, close: Close | None) -> bool:
    if close is None or quote.previous_close is None or quote.as_of.date() <= close.day:
        return False
    return quote.price == close.price and quote.previous_close != close.price
