"""What an account has realized and traded in a calendar year, as its budgets count it."""

from datetime import date
from decimal import Decimal

from django.db.models import F, Sum

from core.money import quantize
from portfolios.queries.gains import disposals, year_range
from recommendations.engine.inputs import YearSoFar
from transactions.models import Account, Transaction
from transactions.queries.ledger import IN_REVERSED_PAIR

_TRADES = ("buy", "sell")


def year_so_far(*, account: Account, as_of: date) -> YearSoFar:
    """Return the turnover and the net recognized gain of the year of `as_of`.

    Turnover is what was bought and sold, before fees, at the rates of the trades; reversed trades
    do not count.
    """
    first, next_first = year_range(as_of.year)
    rows = Transaction.objects.filter(
        account=account, type__in=_TRADES, trade_date__gte=first, trade_date__lt=next_first
    )
    traded = rows.exclude(IN_REVERSED_PAIR).aggregate(money=Sum(F("amount") * F("fx_rate")))
    gain = disposals(account_ids=[account.pk], year=as_of.year).aggregate(
        gain=Sum(F("proceeds") - F("cost_basis") + F("deferred_loss") + F("permanent_loss"))
    )["gain"]
    return YearSoFar(
        turnover=quantize(traded["money"] or Decimal(0), account.currency),
        gain=gain or Decimal(0),
    )
