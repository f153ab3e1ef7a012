"""Holdings: remembered between requests, and never older than the last trade or price."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import NotFound
from edge.pagination import PageRequest
from marketdata.operations import create_own_asset, record_own_prices
from marketdata.own_prices import StatedPrice
from portfolios import queries
from portfolios.api.holdings import page_bytes, summary_row
from portfolios.operations import TargetWeight, set_targets
from stores.redis import redis_client
from transactions.ledger.entries import Entry
from transactions.operations import record

pytestmark = pytest.mark.django_db(transaction=True)


def buy(account: Any, user: Any, symbol: str, quantity: str, price: str) -> None:
    record(
        account=account,
        entries=[
            Entry("buy", datetime(2024, 1, 2, tzinfo=UTC), "USD", symbol, D(quantity), D(price))
        ],
        user=user,
        now=timezone.now(),
    )


def quantities(account: Any, user: Any) -> dict[str, str]:
    found = queries.positions(user=user, account_id=account.public_id)
    return {row.symbol: row.quantity.rstrip("0").rstrip(".") for row in found.rows}


def page_of(account: Any, user: Any) -> bytes:
    """The first page of holdings as the API answers it."""
    return queries.holdings_page(
        user=user,
        account_id=account.public_id,
        page=1,
        page_size=100,
        now=timezone.now(),
        render=partial(page_bytes, page=PageRequest(1, 100)),
    )


def test_a_trade_is_seen_at_once_although_positions_are_remembered(
    account: Any, people: Any, assets: Any
) -> None:
    buy(account, people.owner, "AAA", "1", "50")
    assert quantities(account, people.owner) == {"AAA": "1"}
    with CaptureQueriesContext(connection) as captured:
        assert quantities(account, people.spouse) == {"AAA": "1"}
    assert len(captured) == 0
    buy(account, people.owner, "AAA", "2", "50")
    assert quantities(account, people.owner) == {"AAA": "3"}


def test_new_targets_are_seen_at_once(account: Any, people: Any, assets: Any) -> None:
    buy(account, people.owner, "AAA", "1", "50")
    assert queries.positions(user=people.owner, account_id=account.public_id).cash_target is None
    set_targets(
        account=account,
        weights=[TargetWeight("AAA", D(90), D(5)), TargetWeight("CASH", D(10), D(5))],
    )
    found = queries.positions(user=people.owner, account_id=account.public_id)
    assert (D(found.cash_target or 0), D(found.rows[0].target_percentage or 0)) == (D(10), D(90))


def test_a_price_of_ones_own_asset_is_seen_at_once(account: Any, people: Any) -> None:
    create_own_asset(
        user=people.owner, symbol="HOUSE", name="House", currency="USD", asset_class="fund"
    )
    buy(account, people.owner, "HOUSE", "2", "50")

    def worth(day: date, close: str) -> D:
        record_own_prices(
            user=people.owner,
            symbol="HOUSE",
            prices=[StatedPrice(day, D(close))],
            now=timezone.now(),
        )
        found = queries.account_value(
            user=people.owner, account_id=account.public_id, now=timezone.now()
        )
        return found.value.invested

    today = timezone.now().date()
    assert worth(today.replace(day=1), "60") == D(120)
    assert worth(today, "70") == D(140)


def test_an_older_version_is_never_served_again(account: Any, people: Any, assets: Any) -> None:
    buy(account, people.owner, "AAA", "1", "50")
    quantities(account, people.owner)
    client = redis_client()
    (old,) = client.scan_iter(f"positions:{account.public_id}:[0-9]*")
    payload = client.get(old)
    assert payload is not None
    buy(account, people.owner, "AAA", "2", "50")
    client.set(old, payload)  # a slow reader writes what it computed before the trade
    assert quantities(account, people.owner) == {"AAA": "3"}


def test_without_redis_holdings_come_from_the_database(
    account: Any, people: Any, assets: Any, settings: Any
) -> None:
    buy(account, people.owner, "AAA", "1", "50")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert quantities(account, people.owner) == {"AAA": "1"}
    body = page_of(account, people.owner)
    assert b'"market_value":"50.00"' in body


def test_what_one_household_made_remembered_no_other_can_read(
    account: Any, people: Any, assets: Any
) -> None:
    buy(account, people.owner, "AAA", "1", "50")
    for user in (people.owner, people.adviser):
        page_of(account, user)
    for read in (
        lambda: quantities(account, people.stranger),
        lambda: page_of(account, people.stranger),
    ):
        with pytest.raises(NotFound):
            read()


def test_foreign_holdings_are_worth_their_rate(account: Any, people: Any, assets: Any) -> None:
    record(
        account=account,
        entries=[
            Entry("buy", datetime(2024, 1, 2, tzinfo=UTC), "EUR", "EEE", D(4), D(8), fx_rate=D(1))
        ],
        user=people.owner,
        now=timezone.now(),
    )
    found = queries.account_value(
        user=people.owner, account_id=account.public_id, now=timezone.now()
    )
    assert found.value.invested == D("50.00")  # 4 x 10 EUR at 1.25
    figures = summary_row(found)
    assert (figures["unrealized_gain"], figures["cash"]) == ("18.00", "-32.00")
