"""Put problems of single accounts into columns."""

from collections.abc import Sequence

import numpy as np

from recommendations.engine.arrays.columns import ACCOUNT, LOT, SECURITY, Columns
from recommendations.engine.problem import RebalanceInputs, is_kept
from recommendations.engine.program import BASIS_POINTS, fees_of
from transactions.ledger.holding_period import is_long_term


def packed(problems: Sequence[RebalanceInputs]) -> Columns:
    """Return the columns of problems in canonical order."""
    accounts = np.zeros(len(problems), ACCOUNT)
    securities = np.zeros(sum(len(problem.securities) for problem in problems), SECURITY)
    lots = np.zeros(
        sum(len(security.lots) for problem in problems for security in problem.securities), LOT
    )
    s = lot_at = 0
    for a, problem in enumerate(problems):
        settings = problem.settings
        accounts[a] = (
            s,
            s + len(problem.securities),
            problem.cash,
            problem.cash_floor,
            problem.cash_target_weight,
            problem.cash_threshold,
            settings.short_term_rate,
            settings.long_term_rate,
            settings.drift_penalty,
            settings.brokerage_fee,
            settings.minimum_trade,
            settings.loss_harvesting,
            settings.whole_shares,
            settings.drift_limit is not None,
        )
        groups: dict[str, int] = {}
        for security in problem.securities:
            fees = fees_of(security=security, inputs=problem)
            group = -1
            if security.identity_group is not None:
                group = groups.setdefault(security.identity_group, len(groups))
            securities[s] = (
                lot_at,
                lot_at + len(security.lots),
                group,
                security.price or 0,
                security.target_weight,
                security.threshold,
                security.half_spread_bp / BASIS_POINTS,
                fees.sec_rate,
                fees.taf_per_share,
                fees.taf_cap,
                security.fractional,
                security.may_buy,
                security.may_sell,
            )
            s += 1
            for lot in security.lots:
                lots[lot_at] = (
                    lot.quantity,
                    lot.cost_basis,
                    lot.washable,
                    is_long_term(opened_date=lot.holding_period_date, sold_date=problem.as_of),
                    is_kept(lot=lot, inputs=problem),
                )
                lot_at += 1
    return Columns(accounts, securities, lots)
