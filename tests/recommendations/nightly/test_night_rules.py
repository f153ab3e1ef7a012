"""The rules of an account hold in the night, and never make it lose an outcome."""

from collections import Counter
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import transaction

from portfolios.holdings.policies import Policy
from portfolios.operations import set_policy
from recommendations.engine.result import RebalanceResult, stored_result
from recommendations.models import NightlyResult, Outcome, Recommendation
from recommendations.operations import replayed
from recommendations.queries import texts
from tests.recommendations.nightly.test_night import household, whole_night
from tests.recommendations.test_recorded_as_recommended import SEEDS
from transactions.queries import holdings

pytestmark = pytest.mark.django_db

RULES = (
    Policy(cash_policy="invest_only"),
    Policy(minimum_holding_days=3_660),
    Policy(gain_budget=D(0)),
    Policy(turnover_budget=D(500)),
    Policy(cash_floor=D(1_000)),
)


def obeyed(policy: Policy, result: RebalanceResult) -> bool:
    """Whether the trades keep the rules."""
    totals = result.totals
    gains = [lot.gain for trade in result.trades for lot in trade.lots if lot.gain > 0]
    return (
        (policy.cash_policy == "full" or not totals.sells)
        and (not policy.minimum_holding_days or not totals.sells)
        and (policy.gain_budget is None or not sum(gains))
        and (policy.turnover_budget is None or totals.buys + totals.sells <= D(500))
        and totals.cash_after >= policy.cash_floor
        and not {trade.symbol for trade in result.trades} & set(policy.leave_out)
    )


def test_proposals_obey_the_rules_of_their_accounts(people: Any) -> None:
    met: Counter[str] = Counter()
    for seed in SEEDS[:6]:
        with transaction.atomic():
            _, accounts, moment = household(seed, people)
            rules = {}
            for n, account in enumerate(accounts):
                account.refresh_from_db()
                held = [row.asset.symbol for row in holdings(account_ids=[account.pk])]
                left_out = Policy(leave_out=tuple(held[:1]))
                rules[account.pk] = [*RULES, left_out][(seed + n) % (len(RULES) + 1)]
                set_policy(account=account, policy=rules[account.pk])
            run = whole_night(moment)
            rows = NightlyResult.objects.filter(run_id=run.pk)
            assert {row.account_id for row in rows} == set(rules)
            for proposal in Recommendation.objects.filter(run=run).select_related("account"):
                result = stored_result(texts(proposal).result)
                assert obeyed(rules[proposal.account_id], result), rules[proposal.account_id]
                assert replayed(recommendation=proposal) == proposal.result
                met["proposals"] += 1
            for row in rows:
                met[row.code or Outcome(row.outcome).name] += 1
            transaction.set_rollback(True)
    assert met["proposals"] >= 3, met
    assert not met["internal_error"], met
