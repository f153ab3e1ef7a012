"""All holdings of the accounts a user may see, as lines of one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.dates import moved_by_years
from identity.models import User
from portfolios.holdings.households import HouseholdValue
from portfolios.holdings.lines import Line, Past, lines
from portfolios.holdings.tables import CHOOSABLE, DEFAULT_COLUMNS
from portfolios.models import HoldingsColumns
from portfolios.queries.households import worth
from stores.rows import rows_of
from transactions import queries as ledger
from transactions.ledger.kinds import named
from transactions.models import Account

# An adviser may see more; the page says so, and shows any of them alone.
ACCOUNTS_MAX = 500

_INCOME = ", ".join(f"'{name}'" for name in named(performance="income"))
_REINVESTS = ", ".join(f"'{name}'" for name in named(reinvests=True))
_PAST = f"""
SELECT account_id, asset_id, sum(lately), sum(ever), sum(realized), sum(realized_cost)
  FROM (SELECT paid.account_id, paid.asset_id,
               CASE WHEN paid.trade_date > %(since)s THEN paid.gross ELSE 0 END AS lately,
               paid.gross AS ever, 0 AS realized, 0 AS realized_cost
          FROM (SELECT fact.account_id, fact.asset_id, fact.trade_date,
                       CASE WHEN fact.type IN ({_REINVESTS}) THEN fact.amount * fact.fx_rate
                            ELSE fact.cash_effect + fact.fee * fact.fx_rate END AS gross
                  FROM transactions_transaction fact
                 WHERE fact.account_id = ANY(%(accounts)s::bigint[])
                   AND fact.type IN ({_INCOME}, {_REINVESTS}) AND fact.asset_id IS NOT NULL
                   AND fact.reverses_id IS NULL
                   AND NOT EXISTS (SELECT FROM transactions_transaction
                                    WHERE reverses_id = fact.id)) paid
        UNION ALL
        SELECT account_id, asset_id, 0, 0, proceeds - cost_basis + deferred_loss,
               cost_basis - deferred_loss
          FROM transactions_disposal
         WHERE account_id = ANY(%(accounts)s::bigint[])) part
 GROUP BY account_id, asset_id
"""


@dataclass(frozen=True, slots=True)
class HoldingLines:
    """The lines of the accounts shown, what these are worth, and whether some were left out."""

    accounts: tuple[Account, ...]
    more_accounts: bool
    household: HouseholdValue
    lines: tuple[Line, ...]


def holding_lines(
    *, user: User, account_id: UUID | None, now: datetime, with_past: bool
) -> HoldingLines:
    """Return the lines of all accounts this user may see, or of one, in their base currency.

    `with_past`: read income and realized gains too, in one query more. The number of queries
    depends neither on the accounts nor on the holdings. Raise NotFound for an account they may not
    see.
    """
    if account_id is None:
        found = list(ledger.accounts(user=user)[: ACCOUNTS_MAX + 1])
    else:
        found = [ledger.account(user=user, public_id=account_id)]
    return lines_of(
        accounts=found[:ACCOUNTS_MAX],
        more_accounts=len(found) > ACCOUNTS_MAX,
        currency=user.base_currency,
        now=now,
        with_past=with_past,
    )


def lines_of(
    *,
    accounts: Sequence[Account],
    currency: str,
    now: datetime,
    with_past: bool,
    more_accounts: bool = False,
) -> HoldingLines:
    """Return the lines of accounts in `currency`; the caller has checked who may see them."""
    household = worth(accounts=accounts, currency=currency, now=now)
    past = past_of(accounts=accounts, now=now) if with_past else {}
    return HoldingLines(
        tuple(accounts), more_accounts, household, lines(household=household, past=past)
    )


def past_of(*, accounts: Sequence[Account], now: datetime) -> dict[tuple[UUID, int], Past]:
    """Return what each holding brought so far, by account and asset; one query."""
    ids = {account.pk: account.public_id for account in accounts}
    rows = rows_of(_PAST, {"accounts": list(ids), "since": moved_by_years(now.date(), -1)})
    return {
        (ids[account], asset): Past(*(Decimal(figure) for figure in figures))
        for account, asset, *figures in rows
    }


def chosen_columns(*, user: User) -> tuple[str, ...]:
    """Return the columns this person sees: those chosen, or the usual ones."""
    kept = HoldingsColumns.objects.filter(user=user).values_list("names", flat=True).first()
    if kept is None:
        return DEFAULT_COLUMNS
    return tuple(name for name in kept if name in CHOOSABLE)
