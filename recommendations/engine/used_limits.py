"""What trades use of the limits of an account, to the cent, and which rules clash. Pure.

drift      after the trades, as the result states it: a share of the account
turnover   values of purchases + values of sales
gain       gains of the sales' lines, those above zero; losses make no room for more
"""

from collections.abc import Collection
from decimal import Decimal

from core.errors import Conflict
from recommendations.engine.limits import DRIFT, GAIN, TURNOVER
from recommendations.engine.problem import ZERO, RebalanceInputs
from recommendations.engine.result import LimitUse, RebalanceResult

# Slack in money above an excess, so that the next rounding does not bring it back.
_MORE = 0.01


class LimitsClash(Conflict):
    """The cash floor needs sales that a budget of the account does not allow."""

    code = "limits_clash"


def limit_uses(*, inputs: RebalanceInputs, result: RebalanceResult) -> tuple[LimitUse, ...]:
    """Return the use of each limit of the account."""
    settings = inputs.settings
    limits = (
        (DRIFT, settings.drift_limit, result.after.total),
        (TURNOVER, settings.turnover_budget, result.totals.buys + result.totals.sells),
        (GAIN, settings.gain_budget, realized_gains(result=result)),
    )
    return tuple(
        LimitUse(name, limit, used, used <= limit)
        for name, limit, used in limits
        if limit is not None
    )


def realized_gains(*, result: RebalanceResult) -> Decimal:
    """Return the gains that the sales realize, without their losses."""
    gains = (lot.gain for trade in result.trades for lot in trade.lots)
    return sum((gain for gain in gains if gain > 0), ZERO)


def excesses(
    *, inputs: RebalanceInputs, result: RebalanceResult, missed: Collection[str]
) -> dict[str, float]:
    """Return by how much money the trades exceed their limits, but for those that are missed."""
    found = {}
    for use in limit_uses(inputs=inputs, result=result):
        if use.kept or use.name in missed:
            continue
        excess = float(use.used - use.limit)
        if use.name == DRIFT:
            excess *= 2 * float(result.before.account_value)
        found[use.name] = excess + _MORE
    return found


def clash(*, inputs: RebalanceInputs, missed: Collection[str]) -> LimitsClash:
    """Return the refusal of an account whose cash floor no trades within its budgets reach."""
    words = {
        TURNOVER: ("turnover budget", inputs.settings.turnover_budget),
        GAIN: ("budget for realized gains", inputs.settings.gain_budget),
    }
    budgets = " and ".join(
        f"the {name} of {limit:f} {inputs.currency}"
        for key, (name, limit) in words.items()
        if limit is not None and key not in missed
    )
    return LimitsClash(
        f"No trades within {budgets} leave {inputs.cash_floor:f} {inputs.currency} in cash. Raise "
        "the budget, or lower the cash to raise."
    )
