"""Schedule D: netting, the limit and the carry-forward, as tables an accountant can check."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.tax.schedule_d import (
    Carried,
    NetGains,
    ScheduleD,
    TaxRates,
    schedule_d,
    successive_years,
    tax,
)
from portfolios.tax.tax_tables import FilingStatus, capital_loss_limit

# short, long: the year's lines; in: carried in; 7, 15, 16, 21: lines of Schedule D; out: carried on
CASES = """
source                    | short  | long   | in short | in long | 7      | 15     | 16     | 21   | out short | out long
Pub 550, Bob and Gloria   | -7000  | 0      | 0        | 0       | -7000  | 0      | -7000  | 3000 | 4000      | 0
the same, lost 2,000      | -2000  | 0      | 0        | 0       | -2000  | 0      | -2000  | 2000 | 0         | 0
Lenehan v. Commissioner   | 49017  | 65721  | 0        | 128870  | 49017  | -63149 | -14132 | 3000 | 0         | 11132
worksheet, line 6         | -6000  | 1000   | 0        | 0       | -6000  | 1000   | -5000  | 3000 | 2000      | 0
worksheet, line 10        | 1000   | -5000  | 0        | 0       | 1000   | -5000  | -4000  | 3000 | 0         | 1000
worksheet, line 11        | -2000  | -3000  | 0        | 0       | -2000  | -3000  | -5000  | 3000 | 0         | 2000
short losses go first     | -4000  | -5000  | 0        | 0       | -4000  | -5000  | -9000  | 3000 | 1000      | 5000
gains only                | 500    | 700    | 0        | 0       | 500    | 700    | 1200   | 0    | 0         | 0
a short gain, a long loss | 5000   | -2000  | 0        | 0       | 5000   | -2000  | 3000   | 0    | 0         | 0
a short loss, a long gain | -2000  | 5000   | 0        | 0       | -2000  | 5000   | 3000   | 0    | 0         | 0
carried in absorbs a gain | 1000   | 2000   | 2500     | 0       | -1500  | 2000   | 500    | 0    | 0         | 0
carried in adds to losses | -1000  | 0      | 2500     | 4000    | -3500  | -4000  | -7500  | 3000 | 500       | 4000
to the cent               | -3000.01 | 0    | 0        | 0       | -3000.01 | 0    | -3000.01 | 3000 | 0.01    | 0
nothing happened          | 0      | 0      | 0        | 0       | 0      | 0      | 0      | 0    | 0         | 0
"""  # noqa: E501


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()[1:]]


@pytest.mark.parametrize("row", rows(CASES), ids=lambda row: row[0])
def test_a_year_nets_and_carries_as_the_worksheet_says(row: list[str]) -> None:
    short, long, in_short, in_long, *expected = (D(cell) for cell in row[1:])
    found = schedule_d(
        year=2024,
        gains=NetGains(short, long),
        carried_in=Carried(in_short, in_long),
        loss_limit=D(3000),
    )
    assert [
        found.net_short,
        found.net_long,
        found.net,
        found.deducted,
        found.carried_out.short_term,
        found.carried_out.long_term,
    ] == expected


def test_a_deduction_that_income_cannot_use_is_carried_on() -> None:
    """Worksheet line 3: taxable income -1,000 uses only 2,000 of the 3,000."""
    found = schedule_d(
        year=2024,
        gains=NetGains(D(-7000), D(0)),
        carried_in=Carried(),
        loss_limit=D(3000),
        taxable_income=D(-1000),
    )
    assert (found.deducted, found.carried_out) == (D(3000), Carried(D(5000), D(0)))


def test_the_limit_is_a_dated_table_and_halves_for_separate_returns() -> None:
    limits = [
        (1977, FilingStatus.SINGLE, 2000),
        (1978, FilingStatus.SINGLE, 3000),
        (2025, FilingStatus.SINGLE, 3000),
        (2025, FilingStatus.HEAD_OF_HOUSEHOLD, 3000),
        (2025, FilingStatus.JOINT, 3000),
        (2025, FilingStatus.SEPARATE, 1500),
    ]
    for year, status, dollars in limits:
        assert capital_loss_limit(year=year, filing_status=status) == dollars


def test_losses_go_from_year_to_year_until_they_are_used() -> None:
    years = successive_years(
        gains={2021: NetGains(D(-2000), D(-9000)), 2023: NetGains(D(1500), D(0))},
        stated={},
        loss_limit=lambda year: D(3000),
        until=2026,
    )
    carried = {
        year: (y.carried_out.short_term, y.carried_out.long_term) for year, y in years.items()
    }
    assert carried == {
        2021: (D(0), D(8000)),
        2022: (D(0), D(5000)),
        2023: (D(0), D(500)),  # 1,500 of gain and 3,000 of income absorb 4,500
        2024: (D(0), D(0)),
        2025: (D(0), D(0)),
        2026: (D(0), D(0)),
    }


def test_what_the_investor_states_replaces_what_would_be_computed() -> None:
    years = successive_years(
        gains={2020: NetGains(D(-90000), D(0)), 2023: NetGains(D(500), D(0))},
        stated={2022: Carried(D(1000), D(4000))},
        loss_limit=lambda year: D(3000),
        until=2023,
    )
    assert sorted(years) == [2022, 2023]
    assert years[2022].carried_out == Carried(D(0), D(2000))
    assert (years[2023].net, years[2023].deducted) == (D(-1500), D(1500))


RATES = TaxRates(D("0.35"), D("0.15"), D("0.05"), D("0.038"))

TAXES = """
what                          | short | long  | federal short | federal long | state   | niit    | total
both gains                    | 1000  | 2000  | 350.00        | 300.00       | 150.00  | 114.00  | 914.00
a long loss eats a short gain | 1000  | -400  | 210.00        | 0.00         | 30.00   | 22.80   | 262.80
a short loss eats a long gain | -400  | 1000  | 0.00          | 90.00        | 30.00   | 22.80   | 142.80
a loss within the limit       | -500  | 200   | -105.00       | 0.00         | -15.00  | -11.40  | -131.40
a loss beyond the limit       | -9000 | 0     | -1050.00      | 0.00         | -150.00 | -114.00 | -1314.00
nothing                       | 0     | 0     | 0.00          | 0.00         | 0.00    | 0.00    | 0.00
"""  # noqa: E501


@pytest.mark.parametrize("row", rows(TAXES), ids=lambda row: row[0])
def test_tax_is_at_the_investors_own_rates_and_its_parts_sum(row: list[str]) -> None:
    short, long, *expected = (D(cell) for cell in row[1:])
    result = schedule_d(
        year=2025, gains=NetGains(short, long), carried_in=Carried(), loss_limit=D(3000)
    )
    found = tax(result=result, rates=RATES, currency="USD")
    assert [
        found.federal_short,
        found.federal_long,
        found.state,
        found.net_investment_income,
        found.total,
    ] == expected


CENTS = st.integers(-10_000_000, 10_000_000).map(lambda cents: D(cents) / 100)
LOSSES = st.integers(0, 10_000_000).map(lambda cents: D(cents) / 100)


@given(short=CENTS, long=CENTS, in_short=LOSSES, in_long=LOSSES)
def test_no_cent_is_lost_or_made(short: D, long: D, in_short: D, in_long: D) -> None:
    found: ScheduleD = schedule_d(
        year=2025,
        gains=NetGains(short, long),
        carried_in=Carried(in_short, in_long),
        loss_limit=D(3000),
    )
    out = found.carried_out
    assert min(out.short_term, out.long_term, found.deducted) >= 0
    # What came in is what is taxed, what is deducted, or what goes on.
    assert (
        short + long - in_short - in_long
        == found.taxed_short + found.taxed_long - found.deducted - out.short_term - out.long_term
    )
    assert found.net >= 0 or found.taxed_short == found.taxed_long == 0
    # Each term's loss goes on only where that term lost.
    assert out.short_term <= max(D(0), -found.net_short)
    assert out.long_term <= max(D(0), -found.net_long)


@given(
    gains=st.dictionaries(st.integers(2000, 2020), st.tuples(CENTS, CENTS), max_size=8),
    stated=st.tuples(LOSSES, LOSSES),
)
def test_over_all_years_everything_is_taxed_deducted_or_still_carried(
    gains: dict[int, tuple[D, D]], stated: tuple[D, D]
) -> None:
    years = successive_years(
        gains={year: NetGains(*pair) for year, pair in gains.items()},
        stated={2000: Carried(*stated)},
        loss_limit=lambda year: D(3000),
        until=2021,
    )
    taxed = sum((y.taxed_short + y.taxed_long - y.deducted for y in years.values()), D(0))
    last = years[2021].carried_out
    assert taxed - last.short_term - last.long_term == sum(
        (short + long for short, long in gains.values()), D(0)
    ) - sum(stated)
