"""Trades recorded as they were recommended, and pieces of lots that are no longer there.

test_columns.py compares random households with what was estimated of them, by what stands here.
"""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from core.money import plain
from identity.models import User
from marketdata.models import Asset, LatestPrice
from portfolios.operations import TargetWeight, set_targets
from recommendations.engine.options import Options
from recommendations.engine.rebalancing import rebalance
from recommendations.engine.result import Trade
from recommendations.engine.solver import CashFloorUnreachable
from recommendations.queries import rebalance_inputs
from tests.transactions.model.against_the_database import Told
from tests.transactions.model.random_households import household
from tests.transactions.test_ledger_orders import told_of
from transactions.ledger.entries import Entry
from transactions.models import Account, Disposal, Transaction, WashSale
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db
# A few random households end in years to come.
PAST = datetime(2026, 1, 1, tzinfo=UTC)
SEEDS = [seed for seed in range(30) if max(row.at for row in household(seed, rows=16)[1]) < PAST]


def recorded(seed: int, people: Any) -> tuple[Told, datetime]:
    """A random household, recorded as far as it can be, and a moment soon after it."""
    house, rows, _ = household(seed, rows=16)
    told = told_of(house, people)
    for row in sorted(rows, key=lambda row: (row.moment, row.id)):
        told.recorded_rows([replace(row, chosen=(), method="fifo") if row.chosen else row])
    rng = random.Random(seed)
    end = max(row.at for row in rows)
    # Purchases of the last days, in any account: what a loss of now would meet.
    for _ in range(4):
        entry = Entry(
            "buy",
            end + timedelta(hours=rng.randint(1, 24 * 20)),
            "USD",
            rng.choice("AB"),
            Decimal(rng.randint(1, 40)) / 4,
            amount=Decimal(rng.randint(100, 2_000)),
        )
        account = told.accounts[rng.choice(["a_main", *told.accounts])]
        record(account=account, entries=[entry], user=told.user, now=timezone.now())
    return told, end + timedelta(days=20, hours=1)


def wanted(told: Told, account: Account, rng: random.Random, moment: datetime) -> None:
    """Prices of the day, targets that many holdings miss, and the owner's rates."""
    for asset in Asset.objects.order_by("id"):
        price = Decimal(rng.randint(1_000, 20_000)) / 100
        LatestPrice.objects.update_or_create(
            asset=asset,
            defaults={"price": price, "as_of": moment, "source": "test", "previous_close": price},
        )
    shares = rng.choice([("40", "30", "20"), ("10", "10", "70"), ("0.5", "50", "9.5")])
    weights = [
        TargetWeight(symbol, Decimal(share), Decimal(2))
        for symbol, share in zip("ABC", shares, strict=True)
    ]
    rest = Decimal(100) - sum((row.target_percentage for row in weights), Decimal(0))
    set_targets(account=account, weights=[*weights, TargetWeight("CASH", rest, Decimal(2))])
    User.objects.filter(pk=account.owner_id).update(
        federal_ordinary_rate=Decimal("0.35"), federal_long_term_rate=Decimal("0.15")
    )


def posted(client: Any, account: Account, trade: Trade, moment: datetime) -> str:
    """The trade as it was recommended, through the API."""
    body: dict[str, Any] = {
        "account_id": str(account.public_id),
        "type": trade.side,
        "symbol": trade.symbol,
        "quantity": plain(trade.quantity),
        "amount": str(trade.amount),
        "fee": str(trade.fee),
        "currency": trade.currency,
        "fx_rate": str(trade.fx_rate),
        "executed_at": moment.isoformat(),
    }
    if trade.side == "sell":
        body["lots"] = [
            {"lot_id": lot.lot_id, "piece": lot.piece, "quantity": plain(lot.quantity)}
            for lot in trade.lots
        ]
    answer = client.post("/api/v1/transactions", body, format="json")
    assert answer.status_code == 201, (answer.json(), trade)
    return str(answer.json()["id"])


def estimated(trade: Trade) -> list[tuple[object, ...]]:
    return sorted(
        (
            lot.lot_id, lot.quantity, lot.proceeds, lot.cost_basis, lot.disallowed_loss,
            lot.term == "long",
        )
        for lot in trade.lots
    )  # fmt: skip


def realized(transaction_id: str) -> list[tuple[object, ...]]:
    rows = Disposal.objects.filter(transaction__public_id=transaction_id)
    return sorted(
        (
            str(row.lot_transaction.public_id), row.quantity, row.proceeds, row.cost_basis,
            row.deferred_loss + row.permanent_loss, row.long_term,
        )
        for row in rows.select_related("lot_transaction")
    )  # fmt: skip


def checked(seed: int, told: Told, moment: datetime, client: Any, met: Counter[str]) -> None:
    """Recommend for a recorded household, record it trade by trade, compare."""
    rng = random.Random(seed)
    account = told.accounts["a_main"]
    account.refresh_from_db()
    cash = Entry("deposit", moment, "USD", amount=max(-account.cash, Decimal(0)) + 100)
    record(account=account, entries=[cash], user=told.user, now=timezone.now())
    wanted(told, account, rng, moment)
    options = Options(
        minimum_trade=Decimal(0),
        cash_floor=Decimal(rng.choice([0, 0, 2_000])),
        brokerage_fee=Decimal(rng.choice(["0", "0", "4.95"])),
        loss_harvesting=rng.random() < 0.7,
    )
    account = Account.objects.select_related("owner").get(pk=account.pk)
    inputs = rebalance_inputs(account=account, options=options, now=moment)
    try:
        trades = rebalance(inputs=inputs).trades
    except CashFloorUnreachable:
        met["unreachable"] += 1
        return
    for number, trade in enumerate(trades, start=1):
        transaction_id = posted(client, account, trade, moment + timedelta(minutes=number))
        met[trade.side] += 1
        if trade.side == "buy":
            assert not WashSale.objects.filter(replacement__public_id=transaction_id).exists()
            continue
        assert realized(transaction_id) == estimated(trade), (seed, trade.symbol)
        met["washed"] += any(lot.disallowed_loss for lot in trade.lots)
        met["several pieces of a lot"] += len({lot.lot_id for lot in trade.lots}) < len(trade.lots)
        met["a later piece"] += any(lot.piece for lot in trade.lots)


def test_a_piece_that_is_no_longer_there_is_refused_and_nothing_is_written(
    people: Any, client_of: Any, assets: Any
) -> None:
    client = client_of(people.owner)
    account = open_account(
        user=people.owner, name="Main", type="taxable", currency="USD", now=timezone.now()
    )

    def trade(kind: str, days: int, quantity: str, amount: str, **more: Any) -> Any:
        at = timezone.now() - timedelta(days=days)
        body = {"account_id": str(account.public_id), "type": kind, "symbol": "AAA", **more}
        body |= {"quantity": quantity, "amount": amount, "executed_at": at.isoformat()}
        return client.post("/api/v1/transactions", body, format="json")

    trade("buy", 100, "10", "1000")
    trade("sell", 40, "10", "500")
    lot_id = trade("buy", 30, "25", "1250").json()["lot_id"]
    address = f"/api/v1/portfolios/{account.public_id}/lots"
    listed = client.get(address).json()["data"]
    assert [(row["piece"], row["quantity"], row["cost_basis"]) for row in listed] == [
        (0, "10", "1000.00"),
        (1, "15", "750.00"),
    ]
    before = Transaction.objects.count(), Disposal.objects.count()
    for piece, quantity in ((0, "11"), (2, "1")):
        lots = [{"lot_id": lot_id, "quantity": quantity, "piece": piece}]
        refused = trade("sell", 1, quantity, "60", lots=lots)
        assert refused.status_code == 400
        assert refused.json()["code"] == "lot_selection_invalid"
        preview = client.post(
            f"/api/v1/portfolios/{account.public_id}/sale-preview",
            {"symbol": "AAA", "quantity": quantity, "lots": lots},
            format="json",
        )
        assert preview.status_code == 400
        assert preview.json()["code"] == "lot_selection_invalid"
    assert (Transaction.objects.count(), Disposal.objects.count()) == before
    assert client.get(address).json()["data"] == listed
    lots = [
        {"lot_id": lot_id, "quantity": "5", "piece": 1},
        {"lot_id": lot_id, "quantity": "2", "piece": 0},
    ]
    assert trade("sell", 1, "7", "420", lots=lots).status_code == 201
    assert sorted(Disposal.objects.values_list("quantity", "cost_basis"))[:2] == [
        (Decimal(2), Decimal(200)),
        (Decimal(5), Decimal(250)),
    ]
