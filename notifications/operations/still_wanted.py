"""What waits is asked again before it goes: does its reader still want it, and where?

A digest may wait for a week. Meanwhile its reader may have ended the topic, muted the account, left
the household, or read mail at another address. Mails on the security of a log-in go where they were
addressed: some are for the address that was given up.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from notifications.fan_out import account_of
from notifications.models import Channel
from notifications.operations import claims
from notifications.operations.claims import Claimed
from notifications.preferences import wants
from notifications.queries.readers import Reader, households_of, readers
from notifications.topics import TOPICS, event_of

_REASON = "no longer wanted"


def still_wanted(claimed: Sequence[Claimed], *, channel: str) -> list[Claimed]:
    """Return what is still wanted on a chosen channel; the rest is dropped.

    Mails bear the present addresses of their readers.
    """
    people = readers(user_ids={one.user_id for one in claimed if one.user_id is not None})
    events = {_event_id(one) for one in claimed} - {None}
    households: dict[Any, int] = households_of(event_ids=[pk for pk in events if pk is not None])
    found, dropped = [], []
    for one in claimed:
        topic = TOPICS.get(event_of(one.topic).topic or "")
        if one.user_id is None or topic is None or channel in topic.required:
            found.append(one)
            continue
        reader = people.get(one.user_id)
        if reader is None or not _wanted(one, reader, channel, households.get(_event_id(one))):
            dropped.append(one)
        elif one.channel in (Channel.EMAIL, Channel.DIGEST):
            found.append(replace(one, address=reader.email))
        else:
            found.append(one)
    if dropped:
        claims.mark_dropped(claimed=dropped, reason=_REASON)
    return found


def _event_id(one: Claimed) -> int | None:
    """Return the event of a household; None for one that concerns the reader alone."""
    return None if one.payload.get("user_id") else one.event_id


def _wanted(one: Claimed, reader: Reader, channel: str, household_id: int | None) -> bool:
    if household_id is not None and household_id not in reader.households:
        return False
    return wants(
        wishes=reader.wishes,
        topic=TOPICS[event_of(one.topic).topic or ""],
        channel=channel,
        account_id=account_of(one.payload),
    )
