"""What a household is worth now: every open account of it, in the reader's base currency."""

from datetime import datetime

from identity.models import User
from portfolios.holdings.households import AccountPart, HouseholdValue, household_value
from portfolios.queries.valuations import rates_into, valuations
from transactions import queries as ledger


def household_worth(*, user: User, now: datetime) -> HouseholdValue:
    """Return the value of the user's own household in their base currency.

    The number of queries does not depend on the number of accounts.
    """
    accounts = list(ledger.accounts(user=user).filter(household_id=user.household_id))
    values = valuations(account_ids=[account.public_id for account in accounts], now=now)
    rates = rates_into(user.base_currency, {account.currency for account in accounts}, now=now)
    return household_value(
        currency=user.base_currency,
        accounts=[
            AccountPart(
                account_id=account.public_id,
                name=account.name,
                type=account.type,
                value=values[account.public_id].value,
                rate=rate.rate if (rate := rates.get(account.currency)) else None,
                rate_stale=bool(rate and rate.stale),
            )
            for account in accounts
            if account.public_id in values
        ],
    )
