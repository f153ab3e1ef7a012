"""The history of a lot's figures, from a read-only replay of its household's book."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from core.errors import NotFound
from transactions.ledger.tracing import changes
from transactions.ledger.units import amount, scale_of
from transactions.models import Account, Lot, Transaction
from transactions.queries.books.emptying import empty_book
from transactions.queries.books.events import stored_events
from transactions.queries.households import crypto_assets, household_of, linked_assets


@dataclass(frozen=True, slots=True)
class LotChange:
    """The effect of one transaction on a lot in one account; see `transactions.ledger.tracing`."""

    transaction_id: int
    account_id: int
    asset_id: int
    quantity: Decimal
    basis: Decimal
    washed: Decimal
    closed_quantity: Decimal
    closed_basis: Decimal
    quantity_after: Decimal
    basis_after: Decimal


def acquisition(*, account: Account, lot_id: UUID) -> Transaction:
    """Return the acquisition of a lot; raise NotFound if the account never held any of it."""
    lot = (
        Lot.objects.filter(account=account, transaction__public_id=lot_id)
        .select_related("transaction__asset", "transaction__account")
        .order_by("id")
        .first()
    )
    if lot is None:
        raise NotFound("No such lot.", code="lot_not_found")
    return lot.transaction


def lot_changes(*, acquired: Transaction, accounts: dict[int, Account]) -> list[LotChange]:
    """Return every change of a lot in order of time. `accounts`: all those of its household."""
    household = household_of(household_id=acquired.account.household_id, accounts=accounts)
    linked = linked_assets(households=[household])[household.id]
    assert acquired.asset_id is not None, "an acquisition has an asset"
    assets = linked.with_all([acquired.asset_id])
    events = stored_events(accounts=accounts, asset_ids=assets)
    book = empty_book(
        household,
        linked,
        scale=scale_of({event.ratio for event in events if event.ratio is not None}),
        crypto=crypto_assets(asset_ids=assets),
        sold={event.at.date() for event in events},
    )
    found = changes(book=book, events=events, acquisition=acquired.pk)

    def units(steps: int) -> Decimal:
        return book.scale.quantities([abs(steps)])[0].copy_sign(Decimal(steps))

    return [
        LotChange(
            transaction_id=change.event,
            account_id=change.place[0],
            asset_id=change.place[1],
            quantity=units(change.quantity),
            basis=amount(change.basis, book.currencies[change.place[0]]),
            washed=amount(change.washed, book.currencies[change.place[0]]),
            closed_quantity=units(change.closed_quantity),
            closed_basis=amount(change.closed_basis, book.currencies[change.place[0]]),
            quantity_after=units(change.quantity_after),
            basis_after=amount(change.basis_after, book.currencies[change.place[0]]),
        )
        for change in found
    ]
