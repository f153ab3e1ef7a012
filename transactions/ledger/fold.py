"""Book the events of a household: return lots, closings and wash sales. Pure.

Booking is a fold. Its state holds the open pieces of every place (account, asset), the losses and
purchases of the last 30 days, and lots in transfer between accounts. Events come in order of time:

    order    by instant; within one instant by the rank of the kind (see `kinds`), then by account,
             asset, quantity and amount. The order in which rows arrive never matters. Sales of one
             instant are booked together: those that name their lots take them first. Their losses
             are ordered by the purchase of the shares sold (Treas. Reg. 1.1091-1(b))
    day      the trade date, at the place of the trade. It is the date of every instant here, which
             comes in an offset at which it is (`core.dates.on_day`). Days do not follow the order
             of instants: an evening in New York, of the 31st, is later than the morning of the 1st
             in Tokyo
    arrivals shares from outside are acquired on their `opened_date`, not when they arrive. Until
             then they are held elsewhere and may replace a loss like any purchase of that day

Events never look ahead. The latest events may therefore be applied to a stored state; anything
backdated or reversed rebooks the group from the start. Both give the same rows.

Every step conserves shares and cents: those that came in = those held + those closed. Assertions
check this where it is cheap; `verify_ledger` proves the whole.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from core.errors import Conflict, InvalidInput
from transactions.ledger import corporate_actions
from transactions.ledger.book import Book, Event, purchase_key
from transactions.ledger.corporate_actions import rescaling
from transactions.ledger.kinds import KINDS
from transactions.ledger.lots import Closing, Piece, Place, Sale, taken_from
from transactions.ledger.repeated_splits import Splits
from transactions.ledger.units import scaled
from transactions.ledger.wash_sales import WashSale


class SourceMissing(Conflict):
    """The transfer out of a transfer in does not exist or was reversed."""

    status = 400
    code = "transfer_source_missing"


Step = Callable[[Book, Event], None]


def acquire(book: Book, event: Event) -> None:
    """Open a lot, which may replace a loss."""
    piece = Piece(
        event.id,
        purchase_key(
            account=event.account, asset=event.asset, at=event.at, order_id=event.order_id
        ),
        event.at,
        event.at.date(),
        _steps(book, event),
        book.cents(event),
        (event.account, event.asset),
        stated=_stated(event),
    )
    book.put(piece.place, [piece])
    book.washes.purchased(piece, book)


def sell(book: Book, event: Event) -> None:
    """Close the shares chosen by a lot method or by the investor."""
    book.close([_sale(book, event)])


def _sale(book: Book, event: Event) -> tuple[Place, Sale]:
    sale = book.sale(event, quantity=_steps(book, event), net=book.cents(event))
    return (event.account, event.asset), sale


def transfer_out(book: Book, event: Event) -> None:
    """Take lots out; keep those of a transfer between own accounts until they arrive."""
    sale = book.sale(event, quantity=_steps(book, event), net=0)
    out = taken_from(pieces=book.at((event.account, event.asset)), sale=sale)
    if event.internal:
        book.under_way[event.id] = out
        return
    for piece in out:
        piece.gone = True
    book.leave((event.account, event.asset), event.at, out)


def transfer_in(book: Book, event: Event) -> None:
    """Add the lots of a transfer out, or one lot with the stated cost and day."""
    place = (event.account, event.asset)
    if event.source is not None:
        coming = book.under_way.pop(event.source, None)
        if coming is None:
            raise SourceMissing(
                "The transfer out of these shares was reversed, or is later than this transfer in. "
                "Correct the date, or send their cost and acquisition date."
            )
        book.put(place, coming)
        return
    coming = book.elsewhere.pop(event.id, None)
    if coming is None:
        piece = _from_outside(book, event)
        book.put(place, [piece])
        book.washes.purchased(piece, book)
        return
    # The units stated are those of the arrival, after all splits.
    coming[-1].quantity += _steps(book, event) - sum(piece.quantity for piece in coming)
    book.put(place, coming)


def acquire_elsewhere(book: Book, event: Event) -> None:
    """Open the lot of shares that arrive later; it may replace a loss."""
    piece = _from_outside(book, event)
    book.hold_elsewhere(event.id, piece)
    book.washes.purchased(piece, book)


def _from_outside(book: Book, event: Event) -> Piece:
    """Return the lot of a transfer in from outside, in the units of its acquisition."""
    opened_at = opened_elsewhere(event)
    key = purchase_key(account=event.account, asset=event.asset, at=opened_at, order_id="")
    quantity = _steps(book, event)
    return Piece(
        event.id,
        key,
        opened_at,
        opened_at.date(),
        quantity if event.ratio is None else scaled(quantity, 1 / event.ratio),
        book.cents(event),
        (event.account, event.asset),
        stated=_stated(event),
    )


def _stated(event: Event) -> tuple[Decimal, Decimal]:
    return (event.quantity or Decimal(0), event.stated)


def _steps(book: Book, event: Event) -> int:
    return book.scale.steps(event.units)


# The function of the book for each step that the table of kinds names.
STEPS: Mapping[str, Step] = {
    **{step.__name__: step for step in (acquire, sell, transfer_out, transfer_in)},
    **corporate_actions.STEPS,
}


@dataclass(frozen=True, slots=True)
class Booked:
    """The book after the last event: open pieces by place, every closing, every wash sale."""

    pieces: Mapping[Place, Sequence[Piece]]
    closings: Sequence[Closing]
    wash_sales: Sequence[WashSale]


def booked(*, book: Book, events: Iterable[Event]) -> Booked:
    """Apply `events` to `book`, which changes in place.

    Raises InsufficientShares, LotSelectionInvalid, NothingHeld or SourceMissing at the first event
    that cannot be booked, with its id as `item`. The book must then be discarded.
    """
    for several in groups(events):
        book_group(book, several)
    return Booked(book.pieces, book.closings, book.washes.found)


def groups(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Yield the events in order, in the groups they are booked in: sales of one instant share one.

    Shares that arrive from outside come twice: when they were acquired, and when they arrive.
    """
    listed = list(events)
    listed += [_acquisition(event, listed) for event in listed if _is_late(event)]
    listed.sort(key=lambda event: event.order)
    for _, group in groupby(listed, key=_together):
        yield list(group)


def book_group(book: Book, several: Sequence[Event]) -> None:
    """Apply the events of one group to the book."""
    first = several[0]
    try:
        if len(several) > 1:
            book.close([_sale(book, event) for event in several])
        elif first.elsewhere:
            acquire_elsewhere(book, first)
        else:
            STEPS[KINDS[first.type].step](book, first)
    except (InvalidInput, Conflict) as fault:
        fault.item = first.id if fault.item is None else fault.item
        raise


def _together(event: Event) -> tuple[object, ...]:
    return (event.at, "sell") if event.type == "sell" else (event.at, event.type, event.id)


def opened_elsewhere(event: Event) -> datetime:
    """Return the instant at which shares from outside were acquired: the beginning of the day."""
    assert event.opened_date is not None, "shares from outside state when they were acquired"
    return datetime.combine(event.opened_date, time(), UTC)


def _is_late(event: Event) -> bool:
    """Return whether an event brings shares from outside that were acquired before."""
    return (
        event.type == "transfer_in"
        and event.source is None
        and event.opened_date is not None
        and opened_elsewhere(event) < event.at
    )


def _acquisition(arrival: Event, events: Sequence[Event]) -> Event:
    """Return the acquisition of shares that arrive later.

    Its ratio leads from the units of then to those of the arrival: the splits in between.
    """
    begin, known, ratio = opened_elsewhere(arrival), Splits(), Fraction(1)
    between = [
        event
        for event in events
        if event.asset == arrival.asset
        and event.ratio is not None
        and KINDS[event.type].rescales
        and begin < event.at <= arrival.at
    ]
    for event in sorted(between, key=lambda event: event.order):
        new, first = known.stated(
            asset=event.asset,
            day=event.at.toordinal(),
            ratio=rescaling(event),
            account=event.account,
        )
        ratio *= new.ratio if first else 1
    return replace(arrival, at=begin, ratio=None if ratio == 1 else ratio, elsewhere=True)
