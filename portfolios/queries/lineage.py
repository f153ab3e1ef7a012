"""Every figure of a lot, opened: how it was acquired, what changed it, what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from decimal import Decimal
from uuid import UUID

from django.db import connection

from core.dates import instant_text
from core.money import converted, plain, quantize
from marketdata.models import Asset
from portfolios.queries.gains import disposals, line_rows, lines_of, wash_sale_policy
from portfolios.tax.gains import GainLine, gain_row
from stores.database import snapshot
from transactions.ledger.holding_period import is_long_term
from transactions.models import Account, Lot, Transaction, WashSale
from transactions.operations.lineage import LotChange, acquisition, lot_changes

ZERO = Decimal(0)
CHAIN_DEPTH_MAX = 20
CHAIN_ROWS_MAX = 200

# The losses a lot took over, and the losses that the lots sold had taken over before that.
_CHAIN = """
WITH RECURSIVE chain AS (
    SELECT wash.id, wash.loss_lot_id, wash.sold_date, 1 AS depth
      FROM transactions_washsale wash WHERE wash.replacement_id = %(lot)s
    UNION
    SELECT wash.id, wash.loss_lot_id, wash.sold_date, chain.depth + 1
      FROM chain JOIN transactions_washsale wash ON wash.replacement_id = chain.loss_lot_id
     WHERE NOT wash.permanent AND wash.sold_date <= chain.sold_date AND chain.depth < %(depth)s
)
SELECT id, min(depth) FROM chain GROUP BY id ORDER BY min(depth), id LIMIT %(rows)s
"""


def lot_lineage(*, account: Account, lot_id: UUID, as_of: date) -> dict[str, object]:
    """A lot in the words of the API. The steps of this account sum to its basis, open and closed.

    Reads one moment; as many queries for a lot with one event as for one with thousands.
    """
    with snapshot():
        acquired = acquisition(account=account, lot_id=lot_id)
        accounts = {
            row.pk: row
            for row in Account.objects.filter(household_id=account.household_id).order_by("id")
        }
        changes = lot_changes(acquired=acquired, accounts=accounts)
        absorbed, depths = _absorbed(acquired)
        replaced = list(
            WashSale.objects.filter(loss_lot=acquired)
            .select_related("sale", "replacement", "loss_lot")
            .order_by("sold_date", "id")
        )
        events = Transaction.objects.in_bulk({change.transaction_id for change in changes})
        symbols = _symbols(changes, [*absorbed, *replaced])
        lots = list(
            Lot.objects.filter(transaction=acquired, account__in=accounts)
            .select_related("asset")
            .order_by("account_id", "asset_id", "piece")
        )
        lines = lines_of(
            line_rows(disposals(account_ids=[account.pk], lot_id=lot_id)),
            accounts=accounts,
            policy=wash_sale_policy(household_id=account.household_id),
        )
        return {
            "lot_id": str(acquired.public_id),
            "account_id": str(account.public_id),
            "currency": account.currency,
            "acquisition": _acquisition_row(acquired, accounts),
            "pieces": [
                _piece_row(lot, accounts[lot.account_id], as_of) for lot in lots if lot.quantity
            ],
            "steps": [
                step
                for change in changes
                for step in _steps(change, events, accounts, symbols, absorbed)
            ],
            "absorbed_wash_sales": [
                {**_wash_row(wash, accounts, symbols), "depth": depths[wash.pk]}
                for wash in absorbed
            ],
            "disposals": _disposal_rows(lines, replaced, accounts, symbols, as_of),
            "arithmetic": _arithmetic(account, changes, lots, lines),
        }


def _absorbed(acquired: Transaction) -> tuple[list[WashSale], dict[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CHAIN, {"lot": acquired.pk, "depth": CHAIN_DEPTH_MAX, "rows": CHAIN_ROWS_MAX}
        )
        depths: dict[int, int] = dict(cursor.fetchall())
    rows = WashSale.objects.filter(pk__in=depths).select_related("sale", "replacement", "loss_lot")
    return sorted(rows, key=lambda row: (depths[row.pk], row.sold_date, row.pk)), depths


def _symbols(changes: Iterable[LotChange], washes: Iterable[WashSale]) -> dict[int, str]:
    wanted = {change.asset_id for change in changes}
    wanted |= {wash.loss_asset_id for wash in washes}
    return dict(Asset.objects.filter(pk__in=wanted).values_list("pk", "symbol"))


def _acquisition_row(row: Transaction, accounts: Mapping[int, Account]) -> dict[str, object]:
    home = accounts[row.account_id].currency
    return {
        "transaction_id": str(row.public_id),
        "account_id": str(accounts[row.account_id].public_id),
        "type": row.type,
        "symbol": row.asset.symbol if row.asset else None,
        "executed_at": instant_text(row.executed_at),
        "opened_date": (row.opened_date or row.executed_at.astimezone(UTC).date()).isoformat(),
        "quantity": None if row.quantity is None else plain(row.quantity),
        "price": None if row.price is None else plain(row.price),
        "amount": _money(row.amount, row.currency),
        "fee": _money(row.fee, row.currency),
        "currency": row.currency,
        "fx_rate": plain(row.fx_rate),
        # The European Central Bank's of this day, or the one stated with the transaction.
        "fx_date": (
            row.executed_at.astimezone(UTC).date().isoformat() if row.currency != home else None
        ),
        "cost": _money(converted(row.amount + row.fee, row.fx_rate, home), home),
    }


def _piece_row(lot: Lot, account: Account, as_of: date) -> dict[str, object]:
    long_term = is_long_term(opened_date=lot.holding_period_date, sold_date=as_of)
    return {
        "account_id": str(account.public_id),
        "symbol": lot.asset.symbol,
        "quantity": plain(lot.quantity),
        "cost_basis": _money(lot.cost_basis, account.currency),
        "wash_sale_adjustment": _money(lot.wash_sale_adjustment, account.currency),
        "opened_date": lot.opened_at.astimezone(UTC).date().isoformat(),
        "holding_period_date": lot.holding_period_date.isoformat(),
        "tacked_days": (lot.opened_at.astimezone(UTC).date() - lot.holding_period_date).days,
        "term": "long" if long_term else "short",
        "replaces_loss": lot.replaces_loss,
    }


def _steps(
    change: LotChange,
    events: Mapping[int, Transaction],
    accounts: Mapping[int, Account],
    symbols: Mapping[int, str],
    absorbed: Sequence[WashSale],
) -> list[dict[str, object]]:
    """A change is one step, or two where it also took over a loss."""
    event, account = events[change.transaction_id], accounts[change.account_id]
    own = change.basis - change.washed
    about = {
        "transaction_id": str(event.public_id),
        "executed_at": instant_text(event.executed_at),
        "account_id": str(account.public_id),
        "symbol": symbols[change.asset_id],
    }
    steps: list[dict[str, object]] = []
    if own or change.quantity or change.closed_quantity or change.closed_basis:
        steps.append(
            {
                **about,
                "type": event.type,
                "quantity": plain(change.quantity),
                "basis": _money(own, account.currency),
                "closed_quantity": plain(change.closed_quantity),
                "closed_basis": _money(change.closed_basis, account.currency),
                "quantity_after": plain(change.quantity_after),
                "basis_after": _money(change.basis_after - change.washed, account.currency),
                "ratio": _ratio(event),
            }
        )
    if change.washed:
        steps.append(
            {
                **about,
                "type": "wash_sale",
                "quantity": "0",
                "basis": _money(change.washed, account.currency),
                "closed_quantity": "0",
                "closed_basis": _money(ZERO, account.currency),
                "quantity_after": plain(change.quantity_after),
                "basis_after": _money(change.basis_after, account.currency),
                "ratio": None,
            }
        )
    return steps


def _ratio(event: Transaction) -> str | None:
    if event.ratio_new is None or event.ratio_old is None:
        return None
    return f"{plain(event.ratio_new)}:{plain(event.ratio_old)}"


def _wash_row(
    wash: WashSale, accounts: Mapping[int, Account], symbols: Mapping[int, str]
) -> dict[str, object]:
    lost, took = accounts[wash.loss_account_id], accounts[wash.replacement_account_id]
    return {
        "sale_id": str(wash.sale.public_id),
        "sold_date": wash.sold_date.isoformat(),
        "loss_account_id": str(lost.public_id),
        "loss_symbol": symbols[wash.loss_asset_id],
        "loss_lot_id": str(wash.loss_lot.public_id),
        "loss_quantity": plain(wash.loss_quantity),
        "disallowed_loss": _money(wash.disallowed, lost.currency),
        "replacement_lot_id": str(wash.replacement.public_id),
        "replacement_account_id": str(took.public_id),
        "replacement_date": wash.replacement_date.isoformat(),
        "quantity": plain(wash.quantity),
        "basis_added": _money(wash.basis_added, took.currency),
        "days_held": wash.days_held,
        "permanent": wash.permanent,
    }


def _disposal_rows(
    lines: Sequence[GainLine],
    replaced: Sequence[WashSale],
    accounts: Mapping[int, Account],
    symbols: Mapping[int, str],
    as_of: date,
) -> list[dict[str, object]]:
    """The gain lines out of the lot in this account, each with what replaced its shares."""
    by_line: dict[tuple[str, int, bool], list[dict[str, object]]] = {}
    for wash in replaced:
        key = (str(wash.sale.public_id), wash.part, wash.permanent)
        by_line.setdefault(key, []).append(_wash_row(wash, accounts, symbols))
    found: list[dict[str, object]] = []
    for line in lines:
        mine = by_line.get((line.sale_id, line.part, line.permanent), [])
        found.append({**gain_row(line, as_of=as_of), "wash_sales": mine})
    return found


def _arithmetic(
    account: Account,
    changes: Sequence[LotChange],
    lots: Sequence[Lot],
    lines: Sequence[GainLine],
) -> dict[str, object]:
    """What the transactions say came in and changed, against what the ledger has of it."""
    here = [change for change in changes if change.account_id == account.pk]
    total = sum((change.basis for change in here), ZERO)
    closed = sum((line.cost_basis for line in lines), ZERO)
    held = sum((lot.cost_basis for lot in lots if lot.account_id == account.pk), ZERO)
    return {
        "steps": _money(total, account.currency),
        "open_basis": _money(held, account.currency),
        "closed_basis": _money(closed, account.currency),
        "difference": _money(total - held - closed, account.currency),
    }


def _money(amount: Decimal, currency: str) -> str:
    return f"{quantize(amount, currency):f}"
