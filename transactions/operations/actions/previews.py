"""Show a corporate action before and after, account by account, by the code that books it.

The plan, the drafts, the rows and the book are those of a booking; only the writing is left out. An
account whose part is booked or told already is shown around the transactions that it has. No lock
is taken, so call it in a snapshot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from core.errors import BallastError
from identity.models import User
from marketdata.models import CorporateAction
from transactions.ledger.book import Book, Event
from transactions.ledger.fold import book_group, groups
from transactions.ledger.lots import Closing
from transactions.ledger.security_events import booked_at
from transactions.ledger.units import amount
from transactions.models import Account, Transaction
from transactions.operations.actions.planning import Part, Plan, Tendered, book_of, planned
from transactions.operations.books.households import unlocked_household
from transactions.operations.drafts import stored_row
from transactions.queries.books.events import event_row, events_of

# No stored transaction will ever have these ids.
_IMAGINED = 2**62


@dataclass(frozen=True, slots=True)
class HeldLot:
    """One piece of a lot at one moment."""

    lot_id: UUID
    symbol: str
    opened_date: date
    holding_period_date: date
    quantity: Decimal
    cost_basis: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """An account's units and basis of the security and of its successor, and its cash."""

    quantity: Decimal
    cost_basis: Decimal
    new_quantity: Decimal
    new_cost_basis: Decimal
    cash: Decimal
    lots: tuple[HeldLot, ...]


@dataclass(frozen=True, slots=True)
class PreviewedGain:
    """The gain of the action with one holding period."""

    long_term: bool
    proceeds: Decimal
    cost_basis: Decimal

    @property
    def gain(self) -> Decimal:
        return self.proceeds - self.cost_basis


@dataclass(frozen=True, slots=True)
class PreviewedPart:
    """An account before and after the action.

    `outcome`: `to_book`, `booked`, `told` or `reversed`; `refused`, with the reason, if it cannot
    be booked. `before` and `after` are None for what was reversed or refused.
    """

    account: Account
    outcome: str
    before: Position | None
    after: Position | None
    gains: tuple[PreviewedGain, ...]
    refusal: str = ""


@dataclass(slots=True)
class _Watched:
    """A part whose events are watched for in the book."""

    part: Part
    ids: set[int]
    cash: Decimal
    outcome: str
    before: Position | None = None
    after: Position | None = None
    gains: tuple[PreviewedGain, ...] = ()
    seen: set[int] = field(default_factory=set)


def previewed(
    *,
    action: CorporateAction,
    household_id: int,
    now: datetime,
    tendered: Tendered | None = None,
) -> tuple[list[PreviewedPart], str]:
    """Return each account before and after the action, and the ledger's refusal of it, if any.

    `tendered`: for an exchange offer; None: everything that was held.
    """
    household = unlocked_household(household_id=household_id)
    late = max(now, booked_at(action.terms))
    plan = planned(household=household, action=action, now=late, tendered=tendered)
    watched, new = _watched(plan, now)
    refusal = _book(plan, watched, new)
    return [_outcome(one, refusal) for one in watched], refusal


def _watched(plan: Plan, now: datetime) -> tuple[list[_Watched], list[Event]]:
    """Return the parts with the ids of their events, and the events that are not stored."""
    known = [pk for part in plan.parts for pk in _ids(part)]
    stored = {row.pk: row for row in _standing(known)}
    watched: list[_Watched] = []
    imagined: list[Transaction] = []
    nobody = User()  # these rows are never written
    for part in plan.parts:
        rows = []
        for draft in part.drafts:
            row = stored_row(draft=draft, user=nobody, now=now, import_batch=None)
            row.pk = _IMAGINED + len(imagined)
            imagined.append(row)
            rows.append(row)
        found = rows or [stored[pk] for pk in _ids(part) if pk in stored]
        cash = sum((row.cash_effect for row in found), Decimal(0))
        watched.append(_Watched(part, {row.pk for row in found}, cash, _state(part, bool(found))))
    new = events_of([event_row(row) for row in imagined], plan.household.accounts)
    return watched, new


def _ids(part: Part) -> tuple[int, ...]:
    """Return the stored transactions that are the action in the account."""
    if part.told is not None:
        return (part.told,)
    return part.applied.ids if part.applied is not None else ()


def _standing(ids: Sequence[int]) -> list[Transaction]:
    return list(Transaction.objects.filter(pk__in=ids, reversed_by__isnull=True))


def _state(part: Part, found: bool) -> str:
    if part.refusal is not None:
        return "refused"
    if part.drafts:
        return "to_book"
    if not found:
        return "reversed"
    is_told = part.told is not None or (part.applied is not None and part.applied.told)
    return "told" if is_told else "booked"


def _book(plan: Plan, watched: Sequence[_Watched], new: Sequence[Event]) -> str:
    """Book everything, looking at each part around its events; return the refusal, if any."""
    book = book_of(plan.household, plan.linked, [*plan.past, *new], plan.terms)
    names = dict(
        Transaction.objects.filter(pk__in={event.id for event in plan.past}).values_list(
            "pk", "public_id"
        )
    )
    try:
        for group in groups([*plan.past, *new]):
            ids = {event.id for event in group if not event.elsewhere}
            mine = [one for one in watched if one.ids & ids]
            for one in mine:
                if one.before is None:
                    one.before = _position(plan, one, book, names, booked=False)
            book_group(book, group)
            for one in mine:
                one.seen |= one.ids & ids
                if one.seen == one.ids:
                    one.after = _position(plan, one, book, names, booked=True)
                    one.gains = _gains(one, book)
    except BallastError as fault:
        return fault.detail
    return ""


def _position(
    plan: Plan, one: _Watched, book: Book, names: Mapping[int, UUID], *, booked: bool
) -> Position:
    account = one.part.account
    action = plan.action
    # What is booked already is in the account's cash.
    without = account.cash - (Decimal(0) if one.outcome == "to_book" else one.cash)
    cash = without + (one.cash if booked else Decimal(0))
    lots: list[HeldLot] = []
    sums: list[tuple[Decimal, Decimal]] = []
    for asset in (action.asset, action.new_asset):
        pieces = book.pieces.get((account.pk, asset.pk), []) if asset is not None else []
        quantities = book.scale.quantities([piece.quantity for piece in pieces])
        bases = [amount(piece.basis, account.currency) for piece in pieces]
        sums.append((sum(quantities, Decimal(0)), sum(bases, Decimal(0))))
        assert asset is not None or not pieces, "what is held is an asset"
        for piece, quantity, basis in zip(pieces, quantities, bases, strict=True):
            if piece.quantity and asset is not None:
                lots.append(
                    HeldLot(
                        names[piece.acquisition],
                        asset.symbol,
                        piece.opened_at.date(),
                        piece.held_since,
                        quantity,
                        basis,
                    )
                )
    (quantity, basis), (new_quantity, new_basis) = sums
    return Position(quantity, basis, new_quantity, new_basis, cash, tuple(lots))


def _gains(one: _Watched, book: Book) -> tuple[PreviewedGain, ...]:
    currency = one.part.account.currency
    found: dict[bool, list[Closing]] = {}
    for closing in book.closings:
        if closing.sale in one.ids:
            found.setdefault(closing.long_term, []).append(closing)
    return tuple(
        PreviewedGain(
            long_term,
            amount(sum(closing.proceeds for closing in closings), currency),
            amount(sum(closing.basis for closing in closings), currency),
        )
        for long_term, closings in sorted(found.items())
    )


def _outcome(one: _Watched, refusal: str) -> PreviewedPart:
    part = one.part
    why = part.refusal.detail if part.refusal is not None else ""
    if one.outcome == "to_book" and refusal:
        return PreviewedPart(part.account, "refused", one.before, one.after, one.gains, refusal)
    return PreviewedPart(part.account, one.outcome, one.before, one.after, one.gains, why)
