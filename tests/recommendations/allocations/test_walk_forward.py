"""The trial out of sample: costs, drift and turnover by hand, and no look ahead."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from recommendations.allocations.covariance import Floats
from recommendations.allocations.evidence import figures, sharpe_difference
from recommendations.allocations.walk_forward import REFIT_SESSIONS, WINDOW_SESSIONS, tried

AFTER = WINDOW_SESSIONS


def moves(sessions: int, width: int = 2) -> Floats:
    return np.zeros((AFTER + sessions, width))


def constant(*weights: float) -> Callable[[Floats], Floats]:
    return lambda window: np.array(weights)


def test_weights_drift_and_the_first_purchase_is_paid() -> None:
    returns = moves(2)
    returns[AFTER] = [0.10, 0.0]
    returns[AFTER + 1] = [0.0, 0.10]
    costs = np.array([0.001, 0.002])
    trial = tried(constant(0.5, 0.5), returns, costs, np.zeros(len(returns)))
    assert trial is not None
    # 1.05 after the first session, less 0.5 x 0.001 + 0.5 x 0.002; then 0.55 and 0.50 become
    # 0.55 and 0.55.
    assert trial.model.returns == pytest.approx([1.05 * 0.9985 - 1, 1.10 / 1.05 - 1])
    assert trial.model.cost == pytest.approx(0.0015 / (2 / 252))
    assert trial.model.turnover == 0
    assert trial.refits == 1


def test_a_refit_sells_what_grew_and_pays_for_it() -> None:
    returns = moves(REFIT_SESSIONS + 1)
    returns[AFTER] = [0.5, 0.0]
    costs = np.array([0.01, 0.01])
    trial = tried(constant(0.5, 0.5), returns, costs, np.zeros(len(returns)))
    assert trial is not None
    # 0.75 of 1.25 is 0.6: a tenth is sold and a tenth is bought.
    assert trial.model.returns[REFIT_SESSIONS] == pytest.approx(-0.2 * 0.01)
    assert trial.model.turnover == pytest.approx(0.1 / ((REFIT_SESSIONS + 1) / 252))
    assert trial.refits == 2


def test_what_is_not_invested_earns_the_risk_free_rate() -> None:
    returns = moves(3)
    rates = np.full(len(returns), 0.0001)
    trial = tried(constant(0.0, 0.0), returns, np.zeros(2), rates)
    assert trial is not None
    assert trial.model.returns == pytest.approx([0.0001] * 3)
    assert trial.equal_weight.returns == pytest.approx([0.0] * 3)


def test_no_fit_sees_a_session_it_is_tried_on() -> None:
    returns = np.arange((AFTER + 200) * 2, dtype=float).reshape(-1, 2) * 1e-9
    seen: list[tuple[int, int]] = []

    def fit(window: Floats) -> Floats:
        rows = np.rint(window[:, 0] / 2e-9).astype(int)
        seen.append((int(rows[0]), int(rows[-1])))
        return np.array([0.5, 0.5])

    tried(fit, returns, np.zeros(2), np.zeros(len(returns)))
    starts = range(AFTER, AFTER + 200, REFIT_SESSIONS)
    assert seen == [(start - WINDOW_SESSIONS, start - 1) for start in starts]


def test_without_a_session_after_the_first_window_there_is_no_trial() -> None:
    assert tried(constant(0.5, 0.5), moves(0), np.zeros(2), np.zeros(AFTER)) is None


def test_figures_by_hand() -> None:
    found = figures(np.array([0.10, -0.20, 0.05]), np.zeros(3))
    assert found.yearly_return == pytest.approx((1.1 * 0.8 * 1.05) ** (252 / 3) - 1)
    assert found.volatility == pytest.approx(np.std([0.1, -0.2, 0.05], ddof=1) * math.sqrt(252))
    assert found.drawdown == pytest.approx(-0.2)
    mean, deviation = -0.05 / 3, float(np.std([0.1, -0.2, 0.05], ddof=1))
    assert found.sharpe == pytest.approx(mean / deviation * math.sqrt(252))
    assert figures(np.full(3, 0.01), np.full(3, 0.01)).sharpe is None


def test_the_standard_error_is_that_of_jobson_korkie_and_memmel_for_normal_returns() -> None:
    # Of independent normal returns the variance of the difference has a closed form (Memmel 2003).
    random = np.random.default_rng(3)
    count, correlation = 200_000, 0.6
    one = random.normal(0.04, 1, count)
    other = correlation * one + math.sqrt(1 - correlation**2) * random.normal(0.05, 1, count)
    found = sharpe_difference(one, other)
    assert found is not None
    first, second = one.mean() / one.std(), other.mean() / other.std()
    rho = float(np.corrcoef(one, other)[0, 1])
    variance = 2 - 2 * rho + (first**2 + second**2 - 2 * first * second * rho**2) / 2
    assert found.standard_error / math.sqrt(252) == pytest.approx(
        math.sqrt(variance / count), rel=0.03
    )
    assert found.sharpe / math.sqrt(252) == pytest.approx(first - second)
    assert found.p_value == pytest.approx(
        math.erfc(abs(found.sharpe / found.standard_error) / 2**0.5)
    )


def test_chance_alone_is_called_a_difference_about_once_in_twenty() -> None:
    random = np.random.default_rng(1)
    told = 0
    for _ in range(400):
        common = random.normal(0.0004, 0.008, 800)
        one, other = (common + random.normal(0, 0.004, 800) for _ in range(2))
        found = sharpe_difference(one, other)
        told += found is not None and found.is_told_apart
    # 20 are expected; a proportion of 400 is within 4 standard deviations of 5 %.
    assert 3 <= told <= 38


def test_a_real_difference_is_told_apart() -> None:
    random = np.random.default_rng(2)
    common = random.normal(0, 0.01, 2500)
    found = sharpe_difference(common + 0.001, common + random.normal(0, 0.001, 2500))
    assert found is not None
    assert found.is_told_apart
    assert found.sharpe > 0


def test_equal_series_have_no_difference_to_test() -> None:
    series = np.random.default_rng(4).normal(0, 0.01, 300)
    assert sharpe_difference(series, series.copy()) is None
    assert sharpe_difference(series, np.full(300, 0.01)) is None
