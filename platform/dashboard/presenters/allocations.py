"""What adopting a model changes, and its evidence beside 1/N, as rows of a page. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolios.holdings.targets import TargetWeight
from recommendations.allocations.result import Evidence, Track

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Change:
    """The target of a symbol now and with the model, in percent."""

    symbol: str
    now: Decimal
    then: Decimal

    @property
    def difference(self) -> Decimal:
        return self.then - self.now


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the model and of 1/N; `form` is percent or number."""

    label: str
    model: Decimal | None
    equal_weight: Decimal | None
    form: str = "percent"


def changes(now: Sequence[TargetWeight], then: Sequence[TargetWeight]) -> list[Change]:
    """Return a row for each symbol of either, the largest new targets first."""
    old = {one.symbol: one.target_percentage for one in now}
    new = {one.symbol: one.target_percentage for one in then}
    rows = [Change(name, old.get(name, ZERO), new.get(name, ZERO)) for name in old | new]
    return sorted(rows, key=lambda row: (-row.then, -row.now, row.symbol))


def compared(evidence: Evidence) -> list[Compared]:
    """Return the figures out of sample; fractions in percent."""
    model, equal = evidence.model, evidence.equal_weight

    def percent(label: str, name: str) -> Compared:
        return Compared(label, _hundredfold(model, name), _hundredfold(equal, name))

    return [
        percent("Return a year", "yearly_return"),
        percent("Volatility a year", "volatility"),
        Compared("Sharpe ratio", model.sharpe_ratio, equal.sharpe_ratio, "number"),
        percent("Deepest fall", "max_drawdown"),
        percent("Turnover a year", "turnover"),
        percent("Costs a year", "cost"),
    ]


def _hundredfold(track: Track, name: str) -> Decimal:
    value: Decimal = getattr(track, name)
    return value * 100
