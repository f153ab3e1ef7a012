"""Reads: what the daily records of strategies are computed of, and the records themselves."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet

from marketdata.models import Asset
from marketdata.queries.series import risk_free_yields
from portfolios.holdings.target_sets import filled, unpacked
from portfolios.performance.risk import RiskFree
from recommendations.models import (
    Strategy,
    StrategyDay,
    StrategyRecord,
    StrategyState,
    StrategyVersion,
)
from recommendations.strategies import rules
from recommendations.strategies.benchmarks import BENCHMARKS
from recommendations.strategies.day_chain import DayFigures, Link
from recommendations.strategies.figures import Point
from recommendations.strategies.rules import Rules
from recommendations.strategies.walk import Plan

_ON_RECORD = [StrategyState.PUBLISHED, StrategyState.UNLISTED, StrategyState.RETIRED]
_YIELDS_BEFORE = timedelta(days=35)
_DEFAULT_CURRENCY = "USD"
_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Weight:
    """A target of a version: the asset, or none for cash; as fractions."""

    asset: Asset | None
    target: float
    band: float


@dataclass(frozen=True, slots=True)
class VersionOnRecord:
    """A published version as the record uses it."""

    strategy_id: int
    number: int
    published_on: date
    hash: str
    weights: tuple[Weight, ...]
    rules: Rules

    @property
    def plan(self) -> Plan:
        held = [one for one in self.weights if one.asset is not None]
        return Plan(
            self.number,
            self.published_on.toordinal(),
            {one.asset.pk: one.target for one in held if one.asset is not None},
            {one.asset.pk: one.band for one in held if one.asset is not None}
            if self.rules.bands
            else {},
            self.rules.schedule,
        )

    @property
    def currency(self) -> str:
        """Return the currency of most of its weight; of equal ones the first by name."""
        shares: Counter[str] = Counter()
        for one in self.weights:
            if one.asset is not None:
                shares[one.asset.currency] += round(one.target * 10**8)
        if not shares:
            return _DEFAULT_CURRENCY
        return min(shares, key=lambda name: (-shares[name], name))


def strategies_on_record(*, after: int, limit: int) -> "QuerySet[Strategy]":
    """Return published strategies by id, whether listed, unlisted or retired."""
    rows = Strategy.objects.filter(pk__gt=after, state__in=_ON_RECORD, published_at__isnull=False)
    return rows.order_by("id")[:limit]


def due_ids(*, after: int, until: date, limit: int) -> list[int]:
    """Return the ids of published strategies whose record ends before `until`."""
    rows = Strategy.objects.filter(
        Q(record=None) | Q(record__last_date=None) | Q(record__last_date__lt=until),
        pk__gt=after,
        state__in=_ON_RECORD,
        published_at__isnull=False,
        published_at__date__lt=until,
    ).exclude(state=StrategyState.RETIRED, retired_at__date__lte=F("record__last_date"))
    return list(rows.order_by("id").values_list("id", flat=True)[:limit])


def versions_of(strategy_ids: Collection[int]) -> dict[int, list[VersionOnRecord]]:
    """Return the versions of strategies in order, in two queries."""
    rows = list(
        StrategyVersion.objects.filter(strategy_id__in=strategy_ids)
        .order_by("strategy_id", "number")
        .values_list("strategy_id", "number", "published_at", "hash", "targets__weights", "rules")
    )
    weights = {id(row): filled(unpacked(row[4]), may_buy=lambda _: True) for row in rows}
    named = {fund.asset_id for some in weights.values() for one in some for fund in one.funds}
    assets = {str(row.public_id): row for row in Asset.objects.filter(public_id__in=named)}
    found: dict[int, list[VersionOnRecord]] = {}
    for row in rows:
        strategy_id, number, published_at, version_hash, _, stored = row
        found.setdefault(strategy_id, []).append(
            VersionOnRecord(
                strategy_id,
                number,
                published_at.date(),
                version_hash,
                tuple(
                    Weight(
                        assets[one.funds[0].asset_id] if one.funds else None,
                        float(one.target_percentage) / _HUNDRED,
                        float(one.band) / _HUNDRED,
                    )
                    for one in weights[id(row)]
                ),
                rules.unpacked(stored),
            )
        )
    return found


def benchmark_ids() -> dict[str, int]:
    """Return the asset of each currency's benchmark, where it is known."""
    symbols = {one.symbol for one in BENCHMARKS.values()}
    ids = dict(Asset.objects.filter(household=None, symbol__in=symbols).values_list("symbol", "id"))
    return {currency: ids[one.symbol] for currency, one in BENCHMARKS.items() if one.symbol in ids}


def last_days(strategy_ids: Collection[int]) -> dict[int, StrategyDay]:
    """Return the newest recorded day of each strategy, in one query."""
    ends = StrategyRecord.objects.filter(pk__in=strategy_ids, last_date__isnull=False)
    wanted = Q(pk__in=list(ends.values_list("strategy_id", "last_date")))
    return {row.strategy_id: row for row in StrategyDay.objects.filter(wanted)}


_POINT = ("strategy_id", "date", "value", "benchmark", "turnover", "cost", "session")


def points_of(strategy_ids: Iterable[int]) -> dict[int, list[Point]]:
    """Return the recorded days of strategies for their figures, ascending, in one query."""
    rows = (
        StrategyDay.objects.filter(strategy_id__in=list(strategy_ids))
        .order_by("strategy_id", "date")
        .values_list(*_POINT)
    )
    found: dict[int, list[Point]] = {}
    for strategy_id, day, value, benchmark, turnover, cost, session in rows.iterator():
        point = Point(
            day,
            float(value),
            None if benchmark is None else float(benchmark),
            float(turnover),
            float(cost),
            session,
        )
        found.setdefault(strategy_id, []).append(point)
    return found


def day_figures(row: StrategyDay) -> DayFigures:
    """Return a stored day as its hash reads it."""
    return DayFigures(
        day=row.date,
        version=row.version,
        value=float(row.value),
        gain=float(row.gain),
        benchmark=None if row.benchmark is None else float(row.benchmark),
        turnover=float(row.turnover),
        cost=float(row.cost),
        weights={int(pk): float(weight) for pk, weight in row.weights.items()},
        pending=row.pending,
        session=row.session,
        carried=row.carried,
        ended=row.ended,
    )


def links(strategy_id: int) -> Iterator[Link]:
    """Return the stored days of a strategy with their hashes, ascending, not all at once."""
    rows = StrategyDay.objects.filter(strategy_id=strategy_id).order_by("date")
    for row in rows.iterator(chunk_size=1000):
        yield Link(day_figures(row), row.previous_hash, row.hash)


def risk_free(*, currency: str, since: date, until: date) -> RiskFree | None:
    """Return the yields of a currency's risk-free series over some days."""
    found = risk_free_yields(currency=currency, since=since - _YIELDS_BEFORE, until=until)
    if found is None:
        return None
    name, rows = found
    return RiskFree(name, [day for day, _ in rows], [float(rate) for _, rate in rows])


def amounts(values: Mapping[int, float]) -> dict[str, Any]:
    """Return weights as a stored day has them."""
    return {str(pk): f"{Decimal(repr(weight)):.12f}" for pk, weight in sorted(values.items())}


def columns(points: Sequence[Point]) -> list[list[Any]]:
    """Return days as a stored backtest has them."""
    return [
        [one.day.isoformat(), one.value, one.benchmark, one.turnover, one.cost, one.session]
        for one in points
    ]
