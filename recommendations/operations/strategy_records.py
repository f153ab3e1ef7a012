"""Append the days of records, and compute the backtests of newly published strategies.

one chunk     a transaction: lock the records, read their last days, append up to PASS_DAYS each
idempotent    the days that exist are read after the lock, so a second run appends none of them
late closes   a recent day waits up to WAIT_DAYS for a close that is missing; then the last
              price is carried, and the day says so
constant      a chunk reads with the same number of queries however many strategies it has
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from psycopg.types.json import Jsonb

from portfolios.performance.figures import Figure, rounded
from portfolios.performance.risk import RiskFree
from recommendations.models import Strategy, StrategyDay, StrategyRecord, StrategyState
from recommendations.queries.strategy_prices import Prices, prices_between
from recommendations.queries.strategy_records import (
    VersionOnRecord,
    amounts,
    benchmark_ids,
    day_figures,
    due_ids,
    last_days,
    points_of,
    risk_free,
    versions_of,
)
from recommendations.strategies.day_chain import DayFigures, day_hash
from recommendations.strategies.figures import Figures, figures
from recommendations.strategies.growth import Market, weekdays
from recommendations.strategies.walk import Day, State, first_day, walk
from stores.copying import copy_rows
from stores.locks import locked
from stores.rows import update_rows

CHUNK = 100
# The days of one strategy that one transaction appends.
PASS_DAYS = 260
WAIT_DAYS = 3
_COLUMNS = (
    *("strategy_id", "date", "version", "value", "gain", "benchmark", "turnover", "cost"),
    *("pending", "session", "carried", "ended", "previous_hash", "hash", "weights"),
)
_EIGHT_DECIMALS = Decimal("1e-8")
# The column of a return holds ten digits before the point.
_LARGEST = Decimal(10) ** 9


def append_days(*, now: datetime) -> int:
    """Append every day that is due; return how many were appended."""
    until = _last_weekday(now.date() - timedelta(days=1))
    settled = now.date() - timedelta(days=1 + WAIT_DAYS)
    after, count = 0, 0
    while ids := due_ids(after=after, until=until, limit=CHUNK):
        after = ids[-1]
        while appended := _append(ids=ids, until=until, settled=settled):
            count += appended
    return count


def _last_weekday(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - 4))


@dataclass(frozen=True, slots=True)
class _Task:
    """One strategy of a chunk: where its record stands, and the days to append."""

    record: StrategyRecord
    versions: Sequence[VersionOnRecord]
    last: StrategyDay | None
    base: int
    until: int

    @property
    def state(self) -> State | None:
        if self.last is None:
            return None
        stored = day_figures(self.last)
        return State(stored.value, stored.weights, stored.version, stored.pending)

    @property
    def asset_ids(self) -> set[int]:
        """Return what it holds, what its versions of these days want, and its benchmark."""
        found = set() if self.state is None else set(self.state.weights)
        plans = [one.plan for one in self.versions]
        for place, plan in enumerate(plans):
            replaced = plans[place + 1].published if place + 1 < len(plans) else self.until
            if plan.published < self.until and replaced >= self.base:
                found |= set(plan.targets)
        return found | ({self.record.benchmark_id} if self.record.benchmark_id else set())


@transaction.atomic
def _append(*, ids: Sequence[int], until: date, settled: date) -> int:
    versions = versions_of(ids)
    _begin(versions)
    records = list(locked(StrategyRecord.objects.filter(pk__in=ids)))
    ends = dict(
        Strategy.objects.filter(pk__in=ids, state=StrategyState.RETIRED).values_list(
            "id", "retired_at__date"
        )
    )
    last = last_days(ids)
    tasks = []
    for record in records:
        task = _task(record, versions[record.pk], last.get(record.pk), until, ends)
        if task.until > task.base or (task.last is None and task.until == task.base):
            tasks.append(task)
    if not tasks:
        return 0
    prices = _prices(tasks)
    markets = _markets(tasks, prices)
    rows: list[StrategyDay] = []
    changed: list[StrategyRecord] = []
    for task in tasks:
        found = _days(task, markets[task.record.currency], settled.toordinal())
        if found:
            rows += found
            changed.append(_moved(task.record, found))
    copy_rows(
        table=StrategyDay._meta.db_table,
        columns=_COLUMNS,
        rows=(
            [getattr(row, name) for name in _COLUMNS[:-1]] + [Jsonb(row.weights)] for row in rows
        ),
    )
    StrategyRecord.objects.bulk_update(changed, ["first_date", "last_date", "last_hash"])
    _store_figures(changed)
    return len(rows)


def _begin(versions: Mapping[int, Sequence[VersionOnRecord]]) -> None:
    """Decide currency and benchmark of the records that have not begun."""
    known = set(
        StrategyRecord.objects.filter(pk__in=list(versions)).values_list("strategy_id", flat=True)
    )
    if known == set(versions):
        return
    benchmarks = benchmark_ids()
    begun = []
    for strategy_id, found in versions.items():
        if strategy_id not in known:
            currency = found[0].currency
            begun.append(
                StrategyRecord(
                    strategy_id=strategy_id,
                    currency=currency,
                    benchmark_id=benchmarks.get(currency),
                )
            )
    StrategyRecord.objects.bulk_create(begun, ignore_conflicts=True)


def _task(
    record: StrategyRecord,
    versions: Sequence[VersionOnRecord],
    last: StrategyDay | None,
    until: date,
    ends: Mapping[int, date],
) -> _Task:
    if last is None:
        base = first_day(versions[0].published_on.toordinal())
    else:
        base = last.date.toordinal()
    end = min(until, ends.get(record.pk, until)).toordinal()
    return _Task(record, versions, last, base, min(end, base + PASS_DAYS))


def _prices(tasks: Sequence[_Task]) -> Prices:
    return prices_between(
        asset_ids={pk for task in tasks for pk in task.asset_ids},
        currencies={task.record.currency for task in tasks},
        since=date.fromordinal(min(task.base for task in tasks)),
        until=date.fromordinal(max(task.until for task in tasks)),
    )


def _markets(tasks: Sequence[_Task], prices: Prices) -> dict[str, Market]:
    """Return the growth of everything in each currency of the chunk."""
    found = {}
    for currency in {task.record.currency for task in tasks}:
        some = [task for task in tasks if task.record.currency == currency]
        days = weekdays(min(task.base for task in some), max(task.until for task in some))
        asset_ids = {pk for task in some for pk in task.asset_ids}
        found[currency] = prices.over(days=days, currency=currency, asset_ids=asset_ids)
    return found


def _days(task: _Task, market: Market, settled: int) -> list[StrategyDay]:
    """Return the new days of a strategy, chained to its last one."""
    days = walk(
        plans=[one.plan for one in task.versions],
        market=market,
        state=task.state,
        base=task.base,
        until=task.until,
        settled=settled,
    )
    hashes = {one.number: one.hash for one in task.versions}
    previous = task.last.hash if task.last is not None else hashes[1]
    beside = None
    if task.last is not None and task.last.benchmark is not None:
        beside = float(task.last.benchmark)
    rows = []
    for place, day in enumerate(days):
        begins = task.last is None and place == 0
        beside = _benchmark(beside, day, market, task.record.benchmark_id, begins=begins)
        row = _row(task.record, day, beside)
        row.previous_hash = previous
        row.hash = previous = day_hash(
            previous_hash=previous,
            version_hash=hashes[row.version],
            figures=_figures(day, beside),
        )
        rows.append(row)
    return rows


def _benchmark(
    before: float | None, day: Day, market: Market, asset_id: int | None, *, begins: bool
) -> float | None:
    """Return the value of the benchmark bought at the close of the first day; None without one."""
    if asset_id is None:
        return None
    growth, k = market.assets[asset_id], market.days.index(day.day)
    if begins:
        return None if growth.stale[k] else 1.0
    if before is None:
        return None
    factor = float(growth.factor[k])
    return before if factor != factor else round(before * factor, 12)


def _figures(day: Day, benchmark: float | None) -> DayFigures:
    return DayFigures(
        day=date.fromordinal(day.day),
        version=day.state.version,
        value=day.state.value,
        gain=day.gain,
        benchmark=benchmark,
        turnover=day.turnover,
        cost=day.cost,
        weights=day.state.weights,
        pending=day.state.pending,
        session=day.session,
        carried=day.carried,
        ended=day.ended,
    )


def _row(record: StrategyRecord, day: Day, benchmark: float | None) -> StrategyDay:
    return StrategyDay(
        strategy_id=record.pk,
        date=date.fromordinal(day.day),
        version=day.state.version,
        value=_decimal(day.state.value),
        gain=_decimal(day.gain),
        benchmark=None if benchmark is None else _decimal(benchmark),
        turnover=_decimal(day.turnover),
        cost=_decimal(day.cost),
        weights=amounts(day.state.weights),
        pending=day.state.pending,
        session=day.session,
        carried=list(day.carried),
        ended=list(day.ended),
    )


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.12f}")


def _moved(record: StrategyRecord, rows: Sequence[StrategyDay]) -> StrategyRecord:
    record.first_date = record.first_date or rows[0].date
    record.last_date, record.last_hash = rows[-1].date, rows[-1].hash
    return record


def _store_figures(records: Iterable[StrategyRecord]) -> None:
    """Write the figures that lists sort and filter by."""
    rows = list(records)
    if not rows:
        return
    points = points_of(row.pk for row in rows)
    yields: dict[str, RiskFree | None] = {}
    for currency in {row.currency for row in rows}:
        some = [points[row.pk] for row in rows if row.currency == currency]
        yields[currency] = risk_free(
            currency=currency,
            since=min(one[0].day for one in some),
            until=max(one[-1].day for one in some),
        )
    found = []
    for row in rows:
        computed = figures(
            points=points[row.pk], risk_free=yields[row.currency], currency=row.currency
        )
        assert computed is not None, "days were appended"
        found.append(_stored(computed))
    update_rows(
        model=Strategy,
        ids=[row.pk for row in rows],
        columns=("return_1y", "sharpe", "max_drawdown", "record_days"),
        rows=found,
    )


def _stored(found: Figures) -> tuple[Decimal | int | None, ...]:
    """Return the columns of a strategy. A record that is not ranked yet has only its length."""
    if not found.ranked:
        return None, None, None, found.days
    return (
        _column(found.window("1y").value),
        _column(found.sharpe),
        _column(found.max_drawdown),
        found.days,
    )


def _column(figure: Figure) -> Decimal | None:
    if figure.value is None:
        return None
    value = rounded(figure.value).quantize(_EIGHT_DECIMALS)
    return value if abs(value) < _LARGEST else None
