"""Rules that hold for every way in: files, the API and pages."""

from decimal import Decimal as D
from typing import Any

import pytest

pytestmark = pytest.mark.django_db


def test_old_shares_that_are_only_moved_replace_nothing(person: Any) -> None:
    own = person.account()
    person.asset("EMP")
    own.post("2024-01-02", "buy", "EMP", quantity="10", price="100")
    own.post("2024-05-01", "sell", "EMP", quantity="10", price="80")
    own.post(
        "2024-05-15", "transfer_in", "EMP", quantity="10", amount="850", opened_date="2022-05-15"
    )
    (line,) = own.gains()
    assert D(line["disallowed_loss"]) == 0


def test_rates_of_small_currencies_keep_their_digits(person: Any) -> None:
    person.rate("IDR", "2024-01-05", "16967.41")
    person.rate("USD", "2024-01-05", "1.0921")
    euro, dollar = person.account("EUR"), person.account("USD")
    euro.post("2024-01-05", "deposit", amount="2500000000", currency="IDR")
    dollar.post("2024-01-05", "deposit", amount="2500000000", currency="IDR")
    assert euro.cash == D("147341.29")
    assert dollar.cash == D("160911.42")
