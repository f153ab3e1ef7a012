"""Queries for pages that show many accounts at once: as many queries for 1 as for 100."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.money import WIDE
from dashboard.presenters.holdings import Aim, Portfolio, portfolio
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import sources
from portfolios.holdings.households import AccountPart, household_value
from portfolios.holdings.targets import CASH_SYMBOL
from portfolios.holdings.valuation import Valuation
from portfolios.models import Target
from portfolios.queries import rates_into, valuations
from transactions import queries as ledger
from transactions.models import Account

ACCOUNTS_SHOWN_MAX = 100
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account of the overview, valued in its own currency and, with a rate, in the base's."""

    account: Account
    value: Valuation
    page: Portfolio
    to_base: Decimal | None

    @property
    def total_base(self) -> Decimal | None:
        return None if self.to_base is None else WIDE.multiply(self.page.total, self.to_base)


@dataclass(frozen=True, slots=True)
class Totals:
    """The household in its base currency; accounts without a rate are named, not counted."""

    total: Decimal
    day_change: Decimal
    gain: Decimal
    cash: Decimal
    day_percentage: Decimal | None
    gain_percentage: Decimal | None
    unconverted: tuple[str, ...]


def account_lines(*, user: User, now: datetime) -> list[AccountLine]:
    """Return the first accounts a user may see, valued now, oldest first."""
    shown = ledger.accounts(user=user).select_related("household")
    accounts = list(shown[:ACCOUNTS_SHOWN_MAX])
    values = valuations(account_ids=[account.public_id for account in accounts], now=now)
    rates = rates_into(user.base_currency, {account.currency for account in accounts}, now=now)
    aims = _aims([account.pk for account in accounts])
    lines = []
    for account in accounts:
        # An account closed a moment ago has no value any more.
        if (found := values.get(account.public_id)) is None:
            continue
        page = portfolio(value=found.value, aims=aims.get(account.pk, {}))
        rate = rates.get(account.currency)
        lines.append(AccountLine(account, found.value, page, rate.rate if rate else None))
    return lines


def totals(*, lines: Sequence[AccountLine], currency: str) -> Totals:
    """Return the sums of the lines in `currency`, each account rounded before it is added."""
    found = household_value(
        currency=currency,
        accounts=[
            AccountPart(
                account_id=line.account.public_id,
                name=line.account.name,
                type=line.account.type,
                value=line.value,
                rate=line.to_base,
            )
            for line in lines
        ],
    )
    return Totals(
        total=found.total,
        day_change=found.day_change,
        gain=found.gain,
        cash=found.cash,
        day_percentage=found.day_change_percentage,
        gain_percentage=found.gain_percentage,
        unconverted=found.unconverted,
    )


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
