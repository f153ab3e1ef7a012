"""The cache entries of performance answers, and the keys they are stored under. Pure.

    question   accounts with their ledger versions, currency, period, benchmark, holding
               -> the assets whose data the answer depends on; they follow from the ledgers
    answer     the question and the stamp of those assets -> the answer

A stamp is a digest of everything else the answer depends on: versions of the stored series, the
assets' own data, and the newest quotes where the period ends today. It is part of the answer's key,
so nothing has to be deleted when a price or a rate changes.
"""

import json
from collections.abc import Iterable
from datetime import date
from hashlib import sha256
from uuid import UUID

import msgspec

from portfolios.performance.answer import Answer

TTL_MS = 600_000
# Raised whenever `Answer` or the arithmetic behind it changes.
FORMAT = 3

_DECODER = msgspec.msgpack.Decoder(Answer)


def question_key(
    *,
    accounts: Iterable[tuple[UUID, int]],
    beside: Iterable[tuple[UUID, int]],
    currency: str,
    period: tuple[date | None, date],
    benchmark: int | None,
    symbol: str | None,
) -> str:
    """Return the key of a question; `accounts` with their ledger versions.

    `beside`: the household's other accounts, whose trades and splits say something about prices.
    """
    parts = [
        FORMAT,
        [[str(public_id), version] for public_id, version in accounts],
        [[str(public_id), version] for public_id, version in beside],
        currency,
        [str(day) for day in period],
        benchmark,
        symbol,
    ]
    return f"performance:{_digest(json.dumps(parts))}"


def answer_key(question: str, stamp: str) -> str:
    """Return the key of the answer to a question while its stamp is unchanged."""
    return f"{question}:{stamp}"


def stamp(facts: Iterable[object]) -> str:
    """Return the digest of what an answer depends on beside its question, in a fixed order."""
    return _digest("\n".join(str(fact) for fact in facts))


def encode_ids(asset_ids: Iterable[int]) -> bytes:
    """Return the bytes of a question's assets."""
    return msgspec.json.encode(sorted(asset_ids))


def decode_ids(payload: bytes) -> list[int]:
    """Return the assets of cached bytes."""
    return msgspec.json.decode(payload, type=list[int])


def encode(answer: Answer) -> bytes:
    """Return the bytes of an answer."""
    return msgspec.msgpack.encode(answer)


def decode(payload: bytes) -> Answer:
    """Return the answer of cached bytes."""
    return _DECODER.decode(payload)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
