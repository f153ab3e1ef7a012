"""The servers this process needs: do they answer, are they new enough, are they set up right."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import kombu
import redis
from django.conf import settings
from django.db import connections

from monitoring.findings import Finding, fine, problem, warning
from stores.redis import redis_client
from stores.rows import rows_of

POSTGRESQL_MIN, REDIS_MIN = 15, (6, 2)
CONNECTIONS_SHARE_MAX = 0.8
CLOCK_S_MAX = 2.0
ANSWER_S_MAX = 3

_SERVER = """
SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version'),
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int, current_setting('statement_timeout'),
       current_setting('fsync'), pg_database_size(current_database()), pg_is_in_recovery()
"""


def database() -> Iterator[Finding]:
    """PostgreSQL answers, is new enough, has connections left, and keeps what it is given."""
    [row] = rows_of(_SERVER, {})
    major, version, connected, connected_max, timeout, fsync, size, recovering = row
    if major < POSTGRESQL_MIN:
        yield problem(
            f"PostgreSQL {version} is older than {POSTGRESQL_MIN}.",
            f"Upgrade to PostgreSQL {POSTGRESQL_MIN} or newer.",
        )
    if recovering:
        yield problem(
            "This PostgreSQL is a replica or still recovering, so nothing can be written.",
            "Point DATABASE_URL to the primary, or promote this one.",
        )
    if fsync == "off":
        yield problem(
            "fsync is off: a power cut destroys the database.", "Switch fsync on and restart it."
        )
    if timeout == "0":
        yield warning(
            "Statements have no timeout.",
            "Behind PgBouncer (DB_SESSION_OPTIONS=0) set statement_timeout on the database role.",
        )
    share = f"{connected} of {connected_max} connections are used"
    if connected > CONNECTIONS_SHARE_MAX * connected_max:
        yield problem(
            f"PostgreSQL has few connections left: {share}.",
            "Put PgBouncer in front, lower DB_POOL_SIZE or the number of processes, or raise "
            "max_connections.",
        )
    yield fine(f"PostgreSQL {version} answers; {share}; {size / 1e9:.2f} GB.")


def warm_database() -> Iterator[Finding]:
    """The second database of prices answers, if there is one."""
    if "warm" not in connections:
        yield fine("No second database of prices is set up (WARM_DATABASE_URL).")
        return
    with connections["warm"].cursor() as cursor:
        cursor.execute("SELECT 1")
    yield fine("The second database of prices answers.")


def cache() -> Iterator[Finding]:
    """Redis of the cache answers, is new enough, and may evict."""
    client = redis_client()
    about: dict[str, Any] = client.info()
    yield from _new_enough(about)
    if about.get("maxmemory") and about.get("maxmemory_policy") == "noeviction":
        yield warning(
            "The cache refuses writes when it is full.",
            "Set maxmemory-policy of REDIS_URL to allkeys-lfu.",
        )
    yield fine(
        f"The cache is Redis {about['redis_version']}, {about['used_memory'] / 1e6:.0f} MB used, "
        f"{about['connected_clients']} clients."
    )


def broker() -> Iterator[Finding]:
    """The broker answers. A Redis must keep messages: no eviction, an append-only file."""
    with kombu.Connection(
        settings.BROKER_URL,
        connect_timeout=ANSWER_S_MAX,
        transport_options={
            "socket_timeout": ANSWER_S_MAX,
            "socket_connect_timeout": ANSWER_S_MAX,
        },
    ) as link:
        link.ensure_connection(max_retries=1, timeout=ANSWER_S_MAX)
        channel: Any = link.default_channel
        if link.transport.driver_type != "redis":
            yield fine(f"The broker ({link.transport.driver_type}) takes connections.")
            return
        about: dict[str, Any] = channel.client.info()
        yield from _new_enough(about)
        if about.get("maxmemory") and about.get("maxmemory_policy") != "noeviction":
            yield problem(
                f"The broker evicts messages when it is full ({about['maxmemory_policy']}).",
                "Set maxmemory-policy of BROKER_URL to noeviction.",
            )
        if not about.get("aof_enabled"):
            yield warning(
                "The broker has no append-only file: a restart delays waiting jobs by seconds.",
                "Start it with --appendonly yes.",
            )
        yield fine(f"The broker is Redis {about['redis_version']}.")


def _new_enough(about: dict[str, Any]) -> Iterator[Finding]:
    found = tuple(int(part) for part in str(about["redis_version"]).split(".")[:2])
    if found < REDIS_MIN:
        yield problem(
            f"Redis {about['redis_version']} is older than {REDIS_MIN[0]}.{REDIS_MIN[1]}.",
            "Upgrade Redis.",
        )


def clocks() -> Iterator[Finding]:
    """This machine, PostgreSQL and Redis agree on the time: leases and tickets rest on it."""
    differences = {}
    before = time.time()
    [(theirs,)] = rows_of("SELECT EXTRACT(epoch FROM clock_timestamp())::float8", {})
    differences["PostgreSQL"] = _difference(float(theirs), before)
    before = time.time()
    try:
        seconds, micros = redis_client().time()
    except redis.RedisError as fault:
        yield warning(f"Redis did not tell the time: {type(fault).__name__}.", "See `cache`.")
    else:
        differences["Redis"] = _difference(float(seconds) + float(micros) / 1e6, before)
    for name, seconds_apart in differences.items():
        if seconds_apart > CLOCK_S_MAX:
            yield problem(
                f"The clocks of this machine and of {name} are {seconds_apart:.0f} s apart.",
                "Run a time service (chrony, systemd-timesyncd) on both machines.",
            )
    apart = max(differences.values())
    if apart <= CLOCK_S_MAX:
        yield fine(f"Clocks agree to {max(apart, 0.01):.2f} s.")


def _difference(theirs: float, before: float) -> float:
    """How far a clock is outside the moments between question and answer."""
    return max(before - theirs, theirs - time.time(), 0.0)


def edges() -> Iterator[Finding]:
    """Web and stream on this machine, if they are here."""
    for name, port in (("web", settings.PORT), ("stream", settings.STREAM_PORT)):
        address = f"http://127.0.0.1:{port}/readyz"
        try:
            with urllib.request.urlopen(address, timeout=ANSWER_S_MAX):
                yield fine(f"The {name} process is ready on port {port}.")
        except urllib.error.HTTPError as answer:
            yield problem(
                f"The {name} process on port {port} answers {answer.code} at /readyz.",
                f"Its answer names what it lacks: curl {address}",
            )
        except TimeoutError:
            yield problem(
                f"The {name} process on port {port} does not answer.",
                "Is the machine out of CPU or memory? `make run` restarts it after 30 s.",
            )
        except OSError:
            yield warning(
                f"No {name} process listens on port {port} of this machine.",
                "Start it, or ignore this where it runs elsewhere or PORT and STREAM_PORT differ.",
            )
