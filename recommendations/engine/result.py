"""The result of a rebalance: trades, skipped securities, drift before and after, totals.

Money is in the account's currency where nothing else is said, rounded to its minor unit; weights
have six decimals, quantities are exact.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from core.identifiers import canonical_json
from recommendations.engine.problem import as_json, ensure_version


@dataclass(frozen=True, slots=True)
class TradeLot:
    """The part of a sale from one piece of a lot: gain = proceeds (net of costs) - basis.

    piece: its number in the ledger if the trades are recorded in their order;
    disallowed_loss: the part of a loss that recent purchases of the household would wash, >= 0;
    estimated_tax: on gain + disallowed loss.
    """

    lot_id: str
    piece: int
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    gain: Decimal
    disallowed_loss: Decimal
    term: str
    estimated_tax: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """One order, with everything that a transaction of it states.

    In `currency`, that of the security: price, amount = quantity x price, fee = half the spread and
    all fees. In the account's currency, `fx_rate` of its units for one: value = amount converted,
    cost = what the fee takes from the cash beside it = spread_cost + fees.
    """

    symbol: str
    asset_id: str
    side: str
    quantity: Decimal
    price: Decimal
    currency: str
    fx_rate: Decimal
    amount: Decimal
    fee: Decimal
    value: Decimal
    lots: tuple[TradeLot, ...]
    estimated_tax: Decimal
    cost: Decimal
    spread_cost: Decimal
    fees: Decimal
    reason: str
    explanation: str
    # Codes of what to check before the order is placed: price_estimated.
    cautions: tuple[str, ...] = ()

    @property
    def cash_effect(self) -> Decimal:
        """Return the change in cash: value - cost of a sale, -(value + cost) of a purchase."""
        return (self.value if self.side == "sell" else -self.value) - self.cost


@dataclass(frozen=True, slots=True)
class Skipped:
    """A security not traded, with the coded reason; `until` is the last blocked day, if known."""

    symbol: str
    reason: str
    explanation: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class SecurityDrift:
    symbol: str
    weight: Decimal
    target_weight: Decimal
    drift: Decimal


@dataclass(frozen=True, slots=True)
class Drift:
    """`total` is half the sum of absolute deviations, cash included: the part out of place."""

    total: Decimal
    account_value: Decimal
    cash: Decimal
    cash_weight: Decimal
    cash_target_weight: Decimal
    securities: tuple[SecurityDrift, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    buys: Decimal
    sells: Decimal
    gain_short: Decimal
    gain_long: Decimal
    tax: Decimal
    tax_short: Decimal
    tax_long: Decimal
    costs: Decimal
    cash_before: Decimal
    cash_after: Decimal


@dataclass(frozen=True, slots=True)
class LimitUse:
    """What the trades use of one limit: drift as a share of the account, budgets in money.

    kept: whether the limit is kept; only a limit on the drift may not be.
    """

    name: str
    limit: Decimal
    used: Decimal
    kept: bool


@dataclass(frozen=True, slots=True)
class RebalanceResult:
    """The answer. No allowed answer is cheaper by more than the proven `optimality_gap_bps`."""

    engine_version: str
    account_id: str
    as_of: date
    currency: str
    trades: tuple[Trade, ...]
    skipped: tuple[Skipped, ...]
    before: Drift
    after: Drift
    totals: Totals
    optimality_gap_bps: Decimal
    limits: tuple[LimitUse, ...] = ()


@dataclass(frozen=True, slots=True)
class _Version:
    engine_version: str


def result_json(*, result: RebalanceResult) -> str:
    """Return the canonical JSON text: equal results are equal bytes."""
    return canonical_json(as_json(result)).decode()


def stored_result(text: str) -> RebalanceResult:
    """Return the result of a canonical JSON text; refuse one of another version of the engine."""
    ensure_version(msgspec.json.decode(text, type=_Version).engine_version)
    return msgspec.json.decode(text, type=RebalanceResult)
