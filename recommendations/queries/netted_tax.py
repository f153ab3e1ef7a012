"""The tax of a recommendation on its owner's return: after netting with the year so far."""

from datetime import date
from decimal import Decimal

from portfolios.queries.taxes import owner_return, tax_rates
from portfolios.tax.sale_preview import tax_effect
from portfolios.tax.schedule_d import NetGains
from portfolios.tax.tax_return import with_rates
from recommendations.engine.result import RebalanceResult
from transactions.models import Account


def netted_tax(*, account: Account, result: RebalanceResult, as_of: date) -> Decimal | None:
    """Return by how much the trades change the tax of the year, from the recomputed Schedule D.

    Recognized results of the year, losses carried in, the limit of a loss against income and the
    wash sales of the trades count. `account` is loaded with its owner. None if nothing is sold, the
    account is not taxed, or its return is in another currency.
    """
    lots = [lot for trade in result.trades for lot in trade.lots]
    if not lots or not account.is_taxed:
        return None
    found = owner_return(account=account, year=as_of.year, as_of=as_of)
    if found.currency != result.currency:
        return None
    short, long = (
        sum((lot.gain + lot.disallowed_loss for lot in lots if lot.term == term), Decimal(0))
        for term in ("short", "long")
    )
    changed = with_rates(found, tax_rates(account.owner))
    return tax_effect(found=changed, change=NetGains(short, long)).total
