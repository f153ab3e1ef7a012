#!/bin/sh
# One role per workload, each with its own timeouts (30 s for pages and the API, 5 min for the night).
set -eu
psql -v ON_ERROR_STOP=1 -v password="$POSTGRES_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE ballast_web LOGIN PASSWORD :'password' IN ROLE ballast;
ALTER ROLE ballast_web SET statement_timeout = '30s';
ALTER ROLE ballast_web SET lock_timeout = '10s';
ALTER ROLE ballast_web SET idle_in_transaction_session_timeout = '60s';
CREATE ROLE ballast_analytics LOGIN PASSWORD :'password' IN ROLE ballast;
ALTER ROLE ballast_analytics SET statement_timeout = '5min';
ALTER ROLE ballast_analytics SET lock_timeout = '10s';
ALTER ROLE ballast_analytics SET idle_in_transaction_session_timeout = '5min';
SQL
