"""Compute the backtest of each newly published strategy, once.

It is the first version's weights over the prices before its publication, as `walk` computes a
record. It is written beside the records, never into them.
"""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from marketdata.models import Asset
from marketdata.queries import first_closes
from recommendations.models import StrategyBacktest, StrategyRecord
from recommendations.queries.strategy_prices import prices_between
from recommendations.queries.strategy_records import VersionOnRecord, columns, versions_of
from recommendations.strategies.backtest import YEARS_MAX
from recommendations.strategies.figures import Point
from recommendations.strategies.growth import Growth, weekdays
from recommendations.strategies.walk import Day, Plan, walk

_CHUNK = 20
_DAYS_MAX = YEARS_MAX * 366


def compute_backtests(*, now: datetime) -> int:
    """Compute the backtests that are missing; return how many."""
    count, after = 0, 0
    while True:
        rows = list(
            StrategyRecord.objects.filter(strategy__backtest=None, pk__gt=after).order_by("pk")[
                :_CHUNK
            ]
        )
        if not rows:
            return count
        after = rows[-1].pk
        versions = versions_of([row.pk for row in rows])
        found = [_backtest(row, versions[row.pk][0], now) for row in rows]
        with transaction.atomic():
            StrategyBacktest.objects.bulk_create(found, ignore_conflicts=True)
        count += len(found)


def _backtest(record: StrategyRecord, first: VersionOnRecord, now: datetime) -> StrategyBacktest:
    empty = StrategyBacktest(strategy_id=record.pk, computed_at=now)
    assets = [one.asset for one in first.weights if one.asset is not None]
    if not assets:
        empty.absent_code = "cash_only"
        return empty
    end = first.published_on.toordinal() - 1
    begins = first_closes(asset_ids=[asset.pk for asset in assets])
    start = _start(assets, begins, end)
    if start is None:
        empty.absent_code = "no_prices"
        return empty
    plan = _as_published(first.plan, start - 1)
    beside = {record.benchmark_id} if record.benchmark_id else set()
    days = weekdays(start, end)
    found = prices_between(
        asset_ids={*plan.targets, *beside},
        currencies=[record.currency],
        since=date.fromordinal(start),
        until=date.fromordinal(end),
    ).over(days=days, currency=record.currency, asset_ids={*plan.targets, *beside})
    walked = walk(plans=[plan], market=found, state=None)
    growth = found.assets[record.benchmark_id] if record.benchmark_id else None
    points = _points(walked, growth)
    empty.first_date, empty.last_date = points[0].day, points[-1].day
    empty.ranges = _ranges(assets, begins, start, end)
    empty.days = columns(points)
    return empty


def _start(assets: Sequence[Asset], begins: dict[int, date], end: int) -> int | None:
    """Return the first weekday on which everything has had a close; None if there is none."""
    firsts = [begins[asset.pk].toordinal() for asset in assets if asset.pk in begins]
    # Cash needs no prices.
    if len(firsts) < sum(asset.asset_class != "cash" for asset in assets):
        return None
    start = max([end - _DAYS_MAX, *firsts])
    days = weekdays(start, end)
    return days[0] if days else None


def _as_published(plan: Plan, day: int) -> Plan:
    return Plan(plan.version, day, plan.targets, plan.bands, plan.schedule)


def _points(walked: Sequence[Day], growth: Growth | None) -> list[Point]:
    points: list[Point] = []
    beside = None if growth is None or growth.stale[0] else 1.0
    for k, day in enumerate(walked):
        if k and beside is not None and growth is not None:
            factor = float(growth.factor[k])
            beside = beside if factor != factor else round(beside * factor, 12)
        points.append(
            Point(
                date.fromordinal(day.day),
                day.state.value,
                beside,
                day.turnover,
                day.cost,
                day.session,
            )
        )
    return points


def _ranges(
    assets: Sequence[Asset], begins: dict[int, date], start: int, end: int
) -> list[dict[str, object]]:
    """Return what each security contributed: its days, its source, and whether they were moved."""
    sources = dict(
        Asset.objects.filter(pk__in=[asset.pk for asset in assets]).values_list(
            "id", "source__name"
        )
    )
    return [
        {
            "symbol": asset.symbol,
            "prices_since": begins[asset.pk].isoformat() if asset.pk in begins else None,
            "first": date.fromordinal(start).isoformat(),
            "last": date.fromordinal(end).isoformat(),
            "price_source": sources[asset.pk],
            "moved_days": asset.shifted_days,
        }
        for asset in assets
    ]
