"""Trades of an account with securities in several currencies are posted exactly as recommended."""

import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from core.money import minor_unit, quantize
from marketdata.models import Asset, ExchangeRate, LatestPrice
from portfolios.operations import TargetWeight, set_targets
from recommendations.engine.options import Options
from recommendations.engine.rebalancing import rebalance
from recommendations.engine.result import result_json
from recommendations.queries import rebalance_inputs
from tests.recommendations.test_recorded_as_recommended import estimated, realized
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record
from transactions.queries import ledger

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 31, 15, tzinfo=UTC)
# Currencies with two, none and three decimals: one yen is less than a cent, one fils is more.
RATES = {"USD": "1.0837", "JPY": "161.33", "KWD": "0.33217", "GBP": "0.8413"}
ACCOUNTS = ("EUR", "USD", "JPY", "KWD")


@pytest.fixture
def world(people: Any) -> list[Asset]:
    """One share for each currency, the dollar's listed where sales pay fees."""
    for currency, rate in RATES.items():
        for day in (date(2020, 1, 2), NOW.date()):
            ExchangeRate.objects.create(
                currency=currency, date=day, rate=Decimal(rate), source="test"
            )
    return Asset.objects.bulk_create(
        [
            Asset(
                symbol=f"S{currency}",
                name=currency,
                asset_class="equity",
                currency=currency,
                exchange="XNYS" if currency == "USD" else "",
                half_spread_bp=Decimal(3),
            )
            for currency in ("EUR", *RATES)
        ]
    )


def furnished(world: list[Asset], people: Any, rng: random.Random) -> Account:
    """An account with two lots of every share, random prices and targets that they miss."""
    currency = rng.choice(ACCOUNTS)
    account = open_account(
        user=people.owner, name="Mixed", type="taxable", currency=currency, now=NOW
    )
    cash = quantize(Decimal(600_000) * Decimal(RATES.get(currency, 1)), currency)
    entries = [Entry("deposit", NOW - timedelta(days=900), currency, amount=cash)]
    for asset in world:
        price = rng.randint(500, 20_000) * minor_unit(asset.currency)
        LatestPrice.objects.update_or_create(
            asset=asset,
            defaults={"price": price, "as_of": NOW, "source": "test", "previous_close": price},
        )
        entries += [
            Entry(
                "buy",
                NOW - timedelta(days=days),
                asset.currency,
                asset.symbol,
                Decimal(rng.randint(10_000, 400_000)) / 1_000,
                price * rng.choice([1, 2]),
            )
            for days in (800, 100)
        ]
    record(account=account, entries=entries, user=people.owner, now=timezone.now())
    weights = [rng.randint(1, 30) for _ in world]
    shares = [Decimal(90 * weight // sum(weights)) for weight in weights]
    wanted = [
        TargetWeight(asset.symbol, share, Decimal(1))
        for asset, share in zip(world, shares, strict=True)
    ]
    rest = Decimal(100) - sum(shares)
    set_targets(account=account, weights=[*wanted, TargetWeight("CASH", rest, Decimal(1))])
    return ledger.account_with_owner(user=people.owner, public_id=account.public_id)


def as_given(trade: dict[str, Any], *, priced: bool) -> dict[str, Any]:
    """The trade as the recommendation's JSON states it, by its price or by its amount."""
    body = {name: trade[name] for name in ("symbol", "quantity", "fee", "currency", "fx_rate")}
    figure = "price" if priced else "amount"
    body |= {"type": trade["side"], figure: trade[figure]}
    if trade["side"] == "sell":
        body["lots"] = [
            {name: lot[name] for name in ("lot_id", "piece", "quantity")} for lot in trade["lots"]
        ]
    return body


def checked(world: list[Asset], people: Any, client: Any, seed: int, met: Counter[str]) -> None:
    rng = random.Random(seed)
    account = furnished(world, people, rng)
    fee = Decimal(rng.choice(["0", "5"]))
    options = Options(brokerage_fee=fee, loss_harvesting=rng.random() < 0.5)
    inputs = rebalance_inputs(account=account, options=options, now=NOW)
    result = rebalance(inputs=inputs)
    given = json.loads(result_json(result=result))
    for number, (trade, stated) in enumerate(zip(result.trades, given["trades"], strict=True)):
        body = as_given(stated, priced=number % 2 == 0)
        body |= {
            "account_id": str(account.public_id),
            "executed_at": (NOW + timedelta(minutes=number)).isoformat(),
        }
        answer = client.post("/api/v1/transactions", body, format="json")
        assert answer.status_code == 201, (seed, answer.json(), stated)
        row = answer.json()
        assert Decimal(row["cash_effect"]) == trade.cash_effect, (seed, stated)
        assert Decimal(row["amount"]) == trade.amount, (seed, stated)
        assert Decimal(row["fx_rate"]) == trade.fx_rate
        assert trade.cost == trade.spread_cost + trade.fees
        assert min(trade.cost, trade.spread_cost, trade.fees) >= 0, (seed, stated)
        if trade.side == "sell":
            assert realized(row["id"]) == estimated(trade), (seed, stated)
        met[f"{trade.side} in {'its own' if trade.fx_rate != 1 else 'the same'}"] += 1
        met[trade.currency] += 1
    account.refresh_from_db()
    assert account.cash == result.totals.cash_after >= 0, seed


def test_every_trade_of_a_mixed_account_is_recorded_as_it_was_given(
    world: list[Asset], people: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    met: Counter[str] = Counter()
    for seed in range(24):
        with transaction.atomic():
            checked(world, people, client, seed, met)
            transaction.set_rollback(True)
    sides = ("sell in its own", "buy in its own", "sell in the same", "buy in the same")
    assert min(met[name] for name in (*sides, *RATES, "EUR")) > 2, met
