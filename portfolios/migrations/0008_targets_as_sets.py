from django.db import migrations

# A UUID of version 7: a random one of version 4, its first 48 bits the milliseconds, its version 7.
_UUID7 = """
    encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
        substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
"""
# The targets an account has become version 1 of its own set, packed as
# `portfolios.holdings.target_sets` packs them.
_SETS = f"""
INSERT INTO portfolios_targetset (public_id, scope, account_id, name, created_at)
SELECT {_UUID7}, 'account', account.id, '', now()
  FROM transactions_account account
 WHERE EXISTS (SELECT FROM portfolios_target WHERE account_id = account.id)
   AND NOT EXISTS (SELECT FROM portfolios_targetset WHERE account_id = account.id);
"""
_VERSIONS = f"""
INSERT INTO portfolios_targetsetversion
       (public_id, target_set_id, number, weights, note, created_at)
SELECT {_UUID7}, sets.id, 1, weights.packed, '', now()
  FROM portfolios_targetset sets
 CROSS JOIN LATERAL (
       SELECT jsonb_agg(jsonb_build_object(
                  'symbol', coalesce(asset.symbol, 'CASH'),
                  'target_percentage', trim_scale(target.target_percentage)::text,
                  'rebalance_threshold', trim_scale(coalesce(
                      target.relative_threshold, target.rebalance_threshold))::text,
                  'threshold_kind', CASE WHEN target.relative_threshold IS NULL
                      THEN 'absolute' ELSE 'relative' END)
                  || CASE WHEN asset.id IS NULL THEN '{{}}'::jsonb
                      ELSE jsonb_build_object('asset_id', asset.public_id::text) END
                  ORDER BY target.target_percentage DESC, target.id) AS packed
         FROM portfolios_target target
         LEFT JOIN marketdata_asset asset ON asset.id = target.asset_id
        WHERE target.account_id = sets.account_id) weights
 WHERE weights.packed IS NOT NULL
   AND NOT EXISTS (SELECT FROM portfolios_targetsetversion WHERE target_set_id = sets.id);
"""
_FOLLOWED = """
INSERT INTO portfolios_followedtargets (account_id, version_id, since)
SELECT sets.account_id, version.id, now()
  FROM portfolios_targetset sets
  JOIN portfolios_targetsetversion version ON version.target_set_id = sets.id
 WHERE sets.scope = 'account'
    ON CONFLICT (account_id) DO NOTHING;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('portfolios', '0007_target_sets'),
    ]

    operations = [
        migrations.RunSQL([_SETS, _VERSIONS, _FOLLOWED], migrations.RunSQL.noop),
    ]
