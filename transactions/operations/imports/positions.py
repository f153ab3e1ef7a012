"""The units of each security that an account holds: before an import, and after it.

The moves of units are kept in columns: a ledger and a file may have 250,000 each.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from heapq import merge
from operator import itemgetter

from django.db.models import Q, Sum

from core.limits import QUANTITY_DECIMALS
from transactions.ledger.kinds import BOOKED_TYPES, CASH, KINDS, rank
from transactions.ledger.unit_moves import Units
from transactions.models import Account, Transaction
from transactions.operations.imports.packed import Decimals

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TYPES = tuple(KINDS)
_PLACES = {name: place for place, name in enumerate(_TYPES)}
_SCALE = 10**QUANTITY_DECIMALS

_Step = tuple[int, str, str, str, Units, Fraction | None]


@dataclass(slots=True)
class Moves:
    """Changes of units, each under the place at which it was added."""

    # Microseconds and, within one instant, the rank.
    _when: "array[int]" = field(default_factory=lambda: array("q"))
    _types: "array[int]" = field(default_factory=lambda: array("b"))
    _symbols: list[str] = field(default_factory=list)
    _new_symbols: dict[int, str] = field(default_factory=dict)
    _quantities: Decimals = field(default_factory=Decimals)
    _ratios: dict[int, Fraction] = field(default_factory=dict)
    _dropped: set[int] = field(default_factory=set)

    def add(
        self,
        at: datetime,
        type: str,  # noqa: A002 - the ledger's word
        symbol: str,
        new_symbol: str,
        quantity: Decimal | None,
        ratio: Fraction | None,
    ) -> int:
        """Add a move and return its place."""
        place = len(self._when)
        self._when.append((at - _BEGIN) // _MICROSECOND * (CASH + 1) + rank(type=type, own=False))
        self._types.append(_PLACES[type])
        self._symbols.append(symbol)
        if new_symbol:
            self._new_symbols[place] = new_symbol
        self._quantities[place] = quantity
        if ratio is not None:
            self._ratios[place] = ratio
        return place

    def types(self) -> set[str]:
        """Return the types of all moves that were added."""
        return {_TYPES[place] for place in set(self._types)}

    def drop(self, place: int) -> None:
        """Remove the move at a place."""
        self._dropped.add(place)

    def steps(self) -> Iterator[_Step]:
        """Yield the moves in the order of time; of those with equal rank, as they were added."""
        for place in sorted(range(len(self._when)), key=self._when.__getitem__):
            if place not in self._dropped:
                yield (
                    self._when[place],
                    _TYPES[self._types[place]],
                    self._symbols[place],
                    self._new_symbols.get(place, ""),
                    self._quantities.scaled(place, decimals=QUANTITY_DECIMALS),
                    self._ratios.get(place),
                )


def is_summable(types: Iterable[str]) -> bool:
    """Return whether moves of these types only add and take units, in any order."""
    return all(KINDS[kind].sign is not None for kind in types)


def held(*moves: Moves) -> dict[str, Fraction]:
    """Return the units of each security after the moves; equals are in the order of arguments."""
    found: dict[str, Units] = {}
    streams = [each.steps() for each in moves]
    for _, kind, symbol, new_symbol, quantity, ratio in merge(*streams, key=itemgetter(0)):
        kept, arrived = KINDS[kind].units(found.get(symbol, 0), quantity, ratio)
        found[symbol] = kept
        if new_symbol:
            found[new_symbol] = found.get(new_symbol, 0) + arrived
    return {symbol: Fraction(scaled) / _SCALE for symbol, scaled in found.items()}


def recorded(*, account: Account, symbols: Iterable[str], summed: bool) -> Moves:
    """Return the moves of the ledger that concern these securities, or those they came from.

    `summed`: their order does not matter to the caller. They are added up by security and type if
    it does not matter among themselves either.
    """
    valid = Transaction.objects.filter(
        account=account, asset__isnull=False, reverses__isnull=True, reversed_by__isnull=True
    )
    wanted = _with_sources(
        symbols,
        valid.filter(new_asset__isnull=False)
        .values_list("asset__symbol", "new_asset__symbol")
        .distinct(),
    )
    found = Moves()
    valid = valid.filter(Q(asset__symbol__in=wanted) | Q(new_asset__symbol__in=wanted))
    types = set(valid.order_by().values_list("type", flat=True).distinct()) & BOOKED_TYPES
    if summed and is_summable(types):
        sums = valid.order_by().values_list("asset__symbol", "type").annotate(Sum("quantity"))
        for symbol, kind, quantity in sums:
            if kind in BOOKED_TYPES:
                found.add(_BEGIN, kind, symbol, "", quantity, None)
        return found
    rows = valid.values_list(
        *("executed_at", "type", "asset__symbol", "new_asset__symbol", "quantity"),
        *("ratio_new", "ratio_old"),
    )
    for at, kind, symbol, new_symbol, quantity, new, old in rows.iterator(5_000):
        if kind in BOOKED_TYPES:
            ratio = Fraction(new) / Fraction(old) if new and old else None
            found.add(at, kind, symbol, new_symbol or "", quantity, ratio)
    return found


def _with_sources(symbols: Iterable[str], leads: Iterable[tuple[str, str]]) -> set[str]:
    """Return the symbols and those from which corporate actions lead to them."""
    sources: dict[str, set[str]] = {}
    for old, new in leads:
        sources.setdefault(new, set()).add(old)
    found, left = set[str](), list(symbols)
    while left:
        symbol = left.pop()
        if symbol not in found:
            found.add(symbol)
            left += sources.get(symbol, ())
    return found
