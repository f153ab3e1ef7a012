"""Exchange rates from the central bank and its mirror, on loopback."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from marketdata.operations.rates import load_rates, refresh_rates
from marketdata.queries import exchange_rates
from stores.redis import redis_client
from tests.marketdata.providers.vendors import Vendors
from tests.marketdata.vendors.conftest import forget

pytestmark = pytest.mark.django_db(transaction=True)

# Friday evening, after the fixing of the day.
NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)


@pytest.fixture
def banks(monkeypatch: pytest.MonkeyPatch, settings: Any, no_quotes: None) -> Iterator[Vendors]:
    """The European Central Bank first, Frankfurter second."""
    from marketdata.operations import asking

    vendors = Vendors()
    for name in ("ecb", "frankfurter"):
        monkeypatch.setenv(f"{name.upper()}_URL", vendors.url(name))
        monkeypatch.setenv(f"{name.upper()}_QUOTA", "100000/minute")
    settings.PROVIDERS = ["ecb", "frankfurter"]
    forget(asking)
    redis_client().delete("rates:asked")
    yield vendors
    forget(asking)
    redis_client().delete("rates:asked")
    vendors.close()


def stored() -> dict[tuple[str, str], tuple[D, str]]:
    from marketdata.models import ExchangeRate

    return {
        (row.currency, row.date.isoformat()): (row.rate, row.source)
        for row in ExchangeRate.objects.all()
    }


def rate(pair: tuple[str, str], now: datetime = NOW) -> Any:
    return exchange_rates(pairs=[pair], as_of=now.date()).get(pair)


def test_a_new_installation_gets_the_history_and_pages_see_it(banks: Vendors) -> None:
    found = refresh_rates(now=NOW)
    assert (found.written, found.source, found.newest) == (9, "ecb", date(2026, 11, 20))
    assert stored()[("USD", "2026-11-20")] == (D("1.152"), "ecb")
    crossed = rate(("GBP", "JPY"))
    assert (crossed.date, crossed.stale) == (date(2026, 11, 20), False)
    assert abs(crossed.rate - D("181.01") / D("0.88055")) < D("1e-12")
    assert rate(("JPY", "GBP")).rate == pytest.approx(1 / crossed.rate)


def test_nobody_is_asked_again_within_the_hour_once_today_is_there(banks: Vendors) -> None:
    refresh_rates(now=NOW)
    calls = banks.calls("ecb")
    refresh_rates(now=NOW + timedelta(minutes=4))  # the hourly look for corrections
    refresh_rates(now=NOW + timedelta(minutes=8))
    refresh_rates(now=NOW + timedelta(minutes=12))
    assert banks.calls("ecb") == calls + 1
    # On Sunday Friday's fixing is the newest there can be, on Monday evening it is not.
    refresh_rates(now=NOW + timedelta(days=2))
    assert banks.calls("ecb") == calls + 1
    refresh_rates(now=NOW + timedelta(days=3))
    assert banks.calls("ecb") == calls + 2


def test_the_mirror_answers_while_the_bank_is_down(banks: Vendors) -> None:
    banks.behave("ecb", "500")
    found = refresh_rates(now=NOW)
    assert (found.source, found.newest) == ("frankfurter", date(2026, 11, 20))


def test_when_both_are_down_the_last_rate_stays_and_is_called_stale(banks: Vendors) -> None:
    refresh_rates(now=NOW)
    for name in ("ecb", "frankfurter"):
        banks.behave(name, "500")
    later = NOW + timedelta(days=5)
    assert refresh_rates(now=later).written == 0
    known = rate(("EUR", "USD"), later)
    assert (known.rate, known.date, known.stale) == (D("1.152"), date(2026, 11, 20), True)


def test_a_corrected_fixing_replaces_the_old_one_at_once(banks: Vendors) -> None:
    refresh_rates(now=NOW)
    assert rate(("EUR", "USD")).rate == D("1.152")
    banks.market.rates[date(2026, 11, 20)] = {"USD": D("1.153"), "GBP": D("0.88055")}
    assert refresh_rates(now=NOW + timedelta(minutes=10), force=True).written == 1
    assert rate(("EUR", "USD")).rate == D("1.153")


@pytest.mark.parametrize(
    "wrong",
    [
        {date(2026, 11, 20): {"USD": D("0"), "GBP": D("0.88055")}},
        {date(2026, 11, 20): {"USD": D("-1.1"), "GBP": D("0.88055")}},
        {date(2026, 11, 20): {"USD": D("115.2"), "GBP": D("0.88055")}},
        {date(2026, 12, 20): {"USD": D("1.2")}},
        {date(2026, 11, 20): {"QQQ": D("1.2"), "GBP": D("0.88055")}},
    ],
    ids=["zero", "negative", "hundredfold", "future", "unknown"],
)
def test_a_wrong_rate_is_refused_and_the_others_are_kept(
    banks: Vendors, wrong: dict[date, dict[str, D]]
) -> None:
    banks.market.rates.pop(date(2026, 11, 20))
    banks.market.rates.update(wrong)
    load_rates(since=date(2026, 11, 18), now=NOW)
    kept = stored()
    assert {key[1] for key in kept if key[0] == "USD"} == {"2026-11-18", "2026-11-19"}
    assert "QQQ" not in {key[0] for key in kept}
    if ("GBP", "2026-11-20") in kept:
        assert kept[("GBP", "2026-11-20")][0] == D("0.88055")
    assert rate(("EUR", "USD")).rate == D("1.1576")


def test_five_currencies_cost_no_query_while_they_are_warm(
    banks: Vendors, django_assert_num_queries: Any
) -> None:
    refresh_rates(now=NOW)
    pairs = [("USD", "EUR"), ("GBP", "EUR"), ("JPY", "EUR"), ("USD", "GBP"), ("JPY", "USD")]
    with django_assert_num_queries(0):
        assert len(exchange_rates(pairs=pairs, as_of=NOW.date())) == 5
    redis_client().delete(*redis_client().scan_iter("fixing:*"))
    with django_assert_num_queries(1):
        assert len(exchange_rates(pairs=pairs, as_of=NOW.date())) == 5


def test_a_run_that_asks_nobody_keeps_the_cache_warm(banks: Vendors) -> None:
    refresh_rates(now=NOW)
    refresh_rates(now=NOW)
    redis_client().delete(*redis_client().scan_iter("fixing:*"))
    refresh_rates(now=NOW)
    assert len(list(redis_client().scan_iter("fixing:*"))) == 3
