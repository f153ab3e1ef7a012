"""How an answer about performance is kept between requests. Pure.

    key      accounts with their ledger versions, currency, period, benchmark, holding
    header   the assets the answer was computed from, and the stamp of their data
    body     the answer

A stamp is a digest of everything else the answer depends on: versions of the stored series, the
assets' own data, and the newest quotes where the period ends today. An entry is valid while the
stamp of its assets is unchanged, so nothing has to be deleted when a price or a rate changes.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from uuid import UUID

import msgspec

from portfolios.performance.answer import Answer

TTL_MS = 600_000
# Raised whenever `Answer` or the arithmetic behind it changes.
FORMAT = 1

_DECODER = msgspec.msgpack.Decoder(Answer)


@dataclass(frozen=True, slots=True)
class Entry:
    """A cached answer, still encoded, with what it was computed from."""

    asset_ids: Sequence[int]
    stamp: str
    body: bytes

    def answer(self) -> Answer:
        return _DECODER.decode(self.body)


def key(
    *,
    accounts: Iterable[tuple[UUID, int]],
    currency: str,
    period: tuple[date | None, date],
    benchmark: int | None,
    symbol: str | None,
) -> str:
    """Return the key of an answer; `accounts` with their ledger versions."""
    parts = [
        FORMAT,
        [[str(public_id), version] for public_id, version in accounts],
        currency,
        [str(day) for day in period],
        benchmark,
        symbol,
    ]
    return f"performance:{_digest(json.dumps(parts))}"


def stamp(facts: Iterable[object]) -> str:
    """Return the digest of what an answer depends on beside its key, in a fixed order."""
    return _digest("\n".join(str(fact) for fact in facts))


def encode(*, asset_ids: Iterable[int], stamp: str, answer: Answer) -> bytes:
    """Return the bytes of an entry."""
    header = msgspec.json.encode([sorted(asset_ids), stamp])
    return header + b"\n" + msgspec.msgpack.encode(answer)


def decode(payload: bytes) -> Entry:
    """Return the entry of cached bytes; its answer is decoded only when it is wanted."""
    header, _, body = payload.partition(b"\n")
    asset_ids, stamped = msgspec.json.decode(header, type=tuple[list[int], str])
    return Entry(asset_ids, stamped, body)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
