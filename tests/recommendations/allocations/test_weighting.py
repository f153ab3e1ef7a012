"""The models against hand-computed cases and against figures of other libraries.

The stored figures are of skfolio 1.12.2 (Ledoit-Wolf, Bayes-Stein, minimum variance, utility, risk
budgeting) and PyPortfolioOpt 1.6.0 (hierarchical risk parity), computed on the same returns: the
last 504 of the 20 shares in skfolio's sample. They are numbers, so that the tests need neither.
"""

from typing import Any

import highspy  # type: ignore[import-untyped]
import numpy as np
import pytest

from core.errors import InvalidInput
from recommendations.allocations.covariance import Floats, bayes_stein, ledoit_wolf
from recommendations.allocations.programs import (
    Bounds,
    Cap,
    ensure_feasible,
    least_capped,
    minimized,
    projected,
)
from recommendations.allocations.weighting import (
    MODELS,
    Limits,
    risk_shares,
    tree_order,
    weighted,
    yearly_volatility,
)

ORACLE: dict[str, list[float]] = {
    "covariance_diagonal": [
        0.00037598936881668034,
        0.0010806242934612489,
        0.0003394226475887214,
        0.0006221702568065801,
        0.00033361744919207435,
        0.0004477153659008537,
        0.00027667385317938165,
        0.00010789051667842533,
        0.0002693197428000137,
        0.00012796220374291674,
        0.00034567586512483216,
        0.00019322952790095223,
        0.00033500979978297383,
        0.00012371298173383577,
        0.00028144750157642676,
        0.00014180707463154945,
        0.0015845467567637596,
        0.00019464273068500824,
        0.00019998485735239047,
        0.00041397964913612986,
    ],
    "bayes_stein": [
        0.00044062064397286865,
        0.0003504497399738152,
        0.0005695859564190454,
        0.0004104038862663189,
        0.0010519708732596891,
        0.00048091549545584107,
        0.0006134580363855137,
        0.0005751134036492989,
        0.0005468030539583653,
        0.0005976086824743066,
        0.0010485191132526132,
        0.0007596925458982209,
        0.0005226674809739268,
        0.000629900283119881,
        0.0007439439328259308,
        0.0005447922084030863,
        0.0016339987351383044,
        0.0007691809357133269,
        0.00046053022513182904,
        0.001227632808546316,
    ],
    "minimum_variance": [
        0.0,
        0.0,
        1e-06,
        0.0,
        0.075628,
        0.007639,
        0.016467,
        0.15,
        0.034236,
        0.125859,
        1e-06,
        0.148382,
        2.7e-05,
        0.125213,
        0.062128,
        0.081273,
        0.0,
        0.023356,
        0.12343,
        0.02636,
    ],
    "mean_variance": [
        0.0,
        0.0,
        0.0,
        0.0,
        0.021269,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.3,
        0.125579,
        0.0,
        0.0,
        0.019904,
        0.0,
        0.12447,
        0.108779,
        0.0,
        0.3,
    ],
    "risk_parity": [
        0.036922,
        0.025961,
        0.039024,
        0.03369,
        0.047056,
        0.038486,
        0.044747,
        0.078251,
        0.04297,
        0.06417,
        0.050063,
        0.074666,
        0.039754,
        0.064873,
        0.06115,
        0.065974,
        0.027885,
        0.05465,
        0.064985,
        0.044723,
    ],
    "hierarchical_risk_parity": [
        0.035054,
        0.012196,
        0.031416,
        0.013861,
        0.040443,
        0.039226,
        0.03117,
        0.131721,
        0.033071,
        0.054443,
        0.045648,
        0.098251,
        0.039596,
        0.056313,
        0.062399,
        0.085062,
        0.005621,
        0.073013,
        0.078903,
        0.032593,
    ],
}
INTENSITY = 0.021956590200140715


def free(width: int, most: float = 1.0) -> Limits:
    return Limits(Bounds(np.zeros(width), np.full(width, most)), np.zeros(width))


def fixed(name: str, covariance: Floats, limits: Limits | None = None) -> Floats:
    """Return the weights for a known covariance; the models of this test read no returns."""
    width = len(covariance)
    return MODELS[name](np.ones((2, width)), covariance, limits or free(width))


def test_two_independent_assets_get_the_weights_of_the_worked_example() -> None:
    covariance = np.diag([0.1**2, 0.2**2])
    assert fixed("equal_weight", covariance) == pytest.approx([1 / 2, 1 / 2])
    assert fixed("minimum_variance", covariance) == pytest.approx([0.8, 0.2])
    assert fixed("risk_parity", covariance) == pytest.approx([2 / 3, 1 / 3])
    assert fixed("hierarchical_risk_parity", covariance) == pytest.approx([0.8, 0.2])


def test_two_correlated_assets_of_minimum_variance_by_hand() -> None:
    # (b - ab rho) / (a + b - 2 ab rho) with variances 0.04 and 0.09 and covariance 0.018
    covariance = np.array([[0.04, 0.018], [0.018, 0.09]])
    first = (0.09 - 0.018) / (0.04 + 0.09 - 0.036)
    assert fixed("minimum_variance", covariance) == pytest.approx([first, 1 - first])


@pytest.mark.parametrize("width", [2, 7, 40])
def test_risk_parity_gives_every_asset_the_same_part_of_the_variance(width: int) -> None:
    random = np.random.default_rng(width)
    factors = random.normal(size=(width, width))
    covariance = factors @ factors.T / width + np.diag(random.uniform(0.01, 2, width))
    found = fixed("risk_parity", covariance)
    assert found.sum() == pytest.approx(1)
    assert risk_shares(found, covariance) == pytest.approx([1 / width] * width, abs=1e-9)


def test_the_tree_joins_the_nearest_first_and_keeps_the_older_cluster_left() -> None:
    distances = np.array(
        [
            [0.0, 0.9, 0.8, 0.3],
            [0.9, 0.0, 0.2, 0.9],
            [0.8, 0.2, 0.0, 0.7],
            [0.3, 0.9, 0.7, 0.0],
        ]
    )
    # {1, 2} at 0.2, {0, 3} at 0.3, then both at 0.7
    assert tree_order(distances) == [1, 2, 0, 3]


def test_shrinkage_is_that_of_the_oracle(shares: tuple[list[str], Floats]) -> None:
    shrunk = ledoit_wolf(shares[1])
    assert shrunk.intensity == pytest.approx(INTENSITY, abs=1e-12)
    assert np.diag(shrunk.covariance) == pytest.approx(ORACLE["covariance_diagonal"], rel=1e-12)
    means = bayes_stein(shares[1], shrunk.covariance)
    assert means == pytest.approx(ORACLE["bayes_stein"], rel=1e-12)


@pytest.mark.parametrize(
    ("model", "most", "within"),
    [
        ("minimum_variance", 0.15, 2e-4),  # the oracle's solver stops at about 1e-4
        ("mean_variance", 0.3, 1e-5),
        ("risk_parity", 1.0, 1e-5),
        ("hierarchical_risk_parity", 1.0, 1e-6),
    ],
)
def test_weights_are_those_of_the_oracle(
    shares: tuple[list[str], Floats], model: str, most: float, within: float
) -> None:
    found = weighted(model, shares[1], free(20, most))
    assert found.weights == pytest.approx(ORACLE[model], abs=within)
    assert (found.cash, found.moved) == (0, False)


def _highs(quadratic: Floats, linear: Floats, bounds: Bounds, cap: Cap | None) -> float:
    """Return the least value that HiGHS finds."""
    width = len(linear)
    model = highspy.HighsModel()
    program, rows = model.lp_, 1 + (cap is not None)
    program.num_col_, program.num_row_ = width, rows
    program.col_cost_ = -linear
    program.col_lower_, program.col_upper_ = bounds.lower, bounds.upper
    program.row_lower_ = np.array([1.0, -highspy.kHighsInf][:rows])
    program.row_upper_ = np.array([1.0, cap.most if cap else 0.0][:rows])
    matrix = np.vstack([np.ones(width), cap.share if cap else np.ones(width)])[:rows]
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.arange(rows + 1, dtype=np.int32) * width
    program.a_matrix_.index_ = np.tile(np.arange(width, dtype=np.int32), rows)
    program.a_matrix_.value_ = matrix.ravel()
    lower = [(i, j) for j in range(width) for i in range(j, width)]
    model.hessian_.dim_ = width
    model.hessian_.start_ = np.array(
        [sum(1 for _, j in lower if j < n) for n in range(width + 1)], np.int32
    )
    model.hessian_.index_ = np.array([i for i, _ in lower], np.int32)
    model.hessian_.value_ = np.array([quadratic[i, j] for i, j in lower])
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.passModel(model)
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getInfo().objective_function_value)


@pytest.mark.parametrize("seed", range(40))
def test_the_program_is_as_good_as_that_of_highs(seed: int) -> None:
    random = np.random.default_rng(seed)
    width = int(random.integers(2, 16))
    factors = random.normal(size=(width, width + 2))
    quadratic = factors @ factors.T / width + 0.05 * np.eye(width)
    linear = random.normal(size=width)
    lower = random.uniform(0, 0.5 / width, width)
    bounds = Bounds(lower, np.minimum(lower + random.uniform(1.2 / width, 1, width), 1))
    cap = None
    if seed % 2:
        share = random.integers(0, 2, width).astype(float)
        most = float(random.uniform(0, 1))
        cap = Cap(share, max(most, least_capped(bounds, Cap(share, most))))
    found = minimized(quadratic, linear, bounds, cap)
    assert found.sum() == pytest.approx(1, abs=1e-9)
    assert (found >= bounds.lower - 1e-12).all()
    assert (found <= bounds.upper + 1e-12).all()
    if cap is not None:
        assert float(found @ cap.share) <= cap.most + 1e-9
    value = float(found @ quadratic @ found / 2 - linear @ found)
    assert value == pytest.approx(_highs(quadratic, linear, bounds, cap), abs=1e-6)


def test_bounds_move_weights_to_the_nearest_ones() -> None:
    bounds = Bounds(np.array([0.0, 0.0, 0.0]), np.array([0.5, 1.0, 1.0]))
    # 0.3 too much is shared by the two that have room.
    assert projected(np.array([0.8, 0.1, 0.1]), bounds) == pytest.approx([0.5, 0.25, 0.25])


def test_impossible_bounds_are_refused() -> None:
    for low, high in ((0.6, 1.0), (0.0, 0.4)):
        with pytest.raises(InvalidInput) as refused:
            ensure_feasible(Bounds(np.full(2, low), np.full(2, high)))
        assert refused.value.code == "bounds_infeasible"


@pytest.mark.parametrize("model", sorted(MODELS))
def test_limits_of_the_whole_hold_for_every_model(
    shares: tuple[list[str], Floats], model: str
) -> None:
    limits = Limits(free(20).bounds, np.ones(20), volatility_max=0.12, equity_max=0.6)
    found = weighted(model, shares[1], limits)
    assert found.weights.sum() + found.cash == pytest.approx(1)
    assert yearly_volatility(found.weights, found.covariance) <= 0.12 + 1e-9
    assert found.weights.sum() <= 0.6 + 1e-9
    assert found.cash > 0.3


def test_a_limit_of_volatility_changes_what_mean_variance_buys_before_it_holds_cash(
    shares: tuple[list[str], Floats],
) -> None:
    calm = Limits(free(20).bounds, np.zeros(20), volatility_max=0.17)
    bold, found = (
        weighted("mean_variance", shares[1], free(20)),
        weighted("mean_variance", shares[1], calm),
    )
    assert yearly_volatility(bold.weights, bold.covariance) > 0.2
    assert yearly_volatility(found.weights, found.covariance) == pytest.approx(0.17, rel=1e-4)
    assert found.cash == 0


def test_the_cap_on_equity_moves_the_variance_models_into_bonds() -> None:
    random = np.random.default_rng(5)
    returns = random.normal(0, 1, (600, 4)) * np.array([0.006, 0.005, 0.01, 0.012])
    equity = np.array([1.0, 1.0, 0.0, 0.0])
    limits: Any = Limits(free(4).bounds, equity, equity_max=0.3)
    found = weighted("minimum_variance", returns, limits)
    assert float(found.weights @ equity) == pytest.approx(0.3)
    assert found.cash == pytest.approx(0, abs=1e-9)


def test_prices_that_never_move_have_no_weights() -> None:
    with pytest.raises(InvalidInput) as refused:
        weighted("risk_parity", np.zeros((300, 2)), free(2))
    assert refused.value.code == "prices_never_move"
