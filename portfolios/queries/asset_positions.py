"""All that the accounts a user may see have and had of one asset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.dates import moved_by_years
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import asset as asset_seen
from portfolios.holdings.households import AccountPart
from portfolios.holdings.lines import Line, Sums, sums
from portfolios.holdings.lots import LotValue
from portfolios.income.received import Payment
from portfolios.prices.rule import Quote
from portfolios.queries.holding_lines import ACCOUNTS_MAX, lines_of
from portfolios.queries.household_prices import household_quotes
from portfolios.queries.income import payments_of
from portfolios.queries.lots import lot_values
from stores.rows import rows_of
from transactions import queries as ledger
from transactions.ledger.holding_period import first_long_term_date
from transactions.ledger.kinds import named
from transactions.ledger.wash_windows import clean_date
from transactions.models import Account, Lot, Transaction
from transactions.queries.ledger import IN_REVERSED_PAIR

LOTS_MAX = 300
TRADES_MAX = 1000
PAYMENT_YEARS = 10
_TRADES = named(figures="trade")

# Every account that ever had a transaction in the asset; the index begins with account and asset.
_TOUCHED = """
SELECT account.id FROM transactions_account account
 WHERE account.id = ANY(%(accounts)s::bigint[])
   AND EXISTS (SELECT FROM transactions_transaction fact
                WHERE fact.account_id = account.id AND fact.asset_id = %(asset)s
                UNION ALL
               SELECT FROM transactions_lot lot
                WHERE lot.account_id = account.id AND lot.asset_id = %(asset)s)
"""
_REALIZED = """
SELECT account_id, extract(year FROM closed_date)::int AS year, sum(proceeds), sum(cost_basis),
       sum(deferred_loss + permanent_loss), sum(proceeds - cost_basis) FILTER (WHERE long_term),
       sum(proceeds - cost_basis) FILTER (WHERE NOT long_term)
  FROM transactions_disposal
 WHERE account_id = ANY(%(accounts)s::bigint[]) AND asset_id = %(asset)s
 GROUP BY account_id, year
 ORDER BY year DESC, account_id
"""


@dataclass(frozen=True, slots=True)
class OpenLot:
    """An open lot or a piece of it, and the days until a sale is long term; 0 if it is already."""

    account: Account
    lot: LotValue
    long_from: date
    days_to_long: int


@dataclass(frozen=True, slots=True)
class RealizedYear:
    """The sales of one account in one year, in its currency; `disallowed` by wash sales."""

    account: Account
    year: int
    proceeds: Decimal
    cost_basis: Decimal
    disallowed: Decimal
    long_gain: Decimal
    short_gain: Decimal

    @property
    def gain(self) -> Decimal:
        return self.proceeds - self.cost_basis


@dataclass(frozen=True, slots=True)
class Trade:
    """A purchase or a sale, as the chart marks it."""

    date: date
    bought: bool
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class WashStatus:
    """The wash sale windows of a household on an asset and those identical to it.

    A purchase before `safe_to_buy` disallows a loss already taken. A loss taken before
    `safe_to_sell` is disallowed by shares bought meanwhile. None where nothing is open.
    """

    household: str
    safe_to_buy: date | None
    safe_to_sell: date | None


@dataclass(frozen=True, slots=True)
class AssetPosition:
    """An asset, its price for the user's household, and its place in the accounts they see."""

    asset: Asset
    quote: Quote | None
    currency: str
    accounts: tuple[Account, ...]
    parts: tuple[AccountPart, ...]
    lines: tuple[Line, ...]
    sums: Sums
    quantity: Decimal
    lots: tuple[OpenLot, ...]
    more_lots: bool
    realized: tuple[RealizedYear, ...]
    # Of the last ten years, the newest first.
    payments: tuple[Payment, ...]
    trades: tuple[Trade, ...]
    wash: tuple[WashStatus, ...]


def asset_position(*, user: User, symbol: str, now: datetime) -> AssetPosition:
    """Return what the accounts this user may see have and had of an asset.

    Raise NotFound for a symbol they may not see. The number of queries does not depend on the
    number of accounts, lots or households.
    """
    asset = asset_seen(user=user, symbol=symbol)
    accounts = _touching(user, asset)
    found = lines_of(accounts=accounts, currency=user.base_currency, now=now, with_past=True)
    held = tuple(line for line in found.lines if line.position.asset_id == asset.pk)
    quote = household_quotes(
        household_id=asset.household_id or user.household_id, assets=[asset], now=now
    ).get(asset.pk)
    lots, more = _open_lots(accounts, found.household.accounts, asset, now.date())
    return AssetPosition(
        asset=asset,
        # Of a client of an adviser the own price is that of the client's household.
        quote=held[0].quote if quote is None and held else quote,
        currency=user.base_currency,
        accounts=tuple(accounts),
        parts=tuple(
            part
            for part in found.household.accounts
            if any(row.position.asset_id == asset.pk for row in part.value.holdings)
        ),
        lines=held,
        sums=sums(held, total=found.household.total),
        quantity=sum((line.position.quantity for line in held), Decimal(0)),
        lots=lots,
        more_lots=more,
        realized=_realized(accounts, asset),
        payments=tuple(
            reversed(
                payments_of(
                    accounts=accounts,
                    since=moved_by_years(now.date(), -PAYMENT_YEARS),
                    until=now.date(),
                    currency=user.base_currency,
                    asset_id=asset.pk,
                )
            )
        ),
        trades=_trades(accounts, asset),
        wash=_wash(accounts, asset, now.date()),
    )


def _touching(user: User, asset: Asset) -> list[Account]:
    """Return the accounts that have or had the asset, oldest first."""
    seen = list(ledger.accounts(user=user, archived=None)[:ACCOUNTS_MAX])
    values = {"accounts": [account.pk for account in seen], "asset": asset.pk}
    touched = {pk for (pk,) in rows_of(_TOUCHED, values)} if seen else set()
    return [account for account in seen if account.pk in touched]


def _open_lots(
    accounts: Sequence[Account], parts: Sequence[AccountPart], asset: Asset, today: date
) -> tuple[tuple[OpenLot, ...], bool]:
    rows = list(
        Lot.objects.filter(account__in=accounts, asset=asset, quantity__gt=0)
        .select_related("asset", "transaction")
        .order_by("opened_at", "account_id", "transaction_id", "piece")[: LOTS_MAX + 1]
    )
    values = {part.account_id: part.value for part in parts}
    found = []
    for account in accounts:
        own = [row for row in rows[:LOTS_MAX] if row.account_id == account.pk]
        if not own or account.public_id not in values:
            continue
        for lot in lot_values(lots=own, value=values[account.public_id], as_of=today):
            long_from = first_long_term_date(opened_date=lot.holding_period_date)
            found.append(OpenLot(account, lot, long_from, max((long_from - today).days, 0)))
    found.sort(key=lambda one: (one.lot.opened_date, one.account.pk, str(one.lot.lot_id)))
    return tuple(found), len(rows) > LOTS_MAX


def _realized(accounts: Sequence[Account], asset: Asset) -> tuple[RealizedYear, ...]:
    by_id = {account.pk: account for account in accounts}
    rows = rows_of(_REALIZED, {"accounts": list(by_id), "asset": asset.pk}) if by_id else []
    return tuple(
        RealizedYear(
            by_id[pk],
            year,
            proceeds,
            cost,
            disallowed,
            long_gain=long_gain or Decimal(0),
            short_gain=short_gain or Decimal(0),
        )
        for pk, year, proceeds, cost, disallowed, long_gain, short_gain in rows
    )


def _trades(accounts: Sequence[Account], asset: Asset) -> tuple[Trade, ...]:
    rows: Any = (
        _rows(accounts, asset)
        .filter(type__in=_TRADES, price__gt=0)
        .order_by("-trade_date", "-id")
        .values_list("trade_date", "type", "quantity", "price")[:TRADES_MAX]
    )
    return tuple(Trade(day, kind != "sell", quantity, price) for day, kind, quantity, price in rows)


def _rows(accounts: Sequence[Account], asset: Asset) -> Any:
    """Return the transactions of accounts in an asset that count."""
    return Transaction.objects.filter(account__in=accounts, asset=asset).exclude(IN_REVERSED_PAIR)


def _wash(accounts: Sequence[Account], asset: Asset, today: date) -> tuple[WashStatus, ...]:
    """Return the households with an open window on the asset or one identical to it."""
    of_household: dict[int, list[Account]] = {}
    for account in accounts:
        of_household.setdefault(account.household_id, []).append(account)
    if not of_household:
        return ()
    found = []
    for pk, windows in ledger.wash_windows(household_ids=of_household, as_of=today).items():
        own = of_household[pk]
        untils = [windows.blocked_until(account=one.pk, asset=asset.pk) for one in own]
        blocked = max((until for until in untils if until), default=None)
        counts = any(windows.loss_counts(account=one.pk, asset=asset.pk) for one in own)
        bought = [piece.opened_at.date() for piece in windows.of(asset.pk).purchases if counts]
        safe_to_sell = clean_date(max(bought)) if bought else None
        if blocked or safe_to_sell:
            found.append(
                WashStatus(
                    household=own[0].household.name,
                    safe_to_buy=blocked + timedelta(days=1) if blocked else None,
                    safe_to_sell=safe_to_sell,
                )
            )
    return tuple(found)
