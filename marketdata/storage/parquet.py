"""Bars in Parquet objects. Pure: bytes in, records out.

An object holds the bars of some neighboring assets in one partition, sorted by asset and time, so
that one request answers one asset. Prices are whole numbers of 10^-`price_decimals`, the smallest
number of decimals that is exact for the whole object: differences of small numbers take few bytes.
Days are dates, instants are milliseconds in UTC. -1 stands for a figure that its source left out.
"""

import io

import numpy as np
from arro3.core import Array, DataType, Field, RecordBatch, Schema
from arro3.io import read_parquet, write_parquet
from numpy.typing import NDArray

from marketdata.bars import ABSENT, BAR, FIELDS, Records

PRICES = ("open", "high", "low", "close")
DECIMALS = 8
_COMPRESSION = "zstd(3)"
_EPOCH_ORDINAL = 719_163  # 1970-01-01
_ALL_ROWS = 1 << 24


def encoded(rows: Records, *, daily: bool) -> bytes:
    """Return an object of bars."""
    decimals = _decimals(rows)
    unit = 10 ** (DECIMALS - decimals)
    arrays = {"asset_id": Array.from_numpy(np.ascontiguousarray(rows["asset_id"]))}
    if daily:
        days = (rows["at"] - _EPOCH_ORDINAL).astype(np.int32)
        arrays["date"] = Array.from_numpy(days).cast(DataType.date32())
    else:
        arrays["at"] = Array.from_numpy(rows["at"] * 1000).cast(DataType.timestamp("ms", tz="UTC"))
    for name in PRICES:
        prices = np.where(rows[name] == ABSENT, ABSENT, rows[name] // unit)
        arrays[name] = Array.from_numpy(prices)
    arrays["volume"] = Array.from_numpy(np.ascontiguousarray(rows["volume"]))
    schema = Schema(
        [Field(name, array.type, nullable=False) for name, array in arrays.items()],
        metadata={"price_decimals": str(decimals), "absent": str(ABSENT)},
    )
    file = io.BytesIO()
    write_parquet(
        RecordBatch.from_arrays(list(arrays.values()), schema=schema),
        file,
        compression=_COMPRESSION,
        dictionary_enabled=False,
        encoding="delta_binary_packed",
    )
    return file.getvalue()


def decoded(data: bytes) -> Records:
    """Return the bars of an object. Raise an error of the library if it is damaged."""
    table = read_parquet(io.BytesIO(data), batch_size=_ALL_ROWS).read_all()
    metadata = table.schema.metadata or {}
    unit = 10 ** (DECIMALS - int(metadata[b"price_decimals"]))
    rows = np.empty(table.num_rows, BAR)
    if not table.num_rows:
        return rows  # its columns have no chunks that could be read
    daily = "date" in table.column_names
    for name in FIELDS:
        if name == "at" and daily:
            column = table.column("date").cast(DataType.int32()).to_numpy()
            rows["at"] = column.astype(np.int64) + _EPOCH_ORDINAL
        elif name == "at":
            rows["at"] = table.column("at").cast(DataType.int64()).to_numpy() // 1000
        else:
            column = table.column(name).to_numpy()
            priced = name in PRICES
            rows[name] = np.where(column == ABSENT, ABSENT, column * unit) if priced else column
    return rows


def _decimals(rows: Records) -> int:
    """Return the smallest number of decimals that is exact for all prices."""
    prices: NDArray[np.int64] = np.concatenate([rows[name] for name in PRICES])
    prices = prices[prices != ABSENT]
    for decimals in range(DECIMALS):
        if not (prices % 10 ** (DECIMALS - decimals)).any():
            return decimals
    return DECIMALS
