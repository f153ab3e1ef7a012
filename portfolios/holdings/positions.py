"""What is remembered of an account between requests: its ledger positions, by version. Pure."""

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
    rate: str | None
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
    """The cache's bytes."""
    return msgspec.json.encode(positions)


_DECODER = msgspec.json.Decoder(Positions)


def decode(payload: bytes) -> Positions:
    """Positions out of the cache's bytes; msgspec.DecodeError when they are not ours."""
    return _DECODER.decode(payload)


def positions_key(account_id: UUID | str, version: int | None) -> str:
    """Where the positions of one ledger version are kept."""
    return f"positions:{account_id}:{'?' if version is None else version}"


def page_key(account_id: UUID | str, page: int, page_size: int) -> str:
    """Where the rendered page of holdings is kept for the second its prices are good for."""
    return f"holdings:{account_id}:{page}:{page_size}"
