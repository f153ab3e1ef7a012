"""Fit a model and try it out of sample: the whole computation of a job. Pure.

    history   returns of all symbols on common sessions
    weights   of the last WINDOW_SESSIONS sessions, as each refit of the trial uses
    targets   percentages with two decimals that sum to exactly 100; cash under its own symbol
    trial     walk-forward beside 1/N, figures, and the test of the difference
    cautions  whatever makes the evidence thin, in words with a code

Equal prices and requests give equal bytes: figures are rounded to decimals on their way out.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import numpy as np

from core.money import largest_remainder
from portfolios.holdings.targets import CASH_SYMBOL
from recommendations.allocations import cautions
from recommendations.allocations.covariance import Floats
from recommendations.allocations.evidence import TEST, Figures, figures, sharpe_difference
from recommendations.allocations.history import Returns, common_returns
from recommendations.allocations.problem import (
    ALLOCATION_VERSION,
    SESSIONS_MIN,
    Problem,
    bounds_of,
    rates_of_sessions,
)
from recommendations.allocations.questionnaire import Profile, profile_named
from recommendations.allocations.result import (
    Data,
    Difference,
    Evidence,
    FitResult,
    Line,
    Track,
)
from recommendations.allocations.walk_forward import (
    REFIT_SESSIONS,
    WINDOW_SESSIONS,
    Trial,
    Walk,
    tried,
)
from recommendations.allocations.weighting import (
    Limits,
    Weighted,
    risk_shares,
    weighted,
    yearly_volatility,
)

_STEPS = 10_000  # of 0.01 percent
_EXACT = 10**12
Told = Callable[[int], None]


def fitted(problem: Problem, *, told: Told = lambda percent: None) -> FitResult:
    """Return the weights of the model and its evidence; `told` takes the progress in percent."""
    request = problem.request
    returns = common_returns([one.closes for one in problem.members], sessions_min=SESSIONS_MIN)
    told(20)
    profile = profile_named(request.profile) if request.profile else None
    limits = _limits(problem, profile)
    found = weighted(request.model, returns.values[-WINDOW_SESSIONS:], limits)
    told(30)
    rates = rates_of_sessions(
        problem.risk_free[1] if problem.risk_free else None, returns.days.tolist()
    )
    refits = max(1, -(-(len(returns.values) - WINDOW_SESSIONS) // REFIT_SESSIONS))
    done = 0

    def fit(window: Floats) -> Floats:
        nonlocal done
        done += 1
        # It raises when the job was cancelled meanwhile.
        told(30 + 50 * done // refits)
        return weighted(request.model, window, limits).weights

    trial = tried(
        fit,
        returns.values,
        np.array([one.trading_cost for one in problem.members]),
        rates,
    )
    evidence = _evidence(trial, returns, rates, problem) if trial else None
    return FitResult(
        engine_version=ALLOCATION_VERSION,
        model=request.model,
        currency=request.currency,
        profile=request.profile,
        lines=_lines(problem, found),
        volatility=_rounded(yearly_volatility(found.weights, found.covariance)),
        volatility_max=_percent(profile.volatility_max_percentage) if profile else None,
        equity_max=_percent(profile.equity_max_percentage) if profile else None,
        shrinkage=_rounded(found.shrinkage),
        data=_data(problem, returns),
        evidence=evidence,
        cautions=cautions.cautions(problem, returns, found, evidence, profile),
    )


def _limits(problem: Problem, profile: Profile | None) -> Limits:
    equity = np.array([float(one.is_equity) for one in problem.members])
    bounds = bounds_of(problem.request)
    if profile is None:
        return Limits(bounds, equity)
    return Limits(
        bounds,
        equity,
        float(profile.volatility_max_percentage) / 100,
        float(profile.equity_max_percentage) / 100,
    )


def _lines(problem: Problem, found: Weighted) -> tuple[Line, ...]:
    """Return a line for each symbol, the largest first, and one for cash if there is any."""
    exact = [*found.weights.tolist(), found.cash]
    whole = [round(max(value, 0.0) * _EXACT) for value in exact]
    steps = largest_remainder(whole, step=_EXACT // _STEPS, steps=_STEPS)
    risks = risk_shares(found.weights, found.covariance)
    lines = [
        Line(
            one.symbol,
            one.name,
            one.asset_class,
            Decimal(step) / 100,
            _rounded(float(risk)),
        )
        for one, step, risk in zip(problem.members, steps[:-1], risks, strict=True)
    ]
    lines.sort(key=lambda line: (-line.target_percentage, line.symbol))
    if steps[-1]:
        lines.append(Line(CASH_SYMBOL, "Cash", "cash", Decimal(steps[-1]) / 100, Decimal(0)))
    assert sum(line.target_percentage for line in lines) == 100, "targets sum to the whole"
    return tuple(lines)


def _data(problem: Problem, returns: Returns) -> Data:
    return Data(
        first_date=date.fromordinal(int(returns.days[0])),
        last_date=date.fromordinal(int(returns.days[-1])),
        sessions=len(returns.values),
        sessions_missing=returns.possible - len(returns.days),
        sha256=returns.digest,
        shifted_days=tuple(sorted({one.shifted_days for one in problem.members})),
        risk_free=problem.risk_free[0] if problem.risk_free else "",
    )


def _evidence(trial: Trial, returns: Returns, rates: Floats, problem: Problem) -> Evidence | None:
    """Return the figures out of sample; None where a single session cannot have any."""
    outside = rates[trial.begin :]
    if len(outside) < 2:
        return None
    model, equal = trial.model.returns, trial.equal_weight.returns
    difference = sharpe_difference(model - outside, equal - outside)
    return Evidence(
        first_date=date.fromordinal(int(returns.days[trial.begin + 1])),
        last_date=date.fromordinal(int(returns.days[-1])),
        sessions=len(outside),
        refits=trial.refits,
        window_sessions=WINDOW_SESSIONS,
        refit_sessions=REFIT_SESSIONS,
        model=_track(figures(model, outside), trial.model),
        equal_weight=_track(figures(equal, outside), trial.equal_weight),
        test=TEST,
        difference=Difference(
            _rounded(difference.sharpe),
            _rounded(difference.standard_error),
            _rounded(difference.p_value),
            difference.is_told_apart,
        )
        if difference
        else None,
        seed=None,
    )


def _track(found: Figures, walk: Walk) -> Track:
    return Track(
        yearly_return=_rounded(found.yearly_return),
        volatility=_rounded(found.volatility),
        sharpe_ratio=None if found.sharpe is None else _rounded(found.sharpe),
        max_drawdown=_rounded(found.drawdown),
        turnover=_rounded(walk.turnover),
        cost=_rounded(walk.cost),
    )


def _rounded(value: float) -> Decimal:
    """Return a fraction with six decimals, without a negative zero."""
    return Decimal(repr(round(value, 6))).quantize(Decimal("0.000001")) + 0


def _percent(value: Decimal) -> Decimal:
    return value / 100
