"""Reasons for proposed and skipped trades: a stable code and a sentence for the client.

Trades   over_band, under_band, no_target, raise_cash, invest_cash, harvest_loss, fund_purchases,
         reinvest_proceeds, toward_target
Cautions price_estimated
Skipped  within_band, restricted_no_buy, restricted_no_sell, wash_sale_window, price_stale,
         price_estimated (and any other code of a block), left_out, no_price, below_minimum_trade,
         wash_sale_pair, tax_exceeds_benefit, cost_exceeds_benefit, no_cash, account_empty,
         invest_only, minimum_holding_period, drift_accepted, turnover_budget, gain_budget
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from core.money import plain
from recommendations.engine.hulls import TURNOVER, Item
from recommendations.engine.problem import ONE, ZERO, Block, RebalanceInputs, Security, is_kept
from recommendations.engine.program import Aims, is_whole, lot_rate
from recommendations.engine.result import Skipped
from recommendations.engine.trades import Fill

_BLOCKED = {
    "restricted_no_buy": "a restriction forbids buying it",
    "restricted_no_sell": "a restriction forbids selling it",
    "wash_sale_window": "buying it would disallow a loss of the last 30 days",
    "price_stale": "its price is stale",
    "invest_only": "only cash is invested, nothing is sold",
    "price_estimated": "its price is an estimate, that of your own last trade; enter a price, or "
    "choose to trade at estimates",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The position of one security before the run, in the account's currency."""

    security: Security
    item: Item
    value: Decimal
    target: Decimal
    band: Decimal
    account_value: Decimal

    @property
    def excess(self) -> Decimal:
        """Return the money above (negative: below) the target."""
        return self.value - self.target


def standings(
    *, inputs: RebalanceInputs, aims: Aims, items: tuple[Item, ...]
) -> tuple[Standing, ...]:
    """Return one standing per security, in the inputs' order."""
    return tuple(
        Standing(security, item, value, target, band, aims.account_value)
        for security, item, value, target, band in zip(
            inputs.securities, items, aims.values, aims.securities, aims.bands, strict=True
        )
    )


def trade_reason(
    *, inputs: RebalanceInputs, aims: Aims, standing: Standing, fill: Fill
) -> tuple[str, str]:
    """Return the code and the sentence of a trade."""
    code = _trade_code(inputs, aims, standing, fill)
    price = standing.security.price or ZERO
    after = standing.value - fill.sold * price
    there = abs(after - standing.target) <= standing.band
    verb, side = ("Sell", "sale") if fill.sold > 0 else ("Buy", "purchase")
    sentence = (
        f"{verb} {standing.security.symbol}: {_place(standing)}; "
        + {
            "over_band": "the sale brings it back into its band"
            if there
            else "the sale brings it closer; selling more would cost more tax than it is worth",
            "under_band": "the purchase brings it back into its band"
            if there
            else "the purchase brings it closer to its band",
            "no_target": "it has no target",
            "raise_cash": "the account needs cash",
            "invest_cash": "the account holds more cash than its target",
            "harvest_loss": "the loss saves more tax than the sale costs",
            "fund_purchases": "the sale pays for purchases at the least tax",
            "reinvest_proceeds": "the purchase reinvests the proceeds of the sales",
            "toward_target": f"the {side} brings it closer to its target, as far as the drift you "
            "accept asks",
        }[code]
    )
    if fill.sold > 0 and fill.tax:
        kind = "tax" if fill.tax > 0 else "tax saved"
        sentence += f"; {kind} about {abs(fill.tax)} {inputs.currency}"
    if standing.security.estimated:
        sentence += "; its price is an estimate, that of your own last trade"
    return code, sentence + "."


def cautions(security: Security) -> tuple[str, ...]:
    """Return the codes of what to check before an order of this security is placed."""
    return ("price_estimated",) if security.estimated else ()


def set_aside(symbol: str) -> Skipped:
    """Return the reason of a holding that its owner leaves out."""
    text = f"{symbol} is left out as you wish. Neither its value nor its target counts."
    return Skipped(symbol, "left_out", text)


def left_out(symbol: str) -> Skipped:
    """Return the reason of a holding that is left out because its price is an estimate."""
    text = (
        f"{symbol} is left out: its price is an estimate, that of your own last trade. Neither its "
        "value nor its target counts."
    )
    return Skipped(symbol, "left_out", text)


def _trade_code(inputs: RebalanceInputs, aims: Aims, standing: Standing, fill: Fill) -> str:
    if fill.sold > 0:
        if not standing.security.target_weight:
            return "no_target"
        # Compare with the target as set: a withdrawal shrinks all targets, which is not drift.
        nominal = standing.security.target_weight * aims.account_value
        if standing.value - nominal > standing.band:
            return "over_band"
        if fill.tax < 0 and inputs.settings.loss_harvesting:
            return "harvest_loss"
        if aims.cash - inputs.cash > aims.cash_band or inputs.cash < inputs.cash_floor:
            return "raise_cash"
        if inputs.settings.drift_limit is not None and standing.excess > 0:
            return "toward_target"
        return "fund_purchases"
    if -standing.excess > standing.band:
        return "under_band"
    if inputs.cash - aims.cash > aims.cash_band:
        return "invest_cash"
    if inputs.settings.drift_limit is not None and standing.excess < 0:
        return "toward_target"
    return "reinvest_proceeds"


def skip_reason(
    *,
    inputs: RebalanceInputs,
    standing: Standing,
    cash_price: float,
    traded: dict[str, set[str]],
    sellable: bool,
    used_up: Collection[str] = (),
) -> Skipped:
    """Return the reason why a security was not traded.

    cash_price: the solver's cost of one more dollar of cash; traded: the sides ("buy", "loss")
    taken in each identity group; sellable: whether another security could still be sold; used_up:
    budgets of which nothing is left.
    """
    security = standing.security
    if security.price is None:
        return Skipped(security.symbol, "no_price", f"{security.symbol} has no price.")
    if not standing.account_value:
        return _skipped(standing, "account_empty", "the account holds nothing")
    if abs(standing.excess) <= standing.band:
        return _skipped(standing, "within_band", "it is inside its band")
    over = standing.excess > 0
    block = security.sell_block if over else security.buy_block
    if block is not None:
        return _blocked(standing, block, "sell" if over else "buy")
    if _too_small(inputs, standing):
        return _skipped(standing, "below_minimum_trade", "the trade would be below the minimum")
    sides = traded.get(security.identity_group or "", set())
    if ("buy" if over else "loss") in sides:
        other = "bought" if over else "sold at a loss"
        sentence = f"a substantially identical security is {other} in the same recommendation"
        return _skipped(standing, "wash_sale_pair", sentence)
    if over and not standing.item.lots:
        return held_too_briefly(inputs=inputs, standing=standing)
    if inputs.settings.drift_limit is not None and not used_up:
        return _skipped(standing, "drift_accepted", "the drift you accept lets it stay")
    return _not_worth_it(inputs, standing, cash_price, sellable, used_up)


def held_too_briefly(*, inputs: RebalanceInputs, standing: Standing) -> Skipped:
    """Return the reason of a sale that lots younger than the minimum holding period prevent."""
    days = inputs.settings.minimum_holding_days
    kept = [lot for lot in standing.security.lots if is_kept(lot=lot, inputs=inputs)]
    units = sum((lot.quantity for lot in kept), ZERO)
    until = min(lot.opened_date for lot in kept) + timedelta(days=days - 1)
    sentence = f"{plain(units)} of it were bought less than {days} days ago and are kept, the "
    sentence += f"oldest of them through {until.isoformat()}"
    return _skipped(standing, "minimum_holding_period", sentence, Block("", until))


def _too_small(inputs: RebalanceInputs, standing: Standing) -> bool:
    """Return whether the distance to the target is below the smallest allowed trade."""
    security, item = standing.security, standing.item
    least = max(Decimal(item.minimum_shares), ZERO)
    if is_whole(security=security, settings=inputs.settings):
        least = max(least, ONE)
    amount = min(abs(standing.excess), standing.value) if standing.excess > 0 else -standing.excess
    return amount < least * security.priced_at


def _not_worth_it(
    inputs: RebalanceInputs,
    standing: Standing,
    cash_price: float,
    sellable: bool,
    used_up: Collection[str],
) -> Skipped:
    item = standing.item
    value = float(standing.value)
    if standing.excess > 0:
        # Left slope of phi at the holding: the penalty that one dollar sold would save, before tax.
        saved = -item.phi.at(value - 1e-3) + item.phi.at(value)
        gain = saved / 1e-3 + cash_price * (1 - item.sell_cost)
        lot = standing.security.lots[item.lots[0].index]
        tax = float(lot_rate(lot=lot, inputs=inputs)) * item.lots[0].gain
        if used_up and gain > item.sell_cost + TURNOVER + tax:
            return _budget(standing, used_up, "selling it", gains=item.lots[0].gain > 0)
        if gain > item.sell_cost + TURNOVER:
            return _skipped(
                standing, "tax_exceeds_benefit", "selling would cost more tax than it is worth"
            )
        sentence = "selling would not reduce drift: every other holding is inside its band"
        return _skipped(standing, "cost_exceeds_benefit", sentence)
    saved = -item.phi.slope_up(value)
    if item.buy_cost + TURNOVER >= saved:
        return _skipped(standing, "cost_exceeds_benefit", "buying would cost more than it is worth")
    if used_up and sellable:
        return _budget(standing, used_up, "buying it", gains=True)
    if sellable and (inputs.settings.short_term_rate or inputs.settings.long_term_rate):
        sentence = "raising cash for it would cost more tax than it is worth"
        return _skipped(standing, "tax_exceeds_benefit", sentence)
    return _skipped(standing, "no_cash", "no cash is available")


def _budget(standing: Standing, used_up: Collection[str], deed: str, *, gains: bool) -> Skipped:
    if "gain" in used_up and (gains or "turnover" not in used_up):
        sentence = f"{deed} would realize more gain than the budget of the year has left"
        return _skipped(standing, "gain_budget", sentence)
    sentence = f"{deed} would exceed what is left of the turnover budget of the year"
    return _skipped(standing, "turnover_budget", sentence)


def _blocked(standing: Standing, block: Block, side: str) -> Skipped:
    code = f"restricted_no_{side}" if block.code == "restricted" else block.code
    sentence = _BLOCKED.get(code, f"trading it is blocked ({code})")
    if block.until is not None:
        sentence += f", through {block.until.isoformat()}"
    return _skipped(standing, code, sentence, block)


def _skipped(standing: Standing, code: str, sentence: str, block: Block | None = None) -> Skipped:
    text = f"{standing.security.symbol} is not traded: {_place(standing)}; {sentence}."
    return Skipped(standing.security.symbol, code, text, block.until if block else None)


def _place(standing: Standing) -> str:
    """Return text such as '65.2 % of the account, target 60.0 % ± 5.0 %'."""
    if not standing.account_value:
        return "the account is empty"
    weight = _percent(standing.value / standing.account_value)
    target = _percent(standing.target / standing.account_value)
    band = _percent(standing.band / standing.account_value)
    return f"{weight} of the account, target {target} ± {band}"


def _percent(weight: Decimal) -> str:
    return f"{(weight * 100).quantize(Decimal('0.1'), ROUND_HALF_UP)} %"
