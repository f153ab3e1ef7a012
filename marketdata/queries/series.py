"""Whole series for engines that value every day: packed closes, fixings, yields; a query each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
from django.db import connection
from django.db.models import CharField, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat
from numpy.typing import NDArray

from marketdata.models import Asset, SeriesVersion, Yield
from marketdata.risk_free import RISK_FREE_SERIES
from stores.columns import packed, whole_numbers
from stores.rows import rows_of

# The years of the range, and the last one before it for the close that stands when it begins.
_CLOSES = """
SELECT wanted.id, string_agg(packed.days, ' ' ORDER BY packed.year),
       string_agg(packed.closes, ' ' ORDER BY packed.year), NULL,
       (SELECT split_part(last.days, ' ', -1)::int FROM marketdata_yearofcloses last
         WHERE last.asset_id = wanted.id ORDER BY last.year DESC LIMIT 1)
  FROM unnest(%(ids)s::bigint[]) AS wanted(id)
  JOIN marketdata_yearofcloses packed
    ON packed.asset_id = wanted.id
   AND packed.year BETWEEN coalesce((SELECT max(year) FROM marketdata_yearofcloses
                                      WHERE asset_id = wanted.id AND year < %(since)s), %(since)s)
                       AND %(until)s
 GROUP BY wanted.id
"""

# Each packed column is aggregated over rows that are already sorted. A row of own prices has no
# `newest`.
_ORDINAL = "({} - DATE '0001-01-01' + 1)"
_OWN = f"""
UNION ALL
SELECT own.asset_id, {packed(_ORDINAL.format("own.date"))}, {packed("own.price")},
       {packed("coalesce(" + _ORDINAL.format("own.adjusted_until") + ", 0)")}, NULL
  FROM (SELECT asset_id, date, price, adjusted_until FROM marketdata_ownprice
         WHERE household_id = %(household)s AND asset_id = ANY(%(ids)s::bigint[])
           AND date <= %(until_day)s
         ORDER BY asset_id, date) own
 GROUP BY own.asset_id
"""

_FIXINGS = """
SELECT wanted.currency, fixing.date, fixing.rate
  FROM unnest(%(currencies)s::text[]) AS wanted(currency)
  JOIN marketdata_exchangerate fixing
    ON fixing.currency = wanted.currency
   AND fixing.date BETWEEN coalesce((SELECT max(date) FROM marketdata_exchangerate
                                      WHERE currency = wanted.currency AND date <= %(since)s),
                                    %(since)s)
                       AND %(until)s
 ORDER BY wanted.currency, fixing.date
"""

# Versions of series by name; None for a series that was never written.
Versions: TypeAlias = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class PackedCloses:
    """Closes of one asset by ascending day: ordinals, and prices in 10^-8 as whole numbers.

    `newest` is the ordinal of the newest close there is, in the range or after it.
    """

    days: NDArray[np.int64]
    prices: NDArray[Any]
    newest: int


@dataclass(frozen=True, slots=True)
class PackedOwnPrices:
    """Own prices of one asset by ascending day: ordinals, and prices in 10^-8.

    `adjusted_until`: the ordinal of the day in whose units each price is; 0 for its own day.
    """

    days: NDArray[np.int64]
    prices: NDArray[Any]
    adjusted_until: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Closes and a household's own prices by asset id; assets without any are absent."""

    closes: Mapping[int, PackedCloses]
    own: Mapping[int, PackedOwnPrices]


def price_series(
    *, asset_ids: Iterable[int], household_id: int, since: date, until: date
) -> PriceSeries:
    """Return closes from the last one on or before `since` through `until`, in one query.

    Return also all of the household's own prices up to `until`.
    """
    wanted = sorted(set(asset_ids))
    if not wanted:
        return PriceSeries({}, {})
    rows = rows_of(
        _CLOSES + _OWN,
        {
            "ids": wanted,
            "since": since.year,
            "until": until.year,
            "household": household_id,
            "until_day": until,
        },
    )
    closes, own = {}, {}
    for asset_id, packed_days, packed_prices, adjusted, newest in rows:
        days, prices = whole_numbers(packed_days), whole_numbers(packed_prices)
        if newest is None:
            own[asset_id] = PackedOwnPrices(days, prices, whole_numbers(adjusted))
            continue
        # The first is the last one on or before `since`.
        start = max(int(np.searchsorted(days, since.toordinal(), side="right")) - 1, 0)
        inside = slice(start, int(np.searchsorted(days, until.toordinal(), side="right")))
        if len(days[inside]):
            closes[asset_id] = PackedCloses(days[inside], prices[inside], newest)
    return PriceSeries(closes, own)


def versioned_assets(*, asset_ids: Iterable[int]) -> tuple[list[Asset], Versions]:
    """Return assets by id with the versions of their closes, and of all fixings and yields.

    One query. Without any asset no version is read and none is returned.
    """
    closes = Concat(Value("closes:"), Cast(OuterRef("pk"), CharField()))
    rows: list[Any] = list(
        Asset.objects.filter(pk__in=list(asset_ids))
        .annotate(
            closes_version=_version(closes),
            fixings_version=_version(Value("fixings")),
            yields_version=_version(Value("yields")),
        )
        .order_by("id")
    )
    versions = [(f"closes:{row.pk}", row.closes_version) for row in rows]
    for row in rows[:1]:
        versions += [("fixings", row.fixings_version), ("yields", row.yields_version)]
    return rows, tuple(versions)


def _version(series: Any) -> Subquery:
    return Subquery(SeriesVersion.objects.filter(series=series).values("version"))


def fixings_between(
    *, currencies: Iterable[str], since: date, until: date
) -> dict[str, list[tuple[date, Decimal]]]:
    """Return fixings against the euro by currency, from the newest up to `since`, oldest first."""
    found: dict[str, list[tuple[date, Decimal]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _FIXINGS, {"currencies": sorted(set(currencies)), "since": since, "until": until}
        )
        for currency, day, rate in cursor.fetchall():
            found.setdefault(currency, []).append((day, rate))
    return found


def risk_free_yields(
    *, currency: str, since: date, until: date
) -> tuple[str, list[tuple[date, Decimal]]] | None:
    """Return the currency's risk-free series, its name and dated yields; None if it has none."""
    series = RISK_FREE_SERIES.get(currency)
    if series is None:
        return None
    rows = list(
        Yield.objects.filter(currency=currency, series=series, date__range=(since, until))
        .order_by("date")
        .values_list("date", "rate")
    )
    return (series, rows) if rows else None
