"""Holdings that no feed knows: every page shows one price, and no household sees another's."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import BallastError
from marketdata.models import Asset, DailyPrice, ExchangeRate, LatestPrice, OwnPrice
from marketdata.operations import delete_own_price, record_own_prices
from marketdata.own_prices import StatedPrice
from marketdata.queries.exchange_rates import forget_fixings
from portfolios.operations import TargetWeight, set_targets
from portfolios.queries import valuations
from portfolios.queries.performance import account_performance, household_performance
from portfolios.queries.performance_inputs import Period, forget
from recommendations.engine.options import Options
from recommendations.queries import rebalance_inputs
from stores.redis import redis_client
from transactions.ledger.entries import Entry, Ratio
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = timezone.now().date()


def at(days: int) -> datetime:
    day = TODAY - timedelta(days=days)
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)


def on(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.fixture(autouse=True)
def _clean() -> Any:
    ExchangeRate.objects.bulk_create(
        ExchangeRate(currency="USD", date=TODAY - timedelta(days=days), rate=D(rate), source="test")
        for days, rate in ((900, "1.10"), (100, "1.25"), (0, "1.20"))
    )
    forget_fixings()
    forget()
    yield
    forget_fixings()


@pytest.fixture
def fund() -> Asset:
    """A public asset that no feed knows."""
    return Asset.objects.create(symbol="VTI", name="Fund", asset_class="fund", currency="USD")


def account_of(user: Any, name: str = "Main", currency: str = "USD") -> Any:
    return open_account(user=user, name=name, type="taxable", currency=currency, now=timezone.now())


def set_target(account: Any, symbol: str) -> None:
    set_targets(account=account, weights=[TargetWeight(symbol, D(100), D(5))])


def book(account: Any, user: Any, *entries: Entry) -> None:
    record(account=account, entries=list(entries), user=user, now=timezone.now())
    account.refresh_from_db()


def buy(days: int, quantity: str, price: str, symbol: str = "VTI") -> Entry:
    return Entry("buy", at(days), "USD", symbol, D(quantity), D(price))


def enter(user: Any, days: int, price: str, symbol: str = "VTI", **more: Any) -> None:
    record_own_prices(
        user=user,
        symbol=symbol,
        prices=[StatedPrice(on(days), D(price), **more)],
        now=timezone.now(),
    )


def everywhere(api: Any, browser: Client, account: Any, user: Any) -> dict[str, D]:
    """The account's value as each page and each answer shows it."""
    url, now = f"/api/v1/portfolios/{account.public_id}", timezone.now()
    for key in redis_client().scan_iter("holdings:*"):
        redis_client().delete(key)
    summary = api.get(f"{url}/summary").json()
    holdings = api.get(f"{url}/holdings").json()["data"]
    account.refresh_from_db()
    inputs = rebalance_inputs(account=account, options=Options(), now=now)
    page = browser.get(f"/accounts/{account.public_id}").context["page"]
    return {
        "summary": D(summary["total_value"]),
        "holdings": D(summary["cash"])
        + sum(D(row["market_value_account"] or 0) for row in holdings),
        "page": page.total,
        "many": valuations(account_ids=[account.public_id], now=now)[account.public_id].value.total,
        "rebalance": round(
            inputs.cash
            + sum(
                sum(lot.quantity for lot in one.lots) * one.price
                for one in inputs.securities
                if one.price is not None
            ),
            2,
        ),
        "performance": final_value(account, user),
    }


def final_value(account: Any, user: Any) -> D:
    found = account_performance(
        user=user, account_id=account.public_id, period=Period(), now=timezone.now()
    ).figures["final_value"]
    assert found is not None
    return found


def holding(api: Any, account: Any, symbol: str = "VTI") -> dict[str, Any]:
    for key in redis_client().scan_iter("holdings:*"):
        redis_client().delete(key)
    rows = api.get(f"/api/v1/portfolios/{account.public_id}/holdings").json()["data"]
    found: dict[str, Any] = next(row for row in rows if row["symbol"] == symbol)
    return found


def test_the_last_trade_then_a_price_by_hand_then_nothing_but_the_trade_again(
    people: Any, client_of: Any, fund: Asset
) -> None:
    user, api = people.owner, client_of(people.owner)
    account = account_of(user)
    book(account, user, buy(300, "10", "90"), buy(200, "10", "100"))
    row = holding(api, account)
    assert (row["price"], row["price_source"], row["estimated"]) == ("100", "trade", True)
    assert (row["as_of"][:10], row["stale"]) == (on(200).isoformat(), True)
    assert (row["market_value"], row["unrealized_gain"]) == ("2000.00", "100.00")
    summary = api.get(f"/api/v1/portfolios/{account.public_id}/summary").json()
    assert summary["unpriced_symbols"] == []
    assert summary["estimated_symbols"] == ["VTI"]
    assert (summary["estimated_value"], summary["estimated_oldest_date"]) == (
        "2000.00",
        on(200).isoformat(),
    )
    enter(user, 250, "80")  # older than the trade, and yet a price by hand goes first
    row = holding(api, account)
    assert (row["price"], row["price_source"], row["estimated"]) == ("80", "manual", False)
    enter(user, 3, "120")
    assert holding(api, account)["price"] == "120"
    delete_own_price(user=user, symbol="VTI", day=on(3))
    delete_own_price(user=user, symbol="VTI", day=on(250))
    assert holding(api, account)["price_source"] == "trade"
    book(account, user, buy(1, "1", "105"))
    assert holding(api, account)["price"] == "105"


def test_pages_answers_and_performance_show_one_value_for_random_households(
    people: Any, client_of: Any
) -> None:
    user, random = people.owner, Random(11)
    api, browser = client_of(user), Client()
    browser.force_login(user)
    for symbol in ("AAA", "BBB", "CCC"):
        Asset.objects.create(symbol=symbol, name=symbol, asset_class="fund", currency="USD")
    accounts = [account_of(user, f"Account {n}", ("USD", "EUR")[n % 2]) for n in range(3)]
    for account in accounts:
        set_target(account, "AAA")
    for step in range(12):
        account = random.choice(accounts)
        symbol, days = random.choice(["AAA", "BBB", "CCC"]), 400 - 30 * step
        choice = random.randrange(4)
        if choice == 0:
            enter(user, days, str(random.randint(1, 900)), symbol)
        elif choice == 1 and account.holdings.filter(asset__symbol=symbol).exists():
            ratio = Ratio(D(random.choice([2, 3])), D(1))
            # Every account that holds it books the split, some a day late.
            for late, other in enumerate(accounts):
                if other.holdings.filter(asset__symbol=symbol).exists():
                    book(other, user, Entry("split", at(days - late), "USD", symbol, ratio=ratio))
        else:
            price = D(random.randrange(1, 10**6)).scaleb(-2)
            quantity = D(random.randrange(1, 10**5)).scaleb(-3)
            book(account, user, Entry("buy", at(days), "USD", symbol, quantity, price))
        for one in accounts:
            shown = everywhere(api, browser, one, user)
            assert len(set(shown.values())) == 1, (step, one.name, shown)
    total = D(api.get("/api/v1/households/me/summary").json()["total_value"])
    found = household_performance(user=user, period=Period(), now=timezone.now())
    # Performance rounds the whole once, the overview each account.
    assert abs((found.figures["final_value"] or D(0)) - total) <= D("0.02")


def test_another_account_of_the_household_says_what_it_traded_at(
    people: Any, client_of: Any, fund: Asset
) -> None:
    user, api, browser = people.owner, client_of(people.owner), Client()
    browser.force_login(user)
    here, there = account_of(user, "Here"), account_of(user, "There")
    set_target(here, "VTI")
    book(here, user, buy(300, "10", "90"))
    assert holding(api, here)["price"] == "90"
    book(there, user, buy(10, "1", "200"))
    assert holding(api, here)["price"] == "200"
    assert set(everywhere(api, browser, here, user).values()) == {D("1100.00")}
    # The split is booked by one account only, as brokers do: the price is the household's.
    book(there, user, Entry("split", at(5), "USD", "VTI", ratio=Ratio(D(2), D(1))))
    assert holding(api, here)["price"] == "100"
    assert len(set(everywhere(api, browser, here, user).values())) == 1


def test_a_price_of_one_household_is_never_used_or_seen_by_another(
    people: Any, client_of: Any, fund: Asset
) -> None:
    mine, theirs = account_of(people.owner), account_of(people.stranger)
    book(mine, people.owner, buy(300, "10", "90"))
    book(theirs, people.stranger, buy(300, "10", "91"))
    enter(people.owner, 1, "500")
    stranger = client_of(people.stranger)
    assert holding(stranger, theirs)["price"] == "91"
    # Both in one reading, as on the overview of an adviser of two households.
    for number in range(2):
        if number == 0:
            for key in redis_client().scan_iter("private-prices:*"):
                redis_client().delete(key)
        found = valuations(account_ids=[mine.public_id, theirs.public_id], now=timezone.now())
        worth = {account_id: one.value.invested for account_id, one in found.items()}
        assert worth == {mine.public_id: D(5000), theirs.public_id: D(910)}
    assert stranger.get("/api/v1/market/assets/VTI/prices").json()["data"] == []
    assert stranger.get("/api/v1/market/history/VTI").json()["data"] == []
    (price,) = stranger.get("/api/v1/market/prices?symbols=VTI").json()["data"]
    assert (price["price"], price["source"], price["estimated"]) == ("91", "trade", True)
    refused = stranger.delete(f"/api/v1/market/assets/VTI/prices/{on(1)}")
    assert (refused.status_code, refused.json()["code"]) == (404, "own_price_not_found")
    assert OwnPrice.objects.count() == 1
    # An adviser of the household sees the household's price in its account, and no other.
    adviser = client_of(people.adviser)
    assert holding(adviser, mine)["price"] == "500"
    assert adviser.get("/api/v1/market/assets/VTI/prices").json()["data"] == []
    answer = stranger.get(f"/api/v1/portfolios/{theirs.public_id}/performance").json()
    assert answer["final_value"] == "0.00"  # bought for 910 with money that was never paid in


def test_prices_in_percent_of_par_and_in_another_currency(
    people: Any, client_of: Any, fund: Asset
) -> None:
    user, api = people.owner, client_of(people.owner)
    account = account_of(user)
    book(account, user, buy(50, "10000", "0.97"))
    enter(user, 2, "98.5", nominal=D(1))
    row = holding(api, account)
    assert (row["price"], row["market_value"]) == ("0.985", "9850.00")
    enter(user, 1, "100", currency="EUR")  # at 1.25 dollars
    assert holding(api, account)["price"] == "125"
    (newest, _) = api.get("/api/v1/market/assets/VTI/prices").json()["data"]
    assert (newest["price"], newest["stated"], newest["stated_currency"]) == ("125", "100", "EUR")


def test_performance_names_the_days_that_are_estimates(people: Any, fund: Asset) -> None:
    user = people.owner
    account = account_of(user)
    book(account, user, Entry("deposit", at(40), "USD", amount=D(1000)), buy(40, "10", "90"))
    enter(user, 20, "120")
    found = account_performance(
        user=user, account_id=account.public_id, period=Period(), now=timezone.now()
    )
    assert [(one.symbol, one.from_date, one.to_date, one.days) for one in found.estimates] == [
        ("VTI", on(40), on(21), 20)
    ]
    assert found.figures["final_value"] == D("1300.00")
    assert "price_from_own_trades" in {one.code for one in found.warnings}


@pytest.mark.parametrize("count", [1, 100])
def test_queries_do_not_grow_with_the_number_of_estimated_holdings(people: Any, count: int) -> None:
    user = people.owner
    symbols = [f"S{number}" for number in range(count)]
    Asset.objects.bulk_create(
        Asset(symbol=symbol, name=symbol, asset_class="fund", currency="USD") for symbol in symbols
    )
    account = account_of(user, currency="EUR")
    book(account, user, *(buy(30, "1", "10", symbol) for symbol in symbols))
    enter(user, 3, "12", symbols[0])
    client = redis_client()
    for pattern in ("positions:*", "ledger-version:*", "private-prices:*"):
        for key in client.scan_iter(pattern):
            client.delete(key)
    forget_fixings()
    # Cold: positions, own prices, trades, rates. Warm: none.
    for queries in (4, 0):
        with CaptureQueriesContext(connection) as captured:
            found = valuations(account_ids=[account.public_id], now=timezone.now())
        assert found[account.public_id].value.unpriced == ()
        assert len(captured) == queries, "\n".join(one["sql"][:160] for one in captured)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"days": -1, "price": "1"}, "date_in_future"),
    ({"days": 1, "price": "0"}, "price_not_positive"),
    ({"days": 1, "price": "-3"}, "price_not_positive"),
    ({"days": 1, "price": "NaN"}, "price_not_finite"),
    ({"days": 1, "price": "Infinity"}, "price_not_finite"),
    ({"days": 1, "price": "1e13"}, "price_too_large"),
    ({"days": 1, "price": "0.0000001", "nominal": D("0.01")}, "price_not_positive"),
    ({"days": 1, "price": "1", "currency": "XXX"}, "currency_unknown"),
    ({"days": 1, "price": "1", "currency": "KWD"}, "exchange_rate_missing"),
    ({"days": 1, "price": "1", "symbol": "NOPE"}, "symbol_unknown"),
]


@pytest.mark.parametrize(("change", "code"), REFUSED, ids=[code for _, code in REFUSED])
def test_a_refused_price_changes_nothing(
    people: Any, fund: Asset, change: dict[str, Any], code: str
) -> None:
    enter(people.owner, 5, "100")
    before = list(OwnPrice.objects.values_list())
    with pytest.raises(BallastError) as refusal:
        enter(people.owner, **change)
    assert refusal.value.code == code
    assert list(OwnPrice.objects.values_list()) == before


def test_warnings_of_a_jump_and_of_a_price_that_a_feed_knows(
    people: Any, client_of: Any, fund: Asset
) -> None:
    api, url = client_of(people.owner), "/api/v1/market/assets"
    known = Asset.objects.create(symbol="AAA", name="A", asset_class="equity", currency="USD")
    LatestPrice.objects.create(asset=known, price=D(50), as_of=timezone.now(), source="acme")
    account = account_of(people.owner)
    book(account, people.owner, buy(50, "10000", "0.97"))
    body = [{"date": on(1).isoformat(), "close": "98.5"}]
    answer = api.post(f"{url}/VTI/prices", body, format="json").json()
    assert (answer["recorded"], [row["code"] for row in answer["warnings"]]) == (1, ["price_jump"])
    body[0]["nominal"] = "1"
    assert api.post(f"{url}/VTI/prices", body, format="json").json()["warnings"] == []
    body = [{"date": TODAY.isoformat(), "close": "51"}]
    answer = api.post(f"{url}/AAA/prices", body, format="json").json()
    assert [row["code"] for row in answer["warnings"]] == ["price_not_used"]


@pytest.fixture
def closed(fund: Asset) -> Any:
    """The fund has closes, the last three days ago, and no quote."""
    DailyPrice.objects.bulk_create(
        DailyPrice(asset=fund, date=on(days), close=D(price))
        for days, price in ((30, "90"), (3, "99"))
    )
    yield fund
    DailyPrice.objects.all().delete()  # its table is not managed, so no test empties it


def test_the_last_close_goes_before_an_own_price_and_a_trade(
    people: Any, client_of: Any, closed: Asset
) -> None:
    user, api, browser = people.owner, client_of(people.owner), Client()
    browser.force_login(user)
    account = account_of(user)
    set_target(account, "VTI")
    book(account, user, buy(20, "10", "95"))
    enter(user, 1, "500")
    row = holding(api, account)
    assert (row["price"], row["price_source"], row["estimated"]) == ("99", "close", False)
    assert (row["as_of"][:10], row["stale"]) == (on(3).isoformat(), False)
    assert set(everywhere(api, browser, account, user).values()) == {D("40.00")}


@pytest.mark.parametrize("redis", ["up", "down"])
def test_a_split_after_the_quote_of_a_feed_divides_it_once_everywhere(
    people: Any, client_of: Any, fund: Asset, settings: Any, redis: str
) -> None:
    user, api, browser = people.owner, client_of(people.owner), Client()
    browser.force_login(user)
    now = timezone.now()
    LatestPrice.objects.create(
        asset=fund, price=D(99), as_of=at(2), source="acme", previous_close=D(96)
    )
    account, other = account_of(user), account_of(user, "Other")
    set_target(account, "VTI")
    book(account, user, buy(20, "10", "95"))
    book(other, user, buy(20, "10", "95"))
    assert holding(api, account)["price"] == "99"
    for one in (account, other):
        book(one, user, Entry("split", at(1), "USD", "VTI", ratio=Ratio(D(3), D(1))))
    if redis == "down":
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        value = valuations(account_ids=[account.public_id], now=now)[account.public_id].value
        (held,) = value.holdings
        assert (held.quote and held.quote.price, value.invested) == (D(33), D(990))
        return
    row = holding(api, account)
    assert (row["price"], row["market_value"], row["day_change"]) == ("33", "990.00", "30.00")
    assert set(everywhere(api, browser, account, user).values()) == {D("40.00")}
