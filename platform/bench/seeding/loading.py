"""A population into the database: two connections at once, all of it or nothing.

One connection writes the transactions, the other everything else. Each takes the indexes off its
tables, fills them by COPY and builds the indexes again, in one transaction. So a load that is
killed leaves no row and every index. Only between the two commits does one part exist without the
other: a note, committed beforehand and dropped by the second commit, names the transactions that
the next run deletes if they are there.

Triggers and foreign keys are not run row by row: no row is audited, and references are right by
construction. Checks, NOT NULL and unique keys are enforced.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bench.seeding.forms import END, HEAD
from bench.seeding.indexes import Index, put_back, take_off
from bench.seeding.population import CURRENCIES, Population
from bench.seeding.tables import (
    ACCOUNT,
    ASSET,
    DEFAULTS,
    DOMAIN,
    HOLDING,
    HOUSEHOLD,
    LOT,
    NUMBERED,
    PRICE,
    TARGET,
    TRANSACTION,
    USER,
    Ids,
    Load,
    counts,
    derived,
    moves,
    people,
    securities,
)
from core.errors import Conflict
from identity.models import User
from marketdata.models import ExchangeRate
from marketdata.queries import exchange_rates
from marketdata.queries.exchange_rates import forget_fixings

_LOCK = "SELECT pg_try_advisory_lock(hashtext('bench.seeding'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('bench.seeding'))"
# Reference rates of the euro, used where the database has none.
_FIXINGS = {"USD": "1.0800", "GBP": "0.8500", "CHF": "0.9400", "CAD": "1.4700"}
_SETTINGS = """
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL session_replication_role = replica;
-- The pages of new indexes do not repay the time that packing them takes.
SET LOCAL wal_compression = off;
SET LOCAL maintenance_work_mem = '256MB';
-- Both cores are busy already.
SET LOCAL max_parallel_maintenance_workers = 0;
"""
# The tables filled without their indexes, unless they hold more rows than arrive.
_BARE = (TRANSACTION, LOT, HOLDING, TARGET)

Progress = Callable[[str], None]


class SeedingRefused(Conflict):
    """The database must not be filled now."""


class _GaveUp(Exception):
    """The other connection failed, or the command was interrupted."""


@dataclass(slots=True)
class Report:
    """The rows of each table, seconds of each step, bytes of each table and of its indexes."""

    rows: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)
    bytes: dict[str, tuple[int, int]] = field(default_factory=dict)
    wal_bytes: int = 0


def population(
    *, accounts: int, holdings: int, securities: int, outside: float, seed: int, now: datetime
) -> Population:
    """Return a population that values its securities at the rates of the database.

    Rates that the database does not have are written.
    """
    known = exchange_rates(pairs=[(one, "EUR") for one in _FIXINGS], as_of=now.date())
    missing = [currency for currency in _FIXINGS if (currency, "EUR") not in known]
    if missing:
        ExchangeRate.objects.bulk_create(
            ExchangeRate(
                currency=currency, date=now.date(), rate=_FIXINGS[currency], source="scale"
            )
            for currency in missing
        )
        forget_fixings()
    rates = exchange_rates(
        pairs=[(one, other) for one in CURRENCIES for other in CURRENCIES], as_of=now.date()
    )
    return Population(
        seed=seed,
        accounts=accounts,
        holdings=holdings,
        securities=securities,
        outside=outside,
        rates={pair: float(rate.rate) for pair, rate in rates.items()},
    )


def load(
    *,
    accounts: int,
    holdings: int,
    securities: int,
    outside: float,
    seed: int,
    now: datetime,
    despite_users: bool = False,
    progress: Progress = lambda line: None,
) -> Report:
    """Add a population to the database, outside of any transaction.

    Raise SeedingRefused if the database has users that are neither seeded nor the demo's, unless
    `despite_users`, or if another load runs.
    """
    if not despite_users:
        _refuse_users()
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if not cursor.fetchone()[0]:
            raise SeedingRefused(
                "Another seed_scale fills this database. Wait until it ends.", code="seeding_runs"
            )
        try:
            _forget_half()
            who = population(
                accounts=accounts,
                holdings=holdings,
                securities=securities,
                outside=outside,
                seed=seed,
                now=now,
            )
            return _both(who, _noted(who, now), progress)
        finally:
            _forget_half()
            cursor.execute(_UNLOCK)


def _refuse_users() -> None:
    people = User.objects.exclude(email__endswith=DOMAIN).exclude(is_demo=True).count()
    if people:
        raise SeedingRefused(
            f"This database has {people} users who are neither the demo's nor seeded. Seeding "
            "locks the ledger of all of them while it runs. Use another database, or say "
            "--despite-users.",
            code="seeding_among_users",
        )


def _forget_half() -> None:
    """Delete the transactions of a load that was killed between its two commits."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('bench_seeding')")
        if cursor.fetchone()[0] is None:
            return
        cursor.execute(_SETTINGS)
        cursor.execute(
            "DELETE FROM transactions_transaction USING bench_seeding"
            " WHERE id BETWEEN bench_seeding.first AND bench_seeding.last"
        )
        cursor.execute("DROP TABLE bench_seeding")


def _noted(who: Population, now: datetime) -> Ids:
    """Reserve the ids of all rows, and note those of the transactions."""
    first = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for table, rows in counts(who).items():
            cursor.execute(
                "SELECT nextval(sequence), sequence"
                " FROM (SELECT pg_get_serial_sequence(%(table)s, 'id') AS sequence)",
                {"table": table},
            )
            first[table], sequence = cursor.fetchone()
            cursor.execute("SELECT setval(%s, %s)", [sequence, first[table] + rows - 1])
        cursor.execute("CREATE TABLE bench_seeding (first bigint, last bigint)")
        cursor.execute(
            "INSERT INTO bench_seeding VALUES (%s, %s)",
            [first[TRANSACTION], first[TRANSACTION] + counts(who)[TRANSACTION] - 1],
        )
    return Ids(first, now)


class _Ends:
    """The end of two transactions: both are ready, or neither commits; the ledger commits first."""

    def __init__(self) -> None:
        self.ready = threading.Barrier(2)
        self.ledger = threading.Event()
        self.committed = False

    def meet(self) -> None:
        """Wait until both are ready."""
        try:
            self.ready.wait()
        except threading.BrokenBarrierError:
            raise _GaveUp from None

    def give_up(self) -> None:
        self.ready.abort()
        self.ledger.set()


def _both(who: Population, ids: Ids, progress: Progress) -> Report:
    report = Report(counts(who))
    ends = _Ends()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        (before,) = cursor.fetchone()
        with ThreadPoolExecutor(2) as threads:
            parts = [
                threads.submit(_ledger, who, ids, ends, report, progress),
                threads.submit(_rest, who, ids, ends, report, progress),
            ]
            try:
                wait(parts)
            except BaseException:
                ends.give_up()
                raise
        faults = [fault for part in parts if (fault := part.exception()) is not None]
        # Where one connection failed, the other says only that it gave up.
        for fault in sorted(faults, key=lambda fault: isinstance(fault, _GaveUp)):
            raise fault
        cursor.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", [before])
        report.wal_bytes = int(cursor.fetchone()[0])
        for table in (*NUMBERED, HOLDING, PRICE):
            cursor.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [table, table])
            report.bytes[table] = cursor.fetchone()
    return report


def _ledger(who: Population, ids: Ids, ends: _Ends, report: Report, progress: Progress) -> None:
    """Write the transactions; commit when the rest is ready, too."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            writer = _Writer(cursor, "ledger", ids.first[ACCOUNT], ends, report, progress)
            writer.fill(
                (TRANSACTION,),
                (moves(who, ids, who.portion(*bounds)) for bounds in who.ranges()),
                parts=len(who.ranges()),
                rows=report.rows[TRANSACTION],
            )
            ends.meet()
        ends.committed = True
    except BaseException:
        ends.give_up()
        raise
    finally:
        ends.ledger.set()
        connection.close()


def _rest(who: Population, ids: Ids, ends: _Ends, report: Report, progress: Progress) -> None:
    """Write everything but the transactions; commit when these are committed."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            writer = _Writer(cursor, "rest", ids.first[ACCOUNT], ends, report, progress)
            writer.fill(
                (HOUSEHOLD, USER, ASSET, PRICE),
                [people(who, ids), securities(who, ids)],
                parts=2,
                rows=0,
            )
            writer.fill(
                (ACCOUNT, LOT, HOLDING, TARGET),
                (derived(who, ids, who.portion(*bounds)) for bounds in who.ranges()),
                parts=len(who.ranges()),
                rows=report.rows[LOT],
            )
            cursor.execute("DROP TABLE bench_seeding")
            ends.meet()
            ends.ledger.wait()
            if not ends.committed:
                raise _GaveUp
    except BaseException:
        ends.give_up()
        raise
    finally:
        connection.close()


@dataclass(frozen=True)
class _Writer:
    """One of the two connections, in its transaction."""

    cursor: Any
    name: str
    first_account: int
    ends: _Ends
    report: Report
    progress: Progress

    def fill(
        self, tables: Sequence[str], parts_of_rows: Iterable[list[Load]], *, parts: int, rows: int
    ) -> None:
        """Fill tables; without their indexes if they hold fewer rows than arrive."""
        self._execute(_SETTINGS)
        # No wait has a deadline: an index of 60 million rows takes what it takes.
        self.cursor.connection.answer_s_max = None
        bare = [table for table in tables if table in _BARE and self._held(table) <= rows]
        for table in tables:
            self._execute(_defaults(table, "SET DEFAULT {}"))
        off: list[Index] = []
        started = time.perf_counter()
        for number, loads in enumerate(parts_of_rows, 1):
            for one in loads:
                self._copy(one)
            if number == 1:
                off = [index for table in bare for index in self._take_off(table)]
            if number * 10 // parts > (number - 1) * 10 // parts:
                self.progress(f"{self.name}: {number * 100 // parts} % of the rows")
        self._took(f"{self.name}: rows of {', '.join(tables)}", started)
        for index in off:
            self._build(index)
        started = time.perf_counter()
        for table in tables:
            self._execute(_defaults(table, "DROP DEFAULT"))
            self._execute(f"ANALYZE {table}")
        self._took(f"{self.name}: statistics of {', '.join(tables)}", started)

    def _take_off(self, table: str) -> list[Index]:
        return take_off(self.cursor, table, first_account=self.first_account)

    def _held(self, table: str) -> int:
        """The number of rows at the last count; a table never counted is empty or small."""
        self.cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table]
        )
        return int(self.cursor.fetchone()[0])

    def _copy(self, one: Load) -> None:
        if self.ends.ready.broken:
            raise _GaveUp
        names = ", ".join(one.form.names)
        statement = f"COPY {one.table} ({names}) FROM STDIN (FORMAT binary)"
        with self.cursor.copy(statement) as copy:
            copy.write(HEAD)
            for piece in one.rows:
                copy.write(piece)
            copy.write(END)

    def _build(self, index: Index) -> None:
        started = time.perf_counter()
        put_back(self.cursor, index)
        self._took(f"{self.name}: {index.name}", started)

    def _took(self, what: str, started: float) -> None:
        seconds = time.perf_counter() - started
        self.report.seconds[what] = round(seconds, 1)
        self.progress(f"{what} {seconds:.1f} s")

    def _execute(self, statement: str) -> None:
        if statement:
            self.cursor.execute(statement)


def _defaults(table: str, change: str) -> str:
    """Return the statement that gives columns their defaults for the load, or takes them away."""
    actions = ", ".join(
        f"ALTER COLUMN {name} {change.format(value)}"
        for name, value in DEFAULTS.get(table, {}).items()
    )
    return f"ALTER TABLE {table} {actions}" if actions else ""
