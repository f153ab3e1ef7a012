"""Turn stored transactions into the events of a book."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from core.dates import on_day
from core.money import WIDE, converted
from transactions.ledger.book import Event
from transactions.ledger.kinds import BOOKED_TYPES, KINDS
from transactions.models import Account, Transaction

_COLUMNS = (
    "id", "type", "account_id", "asset_id", "executed_at", "quantity", "cash_effect", "amount",
    "fee", "fx_rate", "price", "lot_method", "lots", "tax_rates", "order_id", "new_asset_id",
    "ratio_new", "ratio_old", "basis_percentage", "opened_date", "counterpart_id", "trade_date",
)  # fmt: skip
# Few rows name lots or state tax rates. Parsing those of all took a third of the time of reading.
_LOTS = _COLUMNS.index("lots")
_RATES = _COLUMNS.index("tax_rates")
_READ: tuple[str | Cast, ...] = tuple(
    Cast(name, TextField()) if index in (_LOTS, _RATES) else name
    for index, name in enumerate(_COLUMNS)
)
_NOTHING = Fraction(0)
_NO_RATES = (Decimal(0), Decimal(0))


class EventRow(NamedTuple):
    """What the book needs of one stored transaction."""

    id: int
    type: str
    account_id: int
    asset_id: int | None
    executed_at: datetime
    quantity: Decimal | None
    cash_effect: Decimal
    amount: Decimal
    fee: Decimal
    fx_rate: Decimal
    price: Decimal | None
    lot_method: str
    lots: Sequence[Mapping[str, Any]]
    tax_rates: Mapping[str, str]
    order_id: str
    new_asset_id: int | None
    ratio_new: Decimal | None
    ratio_old: Decimal | None
    basis_percentage: Decimal | None
    opened_date: Any
    counterpart_id: int | None
    trade_date: date
    # The row that reverses it, if it was queried.
    undone_by: int | None = None


def standing(*, account_ids: Collection[int] | None) -> "QuerySet[Transaction]":
    """Select the rows of some accounts (of all if None) that move lots and are not reversed."""
    rows = Transaction.objects.filter(
        type__in=BOOKED_TYPES, reverses__isnull=True, reversed_by__isnull=True
    )
    return rows if account_ids is None else rows.filter(account_id__in=account_ids)


def stored_events(
    *, accounts: Mapping[int, Account], asset_ids: Collection[int] | None
) -> list[Event]:
    """Return every event of some assets (of all if None) in these accounts; two queries."""
    rows = standing(account_ids=list(accounts))
    if asset_ids is not None:
        rows = rows.filter(asset_id__in=asset_ids)
    return _events([_stored_row(row) for row in rows.values_list(*_READ)], accounts)


def stored_rows_between(
    *,
    accounts: Mapping[int, Account],
    asset_ids: Collection[int],
    since: datetime,
    until: datetime | None,
    reversed_by: Collection[int],
) -> list[EventRow]:
    """Return the rows of some assets from `since` through `until` (to the last row if None).

    A row counts if it is not reversed, or was reversed only by a row in `reversed_by`.
    """
    rows = Transaction.objects.filter(
        Q(reversed_by__isnull=True) | Q(reversed_by__in=reversed_by),
        account_id__in=list(accounts),
        asset_id__in=asset_ids,
        type__in=BOOKED_TYPES,
        reverses__isnull=True,
        executed_at__gte=since,
    )
    if until is not None:
        rows = rows.filter(executed_at__lte=until)
    return [_stored_row(row) for row in rows.values_list(*_READ, "reversed_by__id")]


def _stored_row(values: tuple[Any, ...]) -> EventRow:
    lots, rates = values[_LOTS], values[_RATES]
    found = list(values)
    found[_LOTS] = () if lots == "[]" else json.loads(lots)
    found[_RATES] = {} if rates == "{}" else json.loads(rates)
    return EventRow(*found)


def events_of(
    rows: Sequence[EventRow], accounts: Mapping[int, Account], *, without: Collection[int] = ()
) -> list[Event]:
    """Return the events of stored rows; the lots they name are looked up in one or two queries.

    `without`: corrections that do not count, so a name means the row they correct.
    """
    return _events(rows, accounts, without)


def event_row(row: Transaction) -> EventRow:
    """Return what the book needs of a transaction just written."""
    return EventRow(*(getattr(row, name) for name in _COLUMNS))


def _events(
    rows: Sequence[EventRow], accounts: Mapping[int, Account], without: Collection[int] = ()
) -> list[Event]:
    named = _named_lots(rows, without)
    taken = {row.counterpart_id for row in rows if row.counterpart_id is not None}
    return [_event(row, accounts[row.account_id].currency, named, taken) for row in rows]


def _named_lots(rows: Sequence[EventRow], without: Collection[int]) -> dict[UUID, int]:
    """Return acquisitions by public id. A lot that is not held in the account matches nothing.

    The name of a corrected acquisition means its correction, which may be corrected again.
    """
    ids = {UUID(part["lot_id"]) for row in rows for part in row.lots}
    if not ids:
        return {}
    known = Transaction.objects.filter(public_id__in=ids)
    named = dict(known.values_list("public_id", "pk"))
    corrections = _corrections(named.values(), without)
    while moved := {name: corrections[pk] for name, pk in named.items() if pk in corrections}:
        named |= moved
        corrections = _corrections(moved.values(), without)
    return named


def _corrections(ids: Iterable[int], without: Collection[int]) -> dict[int, int]:
    """Return the correction of each transaction that has one."""
    rows = Transaction.objects.filter(corrects_id__in=list(ids)).exclude(pk__in=without)
    return {old: new for old, new in rows.values_list("corrects_id", "pk") if old is not None}


def _event(
    row: EventRow, currency: str, named: Mapping[UUID, int], taken: Collection[int]
) -> Event:
    assert row.asset_id is not None, "what moves lots has an asset"
    chosen = tuple(_chosen(part, named) for part in row.lots) if row.lots else ()
    ratio = None
    if row.ratio_new is not None and row.ratio_old is not None:
        ratio = Fraction(row.ratio_new) / Fraction(row.ratio_old)
    return Event(
        id=row.id,
        type=row.type,
        account=row.account_id,
        asset=row.asset_id,
        at=on_day(row.executed_at, row.trade_date),
        net=_net(row, currency),
        quantity=row.quantity,
        method=row.lot_method,
        chosen=chosen,
        rates=_rates(row.tax_rates) if row.tax_rates else _NO_RATES,
        order_id=row.order_id,
        new_asset=row.new_asset_id,
        ratio=ratio,
        basis_fraction=Fraction(row.basis_percentage) / 100 if row.basis_percentage else _NOTHING,
        unit_value=(
            WIDE.multiply(row.price, row.fx_rate)
            if KINDS[row.type].figures == "merger" and row.price is not None
            else None
        ),
        opened_date=row.opened_date,
        source=row.counterpart_id,
        internal=row.id in taken,
        stated=row.amount + row.fee,
    )


def _rates(stated: Mapping[str, str]) -> tuple[Decimal, Decimal]:
    return Decimal(stated.get("short", 0)), Decimal(stated.get("long", 0))


def _chosen(
    part: Mapping[str, Any], named: Mapping[UUID, int]
) -> tuple[int, Decimal] | tuple[int, Decimal, int]:
    # An unknown lot matches nothing.
    lot, quantity = named.get(UUID(part["lot_id"]), -1), Decimal(part["quantity"])
    return (lot, quantity, part["piece"]) if "piece" in part else (lot, quantity)


def _net(row: EventRow, currency: str) -> Decimal:
    """Return the cash received or paid, in whole minor units of the account's currency."""
    kind = KINDS[row.type]
    if kind.cash == "fee":
        fee = row.fee if kind.purchase else 0
        return converted(row.amount + fee, row.fx_rate, currency)
    return -row.cash_effect if kind.cash == "out" else row.cash_effect
