"""Accounts and holdings in bulk, made inside the database, with a ledger that verifies.

Each account has its own household and user. It deposits once and buys `holdings` different assets
once, so that every holding has a transaction and a lot.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from marketdata.models import Asset, AssetClass, LatestPrice

ASSETS_MAX = 2000
_UUID = "gen_random_uuid()"
_STATEMENTS = (
    # Households and users of this batch.
    f"""
    INSERT INTO identity_household (public_id, name, created_at)
    SELECT {_UUID}, %(tag)s || n, %(now)s FROM generate_series(1, %(accounts)s) n
    """,
    f"""
    INSERT INTO identity_user (password, is_superuser, public_id, email, full_name, household_id,
        role, base_currency, federal_ordinary_rate, federal_long_term_rate, state_rate,
        net_investment_income_rate, active_trader, token_version, is_active, is_staff, created_at)
    SELECT '!', false, {_UUID}, h.name || '@scale.example', '', h.id, 'investor', 'USD',
           0.24, 0.15, 0, 0, false, 1, true, false, %(now)s
      FROM identity_household h WHERE h.name LIKE %(tag)s || '%%'
    """,
    f"""
    INSERT INTO transactions_account (public_id, household_id, owner_id, name, type, currency,
        lot_method, cash, ledger_version, created_at)
    SELECT {_UUID}, u.household_id, u.id, 'Scale', 'taxable', 'USD', 'fifo', 0, 1, %(now)s
      FROM identity_user u WHERE u.email LIKE %(tag)s || '%%@scale.example'
    """,
    # The statements below touch these accounts only; fresh statistics keep the plans good.
    """
    CREATE TEMPORARY TABLE scale_account ON COMMIT DROP AS
    SELECT account.id, account.owner_id
      FROM transactions_account account JOIN identity_user u ON u.id = account.owner_id
     WHERE u.email LIKE %(tag)s || '%%@scale.example'
    """,
    "ANALYZE scale_account, marketdata_asset",
    # One purchase of each of `holdings` assets; each account starts at a different asset.
    f"""
    INSERT INTO transactions_transaction (public_id, account_id, type, asset_id, quantity, price,
        amount, fee, currency, fx_rate, cash_effect, executed_at, trade_date, recorded_at,
        recorded_by_id, order_id, external_id, tax_rates, lot_method, lots, note)
    SELECT {_UUID}, account.id, 'buy', assets.ids[1 + (account.id + n) %% assets.size],
           q.quantity, q.price,
           round(q.quantity * q.price, 2), 0, 'USD', 1, -round(q.quantity * q.price, 2),
           %(executed)s, (%(executed)s::timestamptz AT TIME ZONE 'UTC')::date, %(now)s,
           account.owner_id,
           '', '', '{{}}', '', '[]', ''
      FROM scale_account account
     CROSS JOIN generate_series(1, %(holdings)s) n
     CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids, count(*) AS size
                   FROM marketdata_asset
                  WHERE symbol LIKE 'SCALE%%' AND household_id IS NULL) assets
     CROSS JOIN LATERAL (SELECT (1 + (account.id * 7 + n * 13) %% 90)::numeric AS quantity,
                                (20 + (n * 17) %% 180)::numeric AS price) q
    """,
    f"""
    INSERT INTO transactions_transaction (public_id, account_id, type, amount, fee, currency,
        fx_rate, cash_effect, executed_at, trade_date, recorded_at, recorded_by_id, order_id,
        external_id, tax_rates, lot_method, lots, note)
    SELECT {_UUID}, account_id, 'deposit', 1000 - sum(cash_effect), 0, 'USD', 1,
           1000 - sum(cash_effect), %(executed)s, min(trade_date), %(now)s, min(recorded_by_id),
           '', '', '{{}}', '', '[]', ''
      FROM transactions_transaction
     WHERE account_id IN (SELECT id FROM scale_account)
     GROUP BY account_id
    """,
    "ANALYZE transactions_transaction",
    """
    INSERT INTO transactions_lot (account_id, asset_id, transaction_id, opened_at, opened_date,
        holding_period_date, quantity, cost_basis, piece, wash_sale_adjustment, replaces_loss,
        purchase)
    SELECT t.account_id, t.asset_id, t.id, t.executed_at, t.trade_date, t.trade_date, t.quantity,
           -t.cash_effect, 0, 0, false, true
      FROM transactions_transaction t JOIN scale_account account ON account.id = t.account_id
     WHERE t.type = 'buy'
    """,
    """
    INSERT INTO transactions_holding (account_id, asset_id, quantity, cost_basis)
    SELECT l.account_id, l.asset_id, sum(l.quantity), sum(l.cost_basis)
      FROM transactions_lot l JOIN scale_account account ON account.id = l.account_id
     GROUP BY l.account_id, l.asset_id
    """,
    "ANALYZE transactions_holding",
    """
    UPDATE transactions_account SET cash = 1000
     WHERE id IN (SELECT id FROM scale_account)
    """,
    """
    INSERT INTO portfolios_target (account_id, asset_id, target_percentage, rebalance_threshold)
    SELECT h.account_id, h.asset_id,
           -- What four decimals cannot divide goes to one of them: targets sum to 100 exactly.
           share.each + CASE row_number() OVER (PARTITION BY h.account_id ORDER BY h.asset_id)
                        WHEN 1 THEN 100 - share.each * %(holdings)s ELSE 0 END,
           25.0 / %(holdings)s
      FROM transactions_holding h JOIN scale_account account ON account.id = h.account_id
     CROSS JOIN (SELECT trunc(100.0 / %(holdings)s, 4) AS each) share
    """,
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made: (user id, user public id, account public id), in order."""

    members: tuple[tuple[int, str, str], ...]


def seed(*, accounts: int, holdings: int, tag: str, now: datetime) -> Seeded:
    """Make `accounts` accounts of `holdings` holdings each, under a new tag."""
    _ensure_assets(count=max(holdings, 500), now=now)
    values: dict[str, Any] = {
        "tag": f"{tag}-",
        "accounts": accounts,
        "holdings": holdings,
        "now": now,
        "executed": now.replace(year=now.year - 2, day=1),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        # No audit rows and no checks per row: the statements are consistent by construction.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in _STATEMENTS:
            cursor.execute(statement, values)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute(
            """
            SELECT u.id, u.public_id::text, account.public_id::text
              FROM identity_user u JOIN transactions_account account ON account.owner_id = u.id
             WHERE u.email LIKE %(tag)s || '%%@scale.example' ORDER BY u.id
            """,
            values,
        )
        return Seeded(tuple(cursor.fetchall()))


def _ensure_assets(*, count: int, now: datetime) -> None:
    if count > ASSETS_MAX:
        raise ValueError(f"at most {ASSETS_MAX} assets")
    known = set(
        Asset.objects.filter(symbol__startswith="SCALE", household=None).values_list(
            "symbol", flat=True
        )
    )
    made = Asset.objects.bulk_create(
        [
            Asset(
                symbol=f"SCALE{number:04d}",
                name=f"Scale {number}",
                asset_class=AssetClass.EQUITY,
                currency="USD",
            )
            for number in range(count)
            if f"SCALE{number:04d}" not in known
        ]
    )
    LatestPrice.objects.bulk_create(
        [
            LatestPrice(
                asset=asset,
                price=Decimal(20 + asset.pk * 17 % 180),
                as_of=now,
                source="scale",
                previous_close=Decimal(20 + asset.pk * 17 % 180),
            )
            for asset in made
        ]
    )
