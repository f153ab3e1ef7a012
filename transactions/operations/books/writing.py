"""Write the difference between the stored derived rows and those of a book.

A few rows are written by one INSERT of arrays, which also updates the rows that change. Many new
rows are written by COPY, and many changed ones by one UPDATE, which checks no foreign key again.
None of them builds an object of a model.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Model

from stores.rows import delete_rows, execute, insert_rows, update_rows
from transactions.ledger.lots import Place
from transactions.models import Disposal, Lot, WashSale
from transactions.operations.books.derived import (
    DISPOSAL_FIELDS,
    LOT_FIELDS,
    WASH_FIELDS,
    Derived,
    Stored,
    WashValues,
)

# Up to this number of changed rows, the statement that inserts new rows updates them as well.
_UPSERTS_MAX = 40


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of derived rows: its natural key, and the columns that a booking decides."""

    model: type[Model]
    key: tuple[str, ...]
    values: tuple[str, ...]
    # The account of a row.
    account: Callable[[Any, Any], int]


_LOTS = _Table(
    Lot,
    ("transaction_id", "account_id", "asset_id", "piece"),
    LOT_FIELDS,
    lambda key, values: int(key[1]),
)
_DISPOSALS = _Table(
    Disposal, ("transaction_id", "part"), DISPOSAL_FIELDS, lambda key, values: values.account_id
)


@dataclass(frozen=True, slots=True)
class Rebooked:
    """Derived rows as stored and as they should be. `absolute`: see `write_holdings`."""

    stored: Stored
    derived: Derived
    absolute: bool


def write(rebooked: Rebooked) -> set[int]:
    """Write the difference and the holdings; return the accounts that changed."""
    before, after = rebooked.stored, rebooked.derived
    changed = write_difference(stored=before, derived=after)
    write_holdings(before=before, after=after, absolute=rebooked.absolute)
    return changed


def write_new(rebooked: Rebooked, *, new_ids: Collection[int]) -> tuple[Derived, set[int]]:
    """Write the rows that no other transaction of the database can write too.

    These are lots and disposals of the new transactions `new_ids`, and their wash sales. Nobody
    sees them or waits for them before the commit. Return them, and the accounts they change.
    """
    stored, derived = rebooked.stored, rebooked.derived
    early = Derived(
        {key: row for key, row in derived.lots.items() if key[0] in new_ids},
        {key: row for key, row in derived.disposals.items() if key[0] in new_ids},
        [
            row
            for row in derived.wash_sales
            if row.sale_id in new_ids or row.replacement_id in new_ids
        ],
    )
    assert not stored.lots.keys() & early.lots.keys(), "a new transaction has no stored rows yet"
    return early, write_difference(stored=Stored(), derived=early)


def write_rest(rebooked: Rebooked, early: Derived) -> set[int]:
    """Write what `write_new` has left, and the holdings; return the accounts that changed."""
    before, after = rebooked.stored, rebooked.derived
    known = Stored()
    known.add(before)
    known.lots |= early.lots
    known.disposals |= early.disposals
    known.wash_sales += early.wash_sales
    known.wash_sale_ids += [0] * len(early.wash_sales)
    changed = write_difference(stored=known, derived=after)
    write_holdings(before=before, after=after, absolute=rebooked.absolute)
    return changed


def write_difference(*, stored: Stored, derived: Derived) -> set[int]:
    """Make the stored rows equal the derived ones; return the accounts that changed."""
    touched = _write(_LOTS, stored.lots, derived.lots, stored.lot_ids)
    touched |= _write(_DISPOSALS, stored.disposals, derived.disposals, stored.disposal_ids)
    return touched | _write_wash_sales(stored, derived)


def _write(
    table: _Table,
    have: Mapping[Any, tuple[Any, ...]],
    want: Mapping[Any, tuple[Any, ...]],
    ids: Mapping[Any, int],
) -> set[int]:
    gone = [key for key in have if key not in want]
    changed = [key for key in have if key in want and have[key] != want[key]]
    new = [key for key in want if key not in have]
    touched = {table.account(key, have[key]) for key in (*gone, *changed)}
    touched |= {table.account(key, want[key]) for key in new}
    if gone:
        delete_rows(model=table.model, ids=[ids[key] for key in gone])
    if len(changed) > _UPSERTS_MAX:
        update_rows(
            model=table.model,
            ids=[ids[key] for key in changed],
            columns=table.values,
            rows=[want[key] for key in changed],
        )
        changed = []
    insert_rows(
        model=table.model,
        columns=(*table.key, *table.values),
        rows=[(*key, *want[key]) for key in (*changed, *new)],
        unique=table.key if changed else (),
    )
    return touched


def _write_wash_sales(stored: Stored, derived: Derived) -> set[int]:
    have: dict[WashValues, list[int]] = {}
    for pk, values in zip(stored.wash_sale_ids, stored.wash_sales, strict=True):
        have.setdefault(values, []).append(pk)
    new = []
    for values in derived.wash_sales:
        if have.get(values):
            have[values].pop()
        else:
            new.append(values)
    gone = {pk: values for values, pks in have.items() for pk in pks}
    if gone:
        delete_rows(model=WashSale, ids=list(gone))
    insert_rows(model=WashSale, columns=WASH_FIELDS, rows=new)
    touched = (*new, *gone.values())
    return {row.loss_account_id for row in touched} | {
        row.replacement_account_id for row in touched
    }


# The household's accounts are locked, so the holdings that are read are those that are written.
_HOLDINGS = """
WITH stated (account_id, asset_id, quantity, cost_basis) AS (
    SELECT * FROM unnest(%(accounts)s::bigint[], %(assets)s::bigint[],
                         %(quantities)s::numeric[], %(bases)s::numeric[])
), now AS (
    SELECT stated.account_id, stated.asset_id,
           stated.quantity + CASE WHEN %(absolute)s THEN 0 ELSE coalesce(held.quantity, 0) END
               AS quantity,
           stated.cost_basis + CASE WHEN %(absolute)s THEN 0 ELSE coalesce(held.cost_basis, 0) END
               AS cost_basis
      FROM stated LEFT JOIN transactions_holding held USING (account_id, asset_id)
), gone AS (
    DELETE FROM transactions_holding held USING now
     WHERE held.account_id = now.account_id AND held.asset_id = now.asset_id AND now.quantity = 0
)
INSERT INTO transactions_holding AS held (account_id, asset_id, quantity, cost_basis)
SELECT account_id, asset_id, quantity, cost_basis FROM now WHERE quantity <> 0
    ON CONFLICT (account_id, asset_id) DO UPDATE
   SET quantity = excluded.quantity, cost_basis = excluded.cost_basis
 WHERE (held.quantity, held.cost_basis) IS DISTINCT FROM (excluded.quantity, excluded.cost_basis)
"""


def write_holdings(*, before: Derived, after: Derived, absolute: bool) -> None:
    """Write holdings as the sums of their open lots, in one statement.

    `absolute`: the rows are all lots of these holdings. Otherwise they are a part of them, and
    the holdings change by the difference in this part.
    """
    zero = (Decimal(0), Decimal(0))
    had, has = _sums(before), _sums(after)
    places = sorted(
        place for place in {*had, *has} if absolute or had.get(place, zero) != has.get(place, zero)
    )
    if not places:
        return
    now = [has.get(place, zero) for place in places]
    then = [zero if absolute else had.get(place, zero) for place in places]
    execute(
        _HOLDINGS,
        {
            "accounts": [account for account, _ in places],
            "assets": [asset for _, asset in places],
            "quantities": [one[0] - other[0] for one, other in zip(now, then, strict=True)],
            "bases": [one[1] - other[1] for one, other in zip(now, then, strict=True)],
            "absolute": absolute,
        },
    )


def _sums(derived: Derived) -> dict[Place, tuple[Decimal, Decimal]]:
    sums: dict[Place, tuple[Decimal, Decimal]] = {}
    for (_, account, asset, _), values in derived.lots.items():
        quantity, basis = sums.get((account, asset), (Decimal(0), Decimal(0)))
        sums[account, asset] = (quantity + values.quantity, basis + values.cost_basis)
    return sums
