"""A household to harvest, and what its accounts are offered; for the tests of this folder."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

from django.utils import timezone

from marketdata.models import Asset
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.result import HarvestResult, Offer
from recommendations.models import Replacement, ReplacementSearch
from recommendations.queries.opportunities import account_opportunities
from transactions.models import Account

NOW = timezone.now()
Trade = Callable[..., Any]


def before(days: int) -> datetime:
    return (NOW - timedelta(days=days)).replace(hour=0, minute=1)


def replaces(symbol: str, other: str, rank: int = 0) -> None:
    assets = {row.symbol: row for row in Asset.objects.filter(symbol__in=(symbol, other))}
    Replacement.objects.create(
        asset=assets[symbol],
        rank=rank,
        candidate=assets[other],
        correlation=D("0.9"),
        tracking_error=D("0.1"),
        sessions=250,
    )
    ReplacementSearch.objects.update_or_create(
        asset=assets[symbol], defaults={"sessions": 250, "searched_at": NOW}
    )


def found(account: Account, options: HarvestOptions | None = None) -> HarvestResult:
    account = Account.objects.select_related("owner").get(pk=account.pk)
    return account_opportunities(account=account, options=options or HarvestOptions(), now=NOW)


def only_offer(account: Account) -> Offer:
    (offer,) = found(account).offers
    return offer


def reason(account: Account, symbol: str = "AAA") -> tuple[str, date | None]:
    result = found(account)
    assert (result.offers, result.trades) == ((), ())
    return next((row.reason, row.until) for row in result.refused if row.symbol == symbol)
