"""Reads: the rules that every rebalance of an account obeys."""

from collections.abc import Collection, Mapping

from portfolios.holdings.policies import NO_POLICY, Policy
from portfolios.models import RebalancePolicy


def policies(*, account_pks: Collection[int]) -> Mapping[int, Policy]:
    """Return the stored rules by account; an account without any is missing."""
    return {
        row.account_id: Policy(
            cash_policy=row.cash_policy,
            cash_floor=row.cash_floor,
            minimum_holding_days=row.minimum_holding_days,
            turnover_budget=row.turnover_budget,
            gain_budget=row.gain_budget,
            leave_out=tuple(row.leave_out),
        )
        for row in RebalancePolicy.objects.filter(account_id__in=list(account_pks))
    }


def policy(*, account_pk: int) -> Policy:
    """Return the rules of an account."""
    return policies(account_pks=[account_pk]).get(account_pk, NO_POLICY)
