"""The tickets that authenticate a socket; `identity.operations.tickets` issues them."""

from typing import Any, Literal

import msgspec
from redis.asyncio import Redis

from identity.socket_rights import Right
from stores import keys
from stream.protocol import Refused


class Ticket(msgspec.Struct, frozen=True):
    """The rights of a ticket, as identity wrote them into Redis."""

    user_id: int
    household_ids: list[int]
    epoch: int  # the user's access epoch; a higher one makes the ticket void
    family: str  # the log-in it was given to
    tier: Literal["standard", "active"]

    @property
    def right(self) -> Right:
        return Right(self.user_id, self.epoch, self.family)


_ticket = msgspec.json.Decoder(Ticket)


async def redeemed(redis: "Redis", token: str) -> Ticket | None:
    """Return the ticket of a token and delete it; None when there is none.

    A ticket is void when its user's epoch has risen since, or its log-in has ended.
    """
    client: Any = redis
    payload = await client.getdel(keys.ticket(token))
    if payload is None:
        return None
    try:
        found = _ticket.decode(payload)
    except msgspec.DecodeError as error:
        raise Refused(f"malformed ticket in Redis: {error}") from None
    epoch, family_ended = await client.mget(
        keys.access_epoch(found.user_id), keys.ended_family(found.family)
    )
    return None if family_ended is not None or found.epoch < int(epoch or 0) else found
