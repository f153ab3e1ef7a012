"""Lots as an investor reads them: what each acquisition is worth and how long it was held."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from core.money import WIDE, quantize
from portfolios.holdings.lots import LotValue
from portfolios.holdings.valuation import Valuation, unit_value
from transactions.ledger.holding_period import is_long_term
from transactions.models import Lot


def lot_values(*, lots: Iterable[Lot], value: Valuation, as_of: date) -> list[LotValue]:
    """Return the lots of a valued account, amounts in its currency, as they stand on `as_of`."""
    worth = {
        row.position.asset_id: unit_value(quote=row.quote, rate=row.rate).value
        for row in value.holdings
    }
    return [_value(lot, value.currency, worth.get(lot.asset_id), as_of) for lot in lots]


def _value(lot: Lot, currency: str, worth: Decimal | None, as_of: date) -> LotValue:
    gain = None
    if worth is not None and lot.quantity:
        gain = quantize(WIDE.multiply(lot.quantity, worth), currency) - lot.cost_basis
    return LotValue(
        lot_id=lot.transaction.public_id,
        piece=lot.piece,
        symbol=lot.asset.symbol,
        quantity=lot.quantity,
        opened_date=lot.opened_date,
        holding_period_date=lot.holding_period_date,
        cost_basis=quantize(lot.cost_basis, currency),
        wash_sale_adjustment=quantize(lot.wash_sale_adjustment, currency),
        unrealized_gain=None if gain is None else quantize(gain, currency),
        long_term=is_long_term(opened_date=lot.holding_period_date, sold_date=as_of),
    )
