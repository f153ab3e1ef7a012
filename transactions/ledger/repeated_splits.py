"""Recognize one split that several accounts of a household state on different days. Pure.

    one split   statements of one asset by different accounts, at most DAYS_APART_MAX calendar days
                after the first, with ratios less than a fifth apart. Brokers date a split by its
                record, ex or payment date; a ratio made from the units a broker added is off by the
                fraction of a share it paid out: 33 shares become 49, not 49.5
    two splits  whatever one account states twice, and everything further apart

Worked example: a broker states 2:1 on June 10, the spouse's on June 11. Shares double in each
account when it says so; what is counted once for the household (a loss that waits for its
replacement, a price carried over the split) doubles or halves on June 10 and never again.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from marketdata.corporate_actions import DAYS_APART_MAX, same_ratio


@dataclass(slots=True)
class Split:
    """One split as it was first stated: the ordinal of the day, new units for one old unit."""

    day: int
    ratio: Fraction
    accounts: set[int]


@dataclass(slots=True)
class Splits:
    """The splits of a household's assets, as they become known in the order of time."""

    by_asset: dict[int, list[Split]] = field(default_factory=dict)

    def stated(self, *, asset: int, day: int, ratio: Fraction, account: int) -> tuple[Split, bool]:
        """Return the split that `account` states, and whether it is the first to state it."""
        known = self.by_asset.setdefault(asset, [])
        for split in known:
            near = abs(day - split.day) <= DAYS_APART_MAX
            if near and same_ratio(ratio, split.ratio) and account not in split.accounts:
                split.accounts.add(account)
                return split, False
        known.append(Split(day, ratio, {account}))
        return known[-1], True
