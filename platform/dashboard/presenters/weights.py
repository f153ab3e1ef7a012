"""Weights drawn: bars against targets, and the ring of the allocation. Pure.

    bar     all bars of a table share one scale: it ends at the largest weight or band
    ring    a circle of circumference 100: slices (share, -start) for stroke-dasharray

Weights below zero (negative cash) draw nothing and are named in the table beside the ring.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

RING_SLICES_MAX = 9
_STEP = Decimal(5)
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in percent of its width, as SVG attributes take them."""

    fill: str
    aim: str | None
    band_from: str | None
    band_width: str | None
    out: bool
    side: str


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the ring and its line in the legend."""

    key: str
    label: str
    weight: Decimal
    share: str
    rest: str
    offset: str
    colour: str


def scale_end(*, weights: Sequence[Decimal], bands: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """Return the right end of every bar: a multiple of five above all weights and bands."""
    uppers = [target + threshold for target, threshold in bands]
    largest = max([*weights, *uppers, _STEP])
    steps = (largest / _STEP).to_integral_value(rounding=ROUND_CEILING)
    return min(max(steps * _STEP, _STEP), max(_HUNDRED, largest))


def bar(
    *, weight: Decimal | None, target: Decimal | None, threshold: Decimal | None, end: Decimal
) -> Bar:
    """Return the bar of one weight on a scale from 0 to `end`."""
    fill = _at(weight or Decimal(0), end)
    if target is None:
        return Bar(fill, None, None, None, False, "")
    width = threshold or Decimal(0)
    low, high = max(target - width, Decimal(0)), target + width
    now = weight or Decimal(0)
    out = abs(now - target) > width
    return Bar(
        fill,
        _at(target, end),
        _at(low, end),
        _plain(_clamp((high - low) / end * _HUNDRED)),
        out,
        "over" if now > target else "under",
    )


def ring(*, parts: Sequence[tuple[str, str, Decimal]], cash: Decimal | None) -> list[Slice]:
    """Return slices of (key, label, weight), largest first; the smallest are joined as 'Other'."""
    ordered = sorted(parts, key=lambda part: (-part[2], part[0]))
    shown = ordered if len(ordered) <= RING_SLICES_MAX else ordered[: RING_SLICES_MAX - 1]
    rest = sum((weight for _, _, weight in ordered[len(shown) :]), Decimal(0))
    named = [(*part, str(index)) for index, part in enumerate(shown, start=1)]
    if len(shown) < len(ordered):
        label = f"{len(ordered) - len(shown)} others"
        named.append(("other", label, rest, str(RING_SLICES_MAX)))
    if cash is not None:
        named.append(("cash", "Cash", cash, "cash"))
    slices, offset = [], Decimal(0)
    for key, label, weight, colour in named:
        share = _clamp(weight)
        slices.append(
            Slice(
                key,
                label,
                weight,
                _plain(share),
                _plain(_HUNDRED - share),
                _plain(-offset),
                colour,
            )
        )
        offset += share
    return slices


def _at(weight: Decimal, end: Decimal) -> str:
    return _plain(_clamp(weight / end * _HUNDRED))


def _clamp(share: Decimal) -> Decimal:
    return min(max(share, Decimal(0)), _HUNDRED)


def _plain(value: Decimal) -> str:
    return f"{value:.3f}"
