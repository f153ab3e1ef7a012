"""The lineage of a lot: its acquisition, its changes and its sales, read from the ledger."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import connection

from core.dates import on_day
from core.money import converted, quantize
from marketdata.models import Asset
from portfolios.queries.gains import disposals, line_rows, lines_of, wash_sale_policy
from portfolios.tax.gains import GainLine
from portfolios.tax.lineage import (
    Absorbed,
    Acquisition,
    Arithmetic,
    Lineage,
    LotDisposal,
    Piece,
    Replacement,
    Step,
)
from stores.database import snapshot
from transactions.ledger.holding_period import is_long_term
from transactions.models import Account, Disposal, Lot, Transaction, WashSale
from transactions.queries.lineage import LotChange, acquisition, lot_changes

ZERO = Decimal(0)
CHAIN_DEPTH_MAX = 20
CHAIN_ROWS_MAX = 200

# The losses a lot took over, and the losses that the lots sold had taken over before.
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


def lot_lineage(*, account: Account, lot_id: UUID, as_of: date) -> Lineage:
    """Return a lot's lineage. The steps of this account sum to its basis, open and closed.

    It reads one snapshot. The number of queries does not depend on the number of events.
    """
    with snapshot():
        acquired = acquisition(account=account, lot_id=lot_id)
        accounts = {
            row.pk: row
            for row in Account.objects.filter(household_id=account.household_id).order_by("id")
        }
        changes = lot_changes(acquired=acquired, accounts=accounts)
        absorbed, depths = _absorbed(acquired)
        # Wash sales have an index by sale, none by the lot that was sold.
        sales = Disposal.objects.filter(lot_transaction=acquired).values("transaction")
        replaced = list(
            WashSale.objects.filter(loss_lot=acquired, sale__in=sales)
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
        return Lineage(
            lot_id=acquired.public_id,
            account_id=account.public_id,
            currency=account.currency,
            acquisition=_acquisition(acquired, accounts),
            pieces=tuple(
                _piece(lot, accounts[lot.account_id], as_of) for lot in lots if lot.quantity
            ),
            steps=tuple(
                step for change in changes for step in _steps(change, events, accounts, symbols)
            ),
            absorbed=tuple(
                Absorbed(_replacement(wash, accounts, symbols), depths[wash.pk])
                for wash in absorbed
            ),
            disposals=tuple(_disposals(lines, replaced, accounts, symbols)),
            arithmetic=_arithmetic(account, changes, lots, lines),
        )


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


def _acquisition(row: Transaction, accounts: Mapping[int, Account]) -> Acquisition:
    home = accounts[row.account_id].currency
    return Acquisition(
        transaction_id=row.public_id,
        account_id=accounts[row.account_id].public_id,
        type=row.type,
        symbol=row.asset.symbol if row.asset else None,
        executed_at=on_day(row.executed_at, row.trade_date),
        opened_date=row.opened_date or row.trade_date,
        quantity=row.quantity,
        price=row.price,
        amount=row.amount,
        fee=row.fee,
        currency=row.currency,
        fx_rate=row.fx_rate,
        # The European Central Bank's rate of this day, or the one stated with the transaction.
        fx_date=row.trade_date if row.currency != home else None,
        cost=converted(row.amount + row.fee, row.fx_rate, home),
        cost_currency=home,
    )


def _piece(lot: Lot, account: Account, as_of: date) -> Piece:
    return Piece(
        account_id=account.public_id,
        currency=account.currency,
        symbol=lot.asset.symbol,
        quantity=lot.quantity,
        cost_basis=quantize(lot.cost_basis, account.currency),
        wash_sale_adjustment=quantize(lot.wash_sale_adjustment, account.currency),
        opened_date=lot.opened_date,
        holding_period_date=lot.holding_period_date,
        long_term=is_long_term(opened_date=lot.holding_period_date, sold_date=as_of),
        replaces_loss=lot.replaces_loss,
    )


def _steps(
    change: LotChange,
    events: Mapping[int, Transaction],
    accounts: Mapping[int, Account],
    symbols: Mapping[int, str],
) -> Iterator[Step]:
    """Yield a change as one step, or as two if it also took over a loss."""
    event, account = events[change.transaction_id], accounts[change.account_id]
    step = Step(
        transaction_id=event.public_id,
        executed_at=on_day(event.executed_at, event.trade_date),
        account_id=account.public_id,
        currency=account.currency,
        symbol=symbols[change.asset_id],
        type=event.type,
        quantity=change.quantity,
        basis=change.basis - change.washed,
        closed_quantity=change.closed_quantity,
        closed_basis=change.closed_basis,
        quantity_after=change.quantity_after,
        basis_after=change.basis_after - change.washed,
        ratio=_ratio(event),
    )
    if step.basis or step.quantity or step.closed_quantity or step.closed_basis:
        yield step
    if change.washed:
        yield replace(
            step,
            type="wash_sale",
            quantity=ZERO,
            basis=change.washed,
            closed_quantity=ZERO,
            closed_basis=ZERO,
            basis_after=change.basis_after,
            ratio=None,
        )


def _ratio(event: Transaction) -> tuple[Decimal, Decimal] | None:
    if event.ratio_new is None or event.ratio_old is None:
        return None
    return event.ratio_new, event.ratio_old


def _replacement(
    wash: WashSale, accounts: Mapping[int, Account], symbols: Mapping[int, str]
) -> Replacement:
    lost, took = accounts[wash.loss_account_id], accounts[wash.replacement_account_id]
    return Replacement(
        sale_id=wash.sale.public_id,
        sold_date=wash.sold_date,
        loss_account_id=lost.public_id,
        loss_currency=lost.currency,
        loss_symbol=symbols[wash.loss_asset_id],
        loss_lot_id=wash.loss_lot.public_id,
        loss_quantity=wash.loss_quantity,
        disallowed_loss=wash.disallowed,
        replacement_lot_id=wash.replacement.public_id,
        replacement_account_id=took.public_id,
        replacement_currency=took.currency,
        replacement_date=wash.replacement_date,
        quantity=wash.quantity,
        basis_added=wash.basis_added,
        days_held=wash.days_held,
        permanent=wash.permanent,
    )


def _disposals(
    lines: Sequence[GainLine],
    replaced: Sequence[WashSale],
    accounts: Mapping[int, Account],
    symbols: Mapping[int, str],
) -> Iterator[LotDisposal]:
    """Yield the gain lines out of the lot in this account, each with its replacement shares."""
    by_line: dict[tuple[str, int, bool], list[Replacement]] = {}
    for wash in replaced:
        key = (str(wash.sale.public_id), wash.part, wash.permanent)
        by_line.setdefault(key, []).append(_replacement(wash, accounts, symbols))
    for line in lines:
        mine = by_line.get((line.sale_id, line.part, line.permanent), [])
        yield LotDisposal(line, tuple(mine))


def _arithmetic(
    account: Account,
    changes: Sequence[LotChange],
    lots: Sequence[Lot],
    lines: Sequence[GainLine],
) -> Arithmetic:
    """Return the basis by the transactions against the basis the ledger stores."""
    here = [change for change in changes if change.account_id == account.pk]
    return Arithmetic(
        steps=sum((change.basis for change in here), ZERO),
        open_basis=sum((lot.cost_basis for lot in lots if lot.account_id == account.pk), ZERO),
        closed_basis=sum((line.cost_basis for line in lines), ZERO),
    )
