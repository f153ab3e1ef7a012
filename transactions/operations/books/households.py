"""The lock on a household's ledger, and its accounts as they are without it."""

from stores.locks import locked_in_line
from transactions.models import Account
from transactions.queries.households import HouseholdBooks, household_of


def lock_household(*, household_id: int) -> HouseholdBooks:
    """Lock every account of the household in key order: a wash sale may touch any of them."""
    every = Account.objects.filter(household_id=household_id)
    rows = locked_in_line(every, household_id=household_id)
    accounts = {row.pk: row for row in rows}
    return household_of(household_id=household_id, accounts=accounts)


def unlocked_household(*, household_id: int) -> HouseholdBooks:
    """Return a household whose ledger anybody may change meanwhile."""
    rows = Account.objects.filter(household_id=household_id).order_by("pk")
    return household_of(household_id=household_id, accounts={row.pk: row for row in rows})
