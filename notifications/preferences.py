"""What a person wants to be told, where, and when. Pure.

`due_at` answers with the instant of a delivery: at once; after the quiet hours; or with the digest,
at eight in the morning of the person's own time zone (a weekly one on Monday).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notifications.topics import TOPICS, Topic

DIGEST_TIME = time(8)
_MONDAY = 0


@dataclass(frozen=True, slots=True)
class Wishes:
    """The preferences of one person; `choices` holds only what differs from the defaults."""

    choices: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest: str = "none"
    muted_accounts: frozenset[UUID] = frozenset()


DEFAULTS = Wishes()


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name; UTC for a name this machine no longer knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def wants(*, wishes: Wishes, topic: Topic, channel: str, account_id: UUID | None = None) -> bool:
    """Return whether a topic goes out on a channel: required, muted, chosen, or by default."""
    if channel in topic.required:
        return True
    if account_id is not None and account_id in wishes.muted_accounts:
        return False
    chosen = wishes.choices.get(topic.name, {}).get(channel)
    return channel in topic.channels if chosen is None else chosen


def changed_choices(
    *, old: Mapping[str, Mapping[str, bool]], given: Mapping[str, Mapping[str, bool]]
) -> dict[str, dict[str, bool]]:
    """Return the choices after some were given, without those that equal the defaults."""
    found: dict[str, dict[str, bool]] = {}
    for name, topic in TOPICS.items():
        chosen = {**old.get(name, {}), **given.get(name, {})}
        kept = {
            channel: wanted
            for channel, wanted in chosen.items()
            if wanted != (channel in topic.channels) and channel not in topic.required
        }
        if kept:
            found[name] = kept
    return found


def due_at(*, wishes: Wishes, topic: Topic, digest: bool, now: datetime) -> datetime:
    """Return when a delivery may go out. Urgent topics go at once."""
    if topic.urgent:
        return now
    if digest:
        return _next_digest(wishes, now)
    if wishes.quiet_from is None or wishes.quiet_until is None:
        return now
    return _after_quiet(wishes.quiet_from, wishes.quiet_until, zone(wishes.time_zone), now)


def _after_quiet(start: time, end: time, where: ZoneInfo, now: datetime) -> datetime:
    """Return `now`, or the end of the quiet hours that `now` lies in. They may pass midnight."""
    local = now.astimezone(where)
    clock = local.time()
    quiet = start <= clock < end if start <= end else clock >= start or clock < end
    if not quiet:
        return now
    day = local.date() + timedelta(days=1 if clock >= end else 0)
    return max(now, datetime.combine(day, end, tzinfo=where).astimezone(now.tzinfo))


def _next_digest(wishes: Wishes, now: datetime) -> datetime:
    where = zone(wishes.time_zone)
    local = now.astimezone(where)
    day = local.date() + timedelta(days=0 if local.time() < DIGEST_TIME else 1)
    if wishes.digest == "weekly":
        day += timedelta(days=(_MONDAY - day.weekday()) % 7)
    return datetime.combine(day, DIGEST_TIME, tzinfo=where).astimezone(now.tzinfo)
