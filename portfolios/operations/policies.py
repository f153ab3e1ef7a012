"""Writes: the rules that every rebalance of an account obeys."""

from dataclasses import asdict

from django.db import transaction

from core.errors import InvalidInput
from marketdata.queries import assets_by_symbol
from portfolios.holdings.policies import NO_POLICY, SYMBOLS_LEFT_OUT_MAX, Policy
from portfolios.models import RebalancePolicy
from transactions.models import Account
from transactions.operations.accounts import lock_account, next_version, publish_version


def set_policy(*, account: Account, policy: Policy) -> None:
    """Replace the rules of an account; the default ones are no row."""
    if len(policy.leave_out) > SYMBOLS_LEFT_OUT_MAX:
        raise InvalidInput(
            f"Too many symbols. Leave out at most {SYMBOLS_LEFT_OUT_MAX}.", code="too_many_rows"
        )
    with transaction.atomic():
        locked = lock_account(account=account)
        known = assets_by_symbol(household_id=locked.household_id, symbols=set(policy.leave_out))
        missing = sorted(set(policy.leave_out) - set(known))
        if missing:
            raise InvalidInput(
                f"These symbols are not known: {', '.join(missing)}. Search for them first.",
                code="symbol_unknown",
                fields={"leave_out": [f"{symbol} is not known" for symbol in missing]},
            )
        if policy == NO_POLICY:
            RebalancePolicy.objects.filter(account=locked).delete()
        else:
            fields = {**asdict(policy), "leave_out": sorted(set(policy.leave_out))}
            RebalancePolicy.objects.update_or_create(account=locked, defaults=fields)
        # A rebalance that is running under the old rules does not answer the next request.
        publish_version(account=locked, version=next_version(locked))
