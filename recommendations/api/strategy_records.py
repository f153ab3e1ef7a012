"""The record of a strategy over HTTP: since publication, and apart from it the backtest."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import HISTORY_RECORDS_MAX
from core.money_text import plain_text
from identity.authentication import caller
from portfolios.performance.figures import Figure, rounded
from portfolios.performance.risk import Drawdown
from recommendations.queries.strategies import visible_strategy
from recommendations.queries.strategy_figures import Run, StrategyFigures, strategy_figures
from recommendations.strategies.backtest import LABEL, RECORD_LABEL, SURVIVORSHIP
from recommendations.strategies.figures import RANKED_DAYS_MIN, Figures, Point


def _figure(help_text: str) -> serializers.CharField:
    return serializers.CharField(allow_null=True, help_text=help_text)


class StrategyReasonRead(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class StrategyDrawdownRead(serializers.Serializer[Any]):
    depth = serializers.CharField(help_text="0 or negative; -0.25 means a loss of a quarter.")
    peak_date = serializers.DateField()
    trough_date = serializers.DateField()
    recovery_date = serializers.DateField(allow_null=True)
    length_days = serializers.IntegerField(help_text="Days to the recovery, or to the end.")


class StrategyReturnRead(serializers.Serializer[Any]):
    since = serializers.DateField(allow_null=True, help_text="Date of the close it starts from.")
    value = _figure("Return to the last day, after trading costs.")
    annualized = _figure("Yearly rate; null for up to one year.")
    benchmark = _figure("Return of the benchmark over the same days.")


class StrategyReturnsRead(serializers.Serializer[Any]):
    ytd = StrategyReturnRead(help_text="Since the last day of the year before.")
    one_year = StrategyReturnRead(help_text="Of one year.")
    three_years = StrategyReturnRead(help_text="Of three years.")
    five_years = StrategyReturnRead(help_text="Of five years.")
    whole = StrategyReturnRead(help_text="Of all its days.")


class StrategyDayRead(serializers.Serializer[Any]):
    date = serializers.DateField()
    value = serializers.CharField(help_text="Value of 1 before the first purchase.")
    benchmark = _figure("Value of 1 invested in the benchmark at the first close.")


class StrategyRunRead(serializers.Serializer[Any]):
    about = serializers.CharField(help_text="Shown beside every figure of these days.")
    first_date = serializers.DateField(help_text="Day of the first purchase.")
    last_date = serializers.DateField(help_text="Last of its days.")
    days = serializers.IntegerField(help_text="Calendar days between the two.")
    returns = StrategyReturnsRead()
    volatility = _figure("Annualized: of daily log returns, 252 sessions a year.")
    sharpe = _figure("Annualized, over risk_free_series.")
    max_drawdown = _figure("Depth of the deepest drawdown, not above 0.")
    drawdown = StrategyDrawdownRead(allow_null=True)
    turnover = _figure("Lesser of purchases and sales a year, as a fraction of value.")
    cost = _figure("Trading costs a year, as a fraction of value.")
    tax_drag = _figure("Always null: it depends on the person who follows.")
    reasons = serializers.DictField(
        child=StrategyReasonRead(), help_text="Reason for each figure that is null, by name."
    )
    series = StrategyDayRead(many=True)


class StrategyRangeRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    prices_since = serializers.DateField(allow_null=True, help_text="Day of its first price.")
    first = serializers.DateField(help_text="First day of the backtest.")
    last = serializers.DateField(help_text="Last day of the backtest.")
    price_source = serializers.CharField(allow_null=True)
    moved_days = serializers.IntegerField(
        help_text="Days by which a demo series was moved; 0: the dates are real."
    )


class StrategyBacktestRead(StrategyRunRead):
    survivorship = serializers.CharField(help_text="Why it shows more than could be earned.")
    ranges = StrategyRangeRead(many=True, help_text="Its securities and their prices.")


class StrategyCarriedRead(serializers.Serializer[Any]):
    date = serializers.DateField()
    carried = serializers.ListField(
        child=serializers.CharField(), help_text="Symbols without a close of this day."
    )
    ended = serializers.ListField(
        child=serializers.CharField(), help_text="Symbols that became cash on this day."
    )


class StrategyRecordRead(serializers.Serializer[Any]):
    """Returns are fractions as text: "0.125" is 12.5 %."""

    strategy_id = serializers.UUIDField()
    currency = serializers.CharField(allow_null=True)
    benchmark = serializers.CharField(allow_null=True)
    benchmark_note = serializers.CharField(help_text="What the benchmark leaves out.")
    risk_free_series = serializers.CharField(allow_null=True)
    record_days = serializers.IntegerField()
    ranked = serializers.BooleanField(
        help_text=f"Whether the record is long enough to be ranked by: {RANKED_DAYS_MIN} days."
    )
    hash = serializers.CharField(
        help_text="Hash of the last day; it depends on every version and day before."
    )
    record = StrategyRunRead(allow_null=True, help_text="Null before the first recorded day.")
    backtest = StrategyBacktestRead(
        allow_null=True, help_text="Hypothetical: the first version before its publication."
    )
    backtest_reason = StrategyReasonRead(
        allow_null=True, help_text="Why there is no backtest; null if there is one."
    )
    carried_days = serializers.IntegerField(help_text="Days with a price of an earlier day.")
    events = StrategyCarriedRead(many=True, help_text="The newest of these days.")


class StrategyRecordView(APIView):
    @extend_schema(operation_id="strategies_record", responses=StrategyRecordRead)
    def get(self, request: Request, strategy_id: UUID) -> Response:
        """Return a strategy's daily record since publication, and its backtest apart from it."""
        strategy = visible_strategy(user=caller(request), public_id=strategy_id)
        found = strategy_figures(strategy=strategy)
        return Response({"strategy_id": str(strategy.public_id), **record_row(found)})


def record_row(found: StrategyFigures) -> dict[str, object]:
    """Return the figures as JSON values."""
    record, backtest = found.record, found.backtest
    reason = found.backtest_reason
    return {
        "currency": found.currency,
        "benchmark": found.benchmark,
        "benchmark_note": found.benchmark_note,
        "risk_free_series": found.risk_free_series,
        "record_days": record.figures.days if record else 0,
        "ranked": record.figures.ranked if record else False,
        "hash": found.last_hash,
        "record": _run_row(record, RECORD_LABEL) if record else None,
        "backtest": {
            **_run_row(backtest, LABEL),
            "survivorship": SURVIVORSHIP,
            "ranges": list(found.ranges),
        }
        if backtest
        else None,
        "backtest_reason": {"code": reason.code, "detail": reason.detail} if reason else None,
        "carried_days": found.carried_days,
        "events": [
            {"date": one.day.isoformat(), "carried": one.carried, "ended": one.ended}
            for one in found.events
        ],
    }


_WINDOWS = {
    "ytd": "ytd",
    "one_year": "1y",
    "three_years": "3y",
    "five_years": "5y",
    "whole": "whole",
}
_FIGURES = ("volatility", "sharpe", "max_drawdown", "turnover", "cost", "tax_drag")


def _run_row(run: Run, label: str) -> dict[str, object]:
    figures = run.figures
    return {
        "about": label,
        "first_date": figures.first.isoformat(),
        "last_date": figures.last.isoformat(),
        "days": figures.days,
        "returns": {name: _window_row(figures, short) for name, short in _WINDOWS.items()},
        **{name: _text(getattr(figures, name)) for name in _FIGURES},
        "drawdown": _drawdown_row(figures.drawdown) if figures.drawdown else None,
        "reasons": _reasons(figures),
        "series": _series(run.points),
    }


def _window_row(figures: Figures, name: str) -> dict[str, object]:
    window = figures.window(name)
    return {
        "since": window.since.isoformat() if window.since else None,
        "value": _text(window.value),
        "annualized": _text(window.annualized),
        "benchmark": _text(window.benchmark),
    }


def _reasons(figures: Figures) -> dict[str, object]:
    absent: dict[str, Figure] = {name: getattr(figures, name) for name in _FIGURES}
    for name, short in _WINDOWS.items():
        window = figures.window(short)
        absent[f"returns.{name}"] = window.value
        absent[f"returns.{name}.annualized"] = window.annualized
        absent[f"returns.{name}.benchmark"] = window.benchmark
    return {
        name: {"code": one.reason.code, "detail": one.reason.detail}
        for name, one in absent.items()
        if one.reason is not None
    }


def _text(figure: Figure) -> str | None:
    return None if figure.value is None else plain_text(rounded(figure.value))


def _drawdown_row(fall: Drawdown) -> dict[str, object]:
    return {
        "depth": plain_text(rounded(fall.depth)),
        "peak_date": fall.peak_date.isoformat(),
        "trough_date": fall.trough_date.isoformat(),
        "recovery_date": fall.recovery_date.isoformat() if fall.recovery_date else None,
        "length_days": fall.length_days,
    }


def _series(points: Sequence[Point]) -> list[dict[str, object]]:
    return [
        {
            "date": one.day.isoformat(),
            "value": f"{one.value:.12f}",
            "benchmark": None if one.benchmark is None else f"{one.benchmark:.12f}",
        }
        for one in points[-HISTORY_RECORDS_MAX:]
    ]


urlpatterns = [path("strategies/<uuid:strategy_id>/record", StrategyRecordView.as_view())]
