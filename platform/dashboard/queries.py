"""Queries for pages that show many accounts at once: as many queries for 1 as for 100."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dashboard.presenters.holdings import Aim, Portfolio, portfolio
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import sources
from portfolios.holdings.households import AccountPart, HouseholdValue
from portfolios.holdings.targets import CASH_SYMBOL
from portfolios.models import Target
from portfolios.queries import worth
from transactions import queries as ledger
from transactions.models import Account

ACCOUNTS_SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account of the overview, valued in its own currency and, with a rate, in the base's."""

    account: Account
    part: AccountPart
    page: Portfolio
    total_base: Decimal | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The accounts shown, and what they are worth together."""

    lines: tuple[AccountLine, ...]
    totals: HouseholdValue


def overview(*, user: User, now: datetime) -> Overview:
    """Return the first accounts a user may see, oldest first, and their sum, valued now.

    An adviser's clients are among them, so that the sum is not that of one household.
    """
    shown = ledger.accounts(user=user).select_related("household")
    accounts = {account.public_id: account for account in shown[:ACCOUNTS_SHOWN_MAX]}
    found = worth(accounts=list(accounts.values()), currency=user.base_currency, now=now)
    aims = _aims([account.pk for account in accounts.values()])
    lines = []
    for part in found.accounts:
        account = accounts[part.account_id]
        page = portfolio(value=part.value, aims=aims.get(account.pk, {}))
        lines.append(AccountLine(account, part, page, found.account_total(part)))
    return Overview(tuple(lines), found)


def _aims(account_ids: Sequence[int]) -> dict[int, dict[str, Aim]]:
    rows = (
        Target.objects.filter(account_id__in=list(account_ids))
        .order_by("account_id", "id")
        .values_list("account_id", "asset__symbol", "target_percentage", "rebalance_threshold")
    )
    found: dict[int, dict[str, Aim]] = {}
    for account_id, symbol, target, threshold in rows:
        found.setdefault(account_id, {})[symbol or CASH_SYMBOL] = Aim(target, threshold)
    return found


@dataclass(frozen=True, slots=True)
class Provenance:
    """The sources of the figures, and the first series with their original dates."""

    sources: list[object]
    assets: list[Asset]
    more_assets: bool


def provenance(*, assets_max: int) -> Provenance:
    """Return the sources with their licenses and the series of public assets."""
    assets = list(
        Asset.objects.filter(household=None, is_active=True)
        .select_related("source")
        .order_by("symbol")[: assets_max + 1]
    )
    return Provenance(list(sources()[:100]), assets[:assets_max], len(assets) > assets_max)
