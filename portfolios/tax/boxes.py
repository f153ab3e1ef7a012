"""The box of Form 8949 for a gain line. Pure.

    A, D    on a Form 1099-B that shows the basis as reported to the IRS (covered)
    B, E    on a Form 1099-B without that (noncovered)
    C, F    on no Form 1099-B
A to C are short-term, D to F long-term.

A broker reports the basis of what was bought after these days (26 CFR 1.6045-1(a)(15)):
stock from 2011, shares of funds, exchange-traded ones among them, from 2012, and simple bonds from
2014. Nothing else is covered: crypto-assets only from 2026, and only at brokers that report them.
The Form 1099-B decides: shares that came from another broker or as a gift may be noncovered.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

# By asset class.
COVERED_FROM: Mapping[str, date] = MappingProxyType(
    {
        "equity": date(2011, 1, 1),
        "etf": date(2012, 1, 1),
        "fund": date(2012, 1, 1),
        "bond": date(2014, 1, 1),
    }
)


def box(*, opened: date, asset_class: str, long_term: bool) -> str:
    """Return the box of a sale that a broker reports."""
    since = COVERED_FROM.get(asset_class)
    covered = since is not None and opened >= since
    if long_term:
        return "D" if covered else "E"
    return "A" if covered else "B"
