"""Archive accounts that hold nothing; delete accounts in which nothing was ever recorded.

An archived account keeps its history: performance, gains and tax still count it. It takes no new
transactions, and the list of accounts omits it until it is restored. An archived account holds
nothing and has no open order, so archiving changes no total of the household.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import ProtectedError

from core.errors import Conflict
from core.money import plain
from core.money_text import money_text
from stores.locks import locked as row_locks
from transactions.models import Account, Holding, Import, Order, Transaction
from transactions.operations.accounts import lock_account, next_version, publish_version
from transactions.orders.states import OPEN_STORED

HOLDINGS_NAMED_MAX = 5


def archive_account(*, account: Account, now: datetime) -> Account:
    """Archive an account that holds nothing and waits for nothing; else raise Conflict."""
    with transaction.atomic():
        locked = lock_account(account=account)
        if locked.archived_at is None:
            _ensure_holds_nothing(locked)
            _ensure_nothing_ordered(locked)
            _set_archived(locked, now)
    return locked


def restore_account(*, account: Account) -> Account:
    """Restore an archived account to the list and open it for transactions."""
    with transaction.atomic():
        locked = lock_account(account=account)
        if locked.archived_at is not None:
            _set_archived(locked, None)
    return locked


def reopen(locked: Account) -> None:
    """Open an account of a locked household that gets something again; its caller versions it."""
    locked.archived_at = None
    locked.save(update_fields=["archived_at"])


def delete_account(*, account: Account) -> None:
    """Delete an account without transactions, and its targets, restrictions and open files."""
    with transaction.atomic():
        # Imports are locked before accounts everywhere (`stores.locks`).
        files = list(row_locks(Import.objects.filter(account=account)))
        locked = lock_account(account=account)
        if Transaction.objects.filter(account=locked).exists():
            raise Conflict(
                "The account has transactions, so it cannot be deleted. Archive it instead.",
                code="account_not_empty",
            )
        Import.objects.filter(pk__in=[file.pk for file in files]).delete()
        publish_version(account=locked, version=locked.ledger_version + 1)
        try:
            locked.delete()
        except ProtectedError:
            raise Conflict(
                "The account has recommendations or orders, so it cannot be deleted. Archive it "
                "instead.",
                code="account_not_empty",
            ) from None


def _set_archived(locked: Account, archived_at: datetime | None) -> None:
    locked.archived_at = archived_at
    locked.save(update_fields=["archived_at"])
    publish_version(account=locked, version=next_version(locked))


def _ensure_holds_nothing(locked: Account) -> None:
    held = [
        f"{plain(row.quantity)} {row.asset.symbol}"
        for row in Holding.objects.filter(account=locked, quantity__gt=0)
        .select_related("asset")
        .order_by("asset_id")[: HOLDINGS_NAMED_MAX + 1]
    ]
    if locked.cash:
        held.insert(0, f"{money_text(locked.cash, locked.currency)} {locked.currency}")
    if not held:
        return
    shown = held[:HOLDINGS_NAMED_MAX] + (["more"] if len(held) > HOLDINGS_NAMED_MAX else [])
    raise Conflict(
        f"The account still holds {', '.join(shown)}. Record the sale, transfer or withdrawal "
        "first. Then archive it.",
        code="account_holds_assets",
    )


def _ensure_nothing_ordered(locked: Account) -> None:
    """Refuse while an order may still be filled: what a broker fills must be recorded."""
    rows = Order.objects.filter(account=locked, state__in=OPEN_STORED).select_related("asset")
    if first := rows.order_by("id").first():
        raise Conflict(
            f"An order to {first.side} {first.asset.symbol} is still open in the account. Cancel "
            "the open orders first. Then archive it.",
            code="account_has_open_orders",
        )
