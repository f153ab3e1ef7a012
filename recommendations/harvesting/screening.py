"""All lots of many accounts in columns: which securities can pay for a harvest at all. Pure.

A bound, not an answer: what is worked out afterwards never brings more than this.

    lot        loss = basis - quantity x price x (1 - half spread - SEC rate) + TAF, if positive
    bound      sum over the lots of max(0, loss x highest rate - value x two half spreads)
               - one brokerage fee. The tax saved now and later is at most the highest rate of the
               loss, the tax that comes back at least nothing; the spreads of the security itself
               are paid on its sale and when it is bought back
    kept       may be sold, and bound > minimum benefit - CENTS for the rounding of the exact money

Cost: a few passes over the lots and the securities; no Python object for a row. The columns are
those of the rebalancing engine (`engine.arrays.columns`).

Worked example: 100 at 40 with a basis of 6,000 and a rate of 40 %: loss 2,000, bound 800: kept with
a minimum of 100, dropped with a minimum of 800.
"""

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.arrays.columns import Columns

_SPREADS = 2
CENTS = 0.05


def worth_a_look(columns: Columns, *, minimum_benefit: float) -> NDArray[np.bool_]:
    """Return for each security of the columns whether its losses may bring the minimum."""
    accounts, securities, lots = columns
    owner = np.repeat(
        np.arange(len(accounts)), accounts["securities_end"] - accounts["securities_begin"]
    )
    of = np.repeat(np.arange(len(securities)), securities["lots_end"] - securities["lots_begin"])
    value = lots["quantity"] * securities["price"][of]
    kept = 1 - securities["half_spread"] - securities["sec_rate"]
    taf = np.minimum(lots["quantity"] * securities["taf_per_share"][of], securities["taf_cap"][of])
    losing = lots["basis"] > value
    loss = lots["basis"] - value * kept[of] + taf
    rate = np.maximum(accounts["short_rate"], accounts["long_rate"])[owner]
    worth = loss * rate[of] - value * (_SPREADS * securities["half_spread"])[of]
    gained = np.where(losing, np.maximum(worth, 0.0), 0.0)
    worth_most = np.bincount(of, weights=gained, minlength=len(securities))
    bound = worth_most - accounts["brokerage_fee"][owner]
    found: NDArray[np.bool_] = (
        (securities["price"] > 0) & securities["may_sell"] & (bound > minimum_benefit - CENTS)
    )
    return found
