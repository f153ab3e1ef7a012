"""A figure that may be absent, with the reason. Pure.

The conditions are where the figures are computed: `risk` says how many weekdays need prices,
`returns` which days have no return.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from core.money import WIDE

_TEN_DECIMALS = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a figure is absent: a stable code and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, or None and the reason."""

    value: float | None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        assert (self.value is None) == (self.reason is not None), "absent means: with a reason"


def absent(code: str, detail: str) -> Figure:
    """A figure that cannot be computed."""
    return Figure(None, Reason(code, detail))


def rounded(value: float) -> Decimal:
    """Return a return or a rate to ten decimals: 0.125 is 12.5 %."""
    return Decimal(repr(value)).quantize(_TEN_DECIMALS, rounding=ROUND_HALF_UP, context=WIDE)
