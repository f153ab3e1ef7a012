"""Plan the effect of a corporate action on a household: load and compute, write nothing.

Bookings and previews use the same plan. For a booking, the household must be locked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from core.errors import BallastError
from marketdata.corporate_actions import DAYS_APART_MAX, Terms
from marketdata.models import Asset, CorporateAction
from transactions.ledger.book import Book, Event
from transactions.ledger.entries import Entry
from transactions.ledger.fold import book_group, groups
from transactions.ledger.kinds import KINDS, rank
from transactions.ledger.security_events import (
    Told,
    Units,
    begins_at,
    booked_at,
    entries_of,
    reaches_losses,
    takes_part,
    told_by,
    told_types,
    turn_of,
    unheld_entry,
)
from transactions.ledger.units import scale_of
from transactions.ledger.wash_windows import WINDOW_DAYS
from transactions.models import Account, AppliedAction, LotMethod, Transaction
from transactions.operations.books.restoring import LEAVES
from transactions.operations.drafts import Draft, checked
from transactions.queries.books.emptying import empty_book
from transactions.queries.books.events import stored_events
from transactions.queries.households import (
    HouseholdBooks,
    Linked,
    crypto_assets,
    linked_assets,
)


@dataclass(frozen=True, slots=True)
class Applied:
    """The transactions that are the action; `told`: the account recorded them itself."""

    ids: tuple[int, ...]
    told: bool


@dataclass(frozen=True, slots=True)
class Part:
    """An account's part in an action.

    `drafts`: the transactions to book. `told`: the account's own transaction that records the
    action and is not linked yet. `applied`: the transactions already linked to the action.
    `refusal`: why it cannot be booked.
    """

    account: Account
    units: Units
    drafts: tuple[Draft, ...] = ()
    told: int | None = None
    applied: Applied | None = None
    refusal: BallastError | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """An action in a household: its accounts that take part, and the events of its securities."""

    action: CorporateAction
    terms: Terms
    household: HouseholdBooks
    linked: Linked
    past: Sequence[Event]
    parts: tuple[Part, ...]


# Units tendered in an exchange offer, by the public id of the account.
Tendered = Mapping[str, Decimal]


def planned(
    *,
    household: HouseholdBooks,
    action: CorporateAction,
    now: datetime,
    tendered: Tendered | None = None,
) -> Plan:
    """Return the effect of the action on each account of the household.

    An account is not booked again if the action is booked in it or if it recorded it itself.
    `tendered`: for an exchange offer; None: everything that was held. `now` may lie before the day
    of the action only for a preview.
    """
    terms = action.terms
    linked = linked_assets(households=[household])[household.id]
    assets = linked.with_all({action.asset_id, action.new_asset_id or action.asset_id})
    past = stored_events(accounts=household.accounts, asset_ids=assets)
    held, sold = _held(household, linked, past, action, terms)
    if terms.kind == "exchange_offer":
        held = {
            pk: replace(units, tendered=_tendered(household.accounts[pk], units, tendered))
            for pk, units in held.items()
        }
    told = _told(household, terms, action)
    applied = _applied(household, action)
    parts = [
        _part(row, held[pk], action, told.get(pk, ()), applied.get(pk), now)
        for pk, row in sorted(household.accounts.items())
    ]
    parts = [part for part in parts if part.drafts or part.told or part.applied or part.refusal]
    if not parts and sold and reaches_losses(terms):
        account = household.accounts[min(sold)]
        parts = [_drafted(account, Units(), [unheld_entry(terms)], action, now)]
    return Plan(action, terms, household, linked, past, tuple(parts))


def _tendered(account: Account, units: Units, tendered: Tendered | None) -> Fraction:
    if tendered is None:
        return units.at_booking
    return Fraction(Decimal(tendered.get(str(account.public_id), 0)))


def _part(
    account: Account,
    units: Units,
    action: CorporateAction,
    told: Sequence[Told],
    applied: Applied | None,
    now: datetime,
) -> Part:
    terms = action.terms
    if applied is not None:
        return Part(account, units, applied=applied)
    found = told_by(terms, told, units.at_ex_date)
    if found is not None:
        return Part(account, units, told=found.id)
    if not takes_part(terms, units):
        return Part(account, units)
    method = LotMethod.FIFO.value if account.lot_method == LotMethod.SPECIFIC else None
    return _drafted(account, units, entries_of(terms, units, lot_method=method), action, now)


def _drafted(
    account: Account,
    units: Units,
    entries: Sequence[Entry],
    action: CorporateAction,
    now: datetime,
) -> Part:
    assets: dict[str, Asset] = {
        asset.symbol: asset for asset in (action.asset, action.new_asset) if asset is not None
    }
    found = checked(account=account, entries=entries, assets=assets, now=now)
    made = tuple(one for one in found if isinstance(one, Draft))
    if len(made) == len(found):
        return Part(account, units, drafts=made)
    refusal = next(one for one in found if isinstance(one, BallastError))
    return Part(account, units, refusal=refusal)


def book_of(
    household: HouseholdBooks, linked: Linked, events: Sequence[Event], terms: Terms
) -> Book:
    """Return an empty book in which these events and the action can be booked exactly."""
    ratios = {event.ratio for event in events if event.ratio is not None}
    ratios |= {terms.ratio} if terms.ratio is not None else set()
    return empty_book(
        household,
        linked,
        scale=scale_of(ratios),
        crypto=crypto_assets(asset_ids={event.asset for event in events}),
        sold={event.at.date() for event in events if event.type in LEAVES},
    )


def units_in(book: Book, account: int, asset: int) -> Fraction:
    """Return the exact units that an account holds of an asset."""
    steps = sum(piece.quantity for piece in book.pieces.get((account, asset), ()))
    return Fraction(steps, book.scale.one)


def _held(
    household: HouseholdBooks,
    linked: Linked,
    past: Sequence[Event],
    action: CorporateAction,
    terms: Terms,
) -> tuple[dict[int, Units], set[int]]:
    """Return the units of each account, and the accounts whose recent sales may await shares."""
    book = book_of(household, linked, past, terms)
    begin, end = begins_at(terms), booked_at(terms)
    # Actions of one instant go by turn: a spin-off is for the shares that a split has left.
    waiting = sorted(groups(past), key=_turn)[::-1]
    _book_before(book, waiting, (begin, *turn_of(terms)))
    at_ex_date = {pk: units_in(book, pk, action.asset_id) for pk in household.accounts}
    since = begin.date() - timedelta(days=WINDOW_DAYS)
    sold = {
        closing.place[0]
        for closing in book.closings
        if closing.place[1] == action.asset_id
        and closing.closed_at.date() >= since
        and closing.loss
    }
    _book_before(book, waiting, (end, *turn_of(terms)))
    lots = _lots(book, household, action) if terms.kind == "merger" else {}
    held = {
        pk: Units(at_ex_date[pk], units_in(book, pk, action.asset_id), lots=lots.get(pk, ()))
        for pk in household.accounts
    }
    return held, sold


def _lots(
    book: Book, household: HouseholdBooks, action: CorporateAction
) -> dict[int, tuple[tuple[UUID, Fraction], ...]]:
    """Return the lots of the security, the oldest first, of accounts that hold its successor.

    Elsewhere the fraction of the successor can only be one of the shares received.
    """
    units: dict[int, dict[int, Fraction]] = {}
    for pk in household.accounts:
        if not units_in(book, pk, action.new_asset_id or 0):
            continue
        lots = units.setdefault(pk, {})
        for piece in book.pieces.get((pk, action.asset_id), ()):
            steps = Fraction(piece.quantity, book.scale.one)
            lots[piece.acquisition] = lots.get(piece.acquisition, Fraction(0)) + steps
    wanted = {acquisition for lots in units.values() for acquisition in lots}
    rows = Transaction.objects.filter(pk__in=wanted)
    names = dict(rows.values_list("pk", "public_id")) if wanted else {}
    return {
        pk: tuple((names[acquisition], held) for acquisition, held in lots.items())
        for pk, lots in units.items()
    }


_Turn = tuple[datetime, int, int]


def _turn(group: Sequence[Event]) -> _Turn:
    first = group[0]
    own = first.source is not None or first.internal
    return first.at, rank(type=first.type, own=own), KINDS[first.type].turn


def _book_before(book: Book, waiting: list[list[Event]], end: _Turn) -> None:
    """Book the groups before `end`, which leave `waiting`; the last of the list comes first."""
    while waiting and _turn(waiting[-1]) < end:
        book_group(book, waiting.pop())


def _told(
    household: HouseholdBooks, terms: Terms, action: CorporateAction
) -> dict[int, list[Told]]:
    """Return the transactions, by account, that may already record the action."""
    slack = timedelta(days=DAYS_APART_MAX)
    days = sorted({terms.ex_date, terms.booked_on})
    rows = Transaction.objects.filter(
        account_id__in=list(household.accounts),
        asset_id=action.asset_id,
        type__in=told_types(terms),
        trade_date__range=(days[0] - slack, days[-1] + slack),
        reverses__isnull=True,
        reversed_by__isnull=True,
    ).select_related("new_asset")
    found: dict[int, list[Told]] = {}
    for row in rows.order_by("id"):
        found.setdefault(row.account_id, []).append(told_of(row))
    return found


def told_of(row: Transaction) -> Told:
    """Return a transaction as the pure rules compare it with an action."""
    ratio = None
    if row.ratio_new is not None and row.ratio_old is not None:
        ratio = Fraction(row.ratio_new) / Fraction(row.ratio_old)
    new_symbol = row.new_asset.symbol if row.new_asset else None
    return Told(row.pk, row.type, row.trade_date, ratio, row.quantity, new_symbol)


def _applied(household: HouseholdBooks, action: CorporateAction) -> dict[int, Applied]:
    """Return what is applied, by account; a transaction that was corrected is its correction."""
    rows = list(
        AppliedAction.objects.filter(action=action, account_id__in=list(household.accounts))
        .order_by("part")
        .values_list("account_id", "transaction_id", "told")
    )
    latest = _corrections([transaction_id for _, transaction_id, _ in rows])
    found: dict[int, Applied] = {}
    for account_id, transaction_id, told in rows:
        before = found.get(account_id, Applied((), told=True))
        pk = latest.get(transaction_id, transaction_id)
        found[account_id] = Applied(
            (*before.ids, pk), told=before.told and (told or pk != transaction_id)
        )
    return found


def _corrections(ids: Sequence[int]) -> dict[int, int]:
    """Return the last correction of each transaction that was corrected."""
    latest = dict[int, int]()
    asked = {pk: pk for pk in ids}
    while asked:
        rows = Transaction.objects.filter(corrects_id__in=list(asked))
        asked = {
            pk: asked[corrected]
            for pk, corrected in rows.values_list("pk", "corrects_id")
            if corrected is not None
        }
        latest |= {first: pk for pk, first in asked.items()}
    return latest
