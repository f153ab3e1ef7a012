#!/bin/sh
# The database and one role per workload, each with its own timeouts: ballast owns the tables and
# migrates, ballast_web reads and writes rows, ballast_worker does so with longer lock timeouts,
# ballast_analytics works at night and creates partitions.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$DATABASE_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE ballast LOGIN PASSWORD :'password';
CREATE DATABASE ballast OWNER ballast;

CREATE ROLE ballast_web LOGIN PASSWORD :'password';
ALTER ROLE ballast_web SET statement_timeout = '10s';
ALTER ROLE ballast_web SET lock_timeout = '3s';
ALTER ROLE ballast_web SET idle_in_transaction_session_timeout = '60s';

CREATE ROLE ballast_worker LOGIN PASSWORD :'password' IN ROLE ballast_web;
ALTER ROLE ballast_worker SET statement_timeout = '30s';
ALTER ROLE ballast_worker SET lock_timeout = '10s';
ALTER ROLE ballast_worker SET idle_in_transaction_session_timeout = '60s';

CREATE ROLE ballast_analytics LOGIN PASSWORD :'password' IN ROLE ballast;
ALTER ROLE ballast_analytics SET role = 'ballast';
ALTER ROLE ballast_analytics SET statement_timeout = '5min';
ALTER ROLE ballast_analytics SET lock_timeout = '10s';
ALTER ROLE ballast_analytics SET idle_in_transaction_session_timeout = '5min';

\connect ballast
ALTER DEFAULT PRIVILEGES FOR ROLE ballast
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ballast_web;
ALTER DEFAULT PRIVILEGES FOR ROLE ballast GRANT USAGE, SELECT ON SEQUENCES TO ballast_web;

-- The audit trail (tables named ..._...event) takes new rows only, from the web as well; triggers
-- refuse the rest to the owner too.
CREATE FUNCTION audit_trail_is_append_only() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE made record;
BEGIN
    FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' LOOP
        IF made.object_identity LIKE 'public.%event' THEN
            EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM ballast_web', made.object_identity);
        END IF;
    END LOOP;
END $$;
CREATE EVENT TRIGGER audit_trail_is_append_only ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION audit_trail_is_append_only();
SQL
