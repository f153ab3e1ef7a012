"""From what is known of an account to the problem the engine solves. Pure.

prices       account's currency: quote * rate
rates        short = ordinary + state + net investment income, long = long-term + those two, of
             the account's owner: spouses may differ; both 0 where the account is not taxable
days         calendar days of executed_at in UTC, on which every session of New York, London and
             Tokyo lies whole; a trade after 19:00 New York time belongs to the next day
blocks       restrictions in force; a stale price closes both sides; a loss the household sold in
             the last 30 days closes the buy side of the whole identity group until day 30, in
             every account: in an IRA the loss would be gone for good
unwanted     what is held without a target has the target 0
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from recommendations.engine.problem import Block, Lot, RebalanceInputs, Security, Settings

WASH_SALE_DAYS = 30
# Dollars of tax and cost that a dollar outside its band may cost to bring back. At 0.20 long-term
# gains of any size are taken (15 % to 20 % of the gain), large short-term gains are not.
DRIFT_PENALTY = Decimal("0.20")
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """One asset as the account sees it; price already in the account's currency."""

    asset_id: int
    public_id: str
    symbol: str
    group_id: int
    price: Decimal | None
    stale: bool
    half_spread_bp: Decimal
    fractional: bool


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
class Options:
    """What the request may set."""

    minimum_trade: Decimal = Decimal(10)
    cash_floor: Decimal = Decimal(0)
    whole_shares: bool = False
    loss_harvesting: bool = False


def problem(
    *,
    account_id: str,
    as_of: date,
    currency: str,
    cash: Decimal,
    taxable: bool,
    rates: Rates,
    assets: Mapping[int, AssetFacts],
    lots: Mapping[int, Sequence[Lot]],
    targets: Sequence[TargetFacts],
    restrictions: Sequence[RestrictionFacts],
    loss_sales: Mapping[int, date],
    recent_lots: Mapping[int, frozenset[str]],
    options: Options,
    engine_version: str,
) -> RebalanceInputs:
    """The engine's inputs.

    loss_sales: last day the household sold an asset of the group at a loss, by group id;
    recent_lots: open lots the household bought within the last 30 days, by group id.
    """
    by_asset = {target.asset_id: target for target in targets}
    closed = {row.asset_id: row for row in restrictions}
    securities = tuple(
        _security(
            facts,
            lots.get(asset_id, ()),
            by_asset.get(asset_id),
            closed.get(asset_id),
            loss_sales.get(facts.group_id),
            taxable
            and _is_replaced(lots.get(asset_id, ()), recent_lots.get(facts.group_id, frozenset())),
        )
        for asset_id, facts in sorted(assets.items(), key=lambda item: item[1].symbol)
    )
    cash_target = by_asset.get(None)
    extra = rates.state + rates.net_investment_income
    return RebalanceInputs(
        account_id=account_id,
        as_of=as_of,
        currency=currency,
        cash=cash,
        cash_target_weight=cash_target.percentage / HUNDRED if cash_target else Decimal(0),
        cash_threshold=cash_target.threshold / HUNDRED if cash_target else Decimal(0),
        cash_floor=options.cash_floor,
        securities=securities,
        settings=Settings(
            short_term_rate=rates.ordinary + extra if taxable else Decimal(0),
            long_term_rate=rates.long_term + extra if taxable else Decimal(0),
            minimum_trade=options.minimum_trade,
            drift_penalty=DRIFT_PENALTY,
            whole_shares=options.whole_shares,
            loss_harvesting=options.loss_harvesting,
        ),
        engine_version=engine_version,
    )


def _is_replaced(lots: Sequence[Lot], recent: frozenset[str]) -> bool:
    """Whether some lot has a replacement: one bought within the window that is not the lot itself.

    What was bought in one purchase does not replace its own shares (Rev. Rul. 56-602), so a single
    young lot may be sold at a loss; beside any other lot it may not.
    """
    return any(recent - {lot.lot_id} for lot in lots)


def _security(
    facts: AssetFacts,
    lots: Sequence[Lot],
    target: TargetFacts | None,
    restriction: RestrictionFacts | None,
    loss_sold: date | None,
    bought_recently: bool,
) -> Security:
    buy_block = sell_block = None
    if loss_sold is not None:
        buy_block = Block("wash_sale_window", loss_sold + timedelta(days=WASH_SALE_DAYS))
    if restriction is not None:
        block = Block("restricted", restriction.until)
        if restriction.kind in ("no_buy", "no_trade"):
            buy_block = block
        if restriction.kind in ("no_sell", "no_trade"):
            sell_block = block
    if facts.stale:
        buy_block = sell_block = Block("price_stale")
    return Security(
        symbol=facts.symbol,
        asset_id=facts.public_id,
        price=facts.price,
        target_weight=target.percentage / HUNDRED if target else Decimal(0),
        threshold=target.threshold / HUNDRED if target else Decimal(0),
        lots=tuple(lots),
        half_spread_bp=facts.half_spread_bp,
        fractional=facts.fractional,
        buy_block=buy_block,
        sell_block=sell_block,
        identity_group=str(facts.group_id),
        recent_purchase=bought_recently,
    )
