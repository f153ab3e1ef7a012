"""From a replacement back to the original, once the purchase washes no loss. Pure.

offered       the first clean day (the 31st after the sale) has come, the original may be bought,
              and the replacement's lots have not gained more than a set share of their value. A
              lower price is no obstacle: its loss may be taken
too_early     before that day
large_gain    selling the replacement would cost more tax than a switch back is worth: it stays

Worked example: sold 2026-04-01, first clean day 2026-05-02. On that day the replacement's lots are
worth 4,050.00 with a basis of 4,000.00: a gain of 1.2 %, below the 2 % of the default: offered.
"""

from collections.abc import Iterator
from decimal import Decimal

from core.money import quantize
from recommendations.engine.problem import ZERO, Lot, Security
from recommendations.engine.result import Trade, TradeLot
from recommendations.engine.sale_lines import sale_lines
from recommendations.harvesting import legs
from recommendations.harvesting.legs import Leg
from recommendations.harvesting.problem import HarvestInputs, Switch
from recommendations.harvesting.reasons import SWITCH_BACK, SWITCHES
from recommendations.harvesting.result import SwitchBack
from recommendations.harvesting.tax_value import HUNDRED
from recommendations.harvesting.trading import trade_of
from transactions.ledger.wash_windows import clean_date

Parts = tuple[tuple[Lot, Decimal], ...]


def switch_backs(
    *, inputs: HarvestInputs, sold: frozenset[str], bought: frozenset[str]
) -> tuple[tuple[SwitchBack, ...], list[Trade]]:
    """Return the state of every switch, and the trades of those that are offered.

    sold, bought: identity groups that the plan sells at a loss, and buys, today.
    """
    found, trades = [], []
    used: set[str] = set()
    for switch in inputs.switches:
        # Two harvests with one replacement: the first takes its lots.
        one = _Way.of(inputs, switch, used)
        if one is None:
            continue
        state = one.state(sold, bought)
        found.append(one.told(state))
        if state == "offered":
            trades += list(one.trades())
    return tuple(found), trades


class _Way:
    """One switch back, priced."""

    def __init__(
        self, inputs: HarvestInputs, switch: Switch, original: Security, index: int, parts: Parts
    ) -> None:
        self.inputs, self.switch, self.original = inputs, switch, original
        self.index, self.parts = index, parts
        self.replacement = inputs.account.securities[index]
        self.sale: Leg | None = None
        self.lots: tuple[TradeLot, ...] = ()
        if parts and self.replacement.price is not None:
            self.sale = legs.sale(
                security=self.replacement,
                quantity=sum((quantity for _, quantity in parts), ZERO),
                brokerage=inputs.options.brokerage_fee,
                on=inputs.account.as_of,
                home=inputs.account.currency,
            )
            proceeds = self.sale.value - self.sale.cost
            self.lots = sale_lines(inputs=inputs.account, sold={index: (parts, proceeds)})[index]

    @classmethod
    def of(cls, inputs: HarvestInputs, switch: Switch, used: set[str]) -> "_Way | None":
        """Return the way back; None if the replacement's lots are gone or already used."""
        places = {row.asset_id: i for i, row in enumerate(inputs.account.securities)}
        index, origin = (
            places.get(switch.replacement_asset_id),
            places.get(switch.sold_asset_id),
        )
        if index is None or origin is None:
            return None
        wanted = set(switch.lots) - used
        lots = [lot for lot in inputs.account.securities[index].lots if lot.lot_id in wanted]
        if not lots:
            return None
        used |= {lot.lot_id for lot in lots}
        whole = not inputs.account.securities[index].fractional
        parts = tuple((lot, lot.quantity // 1 if whole else lot.quantity) for lot in lots)
        parts = tuple((lot, quantity) for lot, quantity in parts if quantity > 0)
        return cls(inputs, switch, inputs.account.securities[origin], index, parts)

    @property
    def gain(self) -> Decimal:
        return sum((lot.gain for lot in self.lots), ZERO)

    def state(self, sold: frozenset[str], bought: frozenset[str]) -> str:
        """Return the code of the state."""
        account, options = self.inputs.account, self.inputs.options
        if account.as_of < clean_date(self.switch.sold_date):
            return "too_early"
        if self.sale is None or self.original.price is None:
            return "price_missing"
        if self.original.buy_block is not None or (self.original.identity_group or "") in sold:
            return "purchase_blocked"
        if (self.replacement.identity_group or "") in sold | bought:
            return "traded_in_plan"
        if self.replacement.sell_block is not None:
            return "sale_blocked"
        if self.gain * HUNDRED > options.switch_back_gain_percentage * self.sale.value:
            return "large_gain"
        return "offered"

    def told(self, state: str) -> SwitchBack:
        """Return the switch as the result shows it."""
        return SwitchBack(
            recommendation_id=self.switch.recommendation_id,
            symbol=self.original.symbol,
            replacement=self.replacement.symbol,
            state=state,
            explanation=SWITCHES[state].format(s=self.original.symbol),
            first_safe_date=clean_date(self.switch.sold_date),
            value=self.sale.value if self.sale else quantize(ZERO, self.inputs.account.currency),
            gain=self.gain,
        )

    def trades(self) -> Iterator[Trade]:
        """Yield the sale of the replacement and the purchase of the original for its proceeds."""
        account = self.inputs.account
        assert self.sale is not None, "an offered switch is priced"
        yield trade_of(
            security=self.replacement,
            side="sell",
            leg=self.sale,
            lots=self.lots,
            reason=SWITCH_BACK,
            home=account.currency,
            explanation=f"It stood for {self.original.symbol}, which may be bought again.",
        )
        bought = legs.affordable(
            security=self.original,
            cash=self.sale.value - self.sale.cost,
            brokerage=self.inputs.options.brokerage_fee,
            whole=account.settings.whole_shares,
            home=account.currency,
        )
        if bought is not None:
            yield trade_of(
                security=self.original,
                side="buy",
                leg=bought,
                lots=(),
                reason=SWITCH_BACK,
                home=account.currency,
                explanation=SWITCHES["offered"].format(s=self.original.symbol),
            )
