"""What the reader of a fitted model must know before adopting it, in words with a code. Pure."""

from collections.abc import Iterator

from core.money import plain
from recommendations.allocations.history import ALL, Returns
from recommendations.allocations.problem import Problem
from recommendations.allocations.questionnaire import Caution, Profile
from recommendations.allocations.result import Evidence
from recommendations.allocations.walk_forward import WINDOW_SESSIONS
from recommendations.allocations.weighting import SESSIONS_OF_YEAR, Weighted

# Below these the evidence is called thin.
ASSETS_FEW = 5
SESSIONS_SHORT = 3 * SESSIONS_OF_YEAR
SESSIONS_PER_ASSET_MIN = 10
_MISSING_PARTS = 20

# The codes of thin evidence, which is said first; then the others.
THIN = (
    "history_short",
    "no_evidence",
    "few_assets",
    "history_short_for_assets",
    "not_distinguishable_from_equal_weight",
    "worse_than_equal_weight",
    "no_difference_to_test",
    "dates_shifted_apart",
)
CODES = (
    *THIN,
    "cash_added",
    "bounds_applied",
    "sessions_missing",
    "dates_shifted",
    "dividends_unknown",
    "actions_not_adjusted",
    "risk_free_unknown",
    "funds_count_as_equity",
    "survivors_only",
)


def cautions(
    problem: Problem,
    returns: Returns,
    found: Weighted,
    evidence: Evidence | None,
    profile: Profile | None,
) -> tuple[Caution, ...]:
    """Return the cautions of a fit, thin evidence first."""
    return tuple(
        Caution(code, detail)
        for code, detail in (
            *_thin(problem, evidence),
            *_limited(problem, found, profile),
            *_of_data(problem, returns),
        )
    )


def _thin(problem: Problem, evidence: Evidence | None) -> Iterator[tuple[str, str]]:
    width = len(problem.members)
    if evidence is None:
        yield (
            "no_evidence",
            "The history is too short to try the model on days it did not see. The weights are "
            "fitted, but nothing shows that they work.",
        )
    elif evidence.sessions < SESSIONS_SHORT:
        yield (
            "history_short",
            f"The model was tried on {evidence.sessions} sessions only, less than three years. "
            "Luck decides over so short a time.",
        )
    if width < ASSETS_FEW:
        yield (
            "few_assets",
            f"With {width} assets there is little to choose between; a model can hardly differ "
            "from 1/N.",
        )
    if width * SESSIONS_PER_ASSET_MIN > WINDOW_SESSIONS:
        yield (
            "history_short_for_assets",
            f"Each fit sees {WINDOW_SESSIONS} sessions for {width} assets. Correlations of so many "
            "assets are mostly noise; shrinking them helps only in part.",
        )
    if evidence is not None and problem.request.model != "equal_weight":
        yield from _compared(evidence)


def _compared(evidence: Evidence) -> Iterator[tuple[str, str]]:
    difference = evidence.difference
    if difference is None:
        yield (
            "no_difference_to_test",
            "The model and 1/N had the same returns, or returns that do not vary.",
        )
    elif not difference.distinguishable:
        yield (
            "not_distinguishable_from_equal_weight",
            f"Out of sample its Sharpe ratio cannot be told apart from that of 1/N (p = "
            f"{plain(round(difference.p_value, 2))}). Nothing shows that the model does better.",
        )
    elif difference.sharpe_ratio < 0:
        yield (
            "worse_than_equal_weight",
            "Out of sample the model had a lower Sharpe ratio than 1/N, by more than chance "
            "explains. Prefer equal weights.",
        )


def _limited(
    problem: Problem, found: Weighted, profile: Profile | None
) -> Iterator[tuple[str, str]]:
    if profile is not None and found.cash > 0:
        yield (
            "cash_added",
            f"The profile {profile.name} allows a volatility of "
            f"{plain(profile.volatility_max_percentage)}% a year and "
            f"{plain(profile.equity_max_percentage)}% in equity. The rest stays in cash, and "
            "bounds are of the invested part.",
        )
    if found.moved:
        yield (
            "bounds_applied",
            "Some weights of the model were outside the bounds and were moved to the nearest ones "
            "within them.",
        )
    if profile is not None and any(one.asset_class in ("etf", "fund") for one in problem.members):
        yield (
            "funds_count_as_equity",
            "What a fund holds is not known here, so funds count as equity.",
        )


def _of_data(problem: Problem, returns: Returns) -> Iterator[tuple[str, str]]:
    missing = returns.possible - len(returns.days)
    if missing * _MISSING_PARTS > returns.possible:
        yield (
            "sessions_missing",
            f"On {missing} of {returns.possible} days only some of the symbols had a price. These "
            "days were left out.",
        )
    shifts = {one.shifted_days for one in problem.members}
    if len(shifts) > 1:
        yield (
            "dates_shifted_apart",
            "The sample series were moved to today's dates by different numbers of days, so what "
            "they have in common is not real. Choose symbols of one source.",
        )
    elif shifts != {0}:
        yield (
            "dates_shifted",
            "These are sample series with real prices of earlier years, moved to today's dates.",
        )
    unknown = [
        one.symbol
        for one in problem.members
        if one.closes.adjustment != ALL and not one.dividends_known
    ]
    if unknown:
        yield (
            "dividends_unknown",
            f"No dividends are known for {', '.join(unknown)}, so their returns are those of the "
            "price alone.",
        )
    acted = [
        one.symbol for one in problem.members if one.closes.adjustment != ALL and one.other_actions
    ]
    if acted:
        yield (
            "actions_not_adjusted",
            f"{', '.join(acted)} had a spin-off, merger or similar action. Prices are adjusted for "
            "splits and dividends only, so that day looks like a loss or a gain.",
        )
    if problem.risk_free is None:
        yield (
            "risk_free_unknown",
            f"No risk-free rate is stored for {problem.request.currency}; it counts as zero, and "
            "cash earns nothing.",
        )
    yield (
        "survivors_only",
        "The symbols were chosen today. Companies that failed meanwhile are not among them, which "
        "makes every history look better than it was.",
    )
