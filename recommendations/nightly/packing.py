"""The exact inputs and trades of accounts, packed into one block of bytes. Pure.

A block holds the accounts one after another, in four tables of records: accounts, their securities,
the lots of these, and purchases in other accounts of the household. Each column is stored by
itself, so that its high bytes, which are nearly all zero, compress well.

Money is in steps of 10^-4, quantities in steps of 10^-10, percentages in steps of 10^-4, rates in
steps of 10^-5; days and microseconds count from 2000-01-01. Prices are not in it: they are the
run's. A day or percentage of -1 is none.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]

ACCOUNT = np.dtype(
    [
        ("id", "<i8"),
        ("currency", "S3"),
        ("cash", "<i8"),
        ("taxable", "?"),
        # Whether shares acquired before the sold ones may replace them (the household's policy).
        ("earlier_acquired_count", "?"),
        *((name, "<i4") for name in ("short_rate", "long_rate")),
        *((name, "<i4") for name in ("cash_percentage", "cash_threshold")),
        # The numbers of its rows in the other tables.
        *((name, "<i4") for name in ("securities", "lots", "purchases")),
        *((name, "<f8") for name in ("lower_bound", "cash_price")),
    ]
)
SECURITY = np.dtype(
    [
        *((name, "<i8") for name in ("asset_id", "group")),
        *((name, "<i4") for name in ("percentage", "threshold", "lots")),
        *((name, "?") for name in ("no_buy", "no_sell", "wash_sales", "no_losses")),
        *((name, "<i4") for name in ("restricted_until", "blocked_until")),
        # Sold in the proposed trades; negative: bought.
        ("sold", "<i8"),
    ]
)
LOT = np.dtype(
    [
        ("transaction_id", "<i8"),
        ("piece", "<i2"),
        *((name, "<i8") for name in ("quantity", "basis", "opened_at", "washable")),
        *((name, "<i4") for name in ("opened_date", "held_since")),
        *((name, "?") for name in ("bought", "replaces_loss")),
    ]
)
PURCHASE = np.dtype(
    [
        *((name, "<i8") for name in ("transaction_id", "quantity", "opened_at", "group")),
        ("opened_date", "<i4"),
        ("permanent", "?"),
    ]
)
_TABLES = (ACCOUNT, SECURITY, LOT, PURCHASE)
_HEAD = struct.Struct("<B4I")
_FORM = 1


class Tables(NamedTuple):
    """The records of accounts, and of their securities, lots and purchases elsewhere."""

    accounts: Records
    securities: Records
    lots: Records
    purchases: Records


def empty() -> Tables:
    """Return tables without rows."""
    return Tables(*(np.zeros(0, dtype) for dtype in _TABLES))


def joined(parts: Sequence[Tables]) -> Tables:
    """Return the rows of all parts, one part after another."""
    return Tables(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def packed(tables: Tables) -> bytes:
    """Return the tables as bytes."""
    columns = [
        np.ascontiguousarray(rows[name]).tobytes()
        for rows, dtype in zip(tables, _TABLES, strict=True)
        for name in dtype.names or ()
    ]
    head = _HEAD.pack(_FORM, *(len(rows) for rows in tables))
    return head + zlib.compress(b"".join(columns), 1)


def unpacked(data: bytes) -> Tables:
    """Return the tables of a block. Raise ValueError if it has another form."""
    form, *counts = _HEAD.unpack_from(data)
    if form != _FORM:
        raise ValueError(f"a block of form {form}, and only {_FORM} can be read")
    body = zlib.decompress(data[_HEAD.size :])
    at, tables = 0, []
    for count, dtype in zip(counts, _TABLES, strict=True):
        rows = np.zeros(count, dtype)
        for name in dtype.names or ():
            kind = dtype[name]
            rows[name] = np.frombuffer(body, kind, count=count, offset=at)
            at += count * kind.itemsize
        tables.append(rows)
    return Tables(*tables)


def account_of(tables: Tables, account_id: int) -> Tables:
    """Return the rows of one account. Raise KeyError if it is not in the tables."""
    places = np.flatnonzero(tables.accounts["id"] == account_id)
    if not len(places):
        raise KeyError(account_id)
    place = int(places[0])
    found = [tables.accounts[place : place + 1]]
    for name, rows in zip(("securities", "lots", "purchases"), tables[1:], strict=True):
        ends = np.cumsum(tables.accounts[name])
        end = int(ends[place])
        found.append(rows[end - int(tables.accounts[name][place]) : end])
    return Tables(*found)


def those(tables: Tables, wanted: NDArray[np.bool_]) -> Tables:
    """Return the rows of the accounts that are `wanted`, one flag for each account."""
    rest = [
        rows[np.repeat(wanted, tables.accounts[name])]
        for name, rows in zip(("securities", "lots", "purchases"), tables[1:], strict=True)
    ]
    return Tables(tables.accounts[wanted], *rest)


def divided(tables: Tables, accounts: int) -> list[Tables]:
    """Return the tables in parts of so many accounts."""
    parts = []
    starts = {
        name: np.cumsum(tables.accounts[name]) for name in ("securities", "lots", "purchases")
    }
    for begin in range(0, len(tables.accounts), accounts):
        end = min(begin + accounts, len(tables.accounts))
        rest = []
        for (name, ends), rows in zip(starts.items(), tables[1:], strict=True):
            low = int(ends[begin]) - int(tables.accounts[name][begin])
            rest.append(rows[low : int(ends[end - 1])])
        parts.append(Tables(tables.accounts[begin:end], *rest))
    return parts
