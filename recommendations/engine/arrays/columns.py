"""The inputs of many accounts as records, account after account, security after security.

Money is in the account's currency; weights, bands, rates and spreads are fractions. The order is
the engine's canonical one: securities by symbol, lots by id and piece.

ACCOUNT   securities_begin, securities_end: its rows among the securities; harvest: a loss may be
          the only reason for a sale; whole: only whole shares are traded; even: drift costs the
          same however far it is, as a limit on the drift counts it
SECURITY  lots_begin, lots_end: its rows among the lots; a price of 0 is none; sec_rate: of the
          value sold; taf_per_share, taf_cap: money; group: equal numbers within an account are
          substantially identical, -1: no other is like it
LOT       units, cost basis, term, and units whose loss would be disallowed; kept: it is too young
          to be sold
"""

from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Records

ACCOUNT = np.dtype(
    [
        *((name, np.int64) for name in ("securities_begin", "securities_end")),
        *((name, np.float64) for name in ("cash", "cash_floor", "cash_weight", "cash_threshold")),
        *((name, np.float64) for name in ("short_rate", "long_rate", "drift_penalty")),
        *((name, np.float64) for name in ("brokerage_fee", "minimum_trade")),
        *((name, np.bool_) for name in ("harvest", "whole", "even")),
    ],
    align=True,
)
SECURITY = np.dtype(
    [
        *((name, np.int64) for name in ("lots_begin", "lots_end", "group")),
        *((name, np.float64) for name in ("price", "weight", "threshold", "half_spread")),
        *((name, np.float64) for name in ("sec_rate", "taf_per_share", "taf_cap")),
        *((name, np.bool_) for name in ("fractional", "may_buy", "may_sell")),
    ],
    align=True,
)
LOT = np.dtype(
    [
        *((name, np.float64) for name in ("quantity", "basis", "washable")),
        *((name, np.bool_) for name in ("long_term", "kept")),
    ],
    align=True,
)


class Columns(NamedTuple):
    """Records of the types above."""

    accounts: Records
    securities: Records
    lots: Records
