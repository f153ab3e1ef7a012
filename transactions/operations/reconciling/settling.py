"""Carry out what a comparison proposes, once a person has confirmed it."""

from datetime import datetime
from typing import Any

from django.db import transaction

from core.errors import Conflict, NotFound
from identity.models import User
from marketdata.models import Asset
from transactions.ledger.entries import Entry, ratio_of
from transactions.models import Reconciliation, Transaction
from transactions.operations.ledger import record, reverse_all


def settle(*, found: Reconciliation, position: int, reason: int, user: User, now: datetime) -> int:
    """Reverse or record what one reason proposes; return how many transactions were written.

    `position`: its place among the positions, -1 for the cash. Refused if the ledger has changed
    since the comparison: the same difference may have been settled otherwise.
    """
    with transaction.atomic():
        proposal = _proposal(found, position, reason)
        account = found.account
        if account.ledger_version != found.ledger_version:
            raise Conflict(
                "The ledger has changed since this comparison. Compare the file again.",
                code="comparison_stale",
            )
        if proposal["action"] == "reverse":
            rows = list(
                Transaction.objects.for_user(user)
                .filter(public_id__in=proposal["transaction_ids"], account=account)
                .order_by("-executed_at", "-id")
            )
            return len(reverse_all(originals=rows, user=user, now=now))
        entry = _entry(found, proposal["transaction"])
        return len(record(account=account, entries=[entry], user=user, now=now))


def _proposal(found: Reconciliation, position: int, reason: int) -> dict[str, Any]:
    lines = found.result.get("positions", [])
    cash = found.result.get("cash")
    line = cash if position == -1 else lines[position] if 0 <= position < len(lines) else None
    reasons = line["reasons"] if line else []
    proposal = reasons[reason]["proposal"] if 0 <= reason < len(reasons) else None
    if proposal is None or proposal["action"] not in ("reverse", "record"):
        raise NotFound(
            "The comparison proposes nothing there. Read it again.", code="proposal_not_found"
        )
    return dict(proposal)


def _entry(found: Reconciliation, stated: dict[str, Any]) -> Entry:
    assets = Asset.objects.for_household(found.account.household_id)
    asset = assets.filter(symbol=stated["symbol"]).order_by("household_id", "id").first()
    return Entry(
        type=stated["type"],
        executed_at=datetime.fromisoformat(stated["executed_at"]),
        currency=asset.currency if asset else found.account.currency,
        symbol=stated["symbol"],
        ratio=ratio_of(stated["ratio"]),
    )
