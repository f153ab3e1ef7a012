"""New transactions that concern a time before their own instant, and must be booked from the start.

arrivals    shares from outside were acquired on their `opened_date`; if a loss of the household
            lies within 30 days of it, they may have replaced it
late cash   cash of an event for shares that have left: the book must know which
"""

from collections.abc import Sequence
from datetime import date

from django.db.models import F, Q

from transactions.ledger.kinds import KINDS
from transactions.ledger.wash_windows import window_end, window_start
from transactions.models import Disposal, Holding
from transactions.queries.books.events import EventRow
from transactions.queries.households import HouseholdBooks, Linked


def reaching_back(
    *, household: HouseholdBooks, linked: Linked, rows: Sequence[EventRow]
) -> set[int]:
    """Return the assets of rows that reach back; at most two queries, none for most rows."""
    arrivals = [
        (row.asset_id, row.opened_date)
        for row in rows
        if row.type == "transfer_in" and row.asset_id is not None and row.opened_date is not None
    ]
    paying = [row for row in rows if KINDS[row.type].lots == "changes" and row.amount]
    return _replacing(household, linked, arrivals) | _paid_late(paying)


def _replacing(
    household: HouseholdBooks, linked: Linked, arrivals: Sequence[tuple[int, date]]
) -> set[int]:
    """Return the assets of `arrivals` (asset, opened date) that may replace an earlier loss."""
    if not arrivals or not household.policy.enabled:
        return set()
    near = Q(pk__in=[])
    for asset_id, opened_date in arrivals:
        near |= Q(
            asset_id__in=linked.with_all([asset_id]),
            closed_date__gte=window_start(opened_date),
            closed_date__lte=window_end(opened_date),
        )
    lost = set(
        Disposal.objects.filter(
            near, account_id__in=list(household.taxable), proceeds__lt=F("cost_basis")
        ).values_list("asset_id", flat=True)
    )
    return {
        asset_id for asset_id, _ in arrivals if not lost.isdisjoint(linked.with_all([asset_id]))
    }


def _paid_late(paying: Sequence[EventRow]) -> set[int]:
    places = {(row.account_id, row.asset_id) for row in paying if row.asset_id is not None}
    if not places:
        return set()
    held = set(
        Holding.objects.filter(
            account_id__in={account for account, _ in places},
            asset_id__in={asset for _, asset in places},
        ).values_list("account_id", "asset_id")
    )
    return {asset for account, asset in places if (account, asset) not in held}
