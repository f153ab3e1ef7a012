"""Rates of many pairs: one query, then none for five minutes."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketdata.queries import exchange_rates, exchange_rates_on
from marketdata.queries.exchange_rates import forget_fixings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_quotes")]

DAY = date(2026, 10, 30)


@pytest.fixture
def fixings(make_fixing: Callable[..., None]) -> None:
    for currency, day, rate in [
        ("USD", "2026-10-29", "1.0900"),
        ("USD", "2026-10-30", "1.0850"),
        ("GBP", "2026-10-30", "0.8350"),
        ("JPY", "2026-10-29", "175.68"),
        ("PHP", "2026-10-30", "65.5"),
    ]:
        make_fixing(currency, day, rate)


def test_five_currencies_are_one_query_and_then_none(fixings: None) -> None:
    pairs = [("GBP", "USD"), ("EUR", "USD"), ("JPY", "USD"), ("PHP", "USD"), ("USD", "USD")]
    with CaptureQueriesContext(connection) as asked:
        first = exchange_rates(pairs=pairs, as_of=DAY)
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as asked:
        again = exchange_rates(pairs=pairs, as_of=DAY)
    assert len(asked) == 0
    assert first == again
    assert {pair: rate.rate for pair, rate in first.items()} == {
        ("GBP", "USD"): D("1.29940119760479042"),
        ("EUR", "USD"): D("1.0850000000"),
        ("JPY", "USD"): D("0.00617600182149362477"),
        ("PHP", "USD"): D("0.0165648854961832061"),
        ("USD", "USD"): D(1),
    }


def test_the_newest_rate_up_to_the_day_counts_and_says_its_age(fixings: None) -> None:
    found = exchange_rates(pairs=[("EUR", "USD")], as_of=date(2026, 10, 29))
    assert (found["EUR", "USD"].rate, found["EUR", "USD"].stale) == (D("1.0900"), False)
    found = exchange_rates(pairs=[("EUR", "USD")], as_of=date(2026, 11, 23))
    assert (found["EUR", "USD"].date, found["EUR", "USD"].stale) == (DAY, True)


def test_an_unknown_pair_is_absent_and_its_absence_is_remembered(fixings: None) -> None:
    pairs = [("XAU", "USD"), ("EUR", "USD")]
    assert set(exchange_rates(pairs=pairs, as_of=DAY)) == {("EUR", "USD")}
    with CaptureQueriesContext(connection) as asked:
        assert set(exchange_rates(pairs=pairs, as_of=DAY)) == {("EUR", "USD")}
    assert len(asked) == 0
    assert exchange_rates(pairs=[("EUR", "USD")], as_of=date(1998, 1, 1)) == {}


def test_without_redis_every_call_is_one_query(fixings: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with CaptureQueriesContext(connection) as asked:
        found = exchange_rates(pairs=[("GBP", "USD"), ("JPY", "PHP")], as_of=DAY)
    assert len(asked) == 1
    assert len(found) == 2


def test_rates_on_many_days_are_one_query(fixings: None) -> None:
    wanted = [("EUR", "USD", date(2026, 10, day)) for day in (29, 30, 31)]
    with CaptureQueriesContext(connection) as asked:
        found = exchange_rates_on(wanted=[*wanted, ("EUR", "USD", date(1998, 1, 1))])
    assert len(asked) == 1
    assert [found[one].rate for one in wanted] == [D("1.09"), D("1.085"), D("1.085")]
    assert len(found) == 3


def test_a_new_fixing_is_used_at_once(fixings: None, make_fixing: Callable[..., None]) -> None:
    day = date(2026, 11, 2)
    assert exchange_rates(pairs=[("EUR", "USD")], as_of=day)["EUR", "USD"].rate == D("1.085")
    make_fixing("USD", "2026-11-02", "1.0900")
    forget_fixings()
    assert exchange_rates(pairs=[("EUR", "USD")], as_of=day)["EUR", "USD"].rate == D("1.09")
