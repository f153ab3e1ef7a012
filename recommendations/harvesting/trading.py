"""The trades of a harvest, in the form of the rebalancing engine's. Pure."""

from recommendations.engine.problem import ZERO, Security
from recommendations.engine.reasons import cautions
from recommendations.engine.result import Trade, TradeLot
from recommendations.harvesting.legs import Leg
from recommendations.harvesting.reasons import HARVEST, REPLACEMENT

_EXPLANATIONS = {
    HARVEST: "The loss saves tax and pays for the round trip.",
    REPLACEMENT: "It moves most like {other}, which must not be bought back for 31 days.",
}


def trade_of(
    *,
    security: Security,
    side: str,
    leg: Leg,
    lots: tuple[TradeLot, ...],
    reason: str,
    home: str,
    other: str = "",
    explanation: str = "",
) -> Trade:
    """Return one order in an account of the currency `home`; other: the symbol it stands for."""
    return Trade(
        symbol=security.symbol,
        asset_id=security.asset_id,
        side=side,
        quantity=leg.quantity,
        price=security.traded_at,
        currency=security.currency or home,
        fx_rate=security.fx_rate,
        amount=leg.amount,
        fee=leg.fee,
        value=leg.value,
        lots=lots,
        estimated_tax=sum((lot.estimated_tax for lot in lots), ZERO),
        cost=leg.cost,
        spread_cost=leg.spread_cost,
        fees=leg.fees,
        reason=reason,
        explanation=explanation or _EXPLANATIONS[reason].format(other=other),
        cautions=cautions(security),
    )
