"""Accountants: who may read which tax years of a household, and until when."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, InvalidInput, NotFound
from core.limits import (
    ACCOUNTANT_DAYS_MAX,
    ACCOUNTANTS_PER_HOUSEHOLD_MAX,
    EARLIEST_DATE,
    TAX_YEAR_MAX,
)
from identity.models import AccountantLink, Role, User
from identity.operations.households import own_household
from identity.operations.security_events import note_members
from identity.operations.users import change_role

YEARS_MAX = 10


def become_accountant(*, user: User) -> None:
    """Let a user be found as an accountant. It opens nothing by itself."""
    if user.role == Role.ACCOUNTANT:
        return
    if user.role != Role.INVESTOR:
        raise Conflict(
            "Advisers and operators keep their role. Register another address as accountant.",
            code="role_stays",
        )
    change_role(user=user, role=Role.ACCOUNTANT)


def grant_accountant(
    *, user: User, email: str, years: Collection[int], ends_at: datetime, now: datetime
) -> AccountantLink:
    """Let an accountant read some tax years of the user's household.

    A second call replaces the years and the end of the first.
    """
    _ensure_sensible(years, ends_at, now)
    accountant = User.objects.filter(email=email, role=Role.ACCOUNTANT, is_active=True).first()
    if accountant is None:
        raise NotFound(
            "No accountant has this e-mail address. They sign up here first and choose “I keep "
            "books for others” in their settings.",
            code="accountant_not_found",
        )
    with transaction.atomic():
        household = own_household(user=user)
        if accountant.household_id == household.pk:
            raise Conflict(
                "A member of the household sees its taxes already. Name someone else.",
                code="accountant_is_member",
            )
        others = AccountantLink.objects.filter(household=household, ends_at__gt=now)
        if others.exclude(accountant=accountant).count() >= ACCOUNTANTS_PER_HOUSEHOLD_MAX:
            raise Conflict(
                "The household has the maximum number of accountants. End one first.",
                code="accountants_too_many",
            )
        link, _ = AccountantLink.objects.update_or_create(
            accountant=accountant,
            household=household,
            defaults={"years": sorted(set(years)), "ends_at": ends_at},
            create_defaults={
                "years": sorted(set(years)),
                "ends_at": ends_at,
                "created_at": now,
            },
        )
        note_members(
            kind="accountant_added", user=user, now=now, details={"accountant": accountant.email}
        )
    return link


def withdraw_accountant(*, user: User, link_id: UUID, now: datetime) -> None:
    """End an accountant's access to the user's household; raise NotFound if there is none."""
    with transaction.atomic():
        link = (
            AccountantLink.objects.filter(household_id=user.household_id, public_id=link_id)
            .select_related("accountant")
            .first()
        )
        if link is None:
            raise NotFound("No such accountant. Reload the page.", code="accountant_not_found")
        link.delete()
        note_members(
            kind="accountant_removed",
            user=user,
            now=now,
            details={"accountant": link.accountant.email},
        )


def _ensure_sensible(years: Collection[int], ends_at: datetime, now: datetime) -> None:
    if not years or len(set(years)) > YEARS_MAX:
        raise InvalidInput(
            f"Name 1 to {YEARS_MAX} tax years.",
            code="years_invalid",
            fields={"years": [f"must be 1 to {YEARS_MAX} years"]},
        )
    if any(not EARLIEST_DATE.year <= year <= TAX_YEAR_MAX for year in years):
        raise InvalidInput(
            f"A tax year is from {EARLIEST_DATE.year} to {TAX_YEAR_MAX}.",
            code="year_invalid",
            fields={"years": ["names a year outside the limits"]},
        )
    if not now < ends_at <= now + timedelta(days=ACCOUNTANT_DAYS_MAX):
        raise InvalidInput(
            "The access needs an end after today and within two years.",
            code="end_invalid",
            fields={"ends_on": ["must be after today and within two years"]},
        )
