"""The rebalancing problem of one account: everything the answer depends on, and nothing else.

Frozen values in the account's currency. The JSON form is canonical (sorted keys, securities by
symbol, lots by id, decimals as plain text): equal problems are equal bytes, and reading them back
gives an equal problem. That is what makes a stored recommendation replayable.

Weights and bands are fractions of account value (0.05 = 5 %), rates are fractions, spreads are
basis points (1/10,000), quantities are units, everything else is money.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput
from core.identifiers import canonical_json
from core.money import plain

SECURITIES_MAX = 5_000
LOTS_PER_SECURITY_MAX = 1_000
NODES_MAX = 10_000
# Targets come as percentages with four decimals: their sum may miss 100 % by the rounding only.
TARGET_SUM_TOLERANCE = Decimal("0.000001")

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Block:
    """Why a side is closed: restricted, wash_sale_window, price_stale ...; `until` its last day."""

    code: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of one acquisition: units, their whole cost basis, and the two dates of it.

    `holding_period_date` decides the term; a wash sale makes it earlier than `opened_date`.
    """

    lot_id: str
    quantity: Decimal
    cost_basis: Decimal
    opened_date: date
    holding_period_date: date


@dataclass(frozen=True, slots=True)
class Security:
    """One security held, wished for, or both. `threshold` is the half-width of its band.

    fractional: False when only whole shares trade; identity_group: substantially identical
    securities share one name; recent_purchase: the household bought of the group in the last 30
    days, so that a loss taken now would be disallowed and saves no tax; sale_fees: False for what
    pays no SEC fee and no TAF (a mutual fund, a foreign listing).
    """

    symbol: str
    asset_id: str
    price: Decimal | None
    target_weight: Decimal
    threshold: Decimal
    lots: tuple[Lot, ...] = ()
    half_spread_bp: Decimal = ZERO
    fractional: bool = True
    buy_block: Block | None = None
    sell_block: Block | None = None
    identity_group: str | None = None
    recent_purchase: bool = False
    sale_fees: bool = True

    @property
    def quantity(self) -> Decimal:
        """Units held: the sum of the lots."""
        return sum((lot.quantity for lot in self.lots), ZERO)

    @property
    def may_buy(self) -> bool:
        return self.buy_block is None

    @property
    def may_sell(self) -> bool:
        return self.sell_block is None


@dataclass(frozen=True, slots=True)
class Settings:
    """How drift, tax and cost are weighed against each other.

    short_term_rate, long_term_rate: what one more dollar of gain costs (federal, state and net
    investment income tax together); both 0 in an IRA, Roth IRA or 401(k).
    drift_penalty: dollars of penalty for a dollar outside its band (rising further out).
    band_return: a security found outside its band is brought back to this share of the band, not
    to its very edge, so that the next day's move does not trigger it again (7/8 is the 200/175
    policy of Vanguard's target-date funds, "The Rebalancing Edge", 2024).
    """

    short_term_rate: Decimal
    long_term_rate: Decimal
    brokerage_fee: Decimal = ZERO
    minimum_trade: Decimal = ZERO
    drift_penalty: Decimal = Decimal("0.10")
    band_return: Decimal = Decimal("0.875")
    whole_shares: bool = False
    loss_harvesting: bool = True
    node_limit: int = 64


@dataclass(frozen=True, slots=True)
class RebalanceInputs:
    """All inputs of one run. `cash_floor` is the least cash that may remain (a withdrawal, say)."""

    account_id: str
    as_of: date
    currency: str
    cash: Decimal
    cash_target_weight: Decimal
    securities: tuple[Security, ...]
    settings: Settings
    engine_version: str
    cash_floor: Decimal = ZERO
    cash_threshold: Decimal = ZERO


def canonical(*, inputs: RebalanceInputs) -> RebalanceInputs:
    """The same problem in the one order the engine works in: by symbol, then by lot id."""
    securities = (
        replace(security, lots=tuple(sorted(security.lots, key=lambda lot: lot.lot_id)))
        for security in sorted(inputs.securities, key=lambda s: (s.symbol, s.asset_id))
    )
    return replace(inputs, securities=tuple(securities))


def without_prices(*, inputs: RebalanceInputs, asset_ids: Collection[str]) -> RebalanceInputs:
    """Return the same problem with no price for these assets, to compare all the rest."""
    securities = (
        replace(security, price=None) if security.asset_id in asset_ids else security
        for security in inputs.securities
    )
    return canonical(inputs=replace(inputs, securities=tuple(securities)))


def inputs_json(*, inputs: RebalanceInputs) -> str:
    """The canonical JSON text of the problem."""
    return canonical_json(as_json(canonical(inputs=inputs))).decode()


def inputs_from_json(*, text: str) -> RebalanceInputs:
    """The problem of a canonical JSON text; unknown or missing fields raise TypeError, KeyError."""
    data = json.loads(text)
    data["as_of"] = date.fromisoformat(data["as_of"])
    data["settings"] = Settings(**_decimals(Settings, data["settings"]))
    data["securities"] = tuple(_security(item) for item in data["securities"])
    return RebalanceInputs(**_decimals(RebalanceInputs, data))


def as_json(value: Any) -> Any:
    """A frozen value as JSON types: Decimal as plain text, dates as ISO, tuples as lists."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return [as_json(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        return {name: as_json(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _security(data: dict[str, Any]) -> Security:
    for side in ("buy_block", "sell_block"):
        if data[side] is not None:
            until = data[side]["until"]
            data[side] = Block(data[side]["code"], date.fromisoformat(until) if until else None)
    data["lots"] = tuple(
        Lot(
            lot_id=lot["lot_id"],
            quantity=Decimal(lot["quantity"]),
            cost_basis=Decimal(lot["cost_basis"]),
            opened_date=date.fromisoformat(lot["opened_date"]),
            holding_period_date=date.fromisoformat(lot["holding_period_date"]),
        )
        for lot in data["lots"]
    )
    return Security(**_decimals(Security, data))


def _decimals(kind: Any, data: dict[str, Any]) -> dict[str, Any]:
    """`data` with the texts of Decimal fields read as Decimal."""
    names = {field.name for field in fields(kind) if field.type in (Decimal, Decimal | None)}
    return {
        name: Decimal(value) if name in names and value is not None else value
        for name, value in data.items()
    }


def ensure_valid(*, inputs: RebalanceInputs) -> None:
    """Refuses a problem no answer would be right for: InvalidInput with one of the codes

    too_many_securities, duplicate_security, price_missing, lot_not_positive, weight_out_of_range,
    targets_not_whole, setting_out_of_range.
    """
    securities = inputs.securities
    if len(securities) > SECURITIES_MAX:
        raise InvalidInput(f"At most {SECURITIES_MAX} securities.", code="too_many_securities")
    symbols = Counter(security.symbol for security in securities)
    if len(symbols) < len(securities):
        twice = min(symbol for symbol, count in symbols.items() if count > 1)
        raise InvalidInput(f"{twice} is listed twice.", code="duplicate_security")
    for security in securities:
        _ensure_security(security)
    _ensure_settings(inputs)
    whole = inputs.cash_target_weight + sum((s.target_weight for s in securities), ZERO)
    if abs(whole - 1) > TARGET_SUM_TOLERANCE:
        raise InvalidInput(
            f"Targets with cash make {plain(whole * 100)} %, not 100 %.", code="targets_not_whole"
        )


def _ensure_security(security: Security) -> None:
    symbol = security.symbol
    if len(security.lots) > LOTS_PER_SECURITY_MAX:
        raise InvalidInput(f"{symbol} has too many lots.", code="too_many_securities")
    if any(not (lot.quantity > 0 and lot.cost_basis >= 0) for lot in security.lots):
        raise InvalidInput(f"{symbol} has an empty or negative lot.", code="lot_not_positive")
    if security.price is not None and not (security.price.is_finite() and security.price > 0):
        raise InvalidInput(f"{symbol} has no positive price.", code="price_missing")
    if security.price is None and security.lots:
        # A holding that cannot be valued makes every weight of the account a guess.
        raise InvalidInput(f"{symbol} is held and has no price.", code="price_missing")
    if not (0 <= security.target_weight <= 1 and 0 <= security.threshold <= 1):
        raise InvalidInput(f"{symbol}: target or band.", code="weight_out_of_range")
    if not 0 <= security.half_spread_bp < 5_000:
        raise InvalidInput(f"{symbol}: half spread.", code="setting_out_of_range")


def _ensure_settings(inputs: RebalanceInputs) -> None:
    settings = inputs.settings
    if not (0 <= inputs.cash_target_weight <= 1 and 0 <= inputs.cash_threshold <= 1):
        raise InvalidInput("Cash: target or band.", code="weight_out_of_range")
    fractions = (settings.short_term_rate, settings.long_term_rate, settings.band_return)
    amounts = (
        settings.brokerage_fee,
        settings.minimum_trade,
        settings.drift_penalty,
        inputs.cash_floor,
    )
    if (
        any(not 0 <= value <= 1 for value in fractions)
        or any(not (value.is_finite() and value >= 0) for value in amounts)
        or not 1 <= settings.node_limit <= NODES_MAX
        or not inputs.cash.is_finite()
    ):
        raise InvalidInput("A setting is out of range.", code="setting_out_of_range")
