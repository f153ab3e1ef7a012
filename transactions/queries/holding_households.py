"""What a household holds that somebody who leaves it would no longer reach."""

from identity.models import Household, User
from marketdata.models import Asset
from transactions.models import Account


def household_holds(*, household: Household, owner: User | None) -> list[str]:
    """Return in words what the household holds, or what one of its members owns there.

    Archived accounts count: their history is part of what was filed.
    """
    accounts = Account.objects.filter(household=household)
    if owner is not None:
        return counted(accounts.filter(owner=owner).count(), "account", "accounts")
    assets = Asset.objects.filter(household=household)
    return [
        *counted(accounts.count(), "account", "accounts"),
        *counted(assets.count(), "asset of your own", "assets of your own"),
    ]


def counted(count: int, one: str, many: str) -> list[str]:
    """Return a number with its noun, or nothing for none."""
    return [f"{count} {one if count == 1 else many}"] if count else []
