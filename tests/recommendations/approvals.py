"""An account out of its bands, and recommendations for it, proposed and approved."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from jobs.models import Job
from portfolios.operations import TargetWeight, set_targets
from recommendations.engine.options import Options
from recommendations.engine.problem import inputs_json
from recommendations.engine.rebalancing import ENGINE_VERSION, rebalance, result_json
from recommendations.models import Recommendation
from recommendations.queries import rebalance_inputs
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record


def out_of_band(user: Any) -> Account:
    """All in AAA, in three lots, with targets of AAA and BBB."""
    now = timezone.now()
    account = open_account(
        user=user,
        name="Harbour",
        type="taxable",
        currency="USD",
        lot_method="specific",
        now=now,
    )

    def buy(days: int, quantity: str, price: str) -> Entry:
        at = now - timedelta(days=days)
        return Entry("buy", at, "USD", "AAA", Decimal(quantity), Decimal(price))

    deposit = Entry("deposit", now - timedelta(days=900), "USD", amount=Decimal(10000))
    record(
        account=account,
        entries=[deposit, buy(800, "80", "30"), buy(90, "60", "45"), buy(20, "20.5", "48")],
        user=user,
        now=now,
    )
    weights = [("AAA", "40"), ("BBB", "30"), ("CASH", "30")]
    set_targets(
        account=account,
        weights=[TargetWeight(symbol, Decimal(share), Decimal(2)) for symbol, share in weights],
    )
    return Account.objects.select_related("owner").get(pk=account.pk)


def proposed(account: Account) -> Recommendation:
    """A stored rebalance of the account as it is now."""
    now = timezone.now()
    inputs = rebalance_inputs(account=account, options=Options(minimum_trade=Decimal(0)), now=now)
    job = Job.objects.create(
        kind="recommendations.rebalance",
        queue="interactive",
        household_id=account.household_id,
        requested_by=account.owner,
        subject_id=account.public_id,
        params_hash="x",
        status="completed",
        finished_at=now,
        created_at=now,
        woken_at=now,
        estimated_completion=now,
        result={},
    )
    return Recommendation.objects.create(
        account=account,
        job=job,
        kind="rebalance",
        engine_version=ENGINE_VERSION,
        inputs=inputs_json(inputs=inputs),
        result=result_json(result=rebalance(inputs=inputs)),
        created_at=now,
    )
