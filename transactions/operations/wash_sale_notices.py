"""Tell a household at once that a purchase it has just recorded disallows a loss."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, Min, Sum

from core.money import plain
from jobs.operations import announce
from transactions.models import Transaction, WashSale


def announce_wash_sales(
    *, household_id: int, recorded: Sequence[Transaction], now: datetime
) -> None:
    """Announce each recorded purchase that replaces shares sold at a loss.

    Call it in the transaction that recorded and booked them.
    """
    bought = {row.pk: row for row in recorded if row.type == "buy" and row.reverses_id is None}
    if not bought:
        return
    found = (
        WashSale.objects.filter(replacement_id__in=bought, disallowed__gt=0)
        .values(
            "replacement_id",
            symbol=F("loss_asset__symbol"),
            currency=F("loss_account__currency"),
            account_id=F("replacement_account__public_id"),
            account_name=F("replacement_account__name"),
        )
        .annotate(lost=Sum("disallowed"), sold=Min("sold_date"))
        .order_by("replacement_id", "symbol", "currency")
    )
    for row in found:
        purchase = bought[row["replacement_id"]]
        announce(
            topic="wash_sale",
            household_id=household_id,
            dedup_key=f"wash_sale:{purchase.public_id}:{row['symbol']}:{row['currency']}",
            payload={
                "account_id": str(row["account_id"]),
                "account_name": row["account_name"],
                "transaction_id": str(purchase.public_id),
                "symbol": row["symbol"],
                "disallowed": plain(row["lost"]),
                "currency": row["currency"],
                "sold_date": row["sold"].isoformat(),
            },
            now=now,
        )
