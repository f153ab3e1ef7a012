"""Announce what a day or a month means in money, in sets of accounts.

    dividend    an announced dividend on shares held was paid some days ago and is not recorded
    harvest     taxable lots with a fresh price have lost enough together, at most once a month
    statement   the first days of a month: what was paid in, earned and recorded in the last one

Figures are in the currency of the account; a security in another currency is left out of the loss,
because the message only says that it is worth a look.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.money_text import money_text
from jobs.operations import Message, announce_all
from notifications.operations.news import in_sets
from stores.rows import rows_of
from transactions.ledger.account_kinds import TAXED_SQL
from transactions.models.transactions import PAYMENTS

# By then an import from the broker usually has the payment.
_AFTER_PAYMENT = timedelta(days=4)
_AFTER_EX_DATE = timedelta(days=45)
LOSS_MIN = Decimal(500)
_PRICE_AGE_MAX = timedelta(days=4)
_SYMBOLS_NAMED = 5

_DIVIDENDS = """
SELECT account.id, account.public_id, account.name, account.household_id,
       array_agg(DISTINCT asset.symbol ORDER BY asset.symbol)
  FROM marketdata_announceddividend told
  JOIN marketdata_asset asset ON asset.id = told.asset_id
  JOIN transactions_lot lot ON lot.asset_id = told.asset_id AND lot.quantity > 0
   AND lot.opened_date < told.ex_date
  JOIN transactions_account account ON account.id = lot.account_id
 WHERE (told.payment_date = %(paid)s OR told.payment_date IS NULL AND told.ex_date = %(gone_ex)s)
   AND account.id > %(after)s AND account.id <= %(last)s AND account.archived_at IS NULL
   AND NOT EXISTS (
       SELECT FROM transactions_transaction paid
        WHERE paid.account_id = account.id AND paid.asset_id = told.asset_id
          AND paid.type IN ({payments}) AND paid.trade_date >= told.ex_date
          AND paid.reverses_id IS NULL
          AND NOT EXISTS (SELECT FROM transactions_transaction WHERE reverses_id = paid.id))
   AND NOT EXISTS (
       SELECT FROM portfolios_skippeddividend skipped
        WHERE skipped.account_id = account.id AND skipped.asset_id = told.asset_id
          AND skipped.ex_date = told.ex_date)
 GROUP BY account.id
 ORDER BY account.id
""".format(payments=", ".join(f"'{name}'" for name in PAYMENTS))
_LOSSES = """
SELECT account.id, account.public_id, account.name, account.household_id, account.currency,
       sum(lot.cost_basis - lot.quantity * newest.price)
  FROM transactions_account account
  JOIN transactions_lot lot ON lot.account_id = account.id AND lot.quantity > 0
  JOIN marketdata_asset asset ON asset.id = lot.asset_id AND asset.currency = account.currency
  JOIN marketdata_latestprice newest ON newest.asset_id = lot.asset_id
   AND newest.as_of >= %(fresh)s
 WHERE account.id > %(after)s AND account.id <= %(last)s AND account.type IN (@taxed@)
   AND account.archived_at IS NULL AND lot.quantity * newest.price < lot.cost_basis
 GROUP BY account.id
HAVING sum(lot.cost_basis - lot.quantity * newest.price) >= %(least)s
 ORDER BY account.id
""".replace("@taxed@", TAXED_SQL)
_MONTH = """
SELECT account.id, account.public_id, account.name, account.household_id, account.currency,
       count(fact.id),
       coalesce(sum(fact.cash_effect) FILTER (WHERE fact.type IN ('deposit', 'withdrawal')), 0),
       coalesce(sum(fact.cash_effect) FILTER (WHERE fact.type IN ({payments})), 0)
  FROM transactions_account account
  LEFT JOIN transactions_transaction fact ON fact.account_id = account.id
   AND fact.executed_at >= %(since)s AND fact.executed_at < %(until)s
   AND fact.reverses_id IS NULL
   AND NOT EXISTS (SELECT FROM transactions_transaction WHERE reverses_id = fact.id)
 WHERE account.id > %(after)s AND account.id <= %(last)s AND account.archived_at IS NULL
   AND account.created_at < %(until)s
 GROUP BY account.id
HAVING count(fact.id) > 0 OR account.cash <> 0
    OR EXISTS (SELECT FROM transactions_holding held WHERE held.account_id = account.id)
 ORDER BY account.id
""".format(payments=", ".join(f"'{name}'" for name in PAYMENTS))


def announce_dividends(*, now: datetime) -> int:
    """Announce dividends that were paid some days ago and are not recorded. Return how many."""
    today = now.date()

    def portion(after: int, last: int) -> int:
        rows = rows_of(
            _DIVIDENDS,
            {
                "paid": today - _AFTER_PAYMENT,
                "gone_ex": today - _AFTER_EX_DATE,
                "after": after,
                "last": last,
            },
        )
        messages = [
            Message(
                household_id,
                f"dividend_due:{account_id}:{today}",
                {
                    **_account(public_id, name),
                    "page": "dividends_due",
                    "count": len(symbols),
                    "symbols": list(symbols[:_SYMBOLS_NAMED]),
                },
            )
            for account_id, public_id, name, household_id, symbols in rows
        ]
        announce_all(topic="dividend_due", messages=messages, now=now)
        return len(messages)

    return in_sets(name="dividend_due", day=today, portion=portion)


def announce_losses(*, now: datetime) -> int:
    """Announce taxable accounts whose lots have lost enough, once a month. Return how many.

    An account that was announced in this month already writes no second message.
    """
    today = now.date()

    def portion(after: int, last: int) -> int:
        rows = rows_of(
            _LOSSES,
            {"fresh": now - _PRICE_AGE_MAX, "least": LOSS_MIN, "after": after, "last": last},
        )
        messages = [
            Message(
                household_id,
                f"harvest_opportunity:{account_id}:{today:%Y-%m}",
                {
                    **_account(public_id, name),
                    "page": "harvest",
                    "loss": money_text(round(loss, 2), currency),
                    "currency": currency,
                },
            )
            for account_id, public_id, name, household_id, currency, loss in rows
        ]
        announce_all(topic="harvest_opportunity", messages=messages, now=now)
        return len(messages)

    return in_sets(name="losses", day=today, portion=portion)


def announce_statements(*, now: datetime) -> int:
    """Announce the last month of each account, from its first day on. Return how many."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    since = (first - timedelta(days=1)).replace(day=1)

    def portion(after: int, last: int) -> int:
        rows = rows_of(_MONTH, {"since": since, "until": first, "after": after, "last": last})
        messages = [_statement(row, since.date()) for row in rows]
        announce_all(topic="statement", messages=messages, now=now)
        return len(messages)

    return in_sets(name="statement", day=first.date(), portion=portion)


def _statement(row: Sequence[Any], month: date) -> Message:
    account_id, public_id, name, household_id, currency, count, paid_in, income = row
    return Message(
        household_id,
        f"statement:{account_id}:{month:%Y-%m}",
        {
            **_account(public_id, name),
            "month": f"{month:%B %Y}",
            "transactions": count,
            "paid_in": money_text(paid_in, currency),
            "income": money_text(income, currency),
            "currency": currency,
        },
    )


def _account(public_id: object, name: str) -> dict[str, Any]:
    return {"account_id": str(public_id), "account_name": name}
