"""Lots as an investor reads them: what each acquisition is worth and how long it was held."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from core.money import plain, quantize
from portfolios.holdings.valuation import Valuation
from transactions.ledger.holding_period import is_long_term
from transactions.models import Lot


def lot_rows(
    *, lots: Iterable[Lot], account_id: str, value: Valuation, as_of: date
) -> list[dict[str, object]]:
    """Rows of the lots endpoint; gains are null where no price or rate is known."""
    worth = {
        row.position.asset_id: row.quote.price * row.rate
        for row in value.holdings
        if row.quote is not None and row.rate is not None
    }
    return [_row(lot, account_id, value.currency, worth.get(lot.asset_id), as_of) for lot in lots]


def _row(
    lot: Lot, account_id: str, currency: str, unit_value: Decimal | None, as_of: date
) -> dict[str, object]:
    gain = None
    if unit_value is not None and lot.quantity:
        gain = quantize(lot.quantity * unit_value, currency) - lot.cost_basis
    long_term = is_long_term(opened_date=lot.holding_period_date, sold_date=as_of)
    return {
        "lot_id": str(lot.transaction.public_id),
        "account_id": account_id,
        "symbol": lot.asset.symbol,
        "quantity": plain(lot.quantity),
        "opened_date": lot.opened_at.date().isoformat(),
        "holding_period_date": lot.holding_period_date.isoformat(),
        "cost_basis": f"{quantize(lot.cost_basis, currency):f}",
        "wash_sale_adjustment": f"{quantize(lot.wash_sale_adjustment, currency):f}",
        "unrealized_gain": None if gain is None else f"{quantize(gain, currency):f}",
        "term": "long" if long_term else "short",
        "closed": lot.quantity == 0,
    }
