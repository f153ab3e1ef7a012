"""The engine's columns against the same arithmetic row by row, on random ledgers: every integer."""

from datetime import timedelta
from decimal import Decimal as D
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.performance.daily_holdings import History, history, running_total
from portfolios.performance.daily_values import OF_CASH, OF_UNITS, board
from portfolios.performance.effects import Unknown, effects
from portfolios.performance.value_bridge import Terms, terms
from portfolios.prices.rule import Points
from tests.effort import examples
from tests.portfolios.performance.ledgers import (
    JAN,
    SYMBOLS,
    Fact,
    at,
    columns,
    instant_of,
    line,
)
from tests.portfolios.performance.plain import PARTS, Plain, walked
from transactions.ledger.kinds import KINDS

DAYS = 10
ACCOUNTS = {1: "USD", 2: "USD", 3: "EUR"}
# Most facts are of these kinds, so that most assets are summed; the rest are of any kind.
COMMON = ("buy", "sell", "deposit", "withdrawal", "dividend", "transfer_in", "transfer_out")
RATIOS = (Fraction(2), Fraction(1, 3), Fraction(3, 2), Fraction(1, 20))

money = st.integers(0, 10**7).map(lambda value: D(value) / 10**4)
large_money = st.sampled_from([D(10) ** 15, D("0.0001"), D(922337203685477), D(0)])
quantities = st.one_of(
    st.integers(1, 500).map(lambda value: D(value) / 10),
    st.sampled_from([D(10) ** 12, D("0.0000000001"), D("922337203.6854775807")]),
)
prices = st.one_of(
    st.none(), st.integers(0, 10**6).map(lambda value: D(value) / 100), st.just(D(10) ** 12)
)
rates = st.sampled_from([D(1), D("1.1"), D("0.000011800000000000000001"), D(10) ** 9])
closes_of = st.fixed_dictionaries(
    {
        asset: st.dictionaries(
            st.integers(1, DAYS), st.integers(100, 20_000).map(lambda cents: str(D(cents) / 100))
        ).map(lambda closes: dict(sorted(closes.items())))
        for asset in SYMBOLS
    }
)


@st.composite
def ledgers(draw: st.DrawFn) -> list[Fact]:
    """Facts of all kinds in three accounts, in any order; some transfers meet their other end."""
    facts: list[Fact] = []
    leaving: list[int] = []
    kinds = st.one_of(st.sampled_from(COMMON), st.sampled_from(sorted(KINDS)))
    for number in range(1, draw(st.integers(1, 30)) + 1):
        kind = KINDS[draw(kinds)]
        fact = Fact(
            id=number,
            account=draw(st.sampled_from(sorted(ACCOUNTS))),
            type=kind.name,
            instant=instant_of(at(draw(st.integers(1, DAYS)), draw(st.sampled_from([0, 12, 23])))),
            asset=draw(st.sampled_from(sorted(SYMBOLS))) if kind.needs_symbol else None,
            amount=draw(st.one_of(money, large_money)),
            cash_effect=draw(st.one_of(money, large_money)) * draw(st.sampled_from([1, -1])),
            currency=draw(st.sampled_from(["USD", "EUR"])),
            quantity=draw(quantities) if "quantity" in kind.takes else None,
            price=draw(prices) if "price" in kind.takes else None,
            fee=draw(st.one_of(st.just(D(0)), money)),
            fx_rate=draw(rates),
        )
        if "new_symbol" in kind.takes:
            others = sorted(set(SYMBOLS) - {fact.asset})
            fact = fact._replace(new_asset=draw(st.sampled_from(others)))
        if "ratio" in kind.takes and (kind.name != "spin_off" or draw(st.booleans())):
            fact = fact._replace(ratio=draw(st.sampled_from(RATIOS)))
        if kind.name == "transfer_out":
            leaving.append(number)
        if kind.name == "transfer_in" and draw(st.booleans()):
            # The other end is in one of the accounts, or in one that nobody asked about.
            other = leaving.pop() if leaving else 1000 + number
            fact = fact._replace(counterpart=other)
        facts.append(fact)
    return facts


def by_day(points: dict[Any, Points] | Any) -> dict[Any, dict[int, int]]:
    return {
        key: dict(zip(one.days.tolist(), one.values.tolist(), strict=True))
        for key, one in points.items()
    }


def payment_rows(past: History) -> list[dict[str, Any]]:
    paid = past.payments
    names = (*paid.names, None)  # no currency is below 0: the last
    return [
        {
            "day": int(paid.days[row]),
            "account": int(paid.accounts[row]),
            "asset": int(paid.assets[row]),
            "currency": names[paid.currencies[row]],
            "traded_currency": names[paid.traded_currencies[row]],
            "traded": int(paid.traded[row]),
            **{name: int(getattr(paid, name)[row]) for name in PARTS},
        }
        for row in range(len(paid))
    ]


@settings(max_examples=examples(80), deadline=None)
@given(ledgers(), st.randoms(use_true_random=False))
def test_columns_book_what_one_row_after_the_other_books(facts: list[Fact], random: Any) -> None:
    plain = walked(facts, ACCOUNTS)
    shuffled = list(facts)
    random.shuffle(shuffled)
    past = history(facts=columns(shuffled), currencies=ACCOUNTS)
    assert by_day(past.units) == plain.units
    assert list(past.units) == list(plain.units)
    assert by_day(past.cash) == plain.cash
    assert by_day(past.marks) == plain.marks
    assert payment_rows(past) == plain.payments
    assert [tuple(one) for one in past.deliveries] == plain.deliveries
    assert past.splits == plain.splits


@settings(max_examples=examples(60), deadline=None)
@given(ledgers(), closes_of, st.sampled_from([None, 1, 3]))
def test_terms_summed_by_columns_are_those_of_one_payment_after_the_other(
    facts: list[Fact], closes: dict[int, dict[int, str]], only: int | None
) -> None:
    past = history(facts=columns(facts), currencies=ACCOUNTS)
    shown = board(
        past=past,
        lines={asset: line(asset, closes[asset]) for asset in SYMBOLS},
        fixings={"USD": [(JAN + timedelta(days=day), D(f"1.{day}37")) for day in (0, 3, 4, 8)]},
        reporting="USD",
        first=JAN.toordinal() + 1,
        last=JAN.toordinal() + DAYS - 1,
        only=only,
    )
    try:
        found = terms(shown, effects(shown, past, only=only), whole=only is None)
    except Unknown:
        return  # an asset without a price: every figure is absent
    assert found == _plain_terms(shown, walked(facts, ACCOUNTS), only)


def _plain_terms(shown: Any, plain: Plain, only: int | None) -> dict[int | None, Terms]:
    found: dict[int | None, Terms] = {}
    for asset, track in shown.tracks.items():
        one = found[asset] = Terms()
        values = [track.local_at(number) for number in range(shown.count)]
        at_rate = [int(rate) for rate in track.rates.rates]
        one.initial = values[0] * at_rate[0] * OF_UNITS
        one.final = values[-1] * at_rate[-1] * OF_UNITS
        for before, after, rate in zip(values, values[1:], at_rate[1:], strict=False):
            one.gains += (after - before) * rate * OF_UNITS
        for before, rate, later in zip(values, at_rate, at_rate[1:], strict=False):
            one.currency += before * (later - rate) * OF_UNITS
    cash = Terms() if only is not None else found.setdefault(None, Terms())
    for purse in shown.purses:
        held = [purse.balances.at(number) for number in range(shown.count)]
        at_rate = [int(rate) for rate in purse.rates.rates]
        cash.initial += held[0] * at_rate[0] * OF_CASH
        cash.final += held[-1] * at_rate[-1] * OF_CASH
        for before, rate, later in zip(held, at_rate, at_rate[1:], strict=False):
            cash.currency += before * (later - rate) * OF_CASH
    _add_payments(shown, plain, only, found, cash)
    _add_deliveries(shown, plain, only, found, cash)
    return found


def _add_payments(shown: Any, plain: Plain, only: int | None, found: Any, cash: Terms) -> None:
    for payment in plain.payments:
        number, asset = payment["day"] - shown.first, payment["asset"]
        if not 0 < number < shown.count or only not in (None, asset):
            continue
        rate = int(shown.rates[payment["currency"]].rates[number])
        booked = {name: payment[name] * rate for name in PARTS}
        traded = booked["trade"]
        if traded and asset in shown.tracks:
            traded_in = payment["traded_currency"]
            if shown.tracks[asset].line.currency == traded_in:
                traded = payment["traded"] * int(shown.rates[traded_in].rates[number]) * OF_CASH
        one = found.setdefault(asset, Terms()) if asset else cash
        one.gains += traded
        one.income += booked["income"]
        one.fees += booked["fee"]
        one.taxes += booked["tax"]
        one.currency += booked["trade"] - traded
        paid = booked["trade"] + booked["income"] - booked["fee"] - booked["tax"]
        if asset:
            one.transfers -= paid
            cash.transfers += paid
        cash.transfers += booked["flow"]


def _add_deliveries(shown: Any, plain: Plain, only: int | None, found: Any, cash: Terms) -> None:
    for day, asset, units, other in plain.deliveries:
        number = day - shown.first
        track = shown.tracks.get(asset) or shown.others.get(asset)
        if not 0 < number < shown.count or track is None:
            continue
        worth = track.worth(units, number)
        for one, value in ((asset, worth), (other, -worth)):
            if one is not None and only in (None, one):
                place = found.setdefault(one, Terms())
                place.gains -= value
                place.transfers += value


def test_a_running_total_never_overflows() -> None:
    near = np.array([2**62, 2**62, 2**62, -(2**62)], dtype=np.int64)
    assert running_total(near).tolist() == [2**62, 2**63, 3 * 2**62, 2**63]
    few = running_total(np.array([1, 2, -5], dtype=np.int64))
    assert (few.dtype.itemsize, few.tolist()) == (8, [1, 3, -2])


@pytest.mark.parametrize("first", [1, 2])
def test_the_same_sum_between_two_accounts_is_a_flow_on_two_days_only(first: int) -> None:
    """The plain path and the columns are asked about the same day and about two."""
    rows = [
        Fact(1, 1, "withdrawal", instant_of(at(first)), None, D(500), D(-500), "USD"),
        Fact(2, 2, "deposit", instant_of(at(2)), None, D(500), D(500), "USD"),
    ]
    flow = history(facts=columns(rows), currencies=ACCOUNTS).payments.flow
    assert bool(flow.any()) is (first == 1)
