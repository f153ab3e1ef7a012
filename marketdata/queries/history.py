"""Reads: daily closes of one asset for a chart, of many for the engines."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from django.db import connection
from django.db.models import QuerySet

from core.dates import ensure_range
from core.errors import Conflict, InvalidInput
from core.limits import HISTORY_DAYS_MAX, HISTORY_RECORDS_MAX
from marketdata.adjusting import divided, multiplied
from marketdata.bars import Interval, Records
from marketdata.calendars import Session, sessions
from marketdata.corporate_actions import ACTION_KINDS
from marketdata.history_pages import HistoryPage, day_of, days_of, gaps_of
from marketdata.models import Asset, DailyPrice, OwnPrice, PriceAdjustment
from marketdata.queries.price_bars import bars
from stores.rows import rows_of

_CLOSING_PRICES_ASSETS_MAX = 5000


_SPLITS = """
SELECT action.ex_date, action.ratio_new, action.ratio_old
  FROM marketdata_corporateaction action
 WHERE action.asset_id = %(asset)s AND action.state = 'confirmed'
   AND action.kind = ANY(%(kinds)s::text[])
   AND (action.household_id IS NULL OR action.household_id = %(household)s)
   AND action.ex_date > %(since)s
 ORDER BY action.ex_date, action.id
"""
RESCALING = sorted(kind.name for kind in ACTION_KINDS.values() if kind.rescales)


class Adjustment(StrEnum):
    """In whose units a page's prices are."""

    PUBLISHED = "published"
    RAW = "raw"
    SPLITS = "splits"


def history_page(
    *,
    asset: Asset,
    household_id: int,
    from_date: date,
    to_date: date,
    interval: Interval,
    adjustment: Adjustment,
    now: datetime,
    after: int | None = None,
    limit: int = HISTORY_RECORDS_MAX,
) -> HistoryPage:
    """Return bars of a range of at most a year, oldest first, at most `limit` of them.

    Sessions of the asset's exchange without bars are gaps, from its first close on and if its dates
    are real ones.
    """
    ensure_range(from_date, to_date, days_max=HISTORY_DAYS_MAX)
    found = bars(
        asset_ids=[asset.pk],
        since=from_date,
        until=to_date,
        interval=interval,
        after=after,
        limit=limit + 1,
    )
    rows = found.rows[:limit]
    more = int(rows["at"][-1]) if len(found.rows) > limit else None
    rows = _adjusted(rows, asset, household_id, interval, adjustment, now)
    first = from_date if after is None else day_of(after, interval) + timedelta(days=1)
    last = min(to_date, now.date()) if more is None else day_of(more, interval)
    seen: Sequence[Session] = ()
    if asset.exchange and not asset.shifted_days and first <= last:
        begin = first_closes(asset_ids=[asset.pk]).get(asset.pk, first)
        seen = [
            session
            for session in sessions(exchange=asset.exchange, first=max(first, begin), last=last)
            if session.closes_at < now
        ]
    return HistoryPage(interval, rows, gaps_of(rows, interval, seen, found.gaps), more)


def _adjusted(
    rows: Records,
    asset: Asset,
    household_id: int,
    interval: Interval,
    adjustment: Adjustment,
    now: datetime,
) -> Records:
    """Return bars in the units that are asked for. Raise Conflict where they cannot be known."""
    published = asset.price_adjustment
    same = {PriceAdjustment.NONE: Adjustment.RAW, PriceAdjustment.SPLITS: Adjustment.SPLITS}
    if adjustment is Adjustment.PUBLISHED or same.get(PriceAdjustment(published)) is adjustment:
        return rows
    if published == PriceAdjustment.SPLITS_AND_DIVIDENDS:
        raise Conflict(
            "The publisher of these prices took dividends out of them, which cannot be undone. "
            "Ask for adjustment=published.",
            code="adjustment_not_available",
        )
    days = days_of(rows, interval)
    until = now.date() if adjustment is Adjustment.SPLITS else _newest_close(asset.pk)
    splits = [
        (day.toordinal(), Fraction(new) / Fraction(old))
        for day, new, old in rows_of(
            _SPLITS,
            {
                "asset": asset.pk,
                "household": household_id,
                "kinds": RESCALING,
                "since": date.fromordinal(int(days[0])) if len(days) else until,
            },
        )
        if day <= until
    ]
    return (
        divided(rows, days, splits)
        if adjustment is Adjustment.SPLITS
        else multiplied(rows, days, splits)
    )


_NEWEST_CLOSE = """
SELECT split_part(days, ' ', -1)::int FROM marketdata_yearofcloses
 WHERE asset_id = %(asset)s ORDER BY year DESC LIMIT 1
"""


def _newest_close(asset_id: int) -> date:
    """Return the day of an asset's newest close: a publisher adjusts for the splits up to it."""
    found = rows_of(_NEWEST_CLOSE, {"asset": asset_id})
    return date.fromordinal(found[0][0]) if found else date.min


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


# Packed closes, because they are there for every year, however old.
_CLOSES = """
SELECT asset_id, days, closes FROM marketdata_yearofcloses
 WHERE asset_id = ANY(%(ids)s::bigint[]) AND year BETWEEN %(since)s AND %(until)s
 ORDER BY asset_id, year
"""


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
    values = {"ids": wanted, "since": from_date.year, "until": to_date.year}
    first, last = from_date.toordinal(), to_date.toordinal()
    for asset_id, days, closes in rows_of(_CLOSES, values):
        inside = [
            (date.fromordinal(int(day)), Decimal(close))
            for day, close in zip(days.split(), closes.split(), strict=True)
            if first <= int(day) <= last
        ]
        if inside:
            found.setdefault(asset_id, []).extend(inside)
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
