"""Returns and risk out of published examples and tables to recompute by hand."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portfolios.performance.contribution import to_the_whole
from portfolios.performance.figures import rounded
from portfolios.performance.returns import (
    Daily,
    annualized,
    by_month,
    daily,
    money_weighted,
    time_weighted,
    xirr,
)
from portfolios.performance.risk import RiskFree, deepest, sessions, sharpe, volatility
from tests.effort import examples

FIRST = date(2023, 1, 1)  # a Sunday


def days_of(text: str, first: date = FIRST) -> Daily:
    """`value in out` a day; the first line is the close before the period."""
    rows = [[float(word) for word in line.split()] for line in text.strip().splitlines()]
    values, inflows, outflows = (np.array(column) for column in zip(*rows, strict=True))
    return daily(first=first, values=values, inflows=inflows, outflows=outflows)


@pytest.mark.parametrize(("close", "earned"), [("0.005", 199.0), ("0.004", 0.0)])
def test_less_than_half_a_cent_is_no_capital_to_earn_on(close: str, earned: float) -> None:
    series = days_of(f"{close} 0 0\n1 0 0")
    assert series.returns[1] == pytest.approx(earned)


@pytest.mark.parametrize(("close", "known"), [("0", True), ("-50", False)])
def test_a_loss_above_everything_cannot_be_chained(close: str, known: bool) -> None:
    series = days_of(f"100 0 0\n{close} 0 0")
    assert math.isnan(series.returns[1]) is not known
    assert time_weighted(series).value == (-1.0 if known else None)


def test_two_shares_over_two_years_earn_10_75_percent_by_time_and_9_39_by_money() -> None:
    """CFA Institute: a share for 200, another for 225 a year later, 5 a share in dividends each
    year, both sold for 235: 15.0 % and 6.67 %."""
    year = 365
    values = np.full(2 * year + 1, 200.0)
    values[year:] = 450.0
    values[-1] = 470.0
    inflows, outflows = np.zeros(2 * year + 1), np.zeros(2 * year + 1)
    # The dividend and the purchase of the same day: the share bought earns nothing that day.
    values[year - 1] = 225.0
    inflows[year] = 225.0
    outflows[year - 1] = 5.0
    outflows[-1] = 10.0
    series = daily(first=FIRST, values=values, inflows=inflows, outflows=outflows)
    found = time_weighted(series)
    assert found.value == pytest.approx(1.15 * 480 / 450 - 1, abs=1e-12)
    annual = annualized(found, days=2 * year)
    assert annual.value == pytest.approx(0.1076, abs=1e-4)
    rate = xirr(
        [FIRST, FIRST + timedelta(days=year), FIRST + timedelta(days=2 * year)],
        [-200.0, -220.0, 480.0],
    )
    assert rate.value == pytest.approx(0.0939, abs=5e-5)


def test_the_spreadsheet_example_of_xirr() -> None:
    """Microsoft's documentation of XIRR: 0.373362535."""
    found = xirr(
        [
            date(2008, 1, 1),
            date(2008, 3, 1),
            date(2008, 10, 30),
            date(2009, 2, 15),
            date(2009, 4, 1),
        ],
        [-10000.0, 2750.0, 4250.0, 3250.0, 2750.0],
    )
    assert found.value == pytest.approx(0.373362535, abs=1e-8)


def test_the_example_of_another_implementation_to_ten_decimals() -> None:
    """The documentation of the Rust crate xirr, given in the order of days."""
    found = xirr(
        [date(2015, 6, 11), date(2015, 7, 21), date(2015, 10, 17), date(2018, 6, 10)],
        [-1000.0, -9000.0, -3000.0, 20000.0],
    )
    assert found.value == pytest.approx(0.1635371584432641, abs=1e-12)


@pytest.mark.parametrize(
    ("last", "expected"),
    [(1.0, -0.999), (1e-6, -0.999999999), (0.0, -1.0), (2e9, 1999999.0)],
)
def test_rates_near_everything_lost_are_found(last: float, expected: float) -> None:
    found = xirr([date(2023, 1, 1), date(2024, 1, 1)], [-1000.0, last])
    if expected > 1e6:
        assert (found.value, found.reason and found.reason.code) == (None, "too_short")
    else:
        assert found.value == pytest.approx(expected, rel=1e-9)


def test_flows_with_two_rates_have_none() -> None:
    """-100, +230, -132 a year apart is worth nothing at 10 % and at 20 %."""
    found = xirr([date(2021, 1, 1), date(2022, 1, 1), date(2023, 1, 1)], [-100.0, 230.0, -132.0])
    assert found.reason is not None
    assert found.reason.code == "several_rates"


@pytest.mark.parametrize(
    ("flows", "code"),
    [
        ([(0, -100.0), (0, 110.0)], "too_short"),
        ([(0, -1.0), (4, 2388.672)], "too_short"),
        ([(0, 100.0), (400, 10.0)], "no_flows"),
        ([(0, 100.0), (200, -300.0), (400, 230.0)], "no_rate"),
    ],
)
def test_flows_without_a_rate_say_why(flows: list[tuple[int, float]], code: str) -> None:
    found = xirr([FIRST + timedelta(days=d) for d, _ in flows], [amount for _, amount in flows])
    assert found.value is None
    assert found.reason is not None
    assert found.reason.code == code


def test_money_comes_at_the_start_of_a_day_and_leaves_at_its_end() -> None:
    #                  close in  out     return
    found = days_of("""
                         100   0    0
                         110   0    0
                         231 100    0
                         131   0  100
    """)
    assert found.returns == pytest.approx([0, 0.10, 0.10, 0.0], abs=1e-12)
    assert time_weighted(found).value == pytest.approx(0.21, abs=1e-12)


def test_fees_cost_return_and_idle_days_cost_nothing() -> None:
    found = days_of("""
                           0    0    0
                           0    0    0
                         999 1000    0
                           0    0  999
                           0    0    0
    """)
    assert found.base == 2
    assert time_weighted(found).value == pytest.approx(-0.001, abs=1e-12)


def test_gains_on_no_capital_are_told_apart() -> None:
    series = days_of("0 0 0\n 5 0 0\n 7 0 0")
    assert time_weighted(series).value == pytest.approx(0.4, abs=1e-12)
    assert series.gained_apart == [(series.day(1), 5.0)]
    found = time_weighted(days_of("100 0 0\n -5 0 0\n 7 0 0"))
    assert found.reason is not None
    assert found.reason.code == "no_capital"
    found = time_weighted(days_of("0 0 0\n 0 0 0"))
    assert found.reason is not None
    assert found.reason.code == "no_value"


def test_nothing_is_annualised_up_to_a_year() -> None:
    series = days_of("100 0 0\n 110 0 0")
    found = annualized(time_weighted(series), days=365)
    assert found.reason is not None
    assert found.reason.code == "not_above_one_year"
    assert annualized(time_weighted(series), days=730).value == pytest.approx(math.sqrt(1.1) - 1)


def test_without_flows_both_returns_agree() -> None:
    values = np.linspace(100.0, 150.0, 366)
    nothing = np.zeros(366)
    series = daily(first=FIRST, values=values, inflows=nothing, outflows=nothing)
    assert time_weighted(series).value == pytest.approx(0.5)
    of_the_period, yearly = money_weighted(series)
    assert of_the_period.value == pytest.approx(0.5, abs=1e-11)
    assert yearly.value == pytest.approx(0.5, abs=1e-11)


@pytest.mark.parametrize("last", [0.01, 2.0, 99.0, 100.0, 1e9])
def test_without_flows_both_returns_agree_however_short_the_period(last: float) -> None:
    """A yearly rate of ten days is -100 % or beyond all bounds; the period's own is ordinary."""
    series = days_of("100 0 0\n" + "100 0 0\n" * 9 + f"{last} 0 0")
    of_the_period, _ = money_weighted(series)
    wanted = time_weighted(series).value
    assert wanted == pytest.approx(last / 100 - 1, rel=1e-12)
    assert of_the_period.value == pytest.approx(wanted, rel=1e-11, abs=1e-11)


@given(data=st.data())
@settings(max_examples=examples(60))
def test_another_implementation_finds_the_same_rates(data: st.DataObject) -> None:
    import pyxirr

    count = data.draw(st.integers(2, 12))
    gaps = data.draw(st.lists(st.integers(1, 200), min_size=count, max_size=count))
    paid = data.draw(st.lists(st.integers(1, 10**6), min_size=count, max_size=count))
    days = [FIRST + timedelta(days=sum(gaps[:n])) for n in range(count + 1)]
    growth = data.draw(st.floats(0.2, 5.0))
    amounts = [-float(one) for one in paid] + [growth * sum(paid)]
    wanted = pyxirr.xirr(days, amounts)
    found = xirr(days, amounts).value
    assume(wanted is not None)  # it gives up on rates near everything lost
    assert wanted is not None
    if found is None:
        assert wanted > 1e6
    else:
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-8)


def test_of_two_rates_the_one_at_the_edge_is_not_meant() -> None:
    days = [date(2023, 1, 2), date(2024, 1, 2), date(2024, 4, 2)]
    found = xirr(days, [-10000.0, 11000.0, -10.0])
    assert found.value == pytest.approx(0.0990232659, abs=5e-11)


def test_norstroem_s_rule_picks_the_only_positive_rate() -> None:
    """The sums -100, 130, 30 change their sign once; the other rate is -42 %."""
    days = [FIRST + timedelta(days=365 * n) for n in range(3)]
    found = xirr(days, [-100.0, 230.0, -100.0])
    assert found.value == pytest.approx((2.3 + math.sqrt(2.3**2 - 4)) / 2 - 1, abs=1e-12)


def test_costs_on_a_day_without_holdings_are_told_apart() -> None:
    #                    close  in out
    found = days_of("""
                           0    0    0
                        1000 1000    0
                        1100    0    0
                           0    0 1100
                           0   10    0
                           0    0    0
    """)
    assert time_weighted(found).value == pytest.approx(0.1, abs=1e-12)
    assert found.gained_apart == [(found.day(4), -10.0)]


def test_a_loss_of_all_that_was_invested_is_a_loss() -> None:
    found = days_of("1000 0 0\n 0 0 0\n 500 500 0")
    assert time_weighted(found).value == -1.0
    assert found.gained_apart == []


def test_months_chain_to_years_and_years_to_the_whole() -> None:
    generator = np.random.default_rng(7)
    values = 100.0 * np.cumprod(1 + generator.normal(0, 0.01, 800))
    nothing = np.zeros(800)
    series = daily(first=date(2022, 11, 17), values=values, inflows=nothing, outflows=nothing)
    rows = by_month(series)
    assert [row.year for row in rows] == [2022, 2023, 2024, 2025]
    assert rows[0].months[:10] == (None,) * 10
    whole = 1.0
    for row in rows:
        chained = math.prod(1 + value for value in row.months if value is not None)
        assert row.total == pytest.approx(chained - 1)
        whole *= chained
    assert time_weighted(series).value == pytest.approx(whole - 1)


def test_the_deepest_drawdown_and_its_days() -> None:
    series = days_of("100 0 0\n 120 0 0\n 90 0 0\n 108 0 0\n 120 0 0\n 114 0 0")
    found = deepest(series)
    assert found is not None
    assert found.depth == pytest.approx(-0.25)
    assert (found.peak_date, found.trough_date) == (date(2023, 1, 2), date(2023, 1, 3))
    assert (found.recovery_date, found.length_days) == (date(2023, 1, 5), 3)
    rising = deepest(days_of("100 0 0\n 120 0 0"))
    assert rising is not None
    assert (rising.depth, rising.length_days) == (0.0, 0)


def test_volatility_and_sharpe_of_a_week_by_hand() -> None:
    """Mon +1 %, Tue -1 %, Wed +2 %, Thu 0 %, Fri +1 % after a Sunday's close."""
    steps = [0.01, -0.01, 0.02, 0.0, 0.01]
    values = np.array([100.0, *(100 * np.cumprod([1 + step for step in steps]))])
    nothing = np.zeros(6)
    series = daily(first=FIRST, values=values, inflows=nothing, outflows=nothing)
    observed = sessions(series, np.array([False, True, True, True, True, True]))
    logs = [math.log1p(step) for step in steps]
    mean = sum(logs) / 5
    deviation = math.sqrt(sum((x - mean) ** 2 for x in logs) / 4)
    assert volatility(series, observed).value == pytest.approx(deviation * math.sqrt(252))
    free = RiskFree("US Treasury 3 months", [date(2022, 12, 30)], [0.04])
    excess = [step - (1.04 ** (1 / 365) - 1) for step in steps]
    mean = sum(excess) / 5
    deviation = math.sqrt(sum((x - mean) ** 2 for x in excess) / 4)
    found = sharpe(series, observed, free, "USD")
    assert found.value == pytest.approx(mean / deviation * math.sqrt(252))
    without = sharpe(series, observed, None, "EUR")
    assert without.reason is not None
    assert without.reason.code == "risk_free_absent"


def test_weekend_gains_belong_to_the_next_session() -> None:
    """A week of seven days has five observations; Monday's holds what Saturday and Sunday did."""
    values = np.array([100.0 + number for number in range(15)])
    nothing = np.zeros(15)
    series = daily(first=FIRST, values=values, inflows=nothing, outflows=nothing)
    observed = sessions(series, np.ones(15, dtype=bool))
    assert list(observed.days) == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12]


def test_monthly_prices_have_no_daily_volatility() -> None:
    values, nothing = np.full(200, 100.0), np.zeros(200)
    series = daily(first=FIRST, values=values, inflows=nothing, outflows=nothing)
    priced = np.zeros(200, dtype=bool)
    priced[1::30] = True
    found = volatility(series, sessions(series, priced))
    assert found.reason is not None
    assert found.reason.code == "prices_too_sparse"


def test_contributions_of_thousands_of_holdings_add_up_after_rounding() -> None:
    parts = [0.00000000005001] * 4000
    whole = sum(parts)
    found = to_the_whole(parts, whole)
    assert sum(found) == rounded(whole)
