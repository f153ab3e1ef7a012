"""Find replacements for every public security from its price history, in sets."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction

from marketdata.identity_groups import connected
from marketdata.models import ActionState, Asset, AssetClass, CorporateAction, PriceAdjustment
from marketdata.queries import identity_links
from marketdata.queries.series import price_series
from recommendations.harvesting.replacements import WINDOW_SESSIONS, Screened, Series, screened
from recommendations.models import Replacement, ReplacementSearch
from stores.rows import execute, insert_rows

# Closes of this many assets are decoded at once: about 5 MB of text.
_READ_AT_ONCE = 500
_WRITTEN_AT_ONCE = 1_000
# 252 sessions lie within this many days at every exchange.
_WINDOW_DAYS = WINDOW_SESSIONS * 3 // 2
# Of prices per unit: 10^-8 is 1.
_UNIT = 1e-8
_COLUMNS = (
    *("asset_id", "rank", "candidate_id", "correlation", "tracking_error", "sessions"),
    "expense_difference",
)
_SHORTENED = """
DELETE FROM recommendations_replacement stored
 USING unnest(%(ids)s::bigint[], %(counts)s::int[]) AS kept(id, count)
 WHERE stored.asset_id = kept.id AND stored.rank >= kept.count
"""
# Of assets that are searched no longer: closed, or without any price in the window.
_GONE = """
DELETE FROM {table} WHERE NOT asset_id = ANY(%(ids)s::bigint[])
"""


def find_replacements(*, now: datetime) -> int:
    """Search again for all public securities that may be traded; return how many have one.

    Safe to repeat and to kill: portions of assets are replaced each in a transaction.
    """
    as_of = now.date()
    rows = list(
        Asset.objects.filter(household=None, is_active=True, tradable=True)
        .exclude(asset_class=AssetClass.CASH)
        .order_by("currency", "id")
    )
    by_currency: dict[str, list[Asset]] = {}
    for row in rows:
        by_currency.setdefault(row.currency, []).append(row)
    groups = connected(links=identity_links(household_ids=[]))
    broken = _broken_days(as_of)
    searched, count = [], 0
    for assets in by_currency.values():
        found = screened(_series(assets, groups, broken, as_of))
        searched += [one.asset_id for one in found]
        count += sum(bool(one.pairs) for one in found)
        for start in range(0, len(found), _WRITTEN_AT_ONCE):
            _write(found[start : start + _WRITTEN_AT_ONCE], now)
    with transaction.atomic():
        for model in (Replacement, ReplacementSearch):
            execute(_GONE.format(table=model._meta.db_table), {"ids": searched})
    return count


def _series(
    assets: Sequence[Asset],
    groups: Mapping[int, int],
    broken: Mapping[int, frozenset[int]],
    as_of: date,
) -> list[Series]:
    """Return the closes of the window; an asset without any has an empty series."""
    since, found = as_of - timedelta(days=_WINDOW_DAYS), []
    for start in range(0, len(assets), _READ_AT_ONCE):
        portion = assets[start : start + _READ_AT_ONCE]
        read = price_series(
            asset_ids=[row.pk for row in portion], household_id=0, since=since, until=as_of
        )
        for row in portion:
            closes = read.closes.get(row.pk)
            days = closes.days if closes else np.empty(0, np.int64)
            prices = closes.prices if closes else np.empty(0)
            charge = row.yearly_charge
            # An adjusted series has no jump at a split.
            adjusted = row.price_adjustment != PriceAdjustment.NONE
            found.append(
                Series(
                    asset_id=row.pk,
                    symbol=row.symbol,
                    group=groups.get(row.pk, row.pk),
                    days=days.astype(np.int64),
                    closes=prices.astype(np.float64) * _UNIT,
                    broken=frozenset() if adjusted else broken.get(row.pk, frozenset()),
                    charge=None if charge is None else float(charge),
                )
            )
    return found


def _broken_days(as_of: date) -> dict[int, frozenset[int]]:
    """Return the days on which corporate actions of public securities went ex, by asset id."""
    rows = CorporateAction.objects.filter(
        household=None,
        state=ActionState.CONFIRMED,
        ex_date__gte=as_of - timedelta(days=_WINDOW_DAYS),
    ).values_list("asset_id", "ex_date")
    found: dict[int, set[int]] = {}
    for asset_id, day in rows:
        found.setdefault(asset_id, set()).add(day.toordinal())
    return {asset_id: frozenset(days) for asset_id, days in found.items()}


def _write(found: Sequence[Screened], now: datetime) -> None:
    with transaction.atomic():
        execute(
            _SHORTENED,
            {
                "ids": [one.asset_id for one in found],
                "counts": [len(one.pairs) for one in found],
            },
        )
        insert_rows(
            model=Replacement,
            columns=_COLUMNS,
            rows=[
                (
                    one.asset_id,
                    rank,
                    pair.candidate_id,
                    pair.correlation,
                    pair.tracking_error,
                    pair.sessions,
                    pair.expense_difference,
                )
                for one in found
                for rank, pair in enumerate(one.pairs)
            ],
            unique=("asset_id", "rank"),
        )
        insert_rows(
            model=ReplacementSearch,
            columns=("asset_id", "sessions", "reason", "searched_at"),
            rows=[(one.asset_id, one.sessions, one.reason, now) for one in found],
            unique=("asset_id",),
        )
