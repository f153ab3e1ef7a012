"""One valuation: every page and every answer shows the same cents for the same account."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.money import quantize
from dashboard.presenters.figures import money
from dashboard.queries import overview
from marketdata.models import Asset, ExchangeRate, LatestPrice
from marketdata.queries.exchange_rates import forget_fixings
from portfolios.operations import TargetWeight, set_targets
from portfolios.queries import valuations
from recommendations.engine.options import Options
from recommendations.queries import rebalance_inputs
from stores.redis import redis_client
from transactions.ledger.entries import Entry
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db

# Units for one euro: from a hundredth of a cent to three decimals of minor unit.
FIXINGS = {"USD": "1.0321", "JPY": "161.35", "IDR": "17685.10", "KWD": "0.3183"}
CURRENCIES = ("EUR", *FIXINGS)
BOUGHT = datetime(2024, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fixings(db: None) -> Iterable[None]:
    for day in (BOUGHT.date(), timezone.now().date()):
        ExchangeRate.objects.bulk_create(
            ExchangeRate(currency=currency, date=day, rate=D(rate), source="test")
            for currency, rate in FIXINGS.items()
        )
    forget_fixings()
    yield
    forget_fixings()


@pytest.fixture
def market(db: None) -> dict[str, str]:
    """An asset in each currency, by symbol, at a price with eight decimals."""
    random, now = Random(7), timezone.now()
    for currency in CURRENCIES:
        asset = Asset.objects.create(
            symbol=f"IN{currency}", name=currency, asset_class="equity", currency=currency
        )
        price = D(random.randrange(1, 10**12)).scaleb(-8) * D(FIXINGS.get(currency, "1"))
        LatestPrice.objects.create(
            asset=asset,
            price=price.quantize(D("1e-8")),
            as_of=now,
            source="test",
            previous_close=price.quantize(D("1e-8")) + 1,
        )
    return {f"IN{currency}": currency for currency in CURRENCIES}


def filled(user: Any, market: dict[str, str], random: Random, number: int) -> Any:
    """An account in one of the currencies that holds some of the assets."""
    now = timezone.now()
    account = open_account(
        user=user,
        name=f"Account {number}",
        type="taxable",
        currency=CURRENCIES[number % len(CURRENCIES)],
        now=now,
    )
    chosen = random.sample(sorted(market), random.randint(1, len(market)))
    entries = [
        Entry(
            "buy",
            BOUGHT,
            market[symbol],
            symbol,
            D(random.randrange(1, 10 ** random.randint(3, 14))).scaleb(-random.randint(6, 10)),
            D(random.randrange(1, 10**6)).scaleb(-4),
        )
        for symbol in chosen
        for _ in range(random.randint(1, 2))
    ]
    record(account=account, entries=entries, user=user, now=now)
    set_targets(account=account, weights=[TargetWeight(chosen[0], D(100), D(5))])
    account.refresh_from_db()
    return account


def test_random_accounts_in_five_currencies_are_worth_one_sum_everywhere(
    people: Any, market: dict[str, str], client_of: Any
) -> None:
    random, owner = Random(20), people.owner
    accounts = [filled(owner, market, random, number) for number in range(15)]
    api, browser = client_of(owner), Client()
    browser.force_login(owner)
    now = timezone.now()
    lines = {line.account.pk: line for line in overview(user=owner, now=now).lines}
    many = valuations(account_ids=[account.public_id for account in accounts], now=now)
    for account in accounts:
        total, currency = many[account.public_id].value.total, account.currency
        url = f"/api/v1/portfolios/{account.public_id}"
        summary = api.get(f"{url}/summary").json()
        holdings = api.get(f"{url}/holdings").json()["data"]
        page = browser.get(f"/accounts/{account.public_id}")
        inputs = rebalance_inputs(account=account, options=Options(), now=now)
        held = {
            one.symbol: sum((lot.quantity for lot in one.lots), D(0)) for one in inputs.securities
        }
        shown = {
            "summary": D(summary["total_value"]),
            "holdings": D(summary["cash"])
            + sum(D(row["market_value_account"]) for row in holdings),
            "overview": lines[account.pk].part.value.total,
            "rebalance": inputs.cash
            + sum(
                quantize(held[one.symbol] * one.price, currency)
                for one in inputs.securities
                if one.price is not None
            ),
            "performance": D(
                api.get(f"{url}/performance", {"from": now.date()}).json()["final_value"]
            ),
        }
        assert shown == dict.fromkeys(shown, total), account.name
        assert money(total, currency) in page.content.decode(), account.name


def test_the_rupiah_of_the_review_are_the_same_everywhere(people: Any, client_of: Any) -> None:
    now = timezone.now()
    asset = Asset.objects.create(symbol="INIDR", name="Rupiah", asset_class="fund", currency="IDR")
    LatestPrice.objects.create(asset=asset, price=D(1), as_of=now, source="test")
    account = open_account(user=people.owner, name="Main", type="taxable", currency="USD", now=now)
    record(
        account=account,
        entries=[Entry("buy", BOUGHT, "IDR", "INIDR", D(15_000_000_000), D(1))],
        user=people.owner,
        now=now,
    )
    url = f"/api/v1/portfolios/{account.public_id}"
    (row,) = client_of(people.owner).get(f"{url}/holdings").json()["data"]
    assert row["market_value_account"] == "875397.93"
    # The ledger keeps the digits of the rate: what was paid is what it is worth.
    assert (row["cost_basis"], row["unrealized_gain"]) == ("875397.93", "0.00")
    assert account.transactions.get().fx_rate == D("0.0000583598622569281486")
    (line,) = overview(user=people.owner, now=now).lines
    assert line.part.value.invested == D("875397.93")


@pytest.mark.parametrize("count", [1, 8])
def test_any_number_of_accounts_takes_two_queries_cold_and_none_warm(
    people: Any, market: dict[str, str], count: int
) -> None:
    random = Random(3)
    ids = [filled(people.owner, market, random, number).public_id for number in range(count)]
    client = redis_client()
    for pattern in ("positions:*", "ledger-version:*"):
        for key in client.scan_iter(pattern):
            client.delete(key)
    forget_fixings()
    for queries in (2, 0):
        with CaptureQueriesContext(connection) as captured:
            found = valuations(account_ids=ids, now=timezone.now())
        assert len(found) == count
        assert len(captured) == queries


def test_totals_in_the_base_currency_are_rounded_once_an_account(
    people: Any, market: dict[str, str]
) -> None:
    random = Random(5)
    for number in range(5):
        filled(people.owner, market, random, number)
    found = overview(user=people.owner, now=timezone.now())
    parts = [line.part for line in found.lines]
    expected = sum(quantize(part.value.total * (part.rate or D(0)), "USD") for part in parts)
    assert (found.totals.total, found.totals.unconverted) == (expected, ())
