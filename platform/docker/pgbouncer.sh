#!/bin/sh
# Writes the user list from the environment and starts PgBouncer.
set -eu
umask 077
for role in ballast_web ballast_worker ballast_analytics; do
  printf '"%s" "%s"\n' "$role" "$DATABASE_PASSWORD"
done >/tmp/users.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
