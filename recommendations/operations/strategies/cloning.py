"""Take a strategy over into an account: its targets, and the plan of how to get there.

The account follows the version in force, and a rebalance from today's lots is requested as a job.
A gain budget becomes a rule of the account: each calendar year, the nights propose the trades that
keep within it, until the account is inside its bands. Nothing is bought or sold by itself, and a
later version changes nothing until somebody takes that over too.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from core.errors import Conflict, NotFound
from identity.models import User
from jobs.models import Job
from portfolios.operations import follow_version, set_policy
from portfolios.queries import policy
from recommendations.engine.options import under
from recommendations.models import Strategy, StrategyState, StrategyVersion
from recommendations.operations.account_jobs import ensure_in_use
from recommendations.operations.rebalancing import request_rebalance
from recommendations.operations.strategies.following import follow_for
from transactions.models import Account


def clone(
    *,
    strategy: Strategy,
    account: Account,
    user: User,
    gain_budget: Decimal | None,
    now: datetime,
) -> Job:
    """Make the version in force the account's targets; return the job of the transition plan."""
    ensure_in_use(account)
    with transaction.atomic():
        version = version_to_clone(strategy, user=user)
        held = follow_version(account=account, version=version.targets, as_of=now.date())
        rules = policy(account_pk=held.pk)
        if gain_budget is not None and rules.gain_budget != gain_budget:
            rules = replace(rules, gain_budget=gain_budget)
            set_policy(account=held, policy=rules)
        if strategy.author.household_id != held.household_id:
            follow_for(strategy=strategy, household_id=held.household_id, user=user, now=now)
        held.refresh_from_db()
        return request_rebalance(account=held, options=under(rules, {}), user=user, now=now)


def version_to_clone(strategy: Strategy, *, user: User) -> StrategyVersion:
    """Return the version in force now; refuse a draft, and what was retired or hidden meanwhile."""
    strategy.refresh_from_db(fields=["state", "hidden_at", "current_version"])
    if strategy.hidden_at is not None and strategy.author_id != user.pk:
        raise NotFound(
            "There is no strategy with this id, or you may not see it.", code="strategy_not_found"
        )
    if strategy.state == StrategyState.RETIRED:
        raise Conflict(
            "The strategy is retired. Accounts that follow it stay as they are; choose another.",
            code="strategy_retired",
        )
    if strategy.current_version is None:
        raise Conflict(
            "The strategy is a draft. Publish it before taking it over.", code="strategy_is_draft"
        )
    return strategy.current_version
