"""The messages of the stream, as JSON text frames.

In:   {"type": "auth", "ticket": "…"}                       first, within 5 seconds
      {"type": "subscribe" | "unsubscribe", "symbols": […]}
      {"type": "ping"}
Out:  {"type": "ready", "tier", "interval_ms", "symbols_max"}
      {"type": "subscribed" | "unsubscribed", "symbols": […]}
      {"type": "price_batch", "seq", "updates": [{"symbol", "price", "as_of", "stale"}]}
      {"type": "pong"}, {"type": "error", "code", "detail"}
      and account events (`rebalance_complete`, `notification`) as the sender wrote them.

`seq` rises by one with every batch of one socket: a gap is a lost frame. The first batch that
names a symbol is its snapshot; later batches hold only changes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated

import msgspec

from core.limits import SYMBOL_LENGTH_MAX

MESSAGE_BYTES_MAX = 102_400
SYMBOLS_PER_CLIENT_MAX = 1000
TICKET_LENGTH_MAX = 128


class Close(IntEnum):
    """Why a socket was closed. After 1012 and 1013, reconnect with a growing, random delay."""

    RESTARTING = 1012  # the process is going down
    TRY_LATER = 1013  # the client is too slow, or the stream cannot serve now
    TOO_BIG = 1009  # a message above MESSAGE_BYTES_MAX
    BAD_MESSAGE = 4400  # a message that breaks this protocol
    UNAUTHENTICATED = 4401  # no valid ticket, or the rights behind it were revoked
    TIMEOUT = 4408  # no ticket in time, or idle too long
    LIMIT = 4429  # too many sockets or too many messages


class Problem(StrEnum):
    """The codes of error frames; a close frame that follows has the same code as its reason."""

    BAD_MESSAGE = "bad_message"
    TOO_BIG = "message_too_big"
    UNAUTHENTICATED = "unauthenticated"
    TICKET_INVALID = "ticket_invalid"
    REVOKED = "revoked"
    AUTH_TIMEOUT = "auth_timeout"
    IDLE = "idle"
    UNKNOWN_SYMBOLS = "unknown_symbols"
    TOO_MANY_SYMBOLS = "too_many_symbols"
    TOO_MANY_MESSAGES = "too_many_messages"
    TOO_MANY_SOCKETS_ADDRESS = "too_many_sockets_from_address"
    TOO_MANY_SOCKETS = "too_many_sockets"
    TOO_SLOW = "too_slow"
    RESTARTING = "restarting"
    UNAVAILABLE = "unavailable"


Symbol = Annotated[str, msgspec.Meta(min_length=1, max_length=SYMBOL_LENGTH_MAX)]
Symbols = Annotated[list[Symbol], msgspec.Meta(min_length=1, max_length=SYMBOLS_PER_CLIENT_MAX)]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    pass


class Auth(_Message, frozen=True, tag="auth"):
    ticket: Annotated[str, msgspec.Meta(min_length=1, max_length=TICKET_LENGTH_MAX)]


class Subscribe(_Message, frozen=True, tag="subscribe"):
    symbols: Symbols


class Unsubscribe(_Message, frozen=True, tag="unsubscribe"):
    symbols: Symbols


class Ping(_Message, frozen=True, tag="ping"):
    pass


Incoming = Auth | Subscribe | Unsubscribe | Ping


class Ended(msgspec.Struct, frozen=True):
    """Rights that ended, as identity published them: users with their new epoch, and log-ins."""

    users: dict[int, int] = {}
    families: list[str] = []


Price = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,16}(\.[0-9]{1,12})?\Z")]


class _Wire(msgspec.Struct, frozen=True):
    """The part of a published quote that goes on to clients, in this order."""

    symbol: Symbol
    price: Price
    as_of: datetime
    stale: bool


class _Published(msgspec.Struct, frozen=True):
    """A quote as marketdata publishes it; other fields are ignored."""

    symbol: Symbol
    price: Price
    as_of: datetime
    fresh_until: datetime | None


class Quote(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One quote, encoded once for all clients. Compared by identity: another object is a change."""

    symbol: str
    price: float
    as_of: datetime
    stale: bool
    text: str
    fresh_until: datetime | None = None


_incoming: msgspec.json.Decoder[Incoming] = msgspec.json.Decoder(Incoming)
_ended = msgspec.json.Decoder(Ended)
_published = msgspec.json.Decoder(_Published)
_parts = msgspec.json.Decoder(list[msgspec.Raw])
_json = msgspec.json.Encoder()


class Refused(Exception):
    """A message that breaks the protocol; `detail` may be shown to the client."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def incoming(text: str) -> Incoming:
    """Return the message in a text frame; unknown types and fields are refused."""
    try:
        return _incoming.decode(text)
    except RecursionError:  # the decoder follows nested brackets as deep as Python's stack
        raise Refused("JSON is nested too deeply") from None
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError) as error:
        raise Refused(str(error)) from None


def ended(payload: bytes) -> Ended:
    """Return the ended rights in one publication on the access channel."""
    try:
        return _ended.decode(payload)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Refused(f"malformed message about revoked rights: {error}") from None


def quote(payload: bytes | msgspec.Raw) -> Quote:
    """Return one published quote, ready to be sent as a fresh one."""
    try:
        found = _published.decode(payload)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Refused(f"quote: {error}") from None
    for moment in (found.as_of, found.fresh_until):
        if moment is not None and moment.tzinfo is None:
            raise Refused("quote: as_of or fresh_until has no time zone")
    wire = _Wire(symbol=found.symbol, price=found.price, as_of=found.as_of, stale=False)
    return Quote(
        symbol=found.symbol,
        price=float(found.price),
        as_of=found.as_of,
        stale=False,
        text=_json.encode(wire).decode(),
        fresh_until=found.fresh_until,
    )


def quotes(payload: bytes) -> tuple[list[Quote], list[Refused]]:
    """Return the quotes of one publication, and the errors of its invalid parts."""
    try:
        parts = _parts.decode(payload)
    except (msgspec.DecodeError, UnicodeError) as error:
        return [], [Refused(f"publication: {error}")]
    return collected(parts)


def collected(parts: Iterable[bytes | msgspec.Raw]) -> tuple[list[Quote], list[Refused]]:
    """Return each valid part as a quote, and the errors of the others."""
    good: list[Quote] = []
    bad: list[Refused] = []
    for part in parts:
        try:
            good.append(quote(part))
        except Refused as refusal:
            bad.append(refusal)
    return good, bad


def is_old(quote: Quote, *, now: datetime) -> bool:
    """Return whether a quote is no longer fresh at `now`, by its publisher's rule."""
    return quote.fresh_until is not None and now > quote.fresh_until


def as_stale(fresh: Quote) -> Quote:
    """Return the same price, marked as stale."""
    head, flag, tail = fresh.text.rpartition('"stale":false')
    assert flag, "a fresh quote says so"
    return msgspec.structs.replace(fresh, stale=True, text=f'{head}"stale":true{tail}')


def price_batch(*, seq: int, updates: Sequence[str]) -> str:
    """Join encoded quotes into a batch: this is the only work per client."""
    return f'{{"type":"price_batch","seq":{seq},"updates":[{",".join(updates)}]}}'


def ready(*, tier: str, interval_s: float) -> str:
    return _text(
        type="ready",
        tier=tier,
        interval_ms=round(interval_s * 1000),
        symbols_max=SYMBOLS_PER_CLIENT_MAX,
    )


def subscribed(symbols: Sequence[str]) -> str:
    return _text(type="subscribed", symbols=symbols)


def unsubscribed(symbols: Sequence[str]) -> str:
    return _text(type="unsubscribed", symbols=symbols)


def pong() -> str:
    return '{"type":"pong"}'


def error(code: Problem, detail: str, *, symbols: Sequence[str] = ()) -> str:
    """Return an error frame; `symbols` lists the symbols concerned."""
    if symbols:
        return _text(type="error", code=code.value, detail=detail, symbols=symbols)
    return _text(type="error", code=code.value, detail=detail)


def _text(**fields: object) -> str:
    return _json.encode(fields).decode()
