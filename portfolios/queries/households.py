"""The joint value of several accounts: those of a household, or those that a page shows."""

from collections.abc import Sequence
from datetime import datetime

from identity.models import User
from portfolios.holdings.households import AccountPart, HouseholdValue, household_value
from portfolios.queries.valuations import rates_into, valuations
from transactions import queries as ledger
from transactions.models import Account


def household_worth(*, user: User, now: datetime) -> HouseholdValue:
    """Return the value of every open account of the user's own household, in their base currency.

    The number of queries does not depend on the number of accounts.
    """
    accounts = ledger.accounts(user=user).filter(household_id=user.household_id)
    return worth(accounts=list(accounts), currency=user.base_currency, now=now)


def worth(*, accounts: Sequence[Account], currency: str, now: datetime) -> HouseholdValue:
    """Return the value of accounts in `currency`; the caller has checked who may see them.

    An account closed a moment ago has no value any more and is absent.
    """
    values = valuations(account_ids=[account.public_id for account in accounts], now=now)
    rates = rates_into(currency, {account.currency for account in accounts}, now=now)
    return household_value(
        currency=currency,
        accounts=[
            AccountPart(
                account_id=account.public_id,
                name=account.name,
                type=account.type,
                value=values[account.public_id].value,
                rate=rate.rate if (rate := rates.get(account.currency)) else None,
                rate_stale=bool(rate and rate.stale),
                rate_date=rate.date if rate else None,
            )
            for account in accounts
            if account.public_id in values
        ],
    )
