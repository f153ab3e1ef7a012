"""Reads: the record and the backtest of a strategy as its page and the API show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from portfolios.performance.figures import Reason
from portfolios.performance.risk import RiskFree
from recommendations.models import (
    Strategy,
    StrategyBacktest,
    StrategyDay,
    StrategyRecord,
)
from recommendations.queries.strategy_records import points_of, risk_free
from recommendations.strategies.backtest import REASONS
from recommendations.strategies.benchmarks import BENCHMARKS
from recommendations.strategies.figures import Figures, Point, figures

# Days whose carried prices are named; a record says how many there are.
_NAMED_MAX = 50
COMPARED_MAX = 4


@dataclass(frozen=True, slots=True)
class Run:
    """A run of days with its figures: a record, or a backtest, never both."""

    points: Sequence[Point]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded day on which a price was carried or a security ended."""

    day: date
    carried: Sequence[str]
    ended: Sequence[str]


@dataclass(frozen=True, slots=True)
class StrategyFigures:
    """What is known of a strategy's days: `record` since publication, `backtest` before."""

    currency: str | None
    benchmark: str | None
    benchmark_name: str
    benchmark_note: str
    risk_free_series: str | None
    last_hash: str
    record: Run | None
    backtest: Run | None
    # Why there is no backtest.
    backtest_reason: Reason | None
    ranges: Sequence[dict[str, Any]]
    events: Sequence[Event]
    carried_days: int


def strategy_figures(*, strategy: Strategy) -> StrategyFigures:
    """Return the figures of a strategy that the caller may see, in at most six queries."""
    record = StrategyRecord.objects.filter(strategy=strategy).select_related("benchmark").first()
    if record is None:
        reason = Reason("not_computed", REASONS["not_computed"])
        return StrategyFigures(None, None, "", "", None, "", None, None, reason, [], [], 0)
    backtest = StrategyBacktest.objects.filter(strategy=strategy).first()
    before = _stored(backtest.days) if backtest is not None else []
    since = points_of([strategy.pk]).get(strategy.pk, [])
    every = [*before, *since]
    yields = None
    if every:
        yields = risk_free(currency=record.currency, since=every[0].day, until=every[-1].day)
    code = "not_computed" if backtest is None else backtest.absent_code
    events = _events(strategy)
    known = BENCHMARKS.get(record.currency)
    return StrategyFigures(
        currency=record.currency,
        benchmark=record.benchmark.symbol if record.benchmark else None,
        benchmark_name=record.benchmark.name if record.benchmark else "",
        benchmark_note=known.note if known and record.benchmark else "",
        risk_free_series=yields.name if yields else None,
        last_hash=record.last_hash,
        record=_run(since, yields, record.currency),
        backtest=_run(before, yields, record.currency),
        backtest_reason=Reason(code, REASONS[code]) if code else None,
        ranges=backtest.ranges if backtest is not None else [],
        events=events[:_NAMED_MAX],
        carried_days=sum(1 for one in events if one.carried),
    )


def compared_figures(*, strategies: Sequence[Strategy]) -> list[tuple[Strategy, StrategyFigures]]:
    """Return the figures of up to COMPARED_MAX strategies that the caller may see."""
    assert len(strategies) <= COMPARED_MAX, "a comparison has a limit"
    return [(one, strategy_figures(strategy=one)) for one in strategies]


def _run(points: Sequence[Point], yields: RiskFree | None, currency: str) -> Run | None:
    found = figures(points=points, risk_free=yields, currency=currency)
    return Run(points, found) if found is not None else None


def _stored(days: Sequence[Sequence[Any]]) -> list[Point]:
    return [
        Point(date.fromisoformat(day), value, benchmark, turnover, cost, session)
        for day, value, benchmark, turnover, cost, session in days
    ]


def _events(strategy: Strategy) -> list[Event]:
    """Return the sessions on which something was carried or ended, newest first."""
    rows = (
        StrategyDay.objects.filter(strategy=strategy, session=True)
        .exclude(carried=[], ended=[])
        .order_by("-date")
        .values_list("date", "carried", "ended")
    )
    return [Event(*row) for row in rows]
