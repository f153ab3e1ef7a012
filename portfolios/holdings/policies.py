"""The rules that every rebalance of an account obeys. Pure."""

from dataclasses import dataclass
from decimal import Decimal

FULL, INVEST_ONLY = "full", "invest_only"
CASH_POLICIES = (FULL, INVEST_ONLY)
HOLDING_DAYS_MAX = 3_660
SYMBOLS_LEFT_OUT_MAX = 200


@dataclass(frozen=True, slots=True)
class Policy:
    """Stored rules, money in the account's currency; the default has none.

    cash_policy: whether holdings may be sold at all; cash_floor: cash that must remain;
    minimum_holding_days: younger lots are not sold; budgets: of a calendar year; leave_out: symbols
    whose value and target do not count.
    """

    cash_policy: str = FULL
    cash_floor: Decimal = Decimal(0)
    minimum_holding_days: int = 0
    turnover_budget: Decimal | None = None
    gain_budget: Decimal | None = None
    leave_out: tuple[str, ...] = ()


NO_POLICY = Policy()
