"""Read the ledger as drafts and write them to a file."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.dates import on_day
from core.money import quantize
from identity.models import User
from transactions.files.reading.interface import NO_SECURITY, Draft, LotReference, Security
from transactions.files.writing import WrittenFormat
from transactions.models import Account, Transaction
from transactions.queries.ledger import account, accounts

_ROWS_AT_ONCE = 2_000


def export(
    *,
    user: User,
    account_id: UUID | None,
    format: WrittenFormat,  # noqa: A002 - the API's word
    write: Callable[[str], object],
) -> int:
    """Write the accounts a user may see, or one of them, line by line; call it in a snapshot.

    Returns the number of transactions left out because the format cannot express them.
    """
    if account_id is None:
        listed = list(accounts(user=user, archived=None))
    else:
        listed = [account(user=user, public_id=account_id)]
    omitted = 0

    def held() -> Iterator[Draft]:
        nonlocal omitted
        for draft in drafts(listed=listed, standing=format.kinds is not None):
            if format.kinds is None or draft.type in format.kinds:
                yield draft
            else:
                omitted += 1

    for text in format.write(held()):
        write(text)
    return omitted


def account_names(*, rows: Iterable[Account]) -> dict[int, str]:
    """Return a unique name for each account."""
    listed = list(rows)
    counted = Counter(row.name for row in listed)
    return {
        row.pk: row.name if counted[row.name] == 1 else f"{row.name} ({row.public_id})"
        for row in listed
    }


def drafts(*, listed: Sequence[Account], standing: bool) -> Iterator[Draft]:
    """Yield every transaction by account and time.

    `standing`: leave out reversals and the transactions they reverse. Consume the result inside
    one snapshot.
    """
    names = account_names(rows=listed)
    by_id = {one.pk: one for one in listed}
    rows = Transaction.objects.filter(account_id__in=list(by_id)).select_related(
        "asset", "new_asset", "reverses", "counterpart", "taken_by"
    )
    if standing:
        rows = rows.filter(reverses__isnull=True, reversed_by__isnull=True)
    for row in rows.order_by("account_id", "executed_at", "id").iterator(_ROWS_AT_ONCE):
        yield _draft(row, by_id[row.account_id], names)


def _draft(row: Transaction, one: Account, names: Mapping[int, str]) -> Draft:
    lots = tuple(
        LotReference(lot["lot_id"], Decimal(lot["quantity"]), lot.get("piece")) for lot in row.lots
    )
    method = row.lot_method if row.kind.chooses_lots and not lots else None
    taken_by: Transaction | None = getattr(row, "taken_by", None)
    price, amount = _money(row)
    return Draft(
        type=row.type,
        executed_at=on_day(row.executed_at, row.trade_date),
        currency=row.currency,
        account=names[one.pk],
        security=_security(row.asset),
        quantity=row.quantity,
        price=price,
        amount=amount,
        fee=row.fee,
        fx_rate=row.fx_rate if row.currency != one.currency else None,
        lot_method=method or None,
        lots=lots,
        new_security=_security(row.new_asset),
        ratio=row.ratio or "",
        basis_percentage=row.basis_percentage,
        opened_date=row.opened_date,
        id=str(row.public_id),
        counterpart=str(row.counterpart.public_id) if row.counterpart else "",
        to_account=names.get(taken_by.account_id, "") if taken_by else "",
        reverses=str(row.reverses.public_id) if row.reverses else "",
        order_id=row.order_id,
        external_id=row.external_id,
        tax_rates=row.tax_rates,
        note=row.note,
    )


def _money(row: Transaction) -> tuple[Decimal | None, Decimal | None]:
    """Return price and amount: of a trade the price if it gives the amount, else the amount."""
    if row.kind.figures == "trade" and row.price is not None and row.quantity is not None:
        exact = quantize(row.quantity * row.price, row.currency) == row.amount
        return (row.price, None) if exact else (None, row.amount)
    price = row.price if row.kind.figures == "merger" else None
    return price, row.amount or None


def _security(asset: Any) -> Security:
    if asset is None:
        return NO_SECURITY
    return Security(symbol=asset.symbol, isin=asset.isin, name=asset.name)
