"""Proof: everything derived is computed anew from the transactions alone and compared.

Per account: lots (quantity and basis by acquisition), disposals, holdings (the sum of open lots)
and cash (the sum of cash effects). Accounts are read in batches by id, each batch in one snapshot,
so the check runs beside a working system and can be resumed after any account.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.errors import BallastError
from edge.database import snapshot
from transactions.entries import TRADES
from transactions.lots import Booked, booked
from transactions.models import Account, Disposal, Holding, Lot, Transaction
from transactions.operations.booking import trades_of

BATCH = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that is not what the transactions say."""

    account_id: int
    what: str
    key: str
    stored: str
    computed: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a batch of accounts showed; `last_account_id` is where to go on."""

    last_account_id: int
    accounts: int
    transactions: int
    differences: tuple[Difference, ...]


def verified(*, after_account_id: int = 0, batch: int = BATCH) -> Iterator[Verified]:
    """Checks all accounts with a greater id, batch by batch."""
    while True:
        outcome = _verify_batch(after_account_id, batch)
        if outcome is None:
            return
        yield outcome
        after_account_id = outcome.last_account_id


def _verify_batch(after_account_id: int, batch: int) -> Verified | None:
    with snapshot():
        accounts = list(Account.objects.filter(pk__gt=after_account_id).order_by("pk")[:batch])
        if not accounts:
            return None
        ids = [account.pk for account in accounts]
        rows: dict[int, list[Transaction]] = defaultdict(list)
        for row in Transaction.objects.filter(account_id__in=ids).order_by("executed_at", "id"):
            rows[row.account_id].append(row)
        stored = _Stored(ids)
    differences: list[Difference] = []
    for account in accounts:
        differences.extend(_check(account, rows[account.pk], stored))
    return Verified(
        ids[-1], len(ids), sum(len(group) for group in rows.values()), tuple(differences)
    )


class _Stored:
    """The derived rows of a batch of accounts, by account and asset."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.lots: dict[tuple[int, int], dict[int, tuple[Decimal, Decimal]]] = defaultdict(dict)
        self.disposals: dict[tuple[int, int], list[tuple[object, ...]]] = defaultdict(list)
        self.holdings: dict[tuple[int, int], tuple[Decimal, Decimal]] = {}
        for account_id, asset_id, acquisition, quantity, basis in Lot.objects.filter(
            account_id__in=ids
        ).values_list("account_id", "asset_id", "transaction_id", "quantity", "cost_basis"):
            self.lots[account_id, asset_id][acquisition] = (quantity, basis)
        for account_id, asset_id, *values in Disposal.objects.filter(
            account_id__in=ids
        ).values_list(
            "account_id",
            "asset_id",
            "transaction_id",
            "lot_transaction_id",
            "quantity",
            "proceeds",
            "cost_basis",
            "long_term",
        ):
            self.disposals[account_id, asset_id].append(tuple(values))
        for account_id, asset_id, quantity, basis in Holding.objects.filter(
            account_id__in=ids
        ).values_list("account_id", "asset_id", "quantity", "cost_basis"):
            self.holdings[account_id, asset_id] = (quantity, basis)

    def assets(self, account_id: int) -> set[int]:
        keys = (*self.lots, *self.disposals, *self.holdings)
        return {asset_id for account, asset_id in keys if account == account_id}


def _check(account: Account, rows: Sequence[Transaction], stored: _Stored) -> Iterator[Difference]:
    cash = sum((row.cash_effect for row in rows), Decimal(0))
    if cash != account.cash:
        yield Difference(account.pk, "cash", "", str(account.cash), str(cash))
    reversed_ids = {row.reverses_id for row in rows if row.reverses_id}
    trades: dict[int, list[Transaction]] = defaultdict(list)
    for row in rows:
        if row.type in TRADES and row.reverses_id is None and row.pk not in reversed_ids:
            trades[row.asset_id or 0].append(row)
    for asset_id in sorted(set(trades) | stored.assets(account.pk)):
        try:
            outcome = booked(
                trades=trades_of(account, trades.get(asset_id, [])), currency=account.currency
            )
        except BallastError as fault:
            yield Difference(account.pk, "booking", str(asset_id), "", fault.detail)
            continue
        yield from _compare(account.pk, asset_id, outcome, stored)


def _compare(
    account_id: int, asset_id: int, outcome: Booked, stored: _Stored
) -> Iterator[Difference]:
    open_lots = {lot.acquisition_id: (lot.quantity, lot.cost_basis) for lot in outcome.lots}
    kept = stored.lots.get((account_id, asset_id), {})
    for acquisition in sorted(set(open_lots) | set(kept)):
        nothing = (Decimal(0), Decimal(0))
        have, want = kept.get(acquisition, nothing), open_lots.get(acquisition, nothing)
        if have != want:
            yield Difference(account_id, "lot", str(acquisition), str(have), str(want))
    want_rows = sorted(
        (
            closing.sale_id,
            closing.acquisition_id,
            closing.quantity,
            closing.proceeds,
            closing.cost_basis,
            closing.long_term,
        )
        for closing in outcome.closings
    )
    have_rows = sorted(stored.disposals.get((account_id, asset_id), []))
    if have_rows != want_rows:
        yield Difference(account_id, "disposals", str(asset_id), str(have_rows), str(want_rows))
    quantity = sum((lot.quantity for lot in outcome.lots), Decimal(0))
    basis = sum((lot.cost_basis for lot in outcome.lots), Decimal(0))
    have_holding = stored.holdings.get((account_id, asset_id), (Decimal(0), Decimal(0)))
    if have_holding != (quantity, basis):
        yield Difference(
            account_id, "holding", str(asset_id), str(have_holding), str((quantity, basis))
        )
