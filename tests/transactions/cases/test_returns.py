"""Returns of days and periods that are easy to get wrong."""

from typing import Any

import pytest

pytestmark = pytest.mark.django_db


def near(value: Any, wanted: float) -> bool:
    return value is not None and abs(float(value) - wanted) < 5e-11


def test_of_two_rates_the_sensible_one_is_told(person: Any) -> None:
    own = person.account()
    own.post("2023-01-02", "deposit", amount="10000")
    own.post("2024-01-02", "interest", amount="1000")
    own.post("2024-01-02", "withdrawal", amount="11000")
    own.post("2024-04-02", "deposit", amount="10")
    own.post("2024-04-02", "fee", amount="10")
    told = own.performance(to="2024-04-30")
    assert near(told["money_weighted_return_annualized"], 0.0990232659), told


def test_a_trade_before_the_first_deposit_voids_nothing(person: Any) -> None:
    own = person.account()
    person.asset("WR", closes={"2024-06-24": "1"})
    person.asset("ET", closes={"2024-06-25": "100", "2024-07-24": "105"})
    own.post("2024-06-24", "buy", "WR", quantity="100", price="1", fee="10")
    own.post("2024-06-25", "deposit", amount="1000000")
    own.post("2024-06-25", "buy", "ET", quantity="1900", price="100", fee="75")
    told = own.performance(to="2024-07-24")
    assert told["measured_from"] == "2024-06-25"
    assert near(told["time_weighted_return"], 0.0094250943), told["time_weighted_return"]


def test_what_came_and_went_on_one_day_is_no_capital(person: Any) -> None:
    own = person.account("EUR")
    person.asset("PT", "EUR", closes={"2023-11-30": "100", "2023-12-01": "110"})
    own.post("2023-11-30", "deposit", amount="1000")
    own.post("2023-11-30", "buy", "PT", quantity="10", price="100")
    own.post("2023-12-01", "deposit", amount="50000")
    own.post("2023-12-01", "withdrawal", amount="50000")
    told = own.performance(**{"from": "2023-12-01", "to": "2023-12-01"})
    assert near(told["time_weighted_return"], 0.10), told["time_weighted_return"]


def test_money_that_moves_between_own_accounts_and_currencies_is_no_capital(person: Any) -> None:
    for day in ("2023-11-30", "2023-12-01"):
        person.rate("USD", day, "1.0875")
    person.owner.base_currency = "EUR"
    person.owner.save(update_fields=["base_currency"])
    own, dollars = person.account("EUR"), person.account("USD")
    person.asset("PT", "EUR", closes={"2023-11-30": "100", "2023-12-01": "110"})
    own.post("2023-11-30", "deposit", amount="51000")
    own.post("2023-11-30", "buy", "PT", quantity="10", price="100")
    own.post("2023-12-01", "withdrawal", amount="50000")
    dollars.post("2023-12-01", "deposit", amount="54375")
    answer = person.api.get(
        "/api/v1/portfolios/performance",
        {"from": "2023-12-01", "to": "2023-12-01"},
    )
    assert answer.status_code == 200, answer.content
    assert near(answer.json()["time_weighted_return"], 0.0019607843), answer.json()[
        "time_weighted_return"
    ]


def test_the_return_of_a_short_period_is_a_root_over_that_period(person: Any) -> None:
    """A fifth lost in ten days is -20 %, though the yearly rate has no digits left."""
    own = person.account()
    person.asset("AAA", closes={"2024-01-02": "100", "2024-01-12": "2"})
    own.post("2024-01-02", "deposit", amount="1000")
    own.post("2024-01-02", "buy", "AAA", quantity="10", price="100")
    told = own.performance(to="2024-01-12")
    assert near(told["time_weighted_return"], -0.98), told["time_weighted_return"]
    assert near(told["money_weighted_return"], -0.98), told["money_weighted_return"]
