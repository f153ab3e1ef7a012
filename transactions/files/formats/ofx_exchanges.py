"""OFX: two transfers of a day that exchange a security for itself or its successor. Pure.

    the same security, the same units      moved between parts of the account: no transaction
    the same security, other units         a split, new units for old ones
    two securities, and a memo that says   an exchange: the lots go on as the successor
    so

Some banks state a reverse split as a transfer of the old shares out and of the new ones in, under
two numbers. Where the memos of a day tell of an exchange and do not give one pair, the rows are
refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from transactions.files.reading.interface import Security

_SAID = re.compile(r"split|merger|reorg|name change|cusip change|successor", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Move:
    """One transfer of the file, counted from 0, and whether the units left."""

    place: int
    account: str
    day: str
    security: Security
    units: Decimal
    is_out: bool
    memo: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a transfer is a part of: `new` units of the successor for `old` ones."""

    successor: Security
    new: Decimal
    old: Decimal
    is_arrival: bool
    is_journal: bool = False
    is_incomplete: bool = False


def exchanges(moves: Iterable[Move]) -> dict[int, Exchange]:
    """Return the exchange of each transfer that is part of one, by its place."""
    days: dict[tuple[str, str], tuple[list[Move], list[Move]]] = {}
    for move in moves:
        if move.units > 0:
            sides = days.setdefault((move.account, move.day), ([], []))
            sides[move.is_out].append(move)
    found: dict[int, Exchange] = {}
    for arrived, left in days.values():
        _same(found, arrived, left)
        _told(found, arrived, left)
    return found


def _same(found: dict[int, Exchange], arrived: list[Move], left: list[Move]) -> None:
    """Pair the only departure with the only arrival of one security."""
    by_key = _by_key(arrived, left)
    for ins, outs in by_key.values():
        if len(ins) == len(outs) == 1:
            _note(found, ins[0], outs[0])


def _told(found: dict[int, Exchange], arrived: list[Move], left: list[Move]) -> None:
    """Pair the only two transfers of the day that are left and whose memos tell of an exchange."""
    ins, outs = (
        [move for move in side if move.place not in found and _SAID.search(move.memo[:500])]
        for side in (arrived, left)
    )
    if len(ins) == len(outs) == 1:
        _note(found, ins[0], outs[0])
        return
    for move in (*ins, *outs):
        found[move.place] = Exchange(
            move.security, move.units, move.units, move in ins, is_incomplete=True
        )


def _by_key(arrived: list[Move], left: list[Move]) -> Mapping[str, tuple[list[Move], list[Move]]]:
    by_key: dict[str, tuple[list[Move], list[Move]]] = {}
    for place, side in enumerate((arrived, left)):
        for move in side:
            by_key.setdefault(move.security.key, ([], []))[place].append(move)
    return by_key


def _note(found: dict[int, Exchange], arrival: Move, departure: Move) -> None:
    same = arrival.security.key == departure.security.key and arrival.units == departure.units
    for move in (arrival, departure):
        found[move.place] = Exchange(
            arrival.security, arrival.units, departure.units, move is arrival, same
        )
