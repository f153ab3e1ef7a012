#!/bin/sh
# Writes the user list from the environment and starts PgBouncer.
set -eu
umask 077
for role in ballast ballast_web ballast_analytics; do
  printf '"%s" "%s"\n' "$role" "$POSTGRES_PASSWORD"
done >/tmp/users.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
