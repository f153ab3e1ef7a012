"""The town in which plans are tested: rows made in the database, so many that an index pays."""

ACCOUNTS, HOLDINGS = 800, 25
BEFORE = """
INSERT INTO identity_household (public_id, name, created_at)
SELECT gen_random_uuid(), 'Neighbour ' || n, now() FROM generate_series(1, 8000) n;
INSERT INTO identity_user (password, is_superuser, public_id, email, full_name, household_id, role,
    base_currency, federal_ordinary_rate, federal_long_term_rate, state_rate,
    net_investment_income_rate, active_trader, token_version, is_active, is_staff, created_at)
SELECT '!', false, gen_random_uuid(), 'neighbour' || id || '@ballast.example', '', id, 'investor',
       'USD', 0.24, 0.15, 0, 0, false, 1, true, false, now()
  FROM identity_household WHERE name LIKE 'Neighbour %';
INSERT INTO marketdata_asset (public_id, symbol, name, asset_class, currency, isin, exchange,
    fractional, tradable, half_spread_bp, shifted_days, is_active, created_at, price_adjustment)
SELECT gen_random_uuid(), 'F' || to_char(n, 'FM00000'), md5(n::text), 'equity', 'USD', '',
       'XNYS', true, true, 2, 0, true, now(), 'none' FROM generate_series(1, 20000) n;
"""
FILL = """
INSERT INTO marketdata_latestprice (asset_id, price, as_of, source)
SELECT id, 10, now(), 'test' FROM marketdata_asset ON CONFLICT DO NOTHING;
UPDATE marketdata_asset SET substantially_identical_to_id = (SELECT min(id) FROM marketdata_asset)
 WHERE symbol IN ('F00001', 'F00002');

INSERT INTO transactions_transaction (public_id, account_id, type, amount, fee, currency, fx_rate,
    cash_effect, executed_at, trade_date, recorded_at, recorded_by_id, lot_method, lots, note,
    order_id, external_id, tax_rates)
SELECT gen_random_uuid(), account.id, 'dividend', 5, 0, 'USD', 1, 5,
       now() - n * interval '9 days', current_date - n * 9, now(),
       account.owner_id, '', '[]', '', '', '', '{}'
  FROM transactions_account account, generate_series(1, 60) n;

INSERT INTO transactions_disposal (account_id, asset_id, transaction_id, lot_transaction_id,
    opened_at, closed_at, opened_date, closed_date, quantity, proceeds, cost_basis, long_term,
    part, holding_period_date, wash_sale_adjustment, matched_quantity, deferred_loss,
    permanent_quantity, permanent_loss,
    replaces_loss, purchase)
SELECT account_id, asset_id, id, id, executed_at, now() - (id % 900) * interval '1 day',
       trade_date, current_date - (id % 900)::int, 1,
       CASE WHEN id % 2 = 0 THEN 5 ELSE 15 END, 10, false, 0, executed_at::date, 0, 0, 0, 0, 0,
       false, true
  FROM transactions_transaction WHERE type = 'buy';

-- Of the first accounts only: the ledger of those that the tests write to stays consistent.
INSERT INTO transactions_washsale (sale_id, part, loss_account_id, loss_asset_id, loss_lot_id,
    replacement_id, replacement_account_id, quantity, loss_quantity, disallowed, basis_added,
    days_held, permanent, sold_date, replacement_date)
SELECT transaction_id, part, account_id, asset_id, lot_transaction_id, lot_transaction_id,
       account_id, 1, 1, 5, 5, 1, false, closed_date, closed_date
  FROM transactions_disposal
 WHERE account_id < (SELECT min(id) + 300 FROM transactions_account);
INSERT INTO marketdata_yearofcloses (asset_id, year, days, closes)
SELECT id, year, '', '' FROM marketdata_asset, generate_series(2006, 2025) year
 WHERE symbol LIKE 'F%0';

INSERT INTO marketdata_ownprice (household_id, asset_id, date, price, stated, stated_currency,
    origin, recorded_at, recorded_by_id)
SELECT neighbour.household_id, asset.id, current_date - n, 10, 10, 'USD', 'manual', now(),
       neighbour.id
  FROM identity_user neighbour, marketdata_asset asset, generate_series(1, 5) n
 WHERE neighbour.email LIKE 'neighbour%' AND asset.symbol IN ('F00003', 'F00004');

INSERT INTO portfolios_restriction (account_id, asset_id, kind, reason)
SELECT account_id, asset_id, 'no_buy', ''
  FROM transactions_holding WHERE (asset_id + account_id) % 4 = 0;

INSERT INTO jobs_job (public_id, kind, queue, household_id, requested_by_id, subject_id, params,
    params_hash, status, progress, attempt, tries, waits, created_at, woken_at, finished_at,
    lease_until, estimated_completion)
SELECT gen_random_uuid(), 'recommendations.rebalance', 'interactive', account.household_id,
       account.owner_id, account.public_id, '{}', md5(account.id || ' ' || n),
       CASE WHEN n > 1 OR account.id % 20 > 1 THEN 'completed'
            WHEN account.id % 20 = 0 THEN 'pending' ELSE 'processing' END, 0, 1, 1, 0,
       now() - n * interval '1 day', now() - n * interval '1 day', now(), now(), now()
  FROM transactions_account account, generate_series(1, 20) n;
UPDATE jobs_job SET status = 'failed' WHERE status = 'completed' AND id % 1000 = 0;

INSERT INTO recommendations_recommendation (public_id, account_id, job_id, kind, status,
    engine_version, inputs, result, created_at)
SELECT gen_random_uuid(), account.id, job.id, 'rebalance', 'proposed', 'x', '{}', '{}',
       job.created_at
  FROM jobs_job job JOIN transactions_account account ON account.public_id = job.subject_id
 WHERE job.status = 'completed';

INSERT INTO transactions_order (public_id, account_id, asset_id, side, type, quantity, lots, broker,
    broker_order_id, state, filled_quantity, reason, created_at, created_by_id, recommendation_id,
    place, trades)
SELECT gen_random_uuid(), account.id, held.asset_id, 'buy', 'market', 5, '[]', '', '',
       CASE WHEN n > 1 THEN 'cancelled' ELSE 'placed' END, 0, '', now() - n * interval '1 day',
       account.owner_id, recommended.public_id, n, 20
  FROM transactions_account account, generate_series(1, 20) n,
       LATERAL (SELECT min(asset_id) AS asset_id FROM transactions_holding
                 WHERE account_id = account.id) held,
       LATERAL (SELECT public_id FROM recommendations_recommendation
                 WHERE account_id = account.id LIMIT 1) recommended;

INSERT INTO jobs_outbox (topic, household_id, dedup_key, payload, state, attempts, created_at,
    next_at, error)
SELECT 'rebalance_complete', household_id, 'k' || id, '{"job_id": "j", "account_id": "a"}',
       CASE WHEN id % 500 = 0 THEN 'dead' WHEN id % 500 = 1 THEN 'waiting' ELSE 'sent' END, 0,
       created_at, created_at, '' FROM jobs_job;

INSERT INTO jobs_idempotencykey (user_id, key, request_hash, response_status, response_body,
    created_at)
SELECT id, 'k' || n, 'x', 201, '{}', now() - n * interval '1 hour' FROM identity_user,
       generate_series(1, CASE WHEN email LIKE 'neighbour%' THEN 4 ELSE 20 END) n;

INSERT INTO notifications_notice (public_id, user_id, topic, title, payload, dedup_key, created_at,
    read_at)
SELECT gen_random_uuid(), id, 'rebalance_complete', 'Done', '{}', 'k' || n,
       now() - n * interval '1 hour', CASE WHEN n > 3 THEN now() END
  FROM identity_user,
       generate_series(1, CASE WHEN email LIKE 'neighbour%' THEN 8 ELSE 40 END) n;

INSERT INTO identity_tokenfamily (id, user_id, serial, created_at, expires_at, revoked_at,
    revoked_reason)
SELECT gen_random_uuid(), id, 1, now() - n * interval '1 day', now() + (40 - n) * interval '1 day',
       CASE WHEN n > 2 THEN now() END, ''
  FROM identity_user,
       generate_series(1, CASE WHEN email LIKE 'neighbour%' THEN 4 ELSE 20 END) n;

INSERT INTO identity_invitation (public_id, household_id, email, token_hash, invited_by_id,
    created_at, expires_at, accepted_at)
SELECT gen_random_uuid(), household_id, 'guest' || n || '.' || id || '@ballast.example',
       md5(id || ' ' || n), id, now(), now(), CASE WHEN n > 1 THEN now() END
  FROM identity_user,
       generate_series(1, CASE WHEN email LIKE 'neighbour%' THEN 2 ELSE 10 END) n;
INSERT INTO identity_adviserlink (adviser_id, household_id, created_at)
SELECT adviser.id, household.id, now() FROM identity_household household,
       (SELECT id FROM identity_user WHERE id % 800 = 0) adviser
 WHERE household.id % 5 = 0
 ON CONFLICT DO NOTHING;
INSERT INTO marketdata_exchangerate (currency, date, rate, source)
VALUES ('USD', now()::date, 1.1, 'test');
ANALYZE;
"""
