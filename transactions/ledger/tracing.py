"""The history of one lot: replay the book and record every change of one acquisition. Pure.

A lot keeps its acquisition when wash sales divide it, when its shares move to another account, and
when a corporate action turns them into another company's shares. Every event that affects it yields
one change per place (account, asset):

    basis after = basis before + basis - closed basis       washed: part of `basis` from wash sales
    quantity    shares the event added or took, sales excluded; the same equation holds

so that over all changes of a place: sum(basis) = basis still there + sum(closed basis).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from transactions.ledger.book import Book, Event
from transactions.ledger.fold import book_group, groups
from transactions.ledger.kinds import KINDS
from transactions.ledger.lots import Place


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of one event on a lot in one place. Quantities in steps, money in minor units."""

    event: int
    place: Place
    quantity: int
    basis: int
    washed: int
    closed_quantity: int
    closed_basis: int
    quantity_after: int
    basis_after: int


_Held = tuple[int, int]  # quantity, basis
_NOTHING: _Held = (0, 0)


def changes(*, book: Book, events: Iterable[Event], acquisition: int) -> list[Change]:
    """Book `events`, complete for the lot's assets, and return the changes of the lot."""
    found: list[Change] = []
    held: dict[Place, _Held] = {}
    for several in groups(events):
        closings, matches = len(book.closings), len(book.washes.found)
        book_group(book, several)
        closed: dict[int, dict[Place, tuple[int, int]]] = {}
        for closing in book.closings[closings:]:
            if closing.acquisition == acquisition:
                places = closed.setdefault(closing.sale, {})
                quantity, basis = places.get(closing.place, (0, 0))
                places[closing.place] = (quantity + closing.quantity, basis + closing.basis)
        washed: dict[int, int] = {}
        for match in book.washes.found[matches:]:
            if match.replacement == acquisition:
                account = match.replacement_account
                washed[account] = washed.get(account, 0) + match.basis_added
        touched = bool(washed) or any(
            event.id == acquisition or _may_touch(event, held) for event in several
        )
        if closed or touched:
            now = _held(book, acquisition, {*held, *(p for e in several for p in _places(e))})
            found += _changes(several, held, now, closed, washed)
            held = now
    return found


def _changes(
    events: Sequence[Event],
    before: Mapping[Place, _Held],
    after: Mapping[Place, _Held],
    closed: Mapping[int, Mapping[Place, tuple[int, int]]],
    washed: dict[int, int],
) -> Iterator[Change]:
    """Yield the changes of a group: each sale has its closings; the last event has the rest."""
    state = dict(before)
    for event in events:
        mine = closed.get(event.id, {})
        for place in sorted({*state, *after, *mine}):
            was, gone = state.get(place, _NOTHING), mine.get(place, (0, 0))
            now, added = (was[0] - gone[0], was[1] - gone[1]), 0
            if event is events[-1]:
                now = after.get(place, _NOTHING)
                if washed.get(place[0], 0) <= now[1] - was[1] + gone[1]:
                    added = washed.pop(place[0], 0)
            if was != now or any(gone):
                yield _change(event.id, place, was, now, gone, added)
            state[place] = now


def _may_touch(event: Event, held: Mapping[Place, _Held]) -> bool:
    """Return whether an event may have changed the lot without a sale or a wash sale."""
    if event.source is not None:
        return True
    if KINDS[event.type].step in ("acquire", "sell") and event.method != "average":
        return False
    return (event.account, event.asset) in held


def _places(event: Event) -> set[Place]:
    places = {(event.account, event.asset)}
    if event.new_asset is not None:
        places.add((event.account, event.new_asset))
    return places


def _held(book: Book, acquisition: int, places: Iterable[Place]) -> dict[Place, _Held]:
    found: dict[Place, _Held] = {}
    for place in places:
        waiting = (piece for pieces in book.elsewhere.values() for piece in pieces)
        mine = (piece for piece in waiting if piece.place == place)
        for piece in (*book.pieces.get(place, ()), *mine):
            if piece.acquisition == acquisition:
                quantity, basis = found.get(place, _NOTHING)
                found[place] = (quantity + piece.quantity, basis + piece.basis)
    return found


def _change(
    event: int, place: Place, before: _Held, after: _Held, closed: tuple[int, int], washed: int
) -> Change:
    return Change(
        event=event,
        place=place,
        quantity=after[0] - before[0] + closed[0],
        basis=after[1] - before[1] + closed[1],
        washed=washed,
        closed_quantity=closed[0],
        closed_basis=closed[1],
        quantity_after=after[0],
        basis_after=after[1],
    )
