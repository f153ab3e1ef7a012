"""Record, correct and delete a household's own prices, all of a request or none."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import redis
from django.db import transaction

from core.errors import Conflict, InvalidInput, NotFound
from core.limits import OWN_PRICES_PER_HOUSEHOLD_MAX, OWN_PRICES_PER_REQUEST_MAX
from identity.models import User
from identity.operations.households import locked_household
from marketdata.models import Asset, OwnPrice, PriceOrigin
from marketdata.own_prices import Fault, StatedPrice, needed_rates, price_fault, unit_price
from marketdata.queries.assets import assets_by_symbol
from marketdata.queries.exchange_rates import exchange_rates_on
from stores import keys
from stores.redis import redis_client
from stores.rows import rows_of

logger = logging.getLogger(__name__)

_COLUMNS = (
    *("household_id", "asset_id", "date", "price", "adjusted_until", "stated"),
    *("stated_currency", "nominal", "origin", "recorded_at", "recorded_by_id"),
)
# A row that says the same again stays as it is, so that a repeated file changes nothing.
_UPSERT = """
INSERT INTO marketdata_ownprice AS own
       (household_id, asset_id, date, price, adjusted_until, stated, stated_currency, nominal,
        origin, recorded_at, recorded_by_id)
SELECT %(household)s, row.asset_id, row.date, row.price, row.adjusted_until, row.stated,
       row.currency, row.nominal, %(origin)s, %(now)s, %(user)s
  FROM unnest(%(assets)s::bigint[], %(dates)s::date[], %(prices)s::numeric[],
              %(adjusted)s::date[], %(stated)s::numeric[], %(currencies)s::text[],
              %(nominals)s::numeric[])
       AS row (asset_id, date, price, adjusted_until, stated, currency, nominal)
 ORDER BY row.asset_id, row.date
ON CONFLICT (household_id, asset_id, date) DO UPDATE
   SET price = EXCLUDED.price, adjusted_until = EXCLUDED.adjusted_until,
       stated = EXCLUDED.stated, stated_currency = EXCLUDED.stated_currency,
       nominal = EXCLUDED.nominal, origin = EXCLUDED.origin,
       recorded_at = EXCLUDED.recorded_at, recorded_by_id = EXCLUDED.recorded_by_id
 WHERE (own.price, own.stated, own.stated_currency)
       IS DISTINCT FROM (EXCLUDED.price, EXCLUDED.stated, EXCLUDED.stated_currency)
    OR own.nominal IS DISTINCT FROM EXCLUDED.nominal
    OR own.adjusted_until IS DISTINCT FROM EXCLUDED.adjusted_until
RETURNING own.asset_id
"""


@dataclass(frozen=True, slots=True)
class PricedAsset:
    """A checked price of one asset: as stated, and of one unit in the asset's currency."""

    asset: Asset
    stated: StatedPrice
    price: Decimal


def checked_prices(
    *, prices: Sequence[tuple[Asset, StatedPrice]], as_of: date
) -> list[PricedAsset | Fault]:
    """Return each price of one unit, or why it is refused; at most one query."""
    needed = needed_rates((stated, asset.currency) for asset, stated in prices)
    rates = {
        key: rate.rate for key, rate in (exchange_rates_on(wanted=needed) if needed else {}).items()
    }
    return [_checked(asset, stated, rates, as_of) for asset, stated in prices]


def _checked(
    asset: Asset,
    stated: StatedPrice,
    rates: Mapping[tuple[str, str, date], Decimal],
    as_of: date,
) -> PricedAsset | Fault:
    fault = price_fault(stated, as_of=as_of)
    if fault is not None:
        return fault
    found = unit_price(stated, currency=asset.currency, rates=rates)
    return found if isinstance(found, Fault) else PricedAsset(asset, stated, found)


def asset_to_price(*, user: User, symbol: str) -> Asset:
    """Return the asset that the user's own household means by a symbol."""
    found = assets_by_symbol(household_id=user.household_id, symbols=[symbol]).get(symbol)
    if found is None:
        raise NotFound(f"The symbol {symbol[:40]} is not known.", code="symbol_unknown")
    return found


def record_own_prices(
    *, user: User, symbol: str, prices: Sequence[StatedPrice], now: datetime
) -> list[PricedAsset]:
    """Write a household's prices of one asset; a repeated day replaces the earlier price.

    Return the prices of one unit that were written.
    """
    asset = asset_to_price(user=user, symbol=symbol)
    _ensure_countable(prices)
    found = checked_prices(prices=[(asset, one) for one in prices], as_of=now.date())
    good = [one for one in found if isinstance(one, PricedAsset)]
    for one, checked in zip(prices, found, strict=True):
        if isinstance(checked, Fault):
            raise InvalidInput(
                f"{one.day}: {checked.detail} Nothing was recorded.",
                code=checked.code,
                fields={checked.field: [f"{one.day}: {checked.detail}"]},
            )
    store_own_prices(user=user, prices=good, origin=PriceOrigin.MANUAL, now=now)
    return good


def _ensure_countable(prices: Sequence[StatedPrice]) -> None:
    if not prices:
        raise InvalidInput("No price was given. Send at least one.", code="prices_required")
    if len(prices) > OWN_PRICES_PER_REQUEST_MAX:
        raise InvalidInput(
            f"Too many prices. Send at most {OWN_PRICES_PER_REQUEST_MAX} at once.",
            code="too_many_rows",
        )
    days = [one.day for one in prices]
    if len(set(days)) < len(days):
        twice = next(day for day in days if days.count(day) > 1)
        raise InvalidInput(
            f"{twice} appears twice. Send each day once.",
            code="date_repeated",
            fields={"date": [f"{twice} appears twice"]},
        )


def store_own_prices(
    *, user: User, prices: Sequence[PricedAsset], origin: str, now: datetime
) -> int:
    """Write checked prices of any number of assets together; return how many changed something."""
    if not prices:
        return 0
    with transaction.atomic():
        # One writer of a household at a time: two files cannot interleave their days.
        locked_household(household_id=user.household_id)
        changed = rows_of(_UPSERT, _columns(user, prices, origin, now))
        _ensure_room(user.household_id)
        publish_own_prices(household_id=user.household_id)
    return len(changed)


def _ensure_room(household_id: int) -> None:
    """Raise Conflict if the household now has more prices than it may; nothing is then written."""
    own = OwnPrice.objects.filter(household_id=household_id).values("date")
    if own[: OWN_PRICES_PER_HOUSEHOLD_MAX + 1].count() > OWN_PRICES_PER_HOUSEHOLD_MAX:
        raise Conflict(
            f"The household would have more than {OWN_PRICES_PER_HOUSEHOLD_MAX} own prices. Delete "
            "some first. Nothing was recorded.",
            code="too_many_own_prices",
        )


def _columns(
    user: User, prices: Sequence[PricedAsset], origin: str, now: datetime
) -> dict[str, Any]:
    return {
        "household": user.household_id,
        "origin": origin,
        "now": now,
        "user": user.pk,
        "assets": [one.asset.pk for one in prices],
        "dates": [one.stated.day for one in prices],
        "prices": [one.price for one in prices],
        "adjusted": [one.stated.adjusted_until for one in prices],
        "stated": [one.stated.price for one in prices],
        "currencies": [one.stated.currency or one.asset.currency for one in prices],
        "nominals": [one.stated.nominal for one in prices],
    }


def delete_own_price(*, user: User, symbol: str, day: date) -> None:
    """Delete the household's price of one day; raise NotFound if there is none."""
    asset = asset_to_price(user=user, symbol=symbol)
    with transaction.atomic():
        locked_household(household_id=user.household_id)
        deleted, _ = OwnPrice.objects.filter(
            household_id=user.household_id, asset=asset, date=day
        ).delete()
        if not deleted:
            raise NotFound(
                f"You have no price of {symbol} on {day}. Reload the list.",
                code="own_price_not_found",
            )
        publish_own_prices(household_id=user.household_id)


def publish_own_prices(*, household_id: int) -> None:
    """After the commit, invalidate what is cached of the household's own prices."""

    def publish() -> None:
        try:
            redis_client().incr(keys.household_prices(household_id))
        except redis.RedisError:
            logger.warning(
                "Redis is down, prices of household %d may be old for a minute", household_id
            )

    transaction.on_commit(publish, robust=True)
