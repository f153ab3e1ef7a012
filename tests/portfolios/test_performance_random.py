"""Random ledgers against a slow model of fractions that shares no code with the engine."""

from datetime import timedelta
from decimal import Decimal as D
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.performance.daily_values import EXACT_DECIMALS
from tests.effort import examples
from tests.portfolios.performance.ledgers import (
    CURRENCIES,
    JAN,
    SYMBOLS,
    Fact,
    adds_up,
    answer,
    at,
    instant_of,
    ledger,
    line,
)

DAYS = 12
prices = st.integers(100, 20_000).map(lambda cents: D(cents) / 100)
rates = st.integers(8000, 13000).map(lambda value: D(value) / 10_000)


KINDS = (
    *("buy", "buy", "sell", "deposit", "withdrawal", "dividend", "interest", "fee", "tax"),
    *("split", "reinvestment", "transfer_in", "transfer_out", "return_of_capital"),
)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Closes with gaps for three assets, dollar fixings with gaps, and a ledger."""
    closes = {
        asset: {
            day: str(draw(prices))
            for day in range(1, DAYS + 1)
            if day == 1 or draw(st.integers(0, 3))
        }
        for asset in SYMBOLS
    }
    fixings = [
        (JAN + timedelta(days=day - 1), draw(rates))
        for day in range(1, DAYS + 1)
        if day == 1 or draw(st.booleans())
    ]
    rows = ["1 deposit amount=1000000"]
    held = dict.fromkeys(SYMBOLS, D(0))
    for day in sorted(draw(st.lists(st.integers(1, DAYS), max_size=12))):
        rows.append(_random_row(draw, day, held))
    return {"closes": closes, "fixings": fixings, "rows": rows}


def _random_row(draw: st.DrawFn, day: int, held: dict[int, D]) -> str:
    kind = draw(st.sampled_from(KINDS))
    asset = draw(st.sampled_from(sorted(SYMBOLS)))
    if kind in {"sell", "transfer_out", "split"} and not held[asset]:
        kind = "buy"
    fx = f"fx={draw(rates)}" if asset == 3 else ""
    fee = f"fee={draw(st.sampled_from(['0', '1', '0.37']))}"
    amount = f"amount={draw(prices)}"
    if kind in {"deposit", "withdrawal"}:
        return f"{day} {kind} amount={draw(prices)}"
    if kind in {"interest", "fee"}:
        return f"{day} {kind} {amount}"
    if kind in {"dividend", "tax", "return_of_capital"}:
        return f"{day} {kind} asset={asset} {amount} {fx} {fee if kind == 'dividend' else ''}"
    if kind == "split":
        ratio = draw(st.sampled_from([Fraction(2), Fraction(1, 2), Fraction(5)]))
        held[asset] *= D(ratio.numerator) / D(ratio.denominator)
        return f"{day} split asset={asset} ratio={ratio}"
    if kind in {"sell", "transfer_out"}:
        quantity = held[asset] / draw(st.sampled_from([1, 2]))
        held[asset] -= quantity
    else:
        quantity = D(draw(st.integers(1, 500))) / 10
        held[asset] += quantity
    if kind.startswith("transfer"):
        return f"{day} {kind} asset={asset} quantity={quantity:f}"
    return f"{day} {kind} asset={asset} quantity={quantity:f} price={draw(prices)} {fee} {fx}"


class Model:
    """Fractions, day by day, in dollars; nothing of the engine is used."""

    def __init__(self, world: dict[str, Any]) -> None:
        self.world, self.units, self.cash = world, dict.fromkeys(SYMBOLS, Fraction(0)), Fraction(0)
        self.splits: list[tuple[int, int, Fraction]] = []
        self.values: list[Fraction] = [Fraction(0)]
        self.growth = Fraction(1)
        self.net = Fraction(0)

    def close(self, asset: int, day: int) -> Fraction:
        made = max(d for d in self.world["closes"][asset] if d <= day)
        price = Fraction(self.world["closes"][asset][made])
        for split_day, split_asset, ratio in self.splits:
            if split_asset == asset and made < split_day <= day:
                price /= ratio
        return Fraction(round(price * 10**8), 10**8)

    def rate(self, asset: int, day: int) -> Fraction:
        if CURRENCIES[asset] == "USD":
            return Fraction(1)
        today = JAN + timedelta(days=day - 1)
        return Fraction(max(one for one in self.world["fixings"] if one[0] <= today)[1])

    def worth(self, asset: int, day: int) -> Fraction:
        return self.close(asset, day) * self.rate(asset, day)

    def run(self, facts: list[Fact]) -> None:
        for day in range(1, DAYS + 1):
            today = [fact for fact in facts if fact.instant == instant_of(at(day))]
            net = sum((self.book(fact, day) for fact in today), Fraction(0))
            inflow, outflow = max(net, Fraction(0)), max(-net, Fraction(0))
            value = self.cash + sum(
                (units * self.worth(asset, day) for asset, units in self.units.items()),
                Fraction(0),
            )
            before = self.values[-1] + inflow
            # Less than half a cent is no capital, and neither is money that costs used up at once.
            half = Fraction(1, 200)
            used_up = max(abs(self.values[-1]), abs(value), outflow) < half
            if before >= half and not used_up:
                self.growth *= (value + outflow) / before
            self.net += net
            self.values.append(value)

    def book(self, fact: Fact, day: int) -> Fraction:
        self.cash += Fraction(fact.cash_effect)
        quantity = Fraction(fact.quantity or 0)
        asset = fact.asset or 0
        if fact.type in {"buy", "reinvestment", "transfer_in"}:
            self.units[asset] += quantity
        if fact.type in {"sell", "transfer_out"}:
            self.units[asset] -= quantity
        if fact.type == "split":
            assert fact.ratio is not None
            self.units[asset] *= fact.ratio
            self.splits.append((day, asset, fact.ratio))
        if fact.type in {"deposit", "withdrawal"}:
            return Fraction(fact.cash_effect)
        if fact.type in {"transfer_in", "transfer_out"}:
            sign = 1 if fact.type == "transfer_in" else -1
            return sign * quantity * self.worth(asset, day)
        return Fraction(0)


def in_order(facts: list[Fact]) -> list[Fact]:
    ranks = {"split": 0, "return_of_capital": 0, "buy": 1, "transfer_in": 1, "reinvestment": 1}
    return sorted(facts, key=lambda f: (f.instant, ranks.get(f.type, 2), f.id))


def sellable(facts: list[Fact]) -> bool:
    """Splits of a day go first, so a sale written before one may no longer be covered."""
    held = dict.fromkeys(SYMBOLS, Fraction(0))
    for fact in in_order(facts):
        quantity = Fraction(fact.quantity or 0)
        if fact.type in {"buy", "reinvestment", "transfer_in"}:
            held[fact.asset or 0] += quantity
        elif fact.type in {"sell", "transfer_out"}:
            held[fact.asset or 0] -= quantity
        elif fact.type == "split":
            held[fact.asset or 0] *= fact.ratio or 1
        if any(value < 0 for value in held.values()):
            return False
    return True


@settings(max_examples=examples(60), deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_random_ledgers_agree_with_the_model_and_add_up_to_the_cent(
    world: dict[str, Any], random: Any
) -> None:
    facts = ledger("\n".join(world["rows"]))
    if not sellable(facts):
        return
    model = Model(world)
    model.run(in_order(facts))
    lines = [line(asset, closes) for asset, closes in world["closes"].items()]
    fixings = {"USD": world["fixings"]}
    found, row = answer(facts, *lines, days=(1, DAYS), fixings=fixings)
    assert found.whole is not None
    assert Fraction(found.whole.final, 10**EXACT_DECIMALS) == model.values[-1]
    assert Fraction(found.whole.transfers, 10**EXACT_DECIMALS) == model.net
    assert float(found.series.index[-1]) == pytest.approx(float(model.growth), rel=1e-9)
    adds_up(row)
    shuffled = list(facts)
    random.shuffle(shuffled)
    assert answer(shuffled, *lines, days=(1, DAYS), fixings=fixings)[1] == row
    _, later = answer(facts, *lines, days=(5, DAYS), fixings=fixings)
    adds_up(later)
    assert later["initial_value"] == f"{float(model.values[4]):.2f}" or abs(
        D(later["initial_value"]) - D(model.values[4].numerator) / D(model.values[4].denominator)
    ) <= D("0.005") * len(found.terms)  # a value is a sum of rounded holdings
    for asset in SYMBOLS:
        _, alone = answer(facts, *lines, days=(1, DAYS), fixings=fixings, only=asset)
        adds_up(alone)


@settings(max_examples=examples(60), deadline=None)
@given(worlds())
def test_splits_change_no_return(world: dict[str, Any]) -> None:
    """A ledger without splits, and the same with every unit halved or doubled on the way."""
    rows = [row for row in world["rows"] if " split " not in row and "sell" not in row]
    rows = [row for row in rows if "transfer_out" not in row]
    facts = ledger("\n".join(rows))
    lines = [line(asset, closes) for asset, closes in world["closes"].items()]
    fixings = {"USD": world["fixings"]}
    _, plain = answer(facts, *lines, days=(1, DAYS), fixings=fixings)
    late = [fact for fact in facts if fact.asset == 1 and fact.instant >= instant_of(at(6))]
    if late:
        return
    split = [*facts, _split_on(6, len(facts) + 1)]
    halved = {
        day: close if day < 6 else str(D(close) / 2) for day, close in world["closes"][1].items()
    }
    _, divided = answer(split, line(1, halved), *lines[1:], days=(1, DAYS), fixings=fixings)
    assert divided["series"] == plain["series"]
    assert divided["time_weighted_return"] == plain["time_weighted_return"]
    adjusted = {day: str(D(close) / 2) for day, close in world["closes"][1].items()}
    if max(adjusted) >= 6:
        publisher = line(1, adjusted, adjusted=True)
        _, same = answer(split, publisher, *lines[1:], days=(1, DAYS), fixings=fixings)
        assert same["series"] == plain["series"]


def _split_on(day: int, number: int) -> Fact:
    return Fact(number, 1, "split", instant_of(at(day)), 1, D(0), D(0), "USD", ratio=Fraction(2))
