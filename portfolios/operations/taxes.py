"""Writes: a household's filing status, and the losses its members carried in."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from core.errors import InvalidInput
from core.limits import EARLIEST_DATE
from core.money import quantize
from identity.models import Household, User
from identity.operations.households import locked_household
from portfolios.models import TaxCarryforward, TaxFiling
from portfolios.tax.filing import StatedCarryforward

CARRYFORWARDS_MAX = 100


def set_taxes(
    *,
    household: Household,
    filing_status: str,
    carryforwards: Sequence[StatedCarryforward],
    now: datetime,
) -> None:
    """Replace the filing status and every stated carry-forward of a household."""
    keys = {(row.owner_id, row.year) for row in carryforwards}
    if len(keys) < len(carryforwards):
        raise InvalidInput(
            "A member and year appear twice. Send each pair once.",
            code="carryforward_repeated",
            fields={"carryforwards": ["has a member and year twice"]},
        )
    for row in carryforwards:
        if not EARLIEST_DATE.year <= row.year <= now.year:
            raise InvalidInput(
                f"The tax year {row.year} has not begun or is too early. Send another.",
                code="year_out_of_range",
                fields={"year": [f"must be from {EARLIEST_DATE.year} to {now.year}"]},
            )
    with transaction.atomic():
        locked = locked_household(household_id=household.pk)
        members = {
            user.public_id: user for user in User.objects.filter(household=locked).order_by("id")
        }
        strangers = {row.owner_id for row in carryforwards} - set(members)
        if strangers:
            raise InvalidInput(
                "The owner is not a member of the household. Choose a member.",
                code="owner_not_a_member",
                fields={"owner_id": ["is not a member of the household"]},
            )
        for row in carryforwards:
            _ensure_cents(row, members[row.owner_id].base_currency)
        TaxFiling.objects.update_or_create(
            household=locked, defaults={"filing_status": filing_status, "changed_at": now}
        )
        TaxCarryforward.objects.filter(owner__in=members.values()).delete()
        TaxCarryforward.objects.bulk_create(
            [
                TaxCarryforward(
                    owner=members[row.owner_id],
                    year=row.year,
                    short_term=row.short_term,
                    long_term=row.long_term,
                )
                for row in carryforwards
            ]
        )


def _ensure_cents(row: StatedCarryforward, currency: str) -> None:
    for amount in (row.short_term, row.long_term):
        if quantize(amount, currency) != amount:
            raise InvalidInput(
                "A carried loss has more decimals than the currency. Round it.",
                code="amount_precision",
                fields={"carryforwards": [f"has more decimals than {currency}"]},
            )
