"""Set a household's wash-sale policy, where the law is open, and rebook its ledger."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.models import User
from identity.queries import household_seen
from transactions.models import WashSalePolicy
from transactions.operations.accounts import next_version, publish_version
from transactions.operations.books.booking import book_anew
from transactions.operations.books.households import lock_household
from transactions.queries.households import HouseholdBooks, linked_assets


def set_policy(
    *,
    user: User,
    household_id: UUID | None,
    enabled: bool,
    earlier_acquired_count: bool,
    holding_period: str,
    employer_plan_counts: bool,
    crypto_exempt: bool,
    now: datetime,
) -> WashSalePolicy:
    """Write the policy and rebook the household under it, in one transaction."""
    household = household_seen(user=user, public_id=household_id)
    with transaction.atomic():
        # Lock the ledger before its policy, in the same order as every recording.
        lock_household(household_id=household.pk)
        policy, _ = WashSalePolicy.objects.update_or_create(
            household=household,
            defaults={
                "enabled": enabled,
                "earlier_acquired_count": earlier_acquired_count,
                "holding_period": holding_period,
                "employer_plan_counts": employer_plan_counts,
                "crypto_exempt": crypto_exempt,
                "changed_at": now,
            },
        )
        book_household_anew(household=lock_household(household_id=household.pk))
    return policy


def book_household_anew(*, household: HouseholdBooks) -> set[int]:
    """Rebook a locked household from its first transaction on; return the changed accounts."""
    linked = linked_assets(households=[household])[household.id]
    changed = book_anew(household=household, linked=linked, asset_ids=None)
    for account_id in sorted(changed):
        locked = household.accounts[account_id]
        publish_version(account=locked, version=next_version(locked))
    return changed
