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
cash policy  where only cash is invested, every sale is blocked
budgets      of the year, less what the ledger has realized and traded in it; not below 0
left out     symbols named by the owner: neither value nor target counts, as with estimates
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from core.errors import InvalidInput
from core.money import WIDE
from portfolios.holdings.policies import INVEST_ONLY
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
class YearSoFar:
    """What an account has done this calendar year, in its currency.

    turnover: purchases and sales; gain: recognized gains less recognized losses.
    """

    turnover: Decimal
    gain: Decimal


NOTHING_YET = YearSoFar(Decimal(0), Decimal(0))


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
    year: YearSoFar = NOTHING_YET


def problem(*, facts: Facts, options: Options, engine_version: str) -> RebalanceInputs:
    """Return the engine's inputs."""
    assets, left_out, set_aside = _counted(facts, options)
    targets = _whole_again(facts, assets)
    restrictions = {row.asset_id: row for row in facts.restrictions}
    securities = tuple(
        _security(
            asset,
            facts.lots.get(asset_id, ()),
            targets.get(asset_id),
            restrictions.get(asset_id),
            options=options,
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
        set_aside=set_aside,
    )


def _counted(
    facts: Facts, options: Options
) -> tuple[Mapping[int, AssetFacts], tuple[str, ...], tuple[str, ...]]:
    """Return the assets that count, and the symbols left out: as estimates, and by the owner."""
    if options.estimated_prices != LEAVE_OUT and not options.leave_out:
        return facts.assets, (), ()
    aside = {pk for pk, asset in facts.assets.items() if asset.symbol in options.leave_out}
    estimates = {
        pk
        for pk, asset in facts.assets.items()
        if asset.estimated and options.estimated_prices == LEAVE_OUT and pk not in aside
    }
    counted = {pk: one for pk, one in facts.assets.items() if pk not in aside | estimates}
    return counted, _symbols(facts, estimates), _symbols(facts, aside)


def _symbols(facts: Facts, pks: Collection[int]) -> tuple[str, ...]:
    return tuple(sorted(facts.assets[pk].symbol for pk in pks))


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
            "Every target is of a holding that is left out. Enter prices for estimates, or leave "
            "out fewer symbols.",
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
        minimum_holding_days=options.minimum_holding_days,
        drift_limit=options.drift_limit,
        turnover_budget=_left(options.turnover_budget, facts.year.turnover),
        gain_budget=_left(options.gain_budget, facts.year.gain) if facts.taxable else None,
    )


def _left(budget: Decimal | None, used: Decimal) -> Decimal | None:
    """Return what is left of a budget; losses of the year make room for as much more gain."""
    return None if budget is None else max(budget - used, Decimal(0))


def _security(
    asset: AssetFacts,
    lots: Sequence[Lot],
    target: TargetFacts | None,
    restriction: RestrictionFacts | None,
    *,
    options: Options,
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
        if options.estimated_prices != TRADE:
            buy_block = sell_block = Block("price_estimated")
    elif asset.stale:
        buy_block = sell_block = Block("price_stale")
    if options.cash_policy == INVEST_ONLY and sell_block is None:
        sell_block = Block("invest_only")
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
