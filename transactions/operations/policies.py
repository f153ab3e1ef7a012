"""Set a household's wash-sale policy, where the law is open, and rebook its ledger.

The request itself rebooks a small ledger. A larger one is listed (`Rebooking`), and a worker
rebooks it within minutes; until then its figures follow the old policy.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.models import Household, User
from identity.queries import household_seen
from transactions.models import Rebooking, WashSalePolicy
from transactions.operations.accounts import next_version, publish_version
from transactions.operations.books.booking import book_anew, is_long
from transactions.operations.books.households import lock_household
from transactions.queries.households import HouseholdBooks, linked_assets

# The most transactions that the request itself rebooks: about a second of work on one core.
EVENTS_AT_ONCE_MAX = 5_000


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
    """Write the policy, and rebook the household under it or list it to be rebooked."""
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
        if is_long(household_id=household.pk, events_max=EVENTS_AT_ONCE_MAX):
            Rebooking.objects.update_or_create(
                household=household,
                decision=None,
                defaults={"next_at": now, "attempts": 0, "error": ""},
            )
        else:
            book_household_anew(household=lock_household(household_id=household.pk))
    return policy


def is_rebooking_pending(*, household: Household) -> bool:
    """Return whether the household is not yet rebooked under its present policy."""
    return Rebooking.objects.filter(household=household, decision=None).exists()


def book_household_anew(*, household: HouseholdBooks) -> set[int]:
    """Rebook a locked household from its first transaction on; return the changed accounts."""
    linked = linked_assets(households=[household])[household.id]
    changed = book_anew(household=household, linked=linked, asset_ids=None)
    for account_id in sorted(changed):
        locked = household.accounts[account_id]
        publish_version(account=locked, version=next_version(locked))
    return changed
