"""Reads: daily closes of one asset for a chart, of many for the engines."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from core.dates import ensure_range
from core.errors import InvalidInput
from core.limits import HISTORY_DAYS_MAX, HISTORY_RECORDS_MAX
from marketdata.models import Asset, DailyPrice, OwnPrice
from stores.rows import rows_of

_CLOSING_PRICES_ASSETS_MAX = 5000


def history(*, asset: Asset, from_date: date, to_date: date) -> "QuerySet[DailyPrice]":
    """Return the sessions of an asset in a range of at most a year, oldest first."""
    ensure_range(from_date, to_date, days_max=HISTORY_DAYS_MAX)
    return DailyPrice.objects.filter(asset_id=asset.pk, date__range=(from_date, to_date)).order_by(
        "date"
    )[:HISTORY_RECORDS_MAX]


def own_history(
    *, household_id: int, asset: Asset, from_date: date, to_date: date
) -> "list[OwnPrice]":
    """Return a household's own prices of the days before the first close, oldest first.

    At most two queries, at most the days of the range.
    """
    rows = list(
        OwnPrice.objects.filter(
            household_id=household_id, asset=asset, date__range=(from_date, to_date)
        ).order_by("date")[:HISTORY_RECORDS_MAX]
    )
    first = first_closes(asset_ids=[asset.pk]).get(asset.pk) if rows else None
    return [row for row in rows if first is None or row.date < first]


def recent_sessions(*, asset_id: int, count: int, as_of: date) -> "QuerySet[DailyPrice]":
    """Return the newest sessions of an asset within a year up to `as_of`, newest first."""
    since = as_of - timedelta(days=HISTORY_DAYS_MAX)
    return DailyPrice.objects.filter(asset_id=asset_id, date__range=(since, as_of)).order_by(
        "-date"
    )[:count]


def closing_prices(
    *, asset_ids: Iterable[int], from_date: date, to_date: date
) -> dict[int, list[tuple[date, Decimal]]]:
    """Return closes by asset and day, in one query; assets without any are absent."""
    wanted = sorted(set(asset_ids))
    if len(wanted) > _CLOSING_PRICES_ASSETS_MAX:
        raise InvalidInput(
            f"Too many assets. Ask for at most {_CLOSING_PRICES_ASSETS_MAX} at once.",
            code="too_many_assets",
        )
    found: dict[int, list[tuple[date, Decimal]]] = {}
    rows = (
        DailyPrice.objects.filter(asset_id__in=wanted, date__range=(from_date, to_date))
        .order_by("asset_id", "date")
        .values_list("asset_id", "date", "close")
    )
    for asset_id, day, close in rows.iterator(chunk_size=10_000):
        found.setdefault(asset_id, []).append((day, close))
    return found


# The newest close of each asset on or before a day. The window limits the search to two or three
# partitions.
_LAST_CLOSES = """
SELECT wanted.id, last.date, last.close
  FROM unnest(%(ids)s::bigint[]) AS wanted(id)
 CROSS JOIN LATERAL (
       SELECT date, close FROM marketdata_dailyprice
        WHERE asset_id = wanted.id AND date BETWEEN %(since)s AND %(as_of)s
        ORDER BY date DESC LIMIT 1) AS last
"""


def last_closes(
    *, asset_ids: Iterable[int], as_of: date, age_days_max: int = 366
) -> Mapping[int, tuple[date, Decimal]]:
    """Return each asset's newest close up to `as_of` and its day, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LAST_CLOSES,
            {
                "ids": sorted(set(asset_ids)),
                "since": as_of - timedelta(days=age_days_max),
                "as_of": as_of,
            },
        )
        return {asset_id: (day, close) for asset_id, day, close in cursor.fetchall()}


_FIRST_CLOSES = """
SELECT DISTINCT ON (asset_id) asset_id, split_part(days, ' ', 1)::int
  FROM marketdata_yearofcloses
 WHERE asset_id = ANY(%(ids)s::bigint[])
 ORDER BY asset_id, year
"""


def first_closes(*, asset_ids: Iterable[int]) -> dict[int, date]:
    """Return the day of each asset's first close, in one query; assets without any are absent."""
    rows = rows_of(_FIRST_CLOSES, {"ids": sorted(set(asset_ids))})
    return {asset_id: date.fromordinal(day) for asset_id, day in rows}
