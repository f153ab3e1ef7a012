"""Reasons not to start a night. Pure.

A night trades on the day's closing prices. If these are not there yet, or are not those of the
units held, every account would get wrong trades; so the run stops and names what is missing. What
concerns a few accounts only does not stop it: these are refused, each with its code.

    prices_missing           assets held or wanted have no price at all
    prices_stale             the newest price is older than the session the night follows
    day_half_loaded          some closes of the session, and far fewer than of the session before
    rate_missing             a currency held cannot be converted into an account's
    corporate_action_open    a split or other action took effect, and is not booked everywhere
"""

from collections.abc import Sequence
from dataclasses import dataclass

# A night starts although this share of the assets, or this many, have no price of the day: a
# delisted share must not stop everybody. Those assets are not traded.
SHARE_MAX = 0.02
COUNT_MAX = 2
# Closes of the session, as a share of those of the session before.
LOADED_SHARE_MIN = 0.9
# So many names are kept of each finding.
NAMES_MAX = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """What a night would work with: `assets` is the number held or wanted; the rest are names."""

    assets: int
    without_price: Sequence[str]
    stale: Sequence[str]
    closes: int
    closes_before: int
    pairs_without_rate: Sequence[str]
    actions_open: Sequence[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason: its code, how many things it concerns, and the first names of these."""

    code: str
    count: int
    names: tuple[str, ...]


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Return every reason not to start; none if the night may begin."""
    allowed = max(COUNT_MAX, SHARE_MAX * facts.assets)
    found = []
    for code, names in (("prices_missing", facts.without_price), ("prices_stale", facts.stale)):
        if len(names) > allowed or (names and len(names) == facts.assets):
            found.append(_finding(code, names))
    if 0 < facts.closes < LOADED_SHARE_MIN * facts.closes_before:
        found.append(Finding("day_half_loaded", facts.closes_before - facts.closes, ()))
    for code, names in (
        ("rate_missing", facts.pairs_without_rate),
        ("corporate_action_open", facts.actions_open),
    ):
        if names:
            found.append(_finding(code, names))
    return tuple(found)


def _finding(code: str, names: Sequence[str]) -> Finding:
    return Finding(code, len(names), tuple(sorted(names)[:NAMES_MAX]))
