"""Reading for pages that look at many accounts at once: as many queries for 1 as for 100."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.money import quantize
from dashboard.presenters.holdings import Aim, Portfolio, portfolio
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import exchange_rates, quotes, sources
from portfolios.holdings.valuation import Position, Quote, Valuation, percentage, valuation
from portfolios.models import Target
from portfolios.queries.targets import CASH_SYMBOL
from transactions import queries as ledger
from transactions.models import Account, Holding

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
        return None if self.to_base is None else self.page.total * self.to_base


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
    """The first accounts a user may see, valued now, oldest first."""
    shown = ledger.accounts(user=user).select_related("household")
    accounts = list(shown[:ACCOUNTS_SHOWN_MAX])
    ids = [account.pk for account in accounts]
    held: dict[int, list[Holding]] = {}
    for holding in ledger.holdings(account_ids=ids):
        held.setdefault(holding.account_id, []).append(holding)
    assets = {row.asset_id: row.asset for rows in held.values() for row in rows}
    found = quotes(assets=list(assets.values()), now=now)
    prices = {
        asset_id: Quote(quote.price, quote.as_of, quote.stale, quote.previous_close)
        for asset_id, quote in found.items()
    }
    rates = _rates(accounts, held, user.base_currency, now)
    aims = _aims(ids)
    lines = []
    for account in accounts:
        value = _valued(account, held.get(account.pk, []), prices, rates)
        page = portfolio(value=value, aims=aims.get(account.pk, {}))
        to_base = rates.get((account.currency, user.base_currency))
        lines.append(AccountLine(account, value, page, to_base))
    return lines


def totals(*, lines: Sequence[AccountLine], currency: str) -> Totals:
    """Sums of the lines in `currency`, each account rounded before it is added."""
    total = day = gain = cash = cost = ZERO
    missing = []
    for line in lines:
        rate = line.to_base
        if rate is None:
            missing.append(line.account.name)
            continue
        total += quantize(line.page.total * rate, currency)
        day += quantize(line.page.day_change * rate, currency)
        gain += quantize(line.page.gain * rate, currency)
        cash += quantize(line.page.cash * rate, currency)
        cost += quantize((line.value.invested - line.page.gain) * rate, currency)
    return Totals(
        total=total,
        day_change=day,
        gain=gain,
        cash=cash,
        day_percentage=percentage(day, total - day),
        gain_percentage=percentage(gain, cost),
        unconverted=tuple(missing),
    )


def _rates(
    accounts: Sequence[Account],
    held: dict[int, list[Holding]],
    base: str,
    now: datetime,
) -> dict[tuple[str, str], Decimal]:
    pairs = {(account.currency, base) for account in accounts}
    for account in accounts:
        pairs |= {(row.asset.currency, account.currency) for row in held.get(account.pk, [])}
    same = {(one, two): Decimal(1) for one, two in pairs if one == two}
    crossed = sorted(pairs - set(same))
    if not crossed:
        return same
    known = exchange_rates(pairs=crossed, as_of=now.date())
    return same | {pair: rate.rate for pair, rate in known.items()}


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


def _valued(
    account: Account,
    rows: Sequence[Holding],
    prices: dict[int, Quote],
    rates: dict[tuple[str, str], Decimal],
) -> Valuation:
    return valuation(
        currency=account.currency,
        cash=account.cash,
        positions=[
            Position(
                asset_id=row.asset_id,
                symbol=row.asset.symbol,
                name=row.asset.name,
                asset_class=row.asset.asset_class,
                currency=row.asset.currency,
                quantity=row.quantity,
                cost_basis=row.cost_basis,
                target_percentage=None,
                rebalance_threshold=None,
            )
            for row in rows
        ],
        quotes=prices,
        rates={one: rate for (one, two), rate in rates.items() if two == account.currency},
    )


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the figures come from, and the first series with the dates they really had."""

    sources: list[object]
    assets: list[Asset]
    more_assets: bool


def provenance(*, assets_max: int) -> Provenance:
    """Sources with their licences and the series of public assets."""
    assets = list(
        Asset.objects.filter(household=None, is_active=True)
        .select_related("source")
        .order_by("symbol")[: assets_max + 1]
    )
    return Provenance(list(sources()[:100]), assets[:assets_max], len(assets) > assets_max)
