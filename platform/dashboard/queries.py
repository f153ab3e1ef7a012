"""Queries for pages that show many accounts at once: as many queries for 1 as for 100."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import BooleanField, ExpressionWrapper, Min, OuterRef, Q, Subquery

from dashboard.presenters.holdings import Aim, Portfolio, portfolio
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import sources
from portfolios.holdings.households import AccountPart, HouseholdValue
from portfolios.holdings.targets import CASH_SYMBOL
from portfolios.models import Target
from portfolios.queries import worth
from portfolios.queries.gains import disposals, sums
from portfolios.tax.gains import Totals
from recommendations.models import Recommendation
from transactions import queries as ledger
from transactions.models import Account, Transaction

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
    return valued(accounts=shown[:ACCOUNTS_SHOWN_MAX], currency=user.base_currency, now=now)


def valued(*, accounts: Iterable[Account], currency: str, now: datetime) -> Overview:
    """Return accounts and their sum, valued now; the caller has checked who may see them."""
    by_id = {account.public_id: account for account in accounts}
    found = worth(accounts=list(by_id.values()), currency=currency, now=now)
    aims = _aims([account.pk for account in by_id.values()])
    lines = []
    for part in found.accounts:
        account = by_id[part.account_id]
        page = portfolio(value=part.value, aims=aims.get(account.pk, {}))
        lines.append(AccountLine(account, part, page, found.account_total(part)))
    return Overview(tuple(lines), found)


def last_trade_dates(*, account_ids: Sequence[int]) -> dict[int, date]:
    """Return the day of the newest transaction of each account that has one; one query."""
    newest = (
        Transaction.objects.filter(account_id=OuterRef("pk"))
        .order_by("-executed_at", "-id")
        .values("trade_date")[:1]
    )
    rows = Account.objects.filter(pk__in=list(account_ids)).annotate(newest=Subquery(newest))
    return {pk: day for pk, day in rows.values_list("pk", "newest") if day is not None}


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


def target_shares(found: Overview) -> dict[str, dict[str, Decimal]] | None:
    """Return the target of each class and each currency in percent of all accounts together.

    None if an account with a value has no targets: then there is no target for the whole.
    """
    totals = {line.account.pk: line.total_base for line in found.lines if line.total_base}
    currencies = {line.account.pk: line.account.currency for line in found.lines}
    whole = sum(totals.values(), Decimal())
    rows = list(
        Target.objects.filter(account_id__in=list(totals))
        .order_by("account_id", "id")
        .values_list("account_id", "target_percentage", "asset__asset_class", "asset__currency")
    )
    if whole <= 0 or {row[0] for row in rows} != set(totals):
        return None
    shares: dict[str, dict[str, Decimal]] = {"class": {}, "currency": {}}
    for account_id, target, asset_class, currency in rows:
        part = target * totals[account_id] / whole
        for name, key in (
            ("class", asset_class or "cash"),
            ("currency", currency or currencies[account_id]),
        ):
            shares[name][key] = shares[name].get(key, Decimal()) + part
    return shares


def without_debts(found: Overview) -> Overview:
    """Return the overview without loans, whose negative cash is the rule and nothing to do."""
    lines = tuple(line for line in found.lines if not line.account.kind.owes)
    return Overview(lines, found.totals)


def without_trades() -> Q:
    """Return the condition that a recommendation proposes nothing.

    It reads the stored text of the result, which a list does not load. What a night proposed is
    kept packed and always has trades, so its text may be missing.
    """
    return Q(result__isnull=False, result__contains='"trades":[]')


def latest_recommendations(*, account_ids: Sequence[int]) -> dict[int, Recommendation]:
    """Return the newest recommendation of each account that has one.

    Each says as `nothing` whether it proposes no trade.
    """
    newest = (
        Recommendation.objects.filter(account_id=OuterRef("pk"))
        .order_by("-created_at", "-id")
        .values("pk")[:1]
    )
    chosen = Account.objects.filter(pk__in=account_ids).annotate(newest=Subquery(newest))
    rows = (
        Recommendation.objects.filter(pk__in=chosen.values("newest"))
        .annotate(nothing=ExpressionWrapper(without_trades(), output_field=BooleanField()))
        .defer("inputs", "result")
        .order_by("id")
    )
    return {row.account_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class YearLine:
    """The realized gains of one account in one year, in its currency."""

    account: Account
    proceeds: Decimal
    short: Decimal
    long: Decimal
    disallowed: Decimal

    @property
    def gain(self) -> Decimal:
        return self.short + self.long


@dataclass(frozen=True, slots=True)
class YearlyGains:
    """A line for each account, and the first year in which any of them sold."""

    lines: tuple[YearLine, ...]
    first_year: int | None


def yearly_gains(*, accounts: Sequence[Account], year: int) -> YearlyGains:
    """Return recognized gains of a year by account and term; two queries."""
    ids = [account.pk for account in accounts]
    found = sums(disposals(account_ids=ids, year=year), "account_id", "long_term")
    first = disposals(account_ids=ids).aggregate(first=Min("closed_date"))["first"]
    lines = []
    for account in accounts:
        short = found.get((account.pk, False), Totals())
        long = found.get((account.pk, True), Totals())
        both = short + long
        lines.append(
            YearLine(
                account,
                both.proceeds,
                short.recognized_gain,
                long.recognized_gain,
                both.disallowed_loss,
            )
        )
    return YearlyGains(tuple(lines), first.year if first else None)
