"""The two sides of an exchange of currencies in a file. Pure.

    both sides in the file   they are skipped: the cash stays in the account
    one side alone           it is refused: money came from, or went to, what the file does not have

The sides have opposite signs and different currencies. Those of one order belong together; of the
others, those of one day.
"""

from collections.abc import Sequence

from transactions.files.reading.interface import Leg


def lone_legs(legs: Sequence[tuple[int, Leg]]) -> set[int]:
    """Return the places of the sides that have no other side."""
    left = list(legs)
    for is_named in (True, False):
        groups: dict[object, list[tuple[int, Leg]]] = {}
        for place, leg in left:
            if leg.order or not is_named:
                key = (leg.day, leg.order) if is_named else leg.day
                groups.setdefault(key, []).append((place, leg))
        paired = {place for group in groups.values() for place in _paired(group)}
        left = [(place, leg) for place, leg in left if place not in paired]
    return {place for place, _ in left}


def _paired(group: Sequence[tuple[int, Leg]]) -> set[int]:
    """Return the places of one group that have another side in it."""
    arrived = [(place, leg) for place, leg in group if leg.amount > 0]
    paired: set[int] = set()
    for place, leg in group:
        if leg.amount >= 0:
            continue
        found = next(
            (one for one in arrived if one[0] not in paired and one[1].currency != leg.currency),
            None,
        )
        if found is not None:
            paired |= {place, found[0]}
    return paired
