"""Realized lines of an account, for comparison with a broker's list of closed lots."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from django.db.models import F

from core.errors import InvalidInput
from core.limits import RECONCILED_LOTS_MAX
from transactions.files.broker_lots import OurLine
from transactions.models import Account, Disposal, WashSale


def realized_lines(*, account: Account, first: date, last: date) -> list[OurLine]:
    """Return the lines realized from `first` through `last` (trade dates); two queries."""
    replaced = _replaced(account, first, last)
    rows = (
        Disposal.objects.filter(account=account, closed_date__gte=first, closed_date__lte=last)
        .select_related("asset", "transaction", "lot_transaction")
        .order_by("closed_date", "id")[: RECONCILED_LOTS_MAX + 1]
    )
    if len(rows) > RECONCILED_LOTS_MAX:
        raise InvalidInput(
            f"More than {RECONCILED_LOTS_MAX} lots were closed in that time. Compare one year, or "
            "a file of fewer days.",
            code="too_many_rows",
        )
    return [
        OurLine(
            symbol=row.asset.symbol,
            closed_date=row.closed_date,
            opened_date=row.opened_date,
            quantity=row.quantity,
            proceeds=row.proceeds,
            cost_basis=row.cost_basis,
            disallowed=row.deferred_loss + row.permanent_loss,
            term="long" if row.long_term else "short",
            holding_period_date=row.holding_period_date,
            wash_sale_adjustment=row.wash_sale_adjustment,
            replaced_in=frozenset(replaced.get((row.transaction_id, row.part), ())),
            sale_id=str(row.transaction.public_id),
            lot_id=str(row.lot_transaction.public_id),
        )
        for row in rows
    ]


def _replaced(account: Account, first: date, last: date) -> Mapping[tuple[int, int], set[str]]:
    """Return where the replacement shares of each loss are held, by sale and part."""
    found: dict[tuple[int, int], set[str]] = defaultdict(set)
    rows = WashSale.objects.filter(
        loss_account=account, sold_date__gte=first, sold_date__lte=last
    ).values_list(
        *("sale_id", "part", "replacement_account_id", "permanent", "loss_asset_id"),
        F("replacement__asset_id"),
    )
    for sale_id, part, place, permanent, sold, bought in rows:
        places = found[sale_id, part]
        if place == account.pk:
            places.add("account")
        else:
            places.add("retirement_account" if permanent else "other_account")
        if bought != sold:
            places.add("other_security")
    return found
