"""Create a household's own assets and record their prices."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

import redis
from django.db import connection, transaction

from core.currencies import CURRENCIES
from core.errors import Conflict, InvalidInput, NotFound
from core.limits import (
    EARLIEST_DATE,
    OWN_ASSETS_PER_HOUSEHOLD_MAX,
    OWN_PRICES_PER_REQUEST_MAX,
    PRICE_DECIMALS,
    PRICE_MAX,
)
from identity.models import User
from identity.operations.households import locked_household
from marketdata.identifiers import ensure_symbol
from marketdata.models import Asset, AssetClass, DailyPrice, IdentityDecision, LatestPrice
from marketdata.queries.quotes import OWN_QUOTES_KEY
from marketdata.quotes import OWN, Quote, encoded
from stores.locks import locked
from stores.redis import redis_client

logger = logging.getLogger(__name__)

_PRICE_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)

_UPSERT = """
INSERT INTO marketdata_dailyprice (asset_id, date, close)
SELECT %s, row.date, row.close FROM unnest(%s::date[], %s::numeric[]) AS row(date, close)
ON CONFLICT (asset_id, date) DO UPDATE
   SET close = EXCLUDED.close, open = NULL, high = NULL, low = NULL, volume = NULL
"""


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A closing price that the owner enters for a day."""

    date: date
    close: Decimal


def create_own_asset(
    *,
    user: User,
    symbol: str,
    name: str,
    currency: str,
    asset_class: str,
    substantially_identical_to: str | None = None,
) -> Asset:
    """Create an asset that only the user's household sees. Its symbol must not be public."""
    ensure_symbol(symbol)
    if asset_class not in AssetClass.values:
        raise InvalidInput(
            "The asset class does not exist. Send one of those listed in errors.",
            code="asset_class_unknown",
            fields={"asset_class": [f"must be one of {', '.join(AssetClass.values)}"]},
        )
    if currency not in CURRENCIES:
        raise InvalidInput(
            f"{currency[:8]} is not a supported currency. Send an ISO 4217 code such as USD.",
            code="currency_unknown",
            fields={"currency": ["is not known"]},
        )
    with transaction.atomic():
        locked_household(household_id=user.household_id)
        visible = Asset.objects.for_household(user.household_id)
        if visible.filter(symbol=symbol).exists():
            raise Conflict(
                f"Another asset already has the symbol {symbol}. Choose another.",
                code="symbol_taken",
                fields={"symbol": ["is taken"]},
            )
        if Asset.objects.filter(household_id=user.household_id).count() >= (
            OWN_ASSETS_PER_HOUSEHOLD_MAX
        ):
            raise Conflict(
                f"The household has the maximum of {OWN_ASSETS_PER_HOUSEHOLD_MAX} own assets. "
                "Use an existing one.",
                code="too_many_own_assets",
            )
        identical = _identical(user, substantially_identical_to)
        asset = Asset.objects.create(
            symbol=symbol,
            name=name,
            currency=currency,
            asset_class=asset_class,
            household_id=user.household_id,
            substantially_identical_to=identical,
        )
        if identical is not None:
            # Nothing was traded yet, so no ledger needs rebooking.
            IdentityDecision.objects.create(
                asset=asset,
                identical_to=identical,
                decided_by_id=user.pk,
                decided_at=asset.created_at,
                applied_at=asset.created_at,
            )
        return asset


def _identical(user: User, symbol: str | None) -> Asset | None:
    if symbol is None:
        return None
    found = Asset.objects.for_household(user.household_id).filter(symbol=symbol).first()
    if found is None:
        raise InvalidInput(
            f"The symbol {symbol[:40]} is not known.",
            code="symbol_unknown",
            fields={"substantially_identical_to": ["is not known"]},
        )
    return found


def record_own_prices(*, user: User, symbol: str, prices: Sequence[OwnPrice], as_of: date) -> int:
    """Write closes of an own asset; a repeated day replaces the earlier close."""
    asset = Asset.objects.filter(household_id=user.household_id, symbol=symbol).first()
    if asset is None:
        if Asset.objects.filter(household=None, symbol=symbol).exists():
            raise InvalidInput(
                f"{symbol} is a public asset. Only own assets accept prices.",
                code="asset_not_own",
            )
        raise NotFound(f"The symbol {symbol[:40]} is not known.", code="symbol_unknown")
    _ensure_plausible(prices, as_of)
    with transaction.atomic():
        # One writer at a time, because the newest price is read back below.
        locked(Asset.objects.all()).get(pk=asset.pk)
        with connection.cursor() as cursor:
            cursor.execute(
                _UPSERT,
                [
                    asset.pk,
                    [price.date for price in prices],
                    [price.close.quantize(_PRICE_STEP) for price in prices],
                ],
            )
        _refresh_latest(asset)
    return len(prices)


def _refresh_latest(asset: Asset) -> None:
    """Set the price from the newest day and the previous close from the day before it."""
    newest = list(
        DailyPrice.objects.filter(asset_id=asset.pk)
        .order_by("-date")
        .values_list("date", "close")[:2]
    )
    day, close = newest[0]
    as_of = datetime.combine(day, time(), tzinfo=UTC)
    before = newest[1][1] if len(newest) > 1 else None
    LatestPrice.objects.update_or_create(
        asset=asset,
        defaults={"price": close, "as_of": as_of, "source": OWN, "previous_close": before},
    )
    quote = Quote(asset.symbol, close, as_of, False, OWN, before)
    transaction.on_commit(lambda: _publish(asset.pk, quote), robust=True)


def _publish(asset_id: int, quote: Quote) -> None:
    """Publish the price, so that cached holdings show it at once."""
    try:
        redis_client().hset(OWN_QUOTES_KEY, str(asset_id), encoded(quote))
    except redis.RedisError:
        logger.warning("price of own asset %d was saved but not published", asset_id)


def _ensure_plausible(prices: Sequence[OwnPrice], as_of: date) -> None:
    if not prices:
        raise InvalidInput("No price was given. Send at least one.", code="prices_required")
    if len(prices) > OWN_PRICES_PER_REQUEST_MAX:
        raise InvalidInput(
            f"Too many prices. Send at most {OWN_PRICES_PER_REQUEST_MAX} at once.",
            code="too_many_rows",
        )
    seen: set[date] = set()
    for index, price in enumerate(prices):
        fault = _price_fault(price, as_of)
        if fault is None and price.date in seen:
            fault = ("date_repeated", "date", "appears twice")
        if fault is not None:
            code, field, message = fault
            raise InvalidInput(
                f"Row {index}: {field} {message}.",
                code=code,
                fields={f"{index}.{field}": [message]},
            )
        seen.add(price.date)


def _price_fault(price: OwnPrice, as_of: date) -> tuple[str, str, str] | None:
    if price.date > as_of:
        return "date_in_future", "date", "must not be in the future"
    if price.date < EARLIEST_DATE:
        return "date_too_early", "date", f"must be on or after {EARLIEST_DATE}"
    if not price.close.is_finite():
        return "price_not_finite", "close", "must be a number"
    if price.close > PRICE_MAX:
        return "price_too_large", "close", f"must be at most {PRICE_MAX}"
    if price.close.quantize(_PRICE_STEP) <= 0:
        return "price_not_positive", "close", "must be positive"
    return None
