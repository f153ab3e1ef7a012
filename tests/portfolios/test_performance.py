"""Performance of small ledgers, as tables an accountant can recompute."""

from datetime import timedelta
from decimal import Decimal as D
from fractions import Fraction

import pytest

from portfolios.performance.daily_holdings import history
from tests.portfolios.performance.ledgers import JAN, adds_up, answer, columns, ledger, line


def test_a_week_of_one_share_in_full() -> None:
    """
    day  what                          AAA   units  cash     value
     1   deposit 1000                  100     0    1000.00  1000.00
     2   buy 5 at 100, fee 1           102     5     499.00  1009.00   +0.90 %
     3                                 104     5     499.00  1019.00   +0.9911 %
     4   dividend 10, tax 1.50         103     5     507.50  1022.50   +0.3435 %
     5   sell 2 at 103, fee 1          103     3     712.50  1021.50   -0.0978 %
    """
    facts = ledger("""
        1 deposit amount=1000
        2 buy asset=1 quantity=5 price=100 fee=1
        4 dividend asset=1 amount=10
        4 tax asset=1 amount=1.50
        5 sell asset=1 quantity=2 price=103 fee=1
    """)
    closes = line(1, {1: "100", 2: "102", 3: "104", 4: "103", 5: "103"})
    found, row = answer(facts, closes, days=(1, 5))
    assert [one["value"] for one in row["series"]] == [
        "1000.00",
        "1009.00",
        "1019.00",
        "1022.50",
        "1021.50",
    ]
    assert row["reconciliation"] == {
        "initial_value": "0.00",
        "gains": "15.00",
        "income": "10.00",
        "net_transfers": "1000.00",
        "fees": "2.00",
        "taxes": "1.50",
        "currency_effect": "0.00",
        "final_value": "1021.50",
    }
    assert D(row["time_weighted_return"]) == D("0.0215")
    assert found.figures["money_weighted_return"].value == pytest.approx(0.0215)
    assert [(one["symbol"], one["gain"]) for one in row["contributions"]] == [
        ("AAA", "21.50"),
        (None, "0.00"),
    ]
    assert row["measured_from"] == "2024-01-01"
    assert row["reasons"]["time_weighted_return_annualized"]["code"] == "not_above_one_year"
    adds_up(row)


@pytest.mark.parametrize("adjusted", [False, True])
def test_a_split_changes_units_and_no_value(adjusted: bool) -> None:
    """300, 303 | 3 for 1 | 102; the same series adjusted by its publisher: 100, 101 | 102."""
    facts = ledger("""
        1 deposit amount=3000
        1 buy asset=1 quantity=10 price=300
        3 split asset=1 ratio=3
    """)
    raw = {1: "300", 2: "303", 3: "102"}
    closes = {1: "100", 2: "101", 3: "102"} if adjusted else raw
    found, row = answer(facts, line(1, closes, adjusted=adjusted), days=(1, 4))
    assert [one["value"] for one in row["series"]] == ["3000.00", "3030.00", "3060.00", "3060.00"]
    assert D(row["time_weighted_return"]) == D("0.02")
    adds_up(row)


def test_a_close_carried_over_a_split_is_divided_by_it() -> None:
    """No close on the day of the split: 10 at 303 are 30 at 101 until the next close."""
    facts = ledger("""
        1 deposit amount=3000
        1 buy asset=1 quantity=10 price=300
        3 split asset=1 ratio=3
    """)
    _, row = answer(facts, line(1, {1: "300", 2: "303", 5: "102"}), days=(1, 5))
    assert [one["value"] for one in row["series"]] == [
        "3000.00",
        "3030.00",
        "3030.00",
        "3030.00",
        "3060.00",
    ]


def test_cash_in_lieu_sells_the_fraction() -> None:
    facts = ledger("""
        1 deposit amount=505
        1 buy asset=1 quantity=5 price=101
        2 split asset=1 ratio=3/2 amount=33.67
    """)
    found, row = answer(facts, line(1, {1: "101", 2: "67.34"}), days=(1, 2))
    units = found.question.past.units[1]
    assert (units.days[-1], units.values[-1]) == (JAN.toordinal() + 1, 7 * 10**10)
    assert row["final_value"] == "505.05"
    adds_up(row)


def test_a_split_goes_before_a_spin_off_of_its_instant_as_in_the_ledger() -> None:
    spun_off_first = ledger("""
        1 buy asset=1 quantity=10 price=100
        3 spin_off asset=1 new=2 ratio=1
        3 split asset=1 ratio=2
    """)
    split_first = ledger("""
        1 buy asset=1 quantity=10 price=100
        3 split asset=1 ratio=2
        3 spin_off asset=1 new=2 ratio=1
    """)
    for facts in (spun_off_first, split_first):
        past = history(facts=columns(facts), currencies={1: "USD"})
        assert [past.units[asset].values[-1] for asset in (1, 2)] == [20 * 10**10] * 2


def test_a_spin_off_is_no_loss_of_the_parent() -> None:
    """100 splits into 80 and a child at 20: neither holding gained, the child starts at 20."""
    facts = ledger("""
        1 deposit amount=1000
        1 buy asset=1 quantity=10 price=100
        3 spin_off asset=1 new=2 ratio=1
    """)
    lines = line(1, {1: "100", 3: "80", 4: "80"}), line(2, {3: "20", 4: "22"})
    _, row = answer(facts, *lines, days=(1, 4))
    gains = {one["symbol"]: (one["gain"], one["contribution"]) for one in row["contributions"]}
    assert gains == {"BBB": ("20.00", "0.02"), "AAA": ("0.00", "0"), None: ("0.00", "0")}
    adds_up(row)
    found, alone = answer(facts, *lines, days=(1, 4), only=1)
    assert alone["time_weighted_return"] == "0"
    assert alone["reconciliation"]["net_transfers"] == "800.00"
    _, child = answer(facts, *lines, days=(1, 4), only=2)
    assert child["time_weighted_return"] == "0.1"
    adds_up(child)


def test_a_merger_with_cash_and_a_new_name_keep_the_value() -> None:
    """10 AAA at 60 become 5 BBB at 100 and 100 in cash."""
    facts = ledger("""
        1 deposit amount=600
        1 buy asset=1 quantity=10 price=60
        2 merger asset=1 new=2 ratio=1/2 amount=100 price=100
    """)
    _, row = answer(facts, line(1, {1: "60"}), line(2, {2: "100", 3: "110"}), days=(1, 3))
    assert [one["value"] for one in row["series"]] == ["600.00", "600.00", "650.00"]
    assert {one["symbol"]: one["gain"] for one in row["contributions"]} == {
        "BBB": "50.00",
        "AAA": "0.00",
        None: "0.00",
    }
    adds_up(row)


def test_a_share_in_euro_rises_ten_percent_and_the_euro_five() -> None:
    """Local 10 %, currency 5 %, together 15.5 %; added 10.5 % and 5 %."""
    facts = ledger("""
        1 deposit amount=1000
        1 buy asset=3 quantity=10 price=100 fx=1
    """)
    fixings = {"USD": [(JAN, D("1.00")), (JAN + timedelta(days=1), D("1.05"))]}
    found, row = answer(facts, line(3, {1: "100", 2: "110"}), days=(1, 2), fixings=fixings)
    assert row["time_weighted_return"] == "0.155"
    assert (row["local_return"], row["currency_return"]) == ("0.1", "0.05")
    assert (row["local_contribution"], row["currency_contribution"]) == ("0.105", "0.05")
    assert row["reconciliation"]["gains"] == "105.00"
    assert row["reconciliation"]["currency_effect"] == "50.00"
    adds_up(row)


def test_a_rate_booked_off_the_market_is_a_currency_effect() -> None:
    """Bought at 1.10 dollars a euro on a day of 1.00: 100 dollars are gone at once."""
    facts = ledger("""
        1 deposit amount=1100
        1 buy asset=3 quantity=10 price=100 fx=1.1
    """)
    fixings = {"USD": [(JAN, D("1.00"))]}
    _, row = answer(facts, line(3, {1: "100"}), days=(1, 2), fixings=fixings)
    assert row["reconciliation"]["currency_effect"] == "-100.00"
    assert row["reconciliation"]["gains"] == "0.00"
    adds_up(row)


def test_units_from_outside_are_a_flow_at_market_value() -> None:
    facts = ledger("""
        1 deposit amount=100
        2 transfer_in asset=1 quantity=10 amount=50
        4 transfer_out asset=1 quantity=4
    """)
    _, row = answer(facts, line(1, {1: "10", 2: "10", 3: "11", 4: "11"}), days=(1, 4))
    assert row["reconciliation"]["net_transfers"] == "156.00"
    assert row["reconciliation"]["gains"] == "10.00"
    assert D(row["time_weighted_return"]) == D("0.05")
    adds_up(row)


def test_between_own_accounts_nothing_flows() -> None:
    """Shares that are two days under way, and cash that changes the account."""
    facts = ledger("""
        1 deposit amount=1500
        1 buy asset=1 quantity=10 price=100
        2 transfer_out asset=1 quantity=10
        4 transfer_in account=2 asset=1 quantity=10 from=3
        3 withdrawal amount=500
        3 deposit account=2 amount=500
    """)
    closes = line(1, {1: "100", 2: "100", 3: "100", 4: "110"})
    accounts = {1: "USD", 2: "USD"}
    _, row = answer(facts, closes, days=(1, 4), accounts=accounts)
    assert [one["value"] for one in row["series"]][1:] == ["1500.00", "1500.00", "1600.00"]
    assert row["reconciliation"]["net_transfers"] == "1500.00"
    assert D(row["time_weighted_return"]) == (D(100) / D(1500)).quantize(D("1e-10"))
    adds_up(row)
    mine = [fact for fact in facts if fact.account == 1]
    _, alone = answer(mine, closes, days=(1, 4))
    assert alone["reconciliation"]["net_transfers"] == "0.00"


def test_a_reinvested_dividend_is_income_and_a_purchase() -> None:
    facts = ledger("""
        1 deposit amount=1000
        1 buy asset=1 quantity=10 price=100
        2 reinvestment asset=1 quantity=0.2 price=100 amount=20
    """)
    _, row = answer(facts, line(1, {1: "100", 2: "100"}), days=(1, 2))
    assert row["reconciliation"]["income"] == "20.00"
    assert row["final_value"] == "1020.00"
    assert row["time_weighted_return"] == "0.02"
    adds_up(row)


def test_own_prices_stand_in_before_the_first_close_and_it_is_said() -> None:
    facts = ledger("""
        1 deposit amount=1000
        2 buy asset=1 quantity=10 price=90
    """)
    _, row = answer(facts, line(1, {5: "95"}), days=(1, 20))
    values = [one["value"] for one in row["series"]]
    assert values[1:5] == ["1000.00", "1000.00", "1000.00", "1050.00"]
    assert {one["code"] for one in row["warnings"]} == {"price_stale", "price_from_own_trades"}
    assert row["reasons"]["volatility"]["code"] == "too_short"
    adds_up(row)


def test_what_has_no_price_has_no_return_and_names_it() -> None:
    facts = ledger("""
        1 deposit amount=1000
        2 transfer_in asset=1 quantity=10 amount=50
    """)
    found, row = answer(facts, line(1, {}), days=(1, 5))
    assert row["time_weighted_return"] is None
    assert row["reconciliation"] is None
    assert row["reasons"]["time_weighted_return"]["code"] == "price_missing"
    assert "AAA" in row["reasons"]["time_weighted_return"]["detail"]
    assert row["final_value"] is None


def test_a_currency_without_rates_has_no_return() -> None:
    facts = ledger("""
        1 deposit amount=1000
        2 buy asset=3 quantity=1 price=10
    """)
    _, row = answer(facts, line(3, {1: "10"}), days=(1, 5))
    assert row["reasons"]["time_weighted_return"]["code"] == "exchange_rate_missing"
    assert row["reconciliation"] is None


def test_an_empty_account_has_reasons_only() -> None:
    _, row = answer([], days=(1, 5))
    assert row["time_weighted_return"] is None
    assert row["reasons"]["time_weighted_return"]["code"] == "no_value"
    assert row["reasons"]["money_weighted_return_annualized"]["code"] == "no_flows"
    assert row["reasons"]["max_drawdown"]["code"] == "no_value"


def test_the_benchmark_is_bought_when_the_first_money_comes() -> None:
    facts = ledger("""
        2 deposit amount=1000
        2 buy asset=1 quantity=10 price=100
    """)
    closes = line(1, {2: "100", 3: "120"})
    _, row = answer(facts, closes, days=(1, 3), benchmark=closes)
    assert row["benchmark_return"] == "0.2"
    assert row["excess_return"] == "0"
    later = line(2, {20: "1"})
    _, row = answer(facts, closes, days=(1, 3), benchmark=later)
    assert row["reasons"]["benchmark_return"]["code"] == "benchmark_price_missing"


def test_one_holding_alone_has_flows_of_its_own() -> None:
    facts = ledger("""
        1 deposit amount=5000
        1 buy asset=1 quantity=10 price=100 fee=1
        2 dividend asset=1 amount=5
        3 sell asset=1 quantity=10 price=110 fee=1
    """)
    closes = line(1, {1: "100", 2: "100", 3: "110"})
    _, row = answer(facts, closes, days=(1, 3), only=1)
    expected = Fraction(1000, 1001) * Fraction(1005, 1000) * Fraction(1099, 1000) - 1
    assert float(row["time_weighted_return"]) == pytest.approx(float(expected), abs=1e-10)
    assert row["reconciliation"]["net_transfers"] == "-103.00"
    assert row["final_value"] == "0.00"
    adds_up(row)


def test_a_split_that_two_brokers_date_a_day_apart_halves_a_carried_price_once() -> None:
    facts = ledger(
        """
        1 deposit  amount=2000
        1 deposit  amount=2000 account=2
        1 buy   asset=1 quantity=10 price=100
        1 buy   asset=1 quantity=10 price=100 account=2
        5 split asset=1 ratio=2
        6 split asset=1 ratio=2 account=2
        """
    )
    past = history(facts=columns(facts), currencies={1: "USD", 2: "USD"})
    (splits,) = past.splits.values()
    assert splits == [(JAN.toordinal() + 4, Fraction(2))]


def test_rights_that_are_exercised_carry_their_worth_into_the_new_shares() -> None:
    """
    day  what                            shares  rights  cash   value
     1   deposit 1000, buy 10 at 100         10      0      0    1000
     3   10 rights worth 4; share at 96      10     10      0    1000
     5   10 rights and 60 buy 2 at 30        12      0    -60    1092
    """
    facts = ledger("""
        1 deposit amount=1000
        1 buy asset=1 quantity=10 price=100
        3 rights_issue asset=1 new=2 ratio=1
        5 rights_exercise asset=2 new=1 quantity=2 price=30 ratio=1/5
    """)
    closes = line(1, {1: "100", 3: "96", 5: "96"})
    rights = line(2, {3: "4", 5: "4"})
    _, row = answer(facts, closes, rights, days=(1, 5))
    assert [one["value"] for one in row["series"]] == [
        *("1000.00", "1000.00", "1000.00", "1000.00"),
        "1092.00",
    ]
    adds_up(row)
    _, alone = answer(facts, closes, rights, days=(1, 5), only=1)
    assert alone["final_value"] == "1152.00"
    adds_up(alone)


def test_a_stock_dividend_is_no_income_and_a_carried_price_falls_with_it() -> None:
    """
    day  what                            AAA   units   value
     1   deposit 1050, buy 10 at 105     105      10    1050
     3   1 share for 20, 10.5 held             10.5    1050   105 carried as 100
     5                                   102    10.5    1071
    """
    facts = ledger("""
        1 deposit amount=1050
        1 buy asset=1 quantity=10 price=105
        3 stock_dividend asset=1 ratio=1/20
    """)
    _, row = answer(facts, line(1, {1: "105", 5: "102"}), days=(1, 5))
    assert [one["value"] for one in row["series"]] == [
        *("1050.00", "1050.00", "1050.00", "1050.00"),
        "1071.00",
    ]
    adds_up(row)
