"""The tables of nightly outcomes and their inputs, with a partition for each run.

Django makes plain tables, so the parents are SQL; `operations/nightly` makes the partitions of a run
when it starts, and drops those of old runs. The models of the same names are not managed.
"""

from django.db import migrations

PARENTS = """
CREATE TABLE recommendations_nightlyresult (
    run_id bigint NOT NULL,
    account_id bigint NOT NULL,
    outcome smallint NOT NULL,
    code varchar(40) NOT NULL DEFAULT '',
    trades smallint NOT NULL,
    gap_bps float4,
    drift_before float4,
    drift_after float4,
    value float8,
    turnover float8,
    tax float8,
    PRIMARY KEY (run_id, account_id)
) PARTITION BY LIST (run_id);
CREATE TABLE recommendations_nightlyblock (
    run_id bigint NOT NULL,
    first_account_id bigint NOT NULL,
    last_account_id bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (run_id, first_account_id)
) PARTITION BY LIST (run_id);
"""
DROP = "DROP TABLE recommendations_nightlyresult; DROP TABLE recommendations_nightlyblock"


class Migration(migrations.Migration):

    dependencies = [("recommendations", "0004_nightly_runs")]

    operations = [migrations.RunSQL(PARENTS, DROP)]
