"""Records against an independent count in units, and the rules one by one."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from portfolios.prices.rule import Closes
from recommendations.strategies.growth import AssetHistory, Ending, market, weekdays
from recommendations.strategies.rules import Schedule
from recommendations.strategies.walk import Day, Plan, first_day, walk
from tests.recommendations.strategies.plain import Security, Version, values

MONDAY = date(2024, 1, 1)
SCHEDULES = {0: Schedule.NEVER, 1: Schedule.MONTHLY, 3: Schedule.QUARTERLY, 12: Schedule.YEARLY}


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def histories(
    securities: Mapping[str, Security], currencies: Mapping[str, str]
) -> list[AssetHistory]:
    found = []
    for number, (name, one) in enumerate(securities.items(), start=1):
        days = sorted(one.closes)
        found.append(
            AssetHistory(
                number,
                name,
                currencies.get(name, "USD"),
                Closes(
                    np.array([d.toordinal() for d in days]),
                    np.array([int(one.closes[d] * 10**8) for d in days]),
                ),
                [(d.toordinal(), ratio) for d, ratio in sorted(one.splits.items())],
                [(d.toordinal(), float(cash)) for d, cash in sorted(one.dividends.items())],
                None
                if one.ended is None
                else Ending(one.ended.toordinal(), None if one.paid is None else float(one.paid)),
                float(one.spread),
            )
        )
    return found


def record(
    securities: Mapping[str, Security],
    versions: Sequence[Version],
    last: date,
    *,
    currencies: Mapping[str, str] | None = None,
    fixings: Mapping[str, Sequence[tuple[date, Decimal]]] | None = None,
) -> list[Day]:
    numbers = {name: number for number, name in enumerate(securities, start=1)}
    plans = [
        Plan(
            number,
            one.published.toordinal(),
            {numbers[name]: float(weight) for name, weight in one.targets.items()},
            {} if one.band is None else {pk: float(one.band) for pk in numbers.values()},
            SCHEDULES[one.months],
        )
        for number, one in enumerate(versions, start=1)
    ]
    found = market(
        histories=histories(securities, currencies or {}),
        days=weekdays(first_day(plans[0].published), last.toordinal()),
        currency="USD",
        fixings=fixings or {},
    )
    return walk(plans=plans, market=found, state=None)


def flat(price: int, days: range, **more: object) -> Security:
    return Security({day(n): Fraction(price) for n in days}, **more)  # type: ignore[arg-type]


def test_a_version_is_bought_at_the_first_close_after_its_day_of_publication() -> None:
    # Published on Tuesday, whose close is 100; Wednesday's is 200: nobody gets the doubling.
    rising = Security({day(0): Fraction(100), day(1): Fraction(100), day(2): Fraction(200)})
    days = record({"A": rising}, [Version(day(1), {"A": Fraction(1)})], day(2))
    assert [(one.day, one.state.value, one.gain) for one in days] == [
        (day(2).toordinal(), 1.0, 0.0)
    ]


def test_a_version_published_on_a_friday_or_a_weekend_is_bought_on_monday() -> None:
    assert [date.fromordinal(first_day(day(n).toordinal())) for n in (3, 4, 5, 6, 7)] == [
        *(day(4), day(7), day(7), day(7), day(8))
    ]


def test_a_split_with_a_dividend_on_one_day() -> None:
    one = Security(
        {day(1): Fraction(100), day(2): Fraction(26)},
        splits={day(2): Fraction(4)},
        dividends={day(2): Fraction(1, 2)},
    )
    days = record({"A": one}, [Version(day(0), {"A": Fraction(1)})], day(2))
    assert days[-1].state.value == pytest.approx(1.06, abs=1e-12)


def test_a_missing_price_is_carried_and_flagged_and_not_traded_at() -> None:
    # B jumps on the day its price is missing; a version published before would buy it at 100.
    steady = flat(50, range(10))
    gap = Security({day(n): Fraction(100 if n < 3 else 300) for n in range(10) if n != 3})
    days = record(
        {"A": steady, "B": gap},
        [
            Version(day(0), {"A": Fraction(1)}),
            Version(day(2), {"B": Fraction(1)}),
        ],
        day(8),
    )
    assert [one.state.value for one in days] == [1.0] * len(days)
    by_day = {one.day: one for one in days}
    # A is sold; its proceeds wait for a price of B.
    assert by_day[day(3).toordinal()].state.weights == {}
    assert by_day[day(3).toordinal()].state.pending
    assert by_day[day(4).toordinal()].state.weights == {2: 1.0}


def test_a_carried_price_is_named() -> None:
    gap = Security({day(n): Fraction(100) for n in range(10) if n != 3})
    days = record({"B": gap}, [Version(day(0), {"B": Fraction(1)})], day(4))
    assert [one.carried for one in days] == [(), (), ("B",), ()]


def test_what_was_delisted_is_cash_at_its_last_price() -> None:
    gone = Security({day(n): Fraction(100 - 10 * n) for n in range(4)}, ended=day(4))
    days = record({"A": gone}, [Version(day(0), {"A": Fraction(1)})], day(9))
    assert days[3].ended == ("A",)
    assert days[3].state.weights == {}
    # 90 on day 1, when it was bought, 70 on day 3, its last price.
    assert [round(one.state.value, 12) for one in days[2:]] == [round(70 / 90, 12)] * 5


def test_what_became_worthless_is_lost() -> None:
    gone = Security({day(n): Fraction(100) for n in range(4)}, ended=day(4), paid=Fraction(0))
    half = Fraction(1, 2)
    days = record(
        {"A": gone, "B": flat(10, range(12))}, [Version(day(0), {"A": half, "B": half})], day(9)
    )
    assert days[-1].state.value == 0.5
    assert days[-1].state.weights == {2: 1.0}


def test_a_total_loss_ends_at_zero() -> None:
    gone = Security({day(n): Fraction(100) for n in range(4)}, ended=day(4), paid=Fraction(0))
    days = record({"A": gone}, [Version(day(0), {"A": Fraction(1)})], day(9))
    assert [one.state.value for one in days] == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]


def test_days_computed_at_once_are_those_of_single_nights() -> None:
    securities, versions, last = _case(7)
    at_once = record(securities, versions, last)
    plans = [
        Plan(
            n,
            one.published.toordinal(),
            {int(name[1:]): float(weight) for name, weight in one.targets.items()},
            {} if one.band is None else dict.fromkeys(range(1, 9), float(one.band)),
            SCHEDULES[one.months],
        )
        for n, one in enumerate(versions, start=1)
    ]
    state, nights = None, []
    days = weekdays(first_day(plans[0].published), last.toordinal())
    for k in range(len(days)):
        span = days[k : k + 1] if state is None else days[k - 1 : k + 1]
        found = market(histories=histories(securities, {}), days=span, currency="USD", fixings={})
        (night,) = walk(plans=plans, market=found, state=state)
        nights.append(night)
        state = night.state
    assert nights == at_once


@pytest.mark.parametrize("seed", range(12))
def test_records_agree_with_a_count_in_units(seed: int) -> None:
    securities, versions, last = _case(seed)
    expected = values(securities, versions, last)
    found = {
        date.fromordinal(one.day): one.state.value for one in record(securities, versions, last)
    }
    assert found.keys() == expected.keys()
    for one, value in expected.items():
        assert found[one] == pytest.approx(float(value), abs=1e-9), one
    assert len({round(value, 6) for value in found.values()}) > 100, "something happened"


@pytest.mark.parametrize("seed", range(3))
def test_records_in_two_currencies_agree_with_a_count_in_units(seed: int) -> None:
    securities, versions, last = _case(seed)
    chance = random.Random(seed)
    fixings = []
    for n in range(-10, (last - MONDAY).days + 1):
        if day(n).weekday() < 5:
            fixings.append((day(n), Decimal(chance.randint(9_000, 12_000)).scaleb(-4)))
    abroad = sorted(securities)[0]
    # Units of dollars for one euro: the rate of a euro asset in a dollar strategy.
    securities[abroad].rates = {d: Fraction(rate) for d, rate in fixings}
    expected = values(securities, versions, last)
    days = record(securities, versions, last, currencies={abroad: "EUR"}, fixings={"USD": fixings})
    for one in days:
        assert one.state.value == pytest.approx(
            float(expected[date.fromordinal(one.day)]), abs=1e-9
        )


def _case(seed: int) -> tuple[dict[str, Security], list[Version], date]:
    """Return five securities over 300 days with everything that happens to securities."""
    chance = random.Random(seed)
    length = 300
    securities = {}
    for number in range(1, 6):
        price, closes, splits, dividends = Fraction(chance.randint(20, 200)), {}, {}, {}
        for n in range(length):
            price *= Fraction(chance.randint(970, 1031), 1000)
            if chance.random() < 0.01:
                ratio = Fraction(*chance.choice([(2, 1), (3, 2), (1, 4)]))
                splits[day(n)], price = ratio, price / ratio
            price = Fraction(max(round(price * 10**6), 1), 10**6)
            if day(n).weekday() < 5 and chance.random() > 0.04:
                closes[day(n)] = price
                if chance.random() < 0.02:
                    dividends[day(n)] = Fraction(chance.randint(1, 100), 100) * price / 100
        name = f"S{number}"
        securities[name] = Security(
            closes, splits, dividends, spread=Fraction(chance.randint(0, 30), 10_000)
        )
    # The last one is delisted, in some cases for nothing.
    end = chance.randint(100, 250)
    gone = securities["S5"]
    gone.closes = {d: close for d, close in gone.closes.items() if d < day(end)}
    gone.splits = {d: ratio for d, ratio in gone.splits.items() if d < day(end)}
    gone.dividends = {d: cash for d, cash in gone.dividends.items() if d < day(end)}
    gone.ended, gone.paid = day(end), chance.choice([None, Fraction(0), Fraction(7, 2)])
    versions, published = [], day(20)
    for _ in range(3):
        names = chance.sample(sorted(securities), chance.randint(2, 5))
        parts = [chance.randint(1, 20) for _ in names]
        whole = sum(parts) + chance.choice([0, 0, 5])
        versions.append(
            Version(
                published,
                {name: Fraction(part, whole) for name, part in zip(names, parts, strict=True)},
                chance.choice([None, Fraction(1, 50), Fraction(1, 20)]),
                chance.choice([0, 1, 3]),
            )
        )
        published += timedelta(days=chance.randint(10, 90))
    return securities, versions, day(length - 1)
