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

from core.currencies import units_of
from core.limits import PRICE_DECIMALS, PRICE_MAX
from marketdata.calendars import session_opened
from marketdata.providers.port import VendorQuote

# Two vendors' prices may differ by this share of the first, in basis points.
APART_BP_MAX = 200
# A move by more than this share is confirmed by another vendor, if there is one.
MOVED_MAX = Decimal("0.2")
_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)
# Of a distance that is stored, in basis points.
_APART_BP_STORED_MAX = 2_147_483_647


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
    """The last close that is stored, and its session on the exchange's own day."""

    day: date
    price: Decimal
    exchange: str = ""


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
    by_name: dict[str | None, list[Listed]] = {}
    for one in asked:
        by_name.setdefault(one.name_at(provider), []).append(one)
    believed: dict[int, VendorQuote] = {}
    refused: list[tuple[str, str]] = []
    for quote in quotes:
        # Two assets may have one name at a vendor.
        found = by_name.get(quote.symbol, [])
        if not found:
            refused.append((quote.symbol, "symbol_not_asked"))
        for listed in found:
            converted = in_currency(quote, currency=listed.currency)
            fault = _fault(quote, converted, closes.get(listed.asset_id))
            if fault is not None:
                refused.append((listed.symbol, fault))
            elif listed.asset_id in believed:
                refused.append((listed.symbol, "said_twice"))
            elif converted is not None:
                believed[listed.asset_id] = converted
    missing = [one for one in asked if one.asset_id not in believed]
    return Judged(believed, refused, missing)


def is_doubtful(quote: VendorQuote, *, last: Decimal | None, close: Close | None) -> bool:
    """Return whether another vendor should confirm a quote. `last`: the newest recorded price."""
    known = last or (close.price if close else None)
    if known is not None and abs(quote.price - known) > known * MOVED_MAX:
        return True
    return close is not None and quote.price == close.price and _is_later(quote, close)


def in_currency(quote: VendorQuote, *, currency: str) -> VendorQuote | None:
    """Return the quote in the asset's currency; None if it is in another one."""
    per = units_of(quote.currency, currency=currency)
    if per is None:
        return None
    if per == 1:
        return quote
    before = quote.previous_close
    return replace(
        quote,
        price=quote.price / per,
        previous_close=None if before is None else before / per,
        currency=currency,
    )


def apart_bp(price: Decimal, other: Decimal) -> int:
    """Return how far another price is from one, in basis points of the first; two billion at most.

    Both are positive.
    """
    return min(round(abs(other - price) / price * 10_000), _APART_BP_STORED_MAX)


def _fault(quote: VendorQuote, converted: VendorQuote | None, close: Close | None) -> str | None:
    price = quote.price if converted is None else converted.price
    if not price.is_finite():
        return "price_not_positive"
    if price > PRICE_MAX:
        return "price_too_large"
    if price.quantize(_STEP) <= 0:
        return "price_not_positive"
    if converted is None:
        return "currency_wrong"
    if close is not None and _is_yesterdays(converted, close):
        return "yesterdays_close"
    return None


def _is_yesterdays(quote: VendorQuote, close: Close) -> bool:
    if quote.price != close.price or quote.previous_close in (None, close.price):
        return False
    return _is_later(quote, close)


def _is_later(quote: VendorQuote, close: Close) -> bool:
    """Return whether a session after that of the close had opened when the quote was made.

    The day in UTC would not do: an evening in New York is tomorrow there.
    """
    exchange = close.exchange
    session = session_opened(exchange=exchange, now=quote.as_of) if exchange else None
    return (session or quote.as_of.date()) > close.day
