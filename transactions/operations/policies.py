"""How a household reads what the law leaves open; its whole ledger follows at once."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import NotFound
from identity.models import Household, User, household_ids
from marketdata.models import IdentityDecision
from transactions.ledger.fold import BOOKED_TYPES
from transactions.models import Account, Transaction, WashSalePolicy
from transactions.operations.accounts import next_version, publish_version
from transactions.operations.books.booking import book_anew
from transactions.operations.books.households import lock_household
from transactions.queries.households import LockedHousehold, linked_assets

_HOUSEHOLDS_PER_RUN = 500


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
    """Writes the policy and books the household anew under it, in one transaction."""
    household = household_seen(user=user, public_id=household_id)
    with transaction.atomic():
        # The lock of the ledger before its policy: as whoever records has it.
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


def household_seen(*, user: User, public_id: UUID | None) -> Household:
    """The user's own household, or one he advises when it is named."""
    wanted = {"pk": user.household_id} if public_id is None else {"public_id": public_id}
    found = Household.objects.filter(pk__in=household_ids(user), **wanted).first()
    if found is None:
        raise NotFound("No such household.", code="household_not_found")
    return found


def book_household_anew(*, household: LockedHousehold) -> set[int]:
    """Everything derived of a locked household from its first transaction on."""
    linked = linked_assets(households=[household])[household.id]
    changed = book_anew(household=household, linked=linked, asset_ids=None)
    for account_id in sorted(changed):
        locked = household.accounts[account_id]
        publish_version(account=locked, version=next_version(locked))
    return changed


def follow_identity_decisions(*, now: datetime) -> int:
    """Books anew the households that traded what was decided on; how many it was.

    Each household is a transaction of its own, and how far a decision has been followed is written
    with it: killed anywhere, the next run goes on there; two at once divide the decisions.
    """
    households = 0
    for pk in list(
        IdentityDecision.objects.filter(applied_at__isnull=True)
        .order_by("id")
        .values_list("pk", flat=True)
    ):
        while households < _HOUSEHOLDS_PER_RUN:
            followed = _follow(pk, now)
            if followed is None:
                break
            households += followed
    return households


def _follow(decision_id: int, now: datetime) -> int | None:
    """One more household of a decision; None when it is done, or another process is at it."""
    with transaction.atomic():
        decision = (
            IdentityDecision.objects.select_for_update(skip_locked=True)
            .order_by("id")
            .filter(pk=decision_id, applied_at__isnull=True)
            .first()
        )
        if decision is None:
            return None
        household_id = _next_household(decision)
        if household_id is None:
            decision.applied_at = now
            decision.save(update_fields=["applied_at"])
            return None
        book_household_anew(household=lock_household(household_id=household_id))
        decision.applied_through = household_id
        decision.save(update_fields=["applied_through"])
    return 1


def _next_household(decision: IdentityDecision) -> int | None:
    """The next household that ever traded one of the assets the decision joins or parts."""
    several = (decision.asset_id, decision.identical_to_id, decision.previously_id)
    assets = [pk for pk in several if pk is not None]
    return (
        Account.objects.filter(
            household_id__gt=decision.applied_through,
            pk__in=Transaction.objects.filter(asset_id__in=assets, type__in=BOOKED_TYPES).values(
                "account_id"
            ),
        )
        .order_by("household_id")
        .values_list("household_id", flat=True)
        .first()
    )
