"""The result of a fit, and its canonical JSON. Figures are fractions, but percentages say so. Pure.

Equal results are equal bytes.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from core.errors import Conflict
from core.identifiers import canonical_json
from recommendations.allocations.problem import ALLOCATION_VERSION
from recommendations.allocations.questionnaire import Caution
from recommendations.engine.problem import as_json


@dataclass(frozen=True, slots=True)
class Line:
    """The weight of a symbol in percent, and its part of the variance."""

    symbol: str
    name: str
    asset_class: str
    target_percentage: Decimal
    risk_share: Decimal


@dataclass(frozen=True, slots=True)
class Data:
    """The stored history: its sessions with prices of every symbol, and a hash of the returns.

    sessions_missing: days in the range on which only some symbols had a price; shifted_days: by how
    many days the dates of demo series were moved; risk_free: the name of the series, or empty.
    """

    first_date: date
    last_date: date
    sessions: int
    sessions_missing: int
    sha256: str
    shifted_days: tuple[int, ...]
    risk_free: str


@dataclass(frozen=True, slots=True)
class Track:
    """Figures out of sample, a year, after costs."""

    yearly_return: Decimal
    volatility: Decimal
    sharpe_ratio: Decimal | None
    max_drawdown: Decimal
    turnover: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
    """The Sharpe ratio of the model less that of 1/N; `distinguishable`: p_value below 5 %."""

    sharpe_ratio: Decimal
    standard_error: Decimal
    p_value: Decimal
    distinguishable: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """The walk-forward trial; `seed` is null because nothing is drawn at random."""

    first_date: date
    last_date: date
    sessions: int
    refits: int
    window_sessions: int
    refit_sessions: int
    model: Track
    equal_weight: Track
    test: str
    difference: Difference | None
    seed: int | None


@dataclass(frozen=True, slots=True)
class FitResult:
    """The answer; `volatility` is what the fitted covariance expects of a year."""

    engine_version: str
    model: str
    currency: str
    profile: str
    lines: tuple[Line, ...]
    volatility: Decimal
    volatility_max: Decimal | None
    equity_max: Decimal | None
    shrinkage: Decimal
    data: Data
    evidence: Evidence | None
    cautions: tuple[Caution, ...]


@dataclass(frozen=True, slots=True)
class _Version:
    engine_version: str


def result_json(result: FitResult) -> str:
    """Return the canonical JSON text: equal results are equal bytes."""
    return canonical_json(as_json(result)).decode()


def stored_fit(text: str) -> FitResult:
    """Return the result of a canonical JSON text; refuse one of another version."""
    version = msgspec.json.decode(text, type=_Version).engine_version
    if version != ALLOCATION_VERSION:
        raise Conflict(
            f"The model was fitted by {version}, and this is {ALLOCATION_VERSION}. Fit it again.",
            code="engine_version_unknown",
        )
    return msgspec.json.decode(text, type=FitResult)
