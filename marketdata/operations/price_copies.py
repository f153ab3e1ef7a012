"""The rows of a partition in each tier: how they are divided, read, written and deleted.

A worker that was thought dead may go on. So every write names the attempt it belongs to, and is
refused once a later attempt has begun: the hot tier checks it in the same transaction, the warm
database keeps the newest attempt beside its tables, and the archive has a folder for each attempt,
of which only the objects that are written down count.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from marketdata.bars import BAR, FIELDS, Records
from marketdata.models import PriceBlock, PricePartition
from marketdata.operations.price_claims import MoveLost, lock_attempt
from marketdata.partitions import DAILY
from marketdata.queries.price_tiers import (
    NUMERIC_COLUMNS,
    PLAIN_COLUMNS,
    WARM_DB,
    WARM_TABLES,
    cold_store,
)
from marketdata.storage.parquet import decoded, encoded
from stores.arrays import records_of
from stores.copying import EPOCH_ORDINAL, EPOCH_S, copy_records
from stores.database import long_statements

# Rows of one block, as far as whole assets allow: one request answers one asset.
BLOCK_ROWS = 16_384
# A month of minutes of thousands of securities is counted in less.
COUNT_S_MAX = 1800


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of some neighboring assets."""

    first_asset: int
    last_asset: int
    rows: int


@dataclass(frozen=True, slots=True)
class Written:
    """Where a block was written, and its size and digest there."""

    path: str = ""
    byte_count: int = 0
    digest: bytes = b""


class Copies(Protocol):
    """The rows of partitions in one tier."""

    def blocks(self, partition: PricePartition) -> list[Block]: ...

    def read(self, partition: PricePartition, block: Block) -> Records: ...

    def begin(self, partition: PricePartition, attempt: int) -> None: ...

    def write(
        self, partition: PricePartition, block: Block, rows: Records, attempt: int
    ) -> Written: ...

    def read_back(self, partition: PricePartition, block: Block, written: Written) -> Records: ...

    def drop(self, partition: PricePartition, attempt: int) -> None: ...


def checksum(rows: Records) -> bytes:
    """Return the SHA-256 of rows, which are sorted by asset and time."""
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).digest()


def _divided(counts: Sequence[tuple[int, int]]) -> list[Block]:
    """Divide assets, given with their numbers of rows, into blocks."""
    found: list[Block] = []
    first, rows = None, 0
    for asset, count in counts:
        first = asset if first is None else first
        rows += count
        if rows >= BLOCK_ROWS:
            found.append(Block(first, asset, rows))
            first, rows = None, 0
    if first is not None:
        found.append(Block(first, counts[-1][0], rows))
    return found


class _Tables:
    """Rows in tables of a database."""

    using = DEFAULT_DB_ALIAS

    def name(self, partition: PricePartition) -> str:
        return partition.name

    def columns(self, partition: PricePartition) -> str:
        return NUMERIC_COLUMNS if partition.table == DAILY else PLAIN_COLUMNS.format(column="at")

    def blocks(self, partition: PricePartition) -> list[Block]:
        patient = long_statements(seconds=COUNT_S_MAX, using=self.using)
        with patient, connections[self.using].cursor() as cursor:
            cursor.execute(
                f"SELECT asset_id, count(*) FROM {self.name(partition)} GROUP BY 1 ORDER BY 1"
            )
            return _divided(cursor.fetchall())

    def read(self, partition: PricePartition, block: Block) -> Records:
        daily = partition.table == DAILY
        column = "date" if daily else "at"
        rows = records_of(
            query=f"SELECT {self.columns(partition)} FROM {self.name(partition)} "
            "WHERE asset_id BETWEEN %(first)s AND %(last)s "
            f"ORDER BY asset_id, {column}",
            values={"first": block.first_asset, "last": block.last_asset},
            fields=dict.fromkeys(FIELDS, "int8") | {"at": "date" if daily else "timestamptz"},
            using=self.using,
        ).astype(BAR)
        if daily:
            rows["at"] += EPOCH_ORDINAL
        else:
            rows["at"] = rows["at"] // 1_000_000 + EPOCH_S
        return rows

    def read_back(self, partition: PricePartition, block: Block, written: Written) -> Records:
        """Return what `write` wrote, before it is written down."""
        return self.read(partition, block)

    def replace(self, *, table: str, block: Block, rows: Records, daily: bool) -> None:
        """Replace the rows of a block in the running transaction."""
        with connections[self.using].cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE asset_id BETWEEN %s AND %s",
                [block.first_asset, block.last_asset],
            )
        copy_records(table=table, columns=_as_stored(rows, daily=daily), using=self.using)


class HotCopies(_Tables):
    """The application's own tables. A partition that is written to is empty and refuses others."""

    def begin(self, partition: PricePartition, attempt: int) -> None:
        """Nothing: the partition exists, and refuses all writers but moves."""

    def write(
        self, partition: PricePartition, block: Block, rows: Records, attempt: int
    ) -> Written:
        with transaction.atomic(), connections[self.using].cursor() as cursor:
            lock_attempt(partition, attempt)
            cursor.execute("SET LOCAL ballast.moving = 'on'")
            if partition.table != DAILY:
                self.replace(table=partition.name, block=block, rows=rows, daily=False)
                return Written()
            cursor.execute(
                "CREATE TEMPORARY TABLE moving_prices (asset_id int8, date date, open int8, "
                "high int8, low int8, close int8, volume int8) ON COMMIT DROP"
            )
            self.replace(table="moving_prices", block=block, rows=rows, daily=True)
            cursor.execute(
                f"DELETE FROM {partition.name} WHERE asset_id BETWEEN %s AND %s",
                [block.first_asset, block.last_asset],
            )
            cursor.execute(
                f"INSERT INTO {partition.name} (asset_id, date, open, high, low, close, volume) "
                "SELECT asset_id, date, nullif(open, -1) * 0.00000001, "
                "nullif(high, -1) * 0.00000001, nullif(low, -1) * 0.00000001, "
                "close * 0.00000001, nullif(volume, -1) FROM moving_prices"
            )
            cursor.execute("DROP TABLE moving_prices")
        return Written()

    def drop(self, partition: PricePartition, attempt: int) -> None:
        """Empty the table, unless it is what answers."""
        with transaction.atomic(), connections[self.using].cursor() as cursor:
            if lock_attempt(partition, attempt).tier != "hot":
                cursor.execute(f"TRUNCATE {partition.name}")


class WarmCopies(_Tables):
    """Tables of the second database, created when they are first needed."""

    using = WARM_DB

    def name(self, partition: PricePartition) -> str:
        return partition.name.replace(partition.table, WARM_TABLES[partition.table])

    def columns(self, partition: PricePartition) -> str:
        return PLAIN_COLUMNS.format(column="date" if partition.table == DAILY else "at")

    def begin(self, partition: PricePartition, attempt: int) -> None:
        daily = partition.table == DAILY
        parent, column = WARM_TABLES[partition.table], "date" if daily else "at"
        zone = "" if daily else " 00:00:00+00"
        with transaction.atomic(using=self.using), connections[self.using].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('prices'))")
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {parent} (asset_id int8 NOT NULL, {column} "
                f"{'date' if daily else 'timestamptz'} NOT NULL, open int8 NOT NULL, "
                "high int8 NOT NULL, low int8 NOT NULL, close int8 NOT NULL, "
                f"volume int8 NOT NULL, PRIMARY KEY (asset_id, {column})) "
                f"PARTITION BY RANGE ({column})"
            )
            _claim_table(cursor, partition, attempt)
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {self.name(partition)} PARTITION OF {parent} "
                f"FOR VALUES FROM ('{partition.first}{zone}') TO ('{partition.end}{zone}')"
            )

    def write(
        self, partition: PricePartition, block: Block, rows: Records, attempt: int
    ) -> Written:
        with transaction.atomic(using=self.using), connections[self.using].cursor() as cursor:
            # The row stays locked until the commit, so a later attempt begins after it.
            cursor.execute(
                "UPDATE prices_move SET attempt = attempt WHERE name = %s AND attempt = %s",
                [partition.name, attempt],
            )
            if not cursor.rowcount:
                raise MoveLost(partition.name)
            self.replace(
                table=self.name(partition), block=block, rows=rows, daily=partition.table == DAILY
            )
        return Written()

    def drop(self, partition: PricePartition, attempt: int) -> None:
        with transaction.atomic(using=self.using), connections[self.using].cursor() as cursor:
            _claim_table(cursor, partition, attempt)
            cursor.execute(f"DROP TABLE IF EXISTS {self.name(partition)}")


def _claim_table(cursor: Any, partition: PricePartition, attempt: int) -> None:
    """Note the attempt in the warm database; raise MoveLost if a later one is noted there."""
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS prices_move (name text PRIMARY KEY, attempt integer NOT NULL)"
    )
    cursor.execute(
        "INSERT INTO prices_move VALUES (%s, %s) ON CONFLICT (name) DO UPDATE "
        "SET attempt = EXCLUDED.attempt WHERE prices_move.attempt <= EXCLUDED.attempt",
        [partition.name, attempt],
    )
    if not cursor.rowcount:
        raise MoveLost(partition.name)


class ColdCopies:
    """Objects of the archive. Its blocks are those that are written down."""

    def blocks(self, partition: PricePartition) -> list[Block]:
        return [
            Block(row.first_asset, row.last_asset, row.rows)
            for row in self._stored(partition).order_by("first_asset")
        ]

    def read(self, partition: PricePartition, block: Block) -> Records:
        stored = self._stored(partition).get(first_asset=block.first_asset)
        return self._object(stored.path, bytes(stored.digest))

    def read_back(self, partition: PricePartition, block: Block, written: Written) -> Records:
        return self._object(written.path, written.digest)

    def _object(self, path: str, digest: bytes) -> Records:
        data = cold_store().get(path)
        if hashlib.sha256(data).digest() != digest:
            raise ValueError(f"{path} is damaged: its bytes have another digest")
        return decoded(data)

    def begin(self, partition: PricePartition, attempt: int) -> None:
        """Nothing: a store has no folders to create."""

    def write(
        self, partition: PricePartition, block: Block, rows: Records, attempt: int
    ) -> Written:
        data = encoded(rows, daily=partition.table == DAILY)
        place = f"{self._folder(partition)}/{attempt}"
        path = f"{place}/{block.first_asset}-{block.last_asset}.parquet"
        cold_store().put(path, data)
        return Written(path, len(data), hashlib.sha256(data).digest())

    def drop(self, partition: PricePartition, attempt: int) -> None:
        """Delete the objects of this and earlier attempts that nothing refers to.

        Those are all of them once the partition is in another tier.
        """
        kept: set[str] = set()
        if partition.tier == "cold":
            kept = set(self._stored(partition).values_list("path", flat=True))
        store, folder = cold_store(), self._folder(partition)
        for path in store.paths(folder):
            number = path.removeprefix(f"{folder}/").partition("/")[0]
            if path not in kept and int(number) <= attempt:
                store.delete(path)

    def _stored(self, partition: PricePartition) -> "QuerySet[PriceBlock]":
        return PriceBlock.objects.filter(partition=partition, tier="cold")

    def _folder(self, partition: PricePartition) -> str:
        return f"{partition.table}/{partition.name}"


def _as_stored(rows: Records, *, daily: bool) -> dict[str, tuple[str, NDArray[np.int64]]]:
    found = {name: ("int8", rows[name]) for name in FIELDS if name != "at"}
    if daily:
        return {"date": ("date", rows["at"] - EPOCH_ORDINAL), **found}
    return {"at": ("timestamptz", (rows["at"] - EPOCH_S) * 1_000_000), **found}


COPIES: dict[str, Copies] = {"hot": HotCopies(), "warm": WarmCopies(), "cold": ColdCopies()}
