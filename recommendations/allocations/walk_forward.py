"""A model tried on sessions that it did not see, beside 1/N, with costs. Pure, in numpy.

    refit     every REFIT_SESSIONS sessions the model is fitted on the WINDOW_SESSIONS before; the
              first refit is the first session that has a full window before it
    hold      between two refits the weights drift with prices; cash earns the risk-free rate
    cost      sum |weight after - weight before| x cost of trading that asset, taken off the return
              of the first session after the refit; the first purchase is paid too
    turnover  half of that sum without the costs, a year; the first purchase does not count
    1/N       the same sessions, days of trading and costs; always 1/N, fully invested, no limits

Nothing of a session is known to the weights that earn its return.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recommendations.allocations.covariance import Floats
from recommendations.allocations.evidence import SESSIONS_OF_YEAR

WINDOW_SESSIONS = 504
REFIT_SESSIONS = 63

Fit = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Walk:
    """The net returns of each session out of sample, yearly turnover and cost, fractions."""

    returns: Floats
    turnover: float
    cost: float


@dataclass(frozen=True, slots=True)
class Trial:
    """Where the sessions out of sample begin, the number of refits, and both walks."""

    begin: int
    refits: int
    model: Walk
    equal_weight: Walk


def tried(fit: Fit, returns: Floats, costs: Floats, risk_free: Floats) -> Trial | None:
    """Return the walks of a model and of 1/N; None if no session is left out of sample.

    fit: weights by asset, at most 1 in total, from a window of returns; the rest is cash.
    """
    count, width = returns.shape
    refits = range(WINDOW_SESSIONS, count, REFIT_SESSIONS)
    if not refits:
        return None
    fitted = [fit(returns[start - WINDOW_SESSIONS : start]) for start in refits]
    equal = [np.full(width, 1 / width)] * len(fitted)
    return Trial(
        WINDOW_SESSIONS,
        len(fitted),
        _walked(fitted, returns, costs, risk_free),
        _walked(equal, returns, costs, risk_free),
    )


def _walked(chosen: list[Floats], returns: Floats, costs: Floats, risk_free: Floats) -> Walk:
    count, width = returns.shape
    held, net = np.zeros(width), []
    paid = traded = 0.0
    for number, wanted in enumerate(chosen):
        start = WINDOW_SESSIONS + number * REFIT_SESSIONS
        end = min(start + REFIT_SESSIONS, count)
        moved = np.abs(wanted - held)
        cost = float(moved @ costs)
        paid += cost
        if number:
            # Cash moves too: half of all moves is what is bought or sold.
            cash = abs(float(held.sum() - wanted.sum()))
            traded += (float(moved.sum()) + cash) / 2
        # A unit of value at the refit, as it grows: assets by column, then cash.
        assets = wanted * np.cumprod(1 + returns[start:end], axis=0)
        cash_value = (1 - wanted.sum()) * np.cumprod(1 + risk_free[start:end])
        values = np.concatenate([[1.0], assets.sum(axis=1) + cash_value])
        session = values[1:] / values[:-1] - 1
        session[0] = (1 + session[0]) * (1 - cost) - 1
        net.append(session)
        held = assets[-1] / values[-1]
    years = (count - WINDOW_SESSIONS) / SESSIONS_OF_YEAR
    return Walk(np.concatenate(net), traded / years, paid / years)
