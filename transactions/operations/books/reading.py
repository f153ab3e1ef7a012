"""Read stored lots, disposals and wash sales as pieces, closings and matches of a book."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from core.dates import on_day
from stores.rows import rows_of
from transactions.ledger.book import purchase_key
from transactions.ledger.lots import Closing, Piece
from transactions.ledger.undoing import Match
from transactions.ledger.units import Scale, cents
from transactions.ledger.wash_sales import WashSale
from transactions.operations.books.derived import (
    DISPOSAL_FIELDS,
    LOT_FIELDS,
    WASH_FIELDS,
    DisposalValues,
    WashValues,
)
from transactions.queries.households import HouseholdBooks

LotId = tuple[int, int, int]  # acquisition, account, asset

_LOTS = f"""
SELECT lot.id, lot.transaction_id, lot.account_id, lot.asset_id, lot.piece,
       {", ".join(f"lot.{name}" for name in LOT_FIELDS)},
       bought.account_id, bought.asset_id, bought.order_id,
       bought.quantity, bought.amount, bought.fee
  FROM transactions_lot lot
  JOIN transactions_transaction bought ON bought.id = lot.transaction_id
 WHERE {{where}}
 ORDER BY lot.piece
"""
_DISPOSALS = f"""
SELECT closed.id, closed.transaction_id, closed.part,
       {", ".join(f"closed.{name}" for name in DISPOSAL_FIELDS)},
       bought.account_id, bought.asset_id, bought.order_id,
       coalesce(bought.quantity, 0), bought.amount + bought.fee
  FROM transactions_disposal closed
  JOIN transactions_transaction bought ON bought.id = closed.lot_transaction_id
 WHERE {{where}}
 ORDER BY closed.closed_at, closed.opened_at, closed.lot_transaction_id, closed.transaction_id,
          closed.part
"""
_MATCHES = f"""
SELECT wash.id, {", ".join(f"wash.{name}" for name in WASH_FIELDS)},
       greatest(sold.executed_at, bought.executed_at)
  FROM transactions_washsale wash
  JOIN transactions_transaction sold ON sold.id = wash.sale_id
  JOIN transactions_transaction bought ON bought.id = wash.replacement_id
 WHERE {{where}}
 ORDER BY wash.id
"""


class LotRow(NamedTuple):
    pk: int
    acquisition: int
    account: int
    asset: int
    piece: int
    opened_at: datetime
    opened_date: date
    holding_period_date: date
    quantity: Decimal
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    replaces_loss: bool
    losses_replaced: int
    purchase: bool
    bought_in: int
    bought_asset: int
    order_id: str
    stated_quantity: Decimal | None
    stated_amount: Decimal
    stated_fee: Decimal

    @property
    def lot(self) -> LotId:
        return (self.acquisition, self.account, self.asset)


def lots(where: str, values: Mapping[str, Any]) -> list[LotRow]:
    """Return lots (`lot`, with their acquisitions `bought`) in the order of their numbers."""
    return [LotRow._make(row) for row in rows_of(_LOTS.format(where=where), values)]


def disposals(
    household: HouseholdBooks, where: str, values: Mapping[str, Any]
) -> list[tuple[int, Closing, DisposalValues]]:
    """Return disposals (`closed`, with the acquisitions `bought`) in order of time."""
    found = []
    for pk, sale, part, *rest in rows_of(_DISPOSALS.format(where=where), values):
        stored = DisposalValues._make(rest[:-5])
        account, asset, order_id, *stated = rest[-5:]
        key = purchase_key(account=account, asset=asset, at=stored.opened_at, order_id=order_id)
        closing = _closing(sale, part, key, stored, household)
        closing.stated = (stated[0], stated[1])
        found.append((pk, closing, stored))
    return found


def matches(
    household: HouseholdBooks, where: str, values: Mapping[str, Any]
) -> list[tuple[int, Match]]:
    """Return wash sales (`wash`, with both transactions: `sold`, `bought`) by primary key."""
    return [
        (pk, Match(_washed(WashValues._make(rest), household), at))
        for pk, *rest, at in rows_of(_MATCHES.format(where=where), values)
    ]


def pieces_of(household: HouseholdBooks, rows: Iterable[LotRow]) -> list[Piece]:
    """Return the pieces of lots, in the order in which they are numbered."""
    scale = Scale()
    return [
        Piece(
            acquisition=row.acquisition,
            purchase_key=purchase_key(
                account=row.bought_in,
                asset=row.bought_asset,
                at=row.opened_at,
                order_id=row.order_id,
            ),
            opened_at=on_day(row.opened_at, row.opened_date),
            held_since=row.holding_period_date,
            quantity=scale.steps(row.quantity),
            basis=cents(row.cost_basis, household.accounts[row.account].currency),
            place=(row.account, row.asset),
            adjustment=cents(row.wash_sale_adjustment, household.accounts[row.account].currency),
            replaces_loss=row.replaces_loss,
            losses_replaced=row.losses_replaced,
            purchase=row.purchase,
            stated=(row.stated_quantity or Decimal(0), row.stated_amount + row.stated_fee),
        )
        for row in rows
    ]


def _closing(
    sale: int,
    part: int,
    key: tuple[object, ...],
    values: DisposalValues,
    household: HouseholdBooks,
) -> Closing:
    currency, scale = household.accounts[values.account_id].currency, Scale()
    return Closing(
        sale=sale,
        part=part,
        place=(values.account_id, values.asset_id),
        acquisition=values.lot_transaction_id,
        purchase_key=key,
        opened_at=on_day(values.opened_at, values.opened_date),
        held_since=values.holding_period_date,
        closed_at=on_day(values.closed_at, values.closed_date),
        quantity=scale.steps(values.quantity),
        proceeds=cents(values.proceeds, currency),
        basis=cents(values.cost_basis, currency),
        adjustment=cents(values.wash_sale_adjustment, currency),
        matched=scale.steps(values.matched_quantity),
        deferred=cents(values.deferred_loss, currency),
        permanent_quantity=scale.steps(values.permanent_quantity),
        permanent=cents(values.permanent_loss, currency),
        replaces_loss=values.replaces_loss,
        losses_replaced=values.losses_replaced,
        purchase=values.purchase,
    )


def _washed(values: WashValues, household: HouseholdBooks) -> WashSale:
    scale, accounts = Scale(), household.accounts
    return WashSale(
        sale=values.sale_id,
        part=values.part,
        loss_account=values.loss_account_id,
        loss_asset=values.loss_asset_id,
        loss_lot=values.loss_lot_id,
        replacement=values.replacement_id,
        replacement_account=values.replacement_account_id,
        quantity=scale.steps(values.quantity),
        loss_quantity=scale.steps(values.loss_quantity),
        disallowed=cents(values.disallowed, accounts[values.loss_account_id].currency),
        basis_added=cents(values.basis_added, accounts[values.replacement_account_id].currency),
        days_held=values.days_held,
        permanent=values.permanent,
        sold_date=values.sold_date,
        replacement_date=values.replacement_date,
    )
