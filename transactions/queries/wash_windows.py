"""Wash windows of many households for their next trades, in a constant number of queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from django.db.models import F, QuerySet

from core.dates import on_day
from stores.rows import rows_of
from transactions.ledger.book import purchase_key
from transactions.ledger.lots import Closing, Piece
from transactions.ledger.open_wash_windows import WashWindows, windows_of
from transactions.ledger.units import Scale, cents
from transactions.ledger.wash_sales import WashSales
from transactions.ledger.wash_windows import window_start
from transactions.models import Account, Disposal, Lot
from transactions.queries.households import (
    HouseholdBooks,
    Linked,
    crypto_assets,
    households_of,
    linked_assets,
)

_SCALE = Scale()
_PIECE_FIELDS = (
    "account_id", "asset_id", "transaction_id", "opened_at", "opened_date",
    "holding_period_date", "quantity", "cost_basis", "wash_sale_adjustment", "replaces_loss",
    "purchase",
    "transaction__account_id", "transaction__asset_id", "transaction__order_id",
    "transaction__quantity", "transaction__amount", "transaction__fee", "transaction__public_id",
    "piece",
)  # fmt: skip
_LOSS_FIELDS = (
    "account_id", "asset_id", "transaction_id", "part", "lot_transaction_id", "opened_at",
    "opened_date", "holding_period_date", "closed_at", "closed_date", "quantity", "proceeds",
    "cost_basis", "wash_sale_adjustment", "matched_quantity", "deferred_loss", "permanent_quantity",
    "permanent_loss", "lot_transaction__account_id", "lot_transaction__asset_id",
    "lot_transaction__order_id",
)  # fmt: skip


_UNSETTLED = """
SELECT household_id FROM transactions_washsalepolicy
 WHERE household_id = ANY(%(ids)s::bigint[])
UNION
SELECT account.household_id
  FROM transactions_account account
 WHERE account.household_id = ANY(%(ids)s::bigint[])
   AND (EXISTS (SELECT FROM transactions_lot
                 WHERE account_id = account.id AND quantity > 0 AND purchase
                   AND NOT replaces_loss AND opened_date >= %(since)s)
        OR EXISTS (SELECT FROM transactions_disposal
                    WHERE account_id = account.id AND closed_date >= %(since)s
                      AND proceeds < cost_basis AND matched_quantity < quantity))
"""


def wash_windows(*, household_ids: Collection[int], as_of: date) -> dict[int, WashWindows]:
    """Return wash windows by household id, for a trade on the day `as_of`; seven queries.

    The lots are the present ones, so `as_of` must be today or later.
    """
    rows = Account.objects.filter(household_id__in=list(household_ids)).order_by("id")
    accounts = {row.pk: row for row in rows}
    by_household: dict[int, dict[int, Account]] = {pk: {} for pk in household_ids}
    for pk, row in accounts.items():
        by_household[row.household_id][pk] = row
    households = households_of(accounts=by_household)
    linked = linked_assets(households=list(households.values()))
    since = window_start(as_of)
    losses = _waiting_losses(accounts, since)
    purchases = _recent_purchases(accounts, since)
    crypto = crypto_assets(
        asset_ids={row.place[1] for row in losses} | {row.place[1] for row in purchases}
    )
    losses_of, purchases_of = _by_household(losses, accounts), _by_household(purchases, accounts)
    found = {}
    for pk, household in households.items():
        own_losses, own_purchases = losses_of.get(pk, []), purchases_of.get(pk, [])
        # Only its own: a household reads the same alone and among others.
        met = {row.place[1] for row in own_losses} | {row.place[1] for row in own_purchases}
        rules = _rules(household, linked[pk], crypto & met)
        windows = windows_of(losses=own_losses, purchases=own_purchases, rules=rules)
        found[pk] = WashWindows(pk, as_of, rules, windows)
    return found


def unsettled(*, household_ids: Collection[int], as_of: date) -> set[int]:
    """Return the households with a wash window, or with a policy of their own; one query.

    Nothing that another one of them holds is blocked, and no loss of it would be washed.
    """
    values = {"ids": list(household_ids), "since": window_start(as_of)}
    return {pk for (pk,) in rows_of(_UNSETTLED, values)}


def _rules(household: HouseholdBooks, linked: Linked, crypto: frozenset[int]) -> WashSales:
    return WashSales(
        policy=household.policy,
        groups=linked.groups,
        exempt=crypto if household.crypto_exempt else frozenset(),
        taxable=household.taxable,
        ignored=household.ignored,
        convert=_never,
    )


def _never(minor: int, from_account: int, to_account: int, day: date) -> int:
    raise AssertionError("a window moves no loss")


_Row = TypeVar("_Row", Closing, Piece)


def _by_household(rows: Sequence[_Row], accounts: Mapping[int, Account]) -> dict[int, list[_Row]]:
    found: dict[int, list[_Row]] = {}
    for row in rows:
        found.setdefault(accounts[row.place[0]].household_id, []).append(row)
    return found


def _waiting_losses(accounts: Mapping[int, Account], since: date) -> list[Closing]:
    """Return the losses since that day that are not replaced in full."""
    rows = Disposal.objects.filter(
        account_id__in=list(accounts),
        closed_date__gte=since,
        proceeds__lt=F("cost_basis"),
        matched_quantity__lt=F("quantity"),
    )
    found = []
    for row in rows.values(*_LOSS_FIELDS):
        currency = accounts[row["account_id"]].currency
        found.append(
            Closing(
                sale=row["transaction_id"],
                part=row["part"],
                place=(row["account_id"], row["asset_id"]),
                acquisition=row["lot_transaction_id"],
                purchase_key=purchase_key(
                    account=row["lot_transaction__account_id"],
                    asset=row["lot_transaction__asset_id"],
                    at=row["opened_at"],
                    order_id=row["lot_transaction__order_id"],
                ),
                opened_at=on_day(row["opened_at"], row["opened_date"]),
                held_since=row["holding_period_date"],
                closed_at=on_day(row["closed_at"], row["closed_date"]),
                quantity=_SCALE.steps(row["quantity"]),
                proceeds=cents(row["proceeds"], currency),
                basis=cents(row["cost_basis"], currency),
                adjustment=cents(row["wash_sale_adjustment"], currency),
                matched=_SCALE.steps(row["matched_quantity"]),
                deferred=cents(row["deferred_loss"], currency),
                permanent_quantity=_SCALE.steps(row["permanent_quantity"]),
                permanent=cents(row["permanent_loss"], currency),
            )
        )
    return found


def _recent_purchases(accounts: Mapping[int, Account], since: date) -> list[Piece]:
    """Return pieces bought since that day, still held, and not yet matched with a loss."""
    rows = Lot.objects.filter(
        account_id__in=list(accounts),
        opened_date__gte=since,
        quantity__gt=0,
        purchase=True,
        replaces_loss=False,
    )
    return [row.piece for row in _held(rows, accounts)]


@dataclass(frozen=True, slots=True)
class HeldPiece:
    """A stored open piece of a lot: its public id and number, and its form in the book."""

    lot_id: UUID
    number: int
    quantity: Decimal
    cost_basis: Decimal
    piece: Piece


def open_pieces(*, accounts: Mapping[int, Account]) -> list[HeldPiece]:
    """Return the open pieces of accounts, in the order in which each account keeps them."""
    return _held(Lot.objects.filter(account_id__in=list(accounts), quantity__gt=0), accounts)


def _held(rows: "QuerySet[Lot]", accounts: Mapping[int, Account]) -> list[HeldPiece]:
    found = []
    for row in rows.order_by("account_id", "asset_id", "piece").values(*_PIECE_FIELDS):
        currency = accounts[row["account_id"]].currency
        piece = Piece(
            acquisition=row["transaction_id"],
            purchase_key=purchase_key(
                account=row["transaction__account_id"],
                asset=row["transaction__asset_id"],
                at=row["opened_at"],
                order_id=row["transaction__order_id"],
            ),
            opened_at=on_day(row["opened_at"], row["opened_date"]),
            held_since=row["holding_period_date"],
            quantity=_SCALE.steps(row["quantity"]),
            basis=cents(row["cost_basis"], currency),
            place=(row["account_id"], row["asset_id"]),
            adjustment=cents(row["wash_sale_adjustment"], currency),
            replaces_loss=row["replaces_loss"],
            purchase=row["purchase"],
            stated=(
                row["transaction__quantity"] or Decimal(0),
                row["transaction__amount"] + row["transaction__fee"],
            ),
        )
        found.append(
            HeldPiece(
                row["transaction__public_id"],
                row["piece"],
                row["quantity"],
                row["cost_basis"],
                piece,
            )
        )
    # The sort is stable: equal pieces keep the order of their numbers.
    return sorted(found, key=lambda row: (row.piece.place, row.piece.age))
