"""The inputs of a rebalance of one account, their canonical JSON and their validation.

Values are frozen and, but for a security's own quote, in the account's currency. The JSON form is
canonical (sorted keys, securities by symbol, lots by id and piece, decimals as plain text): equal
problems are equal bytes, and reading them back gives an equal problem. So a stored recommendation
can be replayed.

Weights and bands are fractions of account value (0.05 = 5 %), rates are fractions, spreads are
basis points (1/10,000), quantities are units, everything else is money. The package's docstring
names the files that apply them.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.errors import Conflict, InvalidInput
from core.identifiers import canonical_json
from core.money import WIDE, plain

ENGINE_VERSION = "rebalance-5"
# Version 5 only adds rules to version 4: without them it gives the same bytes.
READABLE_VERSIONS = ("rebalance-4", ENGINE_VERSION)
# Fields that version 4 did not have. Unused, they are left out of the JSON.
_ADDED = frozenset(
    {"minimum_holding_days", "drift_limit", "turnover_budget", "gain_budget", "set_aside", "limits"}
)

SECURITIES_MAX = 5_000
LOTS_PER_SECURITY_MAX = 1_000
# The most tax and cost, in dollars, worth paying to bring one dollar back into its band. At 0.20
# long-term gains of any size are taken (15 % to 20 % of the gain), large short-term gains are not.
DRIFT_PENALTY = Decimal("0.20")
# Targets come as percentages with four decimals: their sum may miss 100 % by the rounding only.
TARGET_SUM_TOLERANCE = Decimal("0.000001")

# The sources of a price that the engine tells apart; an estimate is the household's last trade.
LIVE, ESTIMATE = "live", "trade"

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Block:
    """Why a side is blocked (restricted, wash_sale_window, price_stale ...) and its last day."""

    code: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """The open rest of one piece of an acquisition: units, cost basis, and its two dates.

    `holding_period_date` decides the term; a wash sale makes it earlier than `opened_date`.
    piece: the number of the piece, if wash sales divided the lot; order: the place of its lot
    among all purchases of the household, oldest first; purchase: the order of the first fill of its
    purchase, whose shares never replace each other; bought: whether it may replace shares sold at a
    loss; replaces_loss: whether it has done so; washable: units whose loss, taken now, would be
    disallowed.
    """

    lot_id: str
    quantity: Decimal
    cost_basis: Decimal
    opened_date: date
    holding_period_date: date
    piece: int = 0
    opened_at: datetime | None = None
    order: int = 0
    purchase: int = -1
    bought: bool = False
    replaces_loss: bool = False
    washable: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Purchase:
    """A piece bought in another account of the household within the last 30 days and still held.

    It may replace shares of its identity group that this account sells at a loss.
    """

    group: str
    quantity: Decimal
    opened_at: datetime
    order: int
    purchase: int
    permanent: bool


@dataclass(frozen=True, slots=True)
class Security:
    """One security with a holding, a target, or both. `threshold` is the half-width of its band.

    fractional: False when only whole shares trade; identity_group: substantially identical
    securities share one name; wash_sales: whether a loss on it can be disallowed at all;
    fee_market: the market whose fees a sale pays, "" for none; price_source: live, close, manual,
    file or trade.
    A security in another currency is traded in that: currency and quote are its own, fx_rate is the
    account's units for one of them, and price = quote x fx_rate. Without them it is traded in the
    account's currency.
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
    wash_sales: bool = True
    fee_market: str = ""
    currency: str | None = None
    quote: Decimal | None = None
    fx_rate: Decimal = ONE
    price_source: str = LIVE

    @property
    def estimated(self) -> bool:
        """Return whether the price is an estimate."""
        return self.price_source == ESTIMATE

    @property
    def priced_at(self) -> Decimal:
        """Return the price, in the account's currency, of a security that can be traded."""
        assert self.price is not None, "what has no price is not traded"
        return self.price

    @property
    def traded_at(self) -> Decimal:
        """Return the price in the currency of the trade."""
        return self.priced_at if self.quote is None else self.quote

    @property
    def quantity(self) -> Decimal:
        """Return the units held: the sum of the lots."""
        return sum((lot.quantity for lot in self.lots), ZERO)

    @property
    def may_buy(self) -> bool:
        return self.buy_block is None

    @property
    def may_sell(self) -> bool:
        return self.sell_block is None


@dataclass(frozen=True, slots=True)
class Settings:
    """The weights of drift, tax and cost.

    short_term_rate, long_term_rate: the tax on one more dollar of gain (federal, state and net
    investment income tax together); both 0 in an IRA, Roth IRA or 401(k).
    brokerage_fee: the broker's fixed charge for an order of any size.
    drift_penalty: dollars of penalty for a dollar outside its band (rising further out).
    loss_harvesting: whether a loss may be the only reason for a sale.
    minimum_holding_days: lots opened fewer days ago are not sold.
    drift_limit: the share of the account that may stay out of place, in place of all bands: tax and
    cost are the least with which it is reached.
    turnover_budget: the most money that purchases and sales together may move.
    gain_budget: the most gain that sales may realize; losses make no room for more.
    """

    short_term_rate: Decimal
    long_term_rate: Decimal
    brokerage_fee: Decimal = ZERO
    minimum_trade: Decimal = ZERO
    drift_penalty: Decimal = DRIFT_PENALTY
    whole_shares: bool = False
    loss_harvesting: bool = False
    minimum_holding_days: int = 0
    drift_limit: Decimal | None = None
    turnover_budget: Decimal | None = None
    gain_budget: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RebalanceInputs:
    """All inputs of one run.

    cash_floor: the least cash that may remain (for a withdrawal, say); purchases: purchases in
    other accounts of the household, which may replace a loss of this one;
    earlier_acquired_count: the household's reading of the law (`transactions.ledger.wash_sales`);
    left_out: symbols of holdings that are not part of the problem, because their prices are
    estimates; set_aside: those that are not, because their owner wants so.
    """

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
    purchases: tuple[Purchase, ...] = ()
    earlier_acquired_count: bool = True
    left_out: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()


def is_kept(*, lot: Lot, inputs: RebalanceInputs) -> bool:
    """Return whether the lot is too young to be sold on the day of the run."""
    return (inputs.as_of - lot.opened_date).days < inputs.settings.minimum_holding_days


def ensure_version(version: str) -> None:
    """Refuse what another version of the engine computed: its fields and its rules differ."""
    if version not in READABLE_VERSIONS:
        raise Conflict(
            f"The recommendation was computed by engine {version}, and this is {ENGINE_VERSION}. "
            "It can no longer be opened or computed again. Request a new rebalance.",
            code="engine_version_unknown",
        )


def canonical(*, inputs: RebalanceInputs) -> RebalanceInputs:
    """Return the problem in the engine's canonical order: by symbol, then by lot and piece."""
    securities = []
    for security in sorted(inputs.securities, key=lambda s: (s.symbol, s.asset_id)):
        lots = sorted(security.lots, key=lambda lot: (lot.lot_id, lot.piece))
        securities.append(replace(security, lots=tuple(lots)))
    purchases = sorted(inputs.purchases, key=lambda row: (row.group, row.order, row.quantity))
    return replace(
        inputs,
        securities=tuple(securities),
        purchases=tuple(purchases),
        left_out=tuple(sorted(inputs.left_out)),
        set_aside=tuple(sorted(inputs.set_aside)),
    )


def without_prices(*, inputs: RebalanceInputs, asset_ids: Collection[str]) -> RebalanceInputs:
    """Return the same problem without prices and rates of these assets, to compare the rest."""
    securities = (
        replace(security, price=None, quote=None, fx_rate=ONE)
        if security.asset_id in asset_ids
        else security
        for security in inputs.securities
    )
    return canonical(inputs=replace(inputs, securities=tuple(securities)))


def inputs_json(*, inputs: RebalanceInputs) -> str:
    """Return the canonical JSON text of the problem."""
    return canonical_json(as_json(canonical(inputs=inputs))).decode()


def inputs_from_json(*, text: str) -> RebalanceInputs:
    """Return the problem of a canonical JSON text; refuse one of another version of the engine.

    Raises TypeError or KeyError for wrong fields.
    """
    data = json.loads(text)
    ensure_version(data["engine_version"])
    data["as_of"] = date.fromisoformat(data["as_of"])
    data["settings"] = Settings(**_decimals(Settings, data["settings"]))
    data["securities"] = tuple(_security(item) for item in data["securities"])
    data["purchases"] = tuple(_read(Purchase, item) for item in data["purchases"])
    data["left_out"] = tuple(data["left_out"])
    data["set_aside"] = tuple(data.get("set_aside", ()))
    return RebalanceInputs(**_decimals(RebalanceInputs, data))


def as_json(value: Any) -> Any:
    """Return a frozen value as JSON types: Decimal as plain text, dates as ISO, tuples as lists."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return [as_json(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        return {
            name: as_json(getattr(value, name))
            for name in value.__dataclass_fields__
            if name not in _ADDED or _is_used(getattr(value, name))
        }
    return value


def _is_used(value: Any) -> bool:
    """Return whether an added field says something; a limit of 0 does."""
    return isinstance(value, Decimal) or bool(value)


def _security(data: dict[str, Any]) -> Security:
    for side in ("buy_block", "sell_block"):
        if data[side] is not None:
            until = data[side]["until"]
            data[side] = Block(data[side]["code"], date.fromisoformat(until) if until else None)
    data["lots"] = tuple(_read(Lot, lot) for lot in data["lots"])
    return Security(**_decimals(Security, data))


def _read(kind: Any, data: dict[str, Any]) -> Any:
    """Return the lot or purchase of a JSON form."""
    for name in ("opened_date", "holding_period_date"):
        if name in data:
            data[name] = date.fromisoformat(data[name])
    if data["opened_at"] is not None:
        data["opened_at"] = datetime.fromisoformat(data["opened_at"])
    return kind(**_decimals(kind, data))


def _decimals(kind: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` with the texts of Decimal fields read as Decimal."""
    names = {field.name for field in fields(kind) if field.type in (Decimal, Decimal | None)}
    return {
        name: Decimal(value) if name in names and value is not None else value
        for name, value in data.items()
    }


def ensure_valid(*, inputs: RebalanceInputs) -> None:
    """Refuse a problem that has no right answer: InvalidInput with one of the codes

    too_many_securities, duplicate_security, price_missing, lot_not_positive, weight_out_of_range,
    targets_not_whole, setting_out_of_range.
    """
    securities = inputs.securities
    if len(securities) > SECURITIES_MAX:
        raise InvalidInput(
            f"The account has more than {SECURITIES_MAX} assets. Sell or transfer some first.",
            code="too_many_securities",
        )
    symbols = Counter(security.symbol for security in securities)
    if len(symbols) < len(securities):
        twice = min(symbol for symbol, count in symbols.items() if count > 1)
        raise InvalidInput(f"{twice} is listed twice. List it once.", code="duplicate_security")
    for security in securities:
        _ensure_security(security)
    _ensure_settings(inputs)
    whole = inputs.cash_target_weight + sum((s.target_weight for s in securities), ZERO)
    if abs(whole - 1) > TARGET_SUM_TOLERANCE:
        raise InvalidInput(
            f"The targets and cash sum to {plain(whole * 100)} %; they must sum to 100 %.",
            code="targets_not_whole",
        )


def _ensure_security(security: Security) -> None:
    symbol = security.symbol
    if len(security.lots) > LOTS_PER_SECURITY_MAX:
        raise InvalidInput(
            f"{symbol} has more than {LOTS_PER_SECURITY_MAX} lots.", code="too_many_securities"
        )
    if any(not (lot.quantity > 0 and lot.cost_basis >= 0) for lot in security.lots):
        raise InvalidInput(
            f"{symbol} has a lot without shares or with a negative cost basis.",
            code="lot_not_positive",
        )
    if security.price is not None and not (security.price.is_finite() and security.price > 0):
        raise InvalidInput(
            f"The price of {symbol} must be a positive number.", code="price_missing"
        )
    if security.price is None and security.lots:
        # Without the value of a holding, no weight of the account is known.
        raise InvalidInput(
            f"{symbol} is held but has no price. Record a price first.", code="price_missing"
        )
    if security.quote is not None and security.price != WIDE.multiply(
        security.quote, security.fx_rate
    ):
        raise InvalidInput(
            f"The price of {symbol} must be its quote at the exchange rate.",
            code="price_not_at_rate",
        )
    if not (0 <= security.target_weight <= 1 and 0 <= security.threshold <= 1):
        raise InvalidInput(
            f"The target and the band of {symbol} must be between 0 % and 100 %.",
            code="weight_out_of_range",
        )
    if not 0 <= security.half_spread_bp < 5_000:
        raise InvalidInput(
            f"The half spread of {symbol} must be below 5,000 basis points.",
            code="setting_out_of_range",
        )


def _ensure_settings(inputs: RebalanceInputs) -> None:
    settings = inputs.settings
    if not (0 <= inputs.cash_target_weight <= 1 and 0 <= inputs.cash_threshold <= 1):
        raise InvalidInput(
            "The target and the band of cash must be between 0 % and 100 %.",
            code="weight_out_of_range",
        )
    fractions = (settings.short_term_rate, settings.long_term_rate)
    budgets = (settings.turnover_budget, settings.gain_budget, settings.drift_limit)
    amounts = (
        settings.brokerage_fee,
        settings.minimum_trade,
        settings.drift_penalty,
        inputs.cash_floor,
        *(budget for budget in budgets if budget is not None),
    )
    if (
        any(not 0 <= value <= 1 for value in fractions)
        or any(not (value.is_finite() and value >= 0) for value in amounts)
        or not inputs.cash.is_finite()
        or settings.minimum_holding_days < 0
    ):
        raise InvalidInput(
            "Rates must be between 0 and 1. Fees, limits and the cash floor must not be negative.",
            code="setting_out_of_range",
        )
