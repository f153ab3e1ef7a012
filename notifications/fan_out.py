"""One event becomes notices and deliveries: who is told, where, and when. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.identifiers import uuid7
from notifications import security_words
from notifications.preferences import DEFAULTS, Wishes, due_at, wants
from notifications.topics import TOPICS, Topic, event_of, title_of


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of a person, and the topics it wants."""

    public_id: UUID
    topics: frozenset[str]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be told."""

    user_id: int
    public_id: UUID
    email: str
    wishes: Wishes = DEFAULTS
    hooks: tuple[Hook, ...] = ()
    # The public ids of the browsers that take pushes.
    browsers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Happened:
    """A row of the outbox."""

    id: int
    name: str
    household_id: int
    payload: Mapping[str, Any]
    dedup_key: str
    # A single event that somebody may be waiting for, rather than one of very many.
    urgent: bool = True


class NoticeRow(NamedTuple):
    public_id: UUID
    user_id: int
    topic: str
    title: str
    dedup_key: str


class DeliveryRow(NamedTuple):
    public_id: UUID
    user_id: int | None
    channel: str
    address: str
    topic: str
    title: str
    urgent: bool
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows one event leaves behind."""

    event: Happened
    notices: list[NoticeRow] = field(default_factory=list)
    deliveries: list[DeliveryRow] = field(default_factory=list)


def planned(*, event: Happened, people: Iterable[Person], now: datetime) -> Plan:
    """Return the notices and deliveries of an event.

    people: everybody who may see the household. An event with a `user_id` is for that person alone.
    Raise KeyError if the event lacks what its words need.
    """
    plan = Plan(event)
    title = title_of(name=event.name, payload=event.payload)
    topic = TOPICS.get(event_of(event.name).topic or "")
    only = event.payload.get("user_id")
    if only is None and "to" not in event.payload:
        group = f"household.{event.household_id}"
        plan.deliveries.append(
            DeliveryRow(uuid7(), None, "live", group, event.name, title or "", event.urgent, now)
        )
    if topic is None or title is None:
        return plan
    told = [one for one in people if only is None or str(one.public_id) == str(only)]
    if only is None and "to" in event.payload:
        told = []
        plan.deliveries.append(_mail(event, topic, title, None, str(event.payload["to"]), now))
    for person in told:
        _tell(plan, person, topic, title, now)
    return plan


def _tell(plan: Plan, person: Person, topic: Topic, title: str, now: datetime) -> None:
    """Add the rows of one person."""
    event, wishes = plan.event, person.wishes
    account_id = account_of(event.payload)

    def wanted(channel: str) -> bool:
        return wants(wishes=wishes, topic=topic, channel=channel, account_id=account_id)

    shown = event.name != "security" or security_words.words(event.payload).in_app
    if shown and wanted("in_app"):
        plan.notices.append(NoticeRow(uuid7(), person.user_id, event.name, title, event.dedup_key))
    if wanted("email"):
        address = str(event.payload.get("to") or person.email)
        plan.deliveries.append(_mail(event, topic, title, person, address, now))
    if not shown:
        return
    if wanted("push"):
        at = due_at(wishes=wishes, topic=topic, digest=False, now=now)
        plan.deliveries.extend(
            _row(event, topic, title, person, "push", browser, at) for browser in person.browsers
        )
    plan.deliveries.extend(
        _row(event, topic, title, person, "webhook", str(hook.public_id), now)
        for hook in person.hooks
        if topic.name in hook.topics
    )


def _mail(
    event: Happened, topic: Topic, title: str, person: Person | None, address: str, now: datetime
) -> DeliveryRow:
    """Return a mail of its own, or a line of the person's digest."""
    wishes = person.wishes if person else DEFAULTS
    digest = wishes.digest != "none" and not topic.urgent
    at = due_at(wishes=wishes, topic=topic, digest=digest, now=now)
    return _row(event, topic, title, person, "digest" if digest else "email", address, at)


def _row(
    event: Happened,
    topic: Topic,
    title: str,
    person: Person | None,
    channel: str,
    address: str,
    next_at: datetime,
) -> DeliveryRow:
    return DeliveryRow(
        public_id=uuid7(),
        user_id=person.user_id if person else None,
        channel=channel,
        address=address,
        topic=event.name,
        title=title,
        urgent=topic.urgent and event.urgent,
        next_at=next_at,
    )


def account_of(payload: Mapping[str, Any]) -> UUID | None:
    """Return the account that an event is about, if it is about one."""
    given = payload.get("account_id")
    try:
        return UUID(str(given)) if given else None
    except ValueError:
        return None


def addresses(plans: Sequence[Plan]) -> set[tuple[str, bool]]:
    """Return the channels with something to deliver now, each with whether it is urgent."""
    return {(row.channel, row.urgent) for plan in plans for row in plan.deliveries}
