"""From the facts of an account to the problem the engine solves. Pure.

prices       account's currency: quote x rate
rates        short = ordinary + state + net investment income, long = long-term + those two, of
             the account's owner: spouses may differ; both 0 if the account is not taxable
days         trade dates, at the place of the trade
blocks       restrictions in force; a stale price blocks both sides; the wash-sale window of the
             ledger (`ledger/open_wash_windows.py`) blocks purchases, by the household's policy
estimates    an asset whose price is the household's own last trade: by the options it is held (it
             counts in every weight, and both sides are blocked), left out (neither it nor its
             target counts; the other targets are scaled to 100 %), or traded, whatever its age
currency     a security in another currency is traded in its own, at the rate of the day
fees         those of the market an asset is listed in, converted to the account's currency
no target    a holding without a target has the target 0
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from core.errors import InvalidInput
from core.money import WIDE
from recommendations.engine.options import LEAVE_OUT, TRADE, Options
from recommendations.engine.problem import (
    ESTIMATE,
    LIVE,
    ONE,
    Block,
    Lot,
    Purchase,
    RebalanceInputs,
    Security,
    Settings,
)

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """One asset of the account.

    price: in the account's currency; currency, quote: its own; fx_rate: units of the account's
    currency for one of its own; price_source: where the quote comes from; wash_sales: whether a
    loss on it in this account can be disallowed; blocked_until: the last day on which a purchase of
    it in this account would wash a loss.
    """

    asset_id: int
    public_id: str
    symbol: str
    group_id: int
    price: Decimal | None
    stale: bool
    half_spread_bp: Decimal
    fractional: bool
    fee_market: str = ""
    currency: str | None = None
    quote: Decimal | None = None
    fx_rate: Decimal = ONE
    wash_sales: bool = True
    blocked_until: date | None = None
    price_source: str = LIVE

    @property
    def estimated(self) -> bool:
        """Whether the price is that of the household's own last trade."""
        return self.price_source == ESTIMATE


@dataclass(frozen=True, slots=True)
class Rates:
    """The investor's own marginal rates, fractions of income."""

    ordinary: Decimal
    long_term: Decimal
    state: Decimal
    net_investment_income: Decimal


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """A target in percent; asset_id None is cash."""

    asset_id: int | None
    percentage: Decimal
    threshold: Decimal


@dataclass(frozen=True, slots=True)
class RestrictionFacts:
    """A restriction in force."""

    asset_id: int
    kind: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one account at one moment; lots and assets by asset id."""

    account_id: str
    as_of: date
    currency: str
    cash: Decimal
    taxable: bool
    rates: Rates
    assets: Mapping[int, AssetFacts]
    lots: Mapping[int, Sequence[Lot]] = field(default_factory=dict)
    targets: Sequence[TargetFacts] = ()
    restrictions: Sequence[RestrictionFacts] = ()
    purchases: Sequence[Purchase] = ()
    earlier_acquired_count: bool = True


def problem(*, facts: Facts, options: Options, engine_version: str) -> RebalanceInputs:
    """Return the engine's inputs."""
    assets, left_out = _counted(facts, options)
    targets = _whole_again(facts, assets)
    restrictions = {row.asset_id: row for row in facts.restrictions}
    securities = tuple(
        _security(
            asset,
            facts.lots.get(asset_id, ()),
            targets.get(asset_id),
            restrictions.get(asset_id),
            trades_estimates=options.estimated_prices == TRADE,
        )
        for asset_id, asset in sorted(assets.items(), key=lambda item: item[1].symbol)
    )
    cash_target = targets.get(None)
    return RebalanceInputs(
        account_id=facts.account_id,
        as_of=facts.as_of,
        currency=facts.currency,
        cash=facts.cash,
        cash_target_weight=cash_target.percentage / HUNDRED if cash_target else Decimal(0),
        cash_threshold=cash_target.threshold / HUNDRED if cash_target else Decimal(0),
        cash_floor=options.cash_floor,
        securities=securities,
        settings=_settings(facts, options),
        purchases=tuple(facts.purchases),
        earlier_acquired_count=facts.earlier_acquired_count,
        engine_version=engine_version,
        left_out=left_out,
    )


def _counted(facts: Facts, options: Options) -> tuple[Mapping[int, AssetFacts], tuple[str, ...]]:
    """Return the assets that count, and the symbols of those that are left out."""
    if options.estimated_prices != LEAVE_OUT:
        return facts.assets, ()
    counted = {pk: asset for pk, asset in facts.assets.items() if not asset.estimated}
    left_out = {asset.symbol for pk, asset in facts.assets.items() if pk not in counted}
    return counted, tuple(sorted(left_out))


def _whole_again(
    facts: Facts, assets: Mapping[int, AssetFacts]
) -> Mapping[int | None, TargetFacts]:
    """Return the targets of what counts, scaled to the sum of all targets."""
    every = sum((row.percentage for row in facts.targets), Decimal(0))
    counted = [row for row in facts.targets if row.asset_id is None or row.asset_id in assets]
    left = sum((row.percentage for row in counted), Decimal(0))
    if left == every:
        return {row.asset_id: row for row in counted}
    if not left:
        raise InvalidInput(
            "Every target is of a holding whose price is an estimate. Enter prices for them, or "
            "do not leave them out.",
            code="targets_left_out",
        )
    return {
        row.asset_id: replace(
            row, percentage=WIDE.divide(WIDE.multiply(row.percentage, every), left)
        )
        for row in counted
    }


def _settings(facts: Facts, options: Options) -> Settings:
    rates = facts.rates
    extra = rates.state + rates.net_investment_income
    return Settings(
        short_term_rate=rates.ordinary + extra if facts.taxable else Decimal(0),
        long_term_rate=rates.long_term + extra if facts.taxable else Decimal(0),
        brokerage_fee=options.brokerage_fee,
        minimum_trade=options.minimum_trade,
        whole_shares=options.whole_shares,
        loss_harvesting=options.loss_harvesting,
    )


def _security(
    asset: AssetFacts,
    lots: Sequence[Lot],
    target: TargetFacts | None,
    restriction: RestrictionFacts | None,
    *,
    trades_estimates: bool,
) -> Security:
    buy_block = sell_block = None
    if asset.blocked_until is not None:
        buy_block = Block("wash_sale_window", asset.blocked_until)
    if restriction is not None:
        block = Block("restricted", restriction.until)
        if restriction.kind in ("no_buy", "no_trade"):
            buy_block = block
        if restriction.kind in ("no_sell", "no_trade"):
            sell_block = block
    if asset.estimated:
        if not trades_estimates:
            buy_block = sell_block = Block("price_estimated")
    elif asset.stale:
        buy_block = sell_block = Block("price_stale")
    return Security(
        symbol=asset.symbol,
        asset_id=asset.public_id,
        price=asset.price,
        target_weight=target.percentage / HUNDRED if target else Decimal(0),
        threshold=target.threshold / HUNDRED if target else Decimal(0),
        lots=tuple(lots),
        half_spread_bp=asset.half_spread_bp,
        fractional=asset.fractional,
        buy_block=buy_block,
        sell_block=sell_block,
        identity_group=str(asset.group_id),
        wash_sales=asset.wash_sales,
        fee_market=asset.fee_market,
        currency=asset.currency,
        quote=asset.quote if asset.price is not None else None,
        fx_rate=asset.fx_rate,
        price_source=asset.price_source,
    )
