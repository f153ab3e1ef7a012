"""What a household could harvest now, account by account; the number of queries is constant."""

from datetime import datetime

from core.errors import InvalidInput
from identity.models import Household
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.plan import harvest
from recommendations.harvesting.problem import LOTS_MAX
from recommendations.harvesting.result import HarvestResult
from recommendations.queries.harvest_inputs import harvest_inputs
from stores.database import snapshot
from transactions.models import Account, Lot

Opportunities = list[tuple[Account, HarvestResult]]


def household_opportunities(
    *, household: Household, options: HarvestOptions, now: datetime
) -> Opportunities:
    """Return the harvest of every open account, each as if only its own losses were taken."""
    rows = Account.objects.filter(household=household, archived_at=None).select_related("owner")
    return _opportunities(list(rows.order_by("id")), options, now)


def account_opportunities(
    *, account: Account, options: HarvestOptions, now: datetime
) -> HarvestResult:
    """Return the harvest of one account, which comes with its owner."""
    ((_, found),) = _opportunities([account], options, now)
    return found


def _opportunities(
    accounts: list[Account], options: HarvestOptions, now: datetime
) -> Opportunities:
    ids = [account.pk for account in accounts]
    with snapshot():
        lots = Lot.objects.filter(account_id__in=ids, quantity__gt=0)[: LOTS_MAX + 1].count()
        if lots > LOTS_MAX:
            raise InvalidInput(
                f"The accounts have more than {LOTS_MAX} open lots together. Request a harvest of "
                "one account instead.",
                code="too_many_lots",
            )
        inputs = harvest_inputs(accounts=accounts, options=options, now=now)
    return [(account, harvest(inputs=inputs[account.pk])) for account in accounts]
