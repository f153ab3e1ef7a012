"""What a rebalance does with holdings whose only price is the household's own last trade."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from core.errors import InvalidInput
from jobs.models import Job
from marketdata.models import Asset, LatestPrice
from portfolios.operations import TargetWeight, set_targets
from recommendations.engine.options import ESTIMATED_PRICES, Options
from recommendations.engine.problem import inputs_from_json, inputs_json
from recommendations.engine.rebalancing import rebalance
from recommendations.engine.result import RebalanceResult
from recommendations.queries import rebalance_inputs
from recommendations.tasks import rebalance as run
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(days=400)


@pytest.fixture
def held(people: Any) -> Account:
    """VTI, which no feed knows, is 60 % of the account, AAA 30 %, cash 10 %."""
    now = timezone.now()
    account = open_account(user=people.owner, name="Main", type="taxable", currency="USD", now=now)
    for symbol in ("AAA", "VTI"):
        Asset.objects.create(symbol=symbol, name=symbol, asset_class="etf", currency="USD")
    LatestPrice.objects.create(
        asset=Asset.objects.get(symbol="AAA"), price=D(30), as_of=now, source="acme"
    )
    entries = [
        Entry("deposit", now - LONG_AGO, "USD", amount=D(10_000)),
        Entry("buy", now - LONG_AGO, "USD", "VTI", D(100), D(60)),
        Entry("buy", now - LONG_AGO, "USD", "AAA", D(100), D(30)),
    ]
    record(account=account, entries=entries, user=people.owner, now=now)
    want(account, VTI="30", AAA="60", CASH="10")
    account.refresh_from_db()
    return account


def want(account: Account, **weights: str) -> None:
    set_targets(
        account=account,
        weights=[TargetWeight(symbol, D(share), D(2)) for symbol, share in weights.items()],
    )


def result(account: Account, **options: Any) -> RebalanceResult:
    inputs = rebalance_inputs(account=account, options=Options(**options), now=timezone.now())
    # Computed from the stored text, as a job and a replay do.
    return rebalance(inputs=inputs_from_json(text=inputs_json(inputs=inputs)))


def test_by_default_they_weigh_and_are_not_traded(held: Account) -> None:
    found = result(held)
    assert found.before.account_value == D("10000.00")
    assert {row.symbol: row.weight for row in found.before.securities} == {
        "AAA": D("0.3"),
        "VTI": D("0.6"),
    }
    # The 10 % of cash may buy more of what has a price.
    assert {trade.symbol for trade in found.trades} <= {"AAA"}
    assert {row.symbol: row.reason for row in found.skipped}["VTI"] == "price_estimated"


def test_left_out_neither_they_nor_their_targets_count(held: Account) -> None:
    found = result(held, estimated_prices="leave_out")
    assert found.before.account_value == D("4000.00")
    (row,) = found.before.securities
    assert (row.symbol, row.weight, row.target_weight) == ("AAA", D("0.75"), D("0.857143"))
    assert found.before.cash_target_weight == D("0.142857")
    (skipped,) = [one for one in found.skipped if one.symbol == "VTI"]
    assert skipped.reason == "left_out"
    assert [(trade.symbol, trade.side, trade.cautions) for trade in found.trades] == [
        ("AAA", "buy", ())
    ]


def test_traded_on_request_every_such_trade_says_so(held: Account) -> None:
    found = result(held, estimated_prices="trade")
    trades = {trade.symbol: trade for trade in found.trades}
    assert (trades["VTI"].side, trades["VTI"].cautions) == ("sell", ("price_estimated",))
    assert "estimate" in trades["VTI"].explanation
    assert (trades["AAA"].side, trades["AAA"].cautions) == ("buy", ())


@pytest.mark.parametrize("choice", ESTIMATED_PRICES)
def test_nothing_is_traded_at_an_estimate_without_a_caution(held: Account, choice: str) -> None:
    found = result(held, estimated_prices=choice, whole_shares=True, loss_harvesting=True)
    unsaid = [one for one in found.trades if one.symbol == "VTI" and not one.cautions]
    assert unsaid == []
    # What is not traded is named with a reason.
    traded = {one.symbol for one in found.trades}
    assert traded | {one.symbol for one in found.skipped} == {"AAA", "VTI"}


def test_where_every_target_is_left_out_it_is_refused(held: Account) -> None:
    want(held, VTI="100")
    with pytest.raises(InvalidInput) as refusal:
        result(held, estimated_prices="leave_out")
    assert refusal.value.code == "targets_left_out"


def test_the_option_reaches_the_job(held: Account, people: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    url = f"/api/v1/portfolios/{held.public_id}/rebalance"
    wrong = client.post(url, {"estimated_prices": "guess"}, format="json")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_choice")
    answer = client.post(url, {"estimated_prices": "trade"}, format="json")
    assert answer.status_code == 202, answer.content
    job = Job.objects.get(public_id=answer.json()["job_id"])
    run(job.pk)
    shown = client.get(f"/api/v1/jobs/{job.public_id}").json()["result"]
    cautions = {row["symbol"]: row["cautions"] for row in shown["trades"]}
    assert cautions == {"AAA": [], "VTI": ["price_estimated"]}
