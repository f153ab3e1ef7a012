"""A household's own prices: the list of one asset, the newest of many, those of many by day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from marketdata.models import Asset, OwnPrice
from stores.rows import rows_of

_NEWEST = """
SELECT wanted.household_id, wanted.asset_id, last.day, last.close, own.date, own.price, own.origin,
       own.adjusted_until
  FROM unnest(%(households)s::bigint[], %(assets)s::bigint[]) AS wanted (household_id, asset_id)
  LEFT JOIN LATERAL (
       SELECT split_part(days, ' ', -1)::int AS day, split_part(closes, ' ', -1)::numeric AS close
         FROM marketdata_yearofcloses
        WHERE asset_id = wanted.asset_id
        ORDER BY year DESC LIMIT 1) last ON true
  LEFT JOIN LATERAL (
       SELECT date, price, origin, adjusted_until FROM marketdata_ownprice
        WHERE household_id = wanted.household_id AND asset_id = wanted.asset_id
        ORDER BY date DESC LIMIT 1) own ON true
"""


@dataclass(frozen=True, slots=True)
class NewestOwnPrice:
    """The newest own price of an asset, in units of its day or of `adjusted_until`."""

    day: date
    price: Decimal
    origin: str
    adjusted_until: date | None


@dataclass(frozen=True, slots=True)
class NewestPrices:
    """The last close of an asset (the ordinal of its day, and the price), and its own price."""

    close: tuple[int, Decimal] | None
    own: NewestOwnPrice | None


def own_prices(*, household_id: int, asset: Asset) -> "QuerySet[OwnPrice]":
    """Return the household's prices of one asset, the newest first."""
    return (
        OwnPrice.objects.filter(household_id=household_id, asset=asset)
        .select_related("recorded_by")
        .order_by("-date")
    )


def newest_prices(*, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], NewestPrices]:
    """Return last close and newest own price of each (household id, asset id), in one query."""
    pairs = sorted(set(wanted))
    if not pairs:
        return {}
    rows = rows_of(
        _NEWEST,
        {
            "households": [household_id for household_id, _ in pairs],
            "assets": [asset_id for _, asset_id in pairs],
        },
    )
    return {
        (household_id, asset_id): NewestPrices(
            close=None if day is None else (day, close),
            own=None if own[0] is None else NewestOwnPrice(*own),
        )
        for household_id, asset_id, day, close, *own in rows
    }


_OF_ASSETS_MAX = 100_000


def own_prices_of(
    *, household_id: int, asset_ids: Collection[int]
) -> dict[int, dict[date, OwnPrice]]:
    """Return a household's own prices of assets by asset and day, in one query."""
    found: dict[int, dict[date, OwnPrice]] = {}
    rows = OwnPrice.objects.filter(household_id=household_id, asset_id__in=sorted(set(asset_ids)))
    for row in rows.order_by("asset_id", "date")[:_OF_ASSETS_MAX]:
        found.setdefault(row.asset_id, {})[row.date] = row
    return found
