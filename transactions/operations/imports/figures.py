"""The figures that rows of a file have in the ledger: as they would be recorded, or as they are.

A file's figures are fitted to the currencies of account and asset (`settling`), and computed where
the file leaves them out, so they may differ from those in its cells.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, Sum

from core.errors import BallastError
from transactions.files.drafts import Names, decoded, entry_of
from transactions.files.reading.interface import Draft
from transactions.ledger.kinds import KINDS
from transactions.models import Import, ImportRow, ImportStatus, RowStatus, Transaction
from transactions.operations.drafts import Draft as Checked
from transactions.operations.drafts import checked
from transactions.operations.imports.settling import Stated, base_currency, settled
from transactions.queries.import_symbols import meanings


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row in the ledger. `cash_effect` is in the account's currency."""

    currency: str
    quantity: Decimal | None
    price: Decimal | None
    amount: Decimal
    fee: Decimal
    fx_rate: Decimal
    cash_effect: Decimal
    opened_date: date | None

    def differs_from(self, draft: Draft) -> bool:
        """Return whether the file states a figure that is recorded otherwise."""
        if (self.currency, self.fee, self.opened_date) != (
            draft.currency,
            draft.fee,
            draft.opened_date,
        ):
            return True
        stated = (
            (draft.quantity, self.quantity),
            (draft.price, self.price),
            (draft.amount, self.amount),
        )
        return any(said is not None and said != ours for said, ours in stated)


def recorded_figures(
    *, batch: Import, rows: Sequence[ImportRow], now: datetime
) -> dict[int, Figures]:
    """Return the figures of rows of one page by their numbers, if they are or will be recorded."""
    if batch.status == ImportStatus.PREVIEW:
        return _previewed(batch, rows, now)
    numbers = {row.public_id: row.number for row in rows}
    written = Transaction.objects.filter(public_id__in=numbers)
    return {numbers[row.public_id]: _of_row(row) for row in written}


def _previewed(batch: Import, rows: Sequence[ImportRow], now: datetime) -> dict[int, Figures]:
    wanted = [row for row in rows if row.draft and row.status == RowStatus.READY]
    if not wanted:
        return {}
    found = meanings(batch=batch)
    symbols = {key: one.symbol for key, one in found.items() if one.symbol is not None}
    assets = {one.symbol: one.asset for one in found.values() if one.symbol and one.asset}
    stated: dict[int, Stated] = {}
    for row in wanted:
        # Which lots are taken changes no figure.
        draft = replace(decoded(row.draft or ""), lots=(), lot_method=None)
        try:
            entry = entry_of(draft, public_id=row.public_id, names=Names(symbols))
        except BallastError:
            continue  # a split whose ratio follows from the units held
        stated[row.number] = Stated(draft, entry)
    fitted = settled(
        account=batch.account,
        rows=list(stated.values()),
        assets=assets,
        base=base_currency(batch=batch),
    )
    entries = {
        number: entry
        for number, entry in zip(stated, fitted, strict=True)
        if not isinstance(entry, BallastError)
    }
    outcomes = checked(
        account=batch.account, entries=list(entries.values()), assets=assets, now=now
    )
    return {
        number: _of_draft(outcome, back=bool(stated[number].draft.reverses))
        for number, outcome in zip(entries, outcomes, strict=True)
        if isinstance(outcome, Checked)
    }


def _of_draft(draft: Checked, *, back: bool) -> Figures:
    """Return the figures of a draft; `back`: of the reversal of a row like it."""
    figures = draft.amounts
    return Figures(
        currency=draft.entry.currency,
        quantity=figures.quantity,
        price=figures.price,
        amount=figures.amount,
        fee=figures.fee,
        fx_rate=draft.fx_rate,
        cash_effect=-figures.cash_effect if back else figures.cash_effect,
        opened_date=draft.entry.opened_date,
    )


def _of_row(row: Transaction) -> Figures:
    return Figures(
        currency=row.currency,
        quantity=row.quantity,
        price=row.price,
        amount=row.amount,
        fee=row.fee,
        fx_rate=row.fx_rate,
        cash_effect=row.cash_effect,
        opened_date=row.opened_date,
    )


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing a committed import takes back from its account.

    `units`: how many units of each security come back (negative: leave) by trades and transfers.
    `untouched`: transactions that were reversed or corrected since, and stay as they are.
    """

    transactions: Mapping[str, int]
    cash: Decimal
    units: Mapping[str, Decimal]
    untouched: int

    @property
    def total(self) -> int:
        return sum(self.transactions.values())


def undoing(*, batch: Import) -> Undoing:
    """Return what undoing a committed import would take back; two queries."""
    mine = Transaction.objects.filter(
        import_batch=batch, account=batch.account, reverses__isnull=True
    )
    rows = (
        mine.filter(reversed_by__isnull=True)
        .order_by()
        .values_list("type", "asset__symbol")
        .annotate(Count("id"), Sum("quantity"), Sum("cash_effect"))
    )
    counts: Counter[str] = Counter()
    units: dict[str, Decimal] = {}
    cash = Decimal(0)
    for kind, symbol, count, quantity, effect in rows:
        counts[kind] += count
        cash -= effect
        sign = KINDS[kind].sign
        if symbol and quantity and sign:
            units[symbol] = units.get(symbol, Decimal(0)) - sign * quantity
    moved = {symbol: units[symbol] for symbol in sorted(units) if units[symbol]}
    untouched = mine.filter(reversed_by__isnull=False).count()
    return Undoing(dict(counts.most_common()), cash, moved, untouched)
