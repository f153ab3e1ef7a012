"""The cached positions of an account, by ledger version. Pure.

They include the last stored price of each asset, so that an account can be valued without a query
if Redis has no live quote. Exchange rates are not included: all accounts share them.
"""

from uuid import UUID

import msgspec

POSITIONS_TTL_MS = 60_000
PAGE_TTL_MS = 1_000


class Row(msgspec.Struct, array_like=True, frozen=True):
    """One holding with its last stored price, as it was when the positions were read."""

    asset_id: int
    symbol: str
    name: str
    asset_class: str
    currency: str
    public: bool
    quantity: str
    cost_basis: str
    target_percentage: str | None
    rebalance_threshold: str | None
    price: str | None
    price_as_of: str | None
    previous_close: str | None
    price_source: str | None
    exchange: str


class Positions(msgspec.Struct, array_like=True, frozen=True):
    """An account's positions at one ledger version."""

    account_pk: int
    household_id: int
    version: int
    name: str
    type: str
    currency: str
    cash: str
    cash_target: str | None
    rows: list[Row]


def encode(positions: Positions) -> bytes:
    """Return the bytes that are cached."""
    return msgspec.json.encode(positions)


_DECODER = msgspec.json.Decoder(Positions)


def decode(payload: bytes) -> Positions:
    """Return the positions of cached bytes; raise msgspec.DecodeError if they are not ours."""
    return _DECODER.decode(payload)


def positions_key(account_id: UUID | str, version: int | None) -> str:
    """Return the key of the positions of one ledger version."""
    return f"positions:{account_id}:{'?' if version is None else version}"


def page_key(account_id: UUID | str, page: int, page_size: int) -> str:
    """Return the key of a rendered page of holdings, cached for a second."""
    return f"holdings:{account_id}:{page}:{page_size}"
