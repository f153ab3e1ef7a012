"""Preview sales with the same booking that would record them; write nothing.

A previewed entry passes the same checks and becomes the same row as a recorded one. The same book
applies it to the stored lots, or rebooks from the first transaction on if recording would. Only
the writing is left out. No lock is taken, so call it in a snapshot.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.errors import BallastError
from identity.models import User
from transactions.ledger.book import Book, Event
from transactions.ledger.entries import Entry
from transactions.ledger.fold import booked
from transactions.ledger.lots import Closing
from transactions.ledger.units import Scale, amount, scale_of
from transactions.ledger.wash_windows import window_start
from transactions.models import Account, Disposal, Transaction, WashSale
from transactions.operations.books.booking import ways_of
from transactions.operations.books.derived import disposal_row, wash_row
from transactions.operations.books.restoring import Stage, open_stage
from transactions.operations.drafts import drafts, stored_row
from transactions.operations.named_pieces import ensure_pieces_held
from transactions.queries.books.emptying import empty_book
from transactions.queries.books.events import event_row, events_of, stored_events
from transactions.queries.households import (
    HouseholdBooks,
    Linked,
    crypto_assets,
    household_of,
    linked_assets,
)

# No stored transaction will ever have these ids.
_IMAGINED = 2**62


@dataclass(frozen=True, slots=True)
class PreviewedSale:
    """The outcome of one way of selling; its rows are not stored.

    `sums`: proceeds, cost basis and disallowed loss of the short (False) and long (True) parts.
    `disposals` and `wash_sales` are filled for the ways asked for in detail.
    `recent`: the days of purchases that replace shares of its losses, or would if a little more
    were sold. No earlier purchase washes the sale from the 31st day after the last of them.
    """

    entry: Entry
    fx_rate: Decimal
    net: Decimal
    sums: Mapping[bool, tuple[Decimal, Decimal, Decimal]]
    disposals: tuple[Disposal, ...]
    wash_sales: tuple[WashSale, ...]
    recent: tuple[date, ...]


def previewed_sales(
    *, account: Account, entries: Sequence[Entry], user: User, now: datetime, detailed: int
) -> list[PreviewedSale | BallastError]:
    """Return the outcome, or the refusal, of each of several ways to sell one asset now.

    `detailed`: the number of first entries that return every row and not only the sums. The
    number of queries does not depend on the number of ways.
    """
    household = household_of(
        household_id=account.household_id,
        accounts={
            row.pk: row
            for row in Account.objects.filter(household_id=account.household_id).order_by("id")
        },
    )
    ensure_pieces_held(account=account, entries=entries)
    made = drafts(household=household, account=account, entries=entries, user=user, now=now)
    rows = [stored_row(draft=draft, user=user, now=now, import_batch=None) for draft in made]
    for number, row in enumerate(rows):
        row.pk = _IMAGINED + number
    linked = linked_assets(households=[household])[household.id]
    new = [event_row(row) for row in rows]
    events = events_of(new, household.accounts)
    assets = linked.with_all({event.asset for event in events})
    crypto = crypto_assets(asset_ids=assets)
    past: list[Event] = []
    stage = Stage()
    if ways_of(household, linked, new[:1]).on_top_only:
        stage = open_stage(household, assets, events)
    else:
        past = stored_events(accounts=household.accounts, asset_ids=assets)
    found: list[PreviewedSale | BallastError] = []
    for number, (entry, row, event) in enumerate(zip(entries, rows, events, strict=True)):
        # Booking changes a book, so every way of selling has its own.
        book = stage.book(_book(household, linked, crypto, [*past, event]))
        try:
            booked(book=book, events=[*past, event])
        except BallastError as fault:
            if fault.item != event.id:
                raise
            found.append(fault)
            continue
        found.append(_outcome(book, entry, row, event, in_detail=number < detailed))
    return found


def _book(
    household: HouseholdBooks, linked: Linked, crypto: frozenset[int], events: Iterable[Event]
) -> Book:
    listed = list(events)
    ratios = {event.ratio for event in listed if event.ratio is not None}
    return empty_book(
        household,
        linked,
        scale=scale_of(ratios) if ratios else Scale(),
        crypto=crypto,
        sold={event.at.date() for event in listed},
    )


def _outcome(
    book: Book, entry: Entry, row: Transaction, event: Event, *, in_detail: bool
) -> PreviewedSale:
    sold = [closing for closing in book.closings if closing.sale == event.id]
    disposals = [
        Disposal(
            transaction_id=closing.sale,
            part=closing.part,
            **disposal_row(closing, book)._asdict(),
        )
        for closing in sold
        if in_detail
    ]
    matches = [
        WashSale(**wash_row(match, book)._asdict())
        for match in book.washes.found
        if in_detail and match.sale == event.id
    ]
    return PreviewedSale(
        entry=entry,
        fx_rate=row.fx_rate,
        net=row.cash_effect,
        sums=_sums(sold, book.currencies[event.account]),
        disposals=tuple(sorted(disposals, key=lambda disposal: disposal.part)),
        wash_sales=tuple(matches),
        recent=_recent(book, event),
    )


def _sums(sold: Sequence[Closing], currency: str) -> dict[bool, tuple[Decimal, Decimal, Decimal]]:
    totals = {False: [0, 0, 0], True: [0, 0, 0]}
    for closing in sold:
        total = totals[closing.long_term]
        total[0] += closing.proceeds
        total[1] += closing.basis
        total[2] += closing.deferred + closing.permanent
    return {
        term: (amount(total[0], currency), amount(total[1], currency), amount(total[2], currency))
        for term, total in totals.items()
    }


def _recent(book: Book, event: Event) -> tuple[date, ...]:
    """Return the days of purchases of the group that replace, or would replace, its losses."""
    washes = book.washes
    losses = [
        row
        for row in book.closings
        if row.sale == event.id and row.loss and row.place[0] in washes.taxable
    ]
    if not losses or not washes.policy.enabled or event.asset in washes.exempt:
        return ()
    days = {match.replacement_date for match in washes.found if match.sale == event.id}
    group, since = washes.group(event.asset), window_start(event.at.date())
    for (_, asset), pieces in book.pieces.items():
        if washes.group(asset) != group:
            continue
        days |= {
            piece.opened_at.date()
            for piece in pieces
            if piece.opened_at.date() >= since
            and any(washes.may_replace(piece, loss) for loss in losses)
        }
    return tuple(sorted(days))
