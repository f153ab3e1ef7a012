"""The inputs of a fit: who may be in it, within which bounds, from which history. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from core.errors import InvalidInput
from recommendations.allocations.covariance import Floats
from recommendations.allocations.history import Closes, Dated
from recommendations.allocations.programs import Bounds, ensure_feasible

# Raise it with every change that gives another result for the same prices and request.
ALLOCATION_VERSION = "allocation-1"

SYMBOLS_MIN = 2
SYMBOLS_MAX = 50
YEARS_MIN, YEARS_MAX, YEARS_DEFAULT = 1, 20, 10
SESSIONS_MIN = 252
COST_BP_MAX = 500
MODEL_CHOICES = (
    ("equal_weight", "Equal weight (1/N)"),
    ("minimum_variance", "Minimum variance"),
    ("mean_variance", "Mean-variance with shrinkage"),
    ("risk_parity", "Risk parity"),
    ("hierarchical_risk_parity", "Hierarchical risk parity"),
)
# What a fund holds is not known here, so funds count as equity; see `decisions/allocations.md`.
NOT_EQUITY = frozenset({"bond", "cash"})
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for, as it is stored with the result.

    symbols: in their order; bounds: lowest and highest percentage of each symbol that differs from
    the common one; profile: the name of a risk profile, empty for none; cost_bp: beside half the
    spread of each asset, in hundredths of a percent of what is traded.
    """

    model: str
    symbols: tuple[str, ...]
    currency: str
    years: int = YEARS_DEFAULT
    profile: str = ""
    weight_min: Decimal = Decimal(0)
    weight_max: Decimal = _HUNDRED
    bounds: tuple[tuple[str, Decimal, Decimal], ...] = ()
    cost_bp: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Member:
    """An asset of a fit, with its closes and the cost of trading it, a fraction."""

    symbol: str
    name: str
    asset_class: str
    currency: str
    closes: Closes
    trading_cost: float
    shifted_days: int = 0
    # Whether dividends that its prices do not contain are known.
    dividends_known: bool = True
    # Kinds of corporate actions in the range that no price is adjusted for, such as a spin-off.
    other_actions: tuple[str, ...] = ()

    @property
    def is_equity(self) -> bool:
        return self.asset_class not in NOT_EQUITY


@dataclass(frozen=True, slots=True)
class Problem:
    """A request with everything that was stored about its symbols when it was read.

    risk_free: its series' name and yearly yields, None if the currency has no series.
    """

    request: Request
    members: tuple[Member, ...]
    risk_free: tuple[str, Dated] | None


def ensure_valid(request: Request) -> None:
    """Refuse a request that has no answer: InvalidInput with a code."""
    symbols = request.symbols
    if len(set(symbols)) != len(symbols):
        raise InvalidInput(
            "A symbol appears twice. Send each once.",
            code="symbol_repeated",
            fields={"symbols": ["contains a symbol twice"]},
        )
    if len(symbols) < SYMBOLS_MIN:
        raise InvalidInput(
            f"A model needs at least {SYMBOLS_MIN} symbols. Add another one.",
            code="too_few_symbols",
            fields={"symbols": [f"needs at least {SYMBOLS_MIN} symbols"]},
        )
    if len(symbols) > SYMBOLS_MAX:
        raise InvalidInput(
            f"A model takes at most {SYMBOLS_MAX} symbols. Leave some out.",
            code="too_many_symbols",
            fields={"symbols": [f"takes at most {SYMBOLS_MAX} symbols"]},
        )
    named = [symbol for symbol, _, _ in request.bounds]
    if len(set(named)) != len(named) or not set(named) <= set(symbols):
        raise InvalidInput(
            "Bounds are for symbols of the model, each once. Correct them.",
            code="bounds_unknown_symbol",
            fields={"bounds": ["names a symbol twice, or one that is not in the model"]},
        )
    pairs = [(request.weight_min, request.weight_max)]
    pairs += [(low, high) for _, low, high in request.bounds]
    if any(low > high for low, high in pairs):
        raise InvalidInput(
            "A lower bound is above its upper bound. Correct it.",
            code="bounds_crossed",
            fields={"bounds": ["has a lower bound above the upper one"]},
        )
    ensure_feasible(bounds_of(request))


def bounds_of(request: Request) -> Bounds:
    """Return the bounds of each symbol as fractions, in the order of the symbols."""
    own = {symbol: (low, high) for symbol, low, high in request.bounds}
    common = (request.weight_min, request.weight_max)
    pairs = [own.get(symbol, common) for symbol in request.symbols]
    return Bounds(
        np.array([float(low / _HUNDRED) for low, _ in pairs]),
        np.array([float(high / _HUNDRED) for _, high in pairs]),
    )


def rates_of_sessions(risk_free: Dated | None, days: Sequence[int]) -> Floats:
    """Return the risk-free rate of each session after the first, by the yield known before it.

    (1 + yield) ^ (days / 365) - 1; 0 without a series or before its first yield.
    """
    ordinals = np.asarray(days, np.int64)
    if risk_free is None or not len(risk_free.days):
        return np.zeros(len(ordinals) - 1)
    places = np.searchsorted(risk_free.days, ordinals[:-1], side="right") - 1
    yields = np.where(places >= 0, risk_free.values[np.maximum(places, 0)], 0.0)
    rates: Floats = (1 + yields) ** (np.diff(ordinals) / 365) - 1
    return rates


def labels() -> Mapping[str, str]:
    """Return the words of each model by its name."""
    return dict(MODEL_CHOICES)
