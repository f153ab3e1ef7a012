"""Rebook every household after a decision about two funds that all of them trade."""

import time
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from bench.scale import seed
from identity.models import User
from marketdata.models import Asset, AssetClass
from marketdata.operations import decide_identity
from transactions.models import Account, WashSale
from transactions.operations.rebookings import follow_identity_decisions
from transactions.operations.verification import verified

HOUSEHOLDS_MAX = 100_000
TARGETS = {"minutes_of_100000_max": 15}

# Each account buys ten shares of the fund, sells them at a loss of 100.00, and buys ten of its twin
# on the 17th day: two assets without a wash sale, one asset with a wash sale.
_TRADES = """
INSERT INTO transactions_transaction (public_id, account_id, type, asset_id, quantity, price,
    amount, fee, currency, fx_rate, cash_effect, executed_at, trade_date, recorded_at,
    recorded_by_id, order_id, external_id, tax_rates, lot_method, lots, note)
SELECT gen_random_uuid(), account.id, trade.type, trade.asset_id, 10, trade.price,
       10 * trade.price, 0, 'USD', 1, trade.cash, trade.day + time '15:00', trade.day, %(now)s,
       account.owner_id, '', '', '{}', trade.method, '[]', ''
  FROM transactions_account account
 CROSS JOIN (VALUES ('buy', %(fund)s, 100, -1000, %(bought)s, ''),
                    ('sell', %(fund)s, 90, 900, %(sold)s, 'fifo'),
                    ('buy', %(twin)s, 92, -920, %(replaced)s, ''))
         AS trade (type, asset_id, price, cash, day, method)
 WHERE account.public_id = ANY(%(accounts)s::uuid[])
"""
_DERIVED = (
    """
INSERT INTO transactions_lot (account_id, asset_id, transaction_id, opened_at, opened_date,
    holding_period_date, quantity, cost_basis, piece, wash_sale_adjustment, replaces_loss, purchase)
SELECT account_id, asset_id, id, executed_at, trade_date, trade_date,
       CASE asset_id WHEN %(twin)s THEN 10 ELSE 0 END,
       CASE asset_id WHEN %(twin)s THEN 920 ELSE 0 END, 0, 0, false, true
  FROM transactions_transaction WHERE asset_id IN (%(fund)s, %(twin)s) AND type = 'buy'
""",
    """
INSERT INTO transactions_disposal (account_id, asset_id, transaction_id, lot_transaction_id,
    opened_at, opened_date, holding_period_date, closed_at, closed_date, quantity, proceeds,
    cost_basis, long_term, part, wash_sale_adjustment, matched_quantity, deferred_loss,
    permanent_quantity, permanent_loss, replaces_loss, purchase)
SELECT sold.account_id, sold.asset_id, sold.id, bought.id, bought.executed_at, bought.trade_date,
       bought.trade_date, sold.executed_at, sold.trade_date, 10, 900, 1000, false, 0, 0, 0, 0, 0,
       0, false, true
  FROM transactions_transaction sold
  JOIN transactions_transaction bought ON bought.account_id = sold.account_id
   AND bought.asset_id = sold.asset_id AND bought.type = 'buy'
 WHERE sold.asset_id = %(fund)s AND sold.type = 'sell'
""",
    """
INSERT INTO transactions_holding (account_id, asset_id, quantity, cost_basis)
SELECT account_id, asset_id, 10, 920 FROM transactions_transaction WHERE asset_id = %(twin)s
""",
    """
UPDATE transactions_account SET cash = cash - 1020
 WHERE public_id = ANY(%(accounts)s::uuid[])
""",
)


def run(*, households: int = 5_000) -> dict[str, Any]:
    """Measure households rebooked per minute by one worker, and the minutes for 100,000.

    Every household is rebooked in the same way, in sets of a fixed size, so the time grows with
    their number. `households` may be all 100,000 of them.
    """
    now = timezone.now()
    seeded = seed(accounts=households, holdings=5, tag=f"fund{int(now.timestamp())}", now=now)
    fund, twin = _funds(now)
    _trade(fund, twin, [account for _, _, account in seeded.members], now)
    before = _differences(seeded.members[0][2])
    user = User.objects.get(pk=seeded.members[0][0])
    decide_identity(asset=twin, identical_to=fund, user=user, now=timezone.now())
    start, cpu = time.perf_counter(), time.process_time()
    done = follow_identity_decisions(now=timezone.now())
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "targets": TARGETS,
        "households": households,
        "rebooked": done,
        "wash_sales_found": WashSale.objects.filter(loss_asset=fund).count(),
        "s": round(seconds, 2),
        "cpu_s": round(cpu, 2),
        "households_per_minute": round(60 * done / seconds),
        "minutes_of_100000": round(seconds / done * HOUSEHOLDS_MAX / 60, 2),
        "differences": before + _differences(seeded.members[-1][2]),
    }


def _funds(now: datetime) -> tuple[Asset, Asset]:
    tag = f"{int(now.timestamp()) % 1_000_000:06d}"
    fund, twin = (
        Asset.objects.create(
            symbol=f"{name}{tag}", name=name, asset_class=AssetClass.FUND, currency="USD"
        )
        for name in ("FUND", "TWIN")
    )
    return fund, twin


def _trade(fund: Asset, twin: Asset, accounts: list[str], now: datetime) -> None:
    values: dict[str, Any] = {
        "fund": fund.pk,
        "twin": twin.pk,
        "accounts": accounts,
        "now": now,
        "bought": date(now.year - 1, 1, 6),
        "sold": date(now.year - 1, 3, 3),
        "replaced": date(now.year - 1, 3, 20),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        # The statements are consistent by construction, as those of `seed`.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in (_TRADES, *_DERIVED):
            cursor.execute(statement, values)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _differences(account_id: str) -> int:
    """Return the differences in the 50 households from that of the account on."""
    first = Account.objects.get(public_id=account_id).household_id
    return len(next(verified(after_household_id=first - 1)).differences)
