"""Change what a person is told, where, and when."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from uuid import UUID
from zoneinfo import available_timezones

from django.db import transaction

from core.errors import InvalidInput
from identity.models import User
from notifications.models import Preference
from notifications.preferences import Wishes, changed_choices
from notifications.queries import preference_of, wishes_of
from notifications.topics import CHOSEN_CHANNELS, TOPICS
from stores.locks import locked


@dataclass(frozen=True, slots=True)
class Given:
    """The preferences of a request; None leaves a value as it is."""

    choices: Mapping[str, Mapping[str, bool]] | None = None
    time_zone: str | None = None
    quiet_hours: tuple[time, time] | tuple[()] | None = None
    digest: str | None = None
    muted_accounts: Collection[UUID] | None = None


def set_preferences(*, user: User, given: Given, now: datetime) -> Wishes:
    """Store what was given and leave the rest. Return all preferences."""
    _ensure_known(given.choices or {})
    if given.time_zone is not None and given.time_zone not in available_timezones():
        raise InvalidInput(
            "There is no such time zone. Use a name such as America/New_York.",
            code="time_zone_unknown",
        )
    with transaction.atomic():
        locked(User.objects.filter(pk=user.pk)).get()
        wishes = _merged(wishes_of(preference_of(user=user)), given)
        Preference.objects.update_or_create(
            user=user,
            defaults={
                "choices": wishes.choices,
                "time_zone": wishes.time_zone,
                "quiet_from": wishes.quiet_from,
                "quiet_until": wishes.quiet_until,
                "digest": wishes.digest,
                "muted_accounts": sorted(wishes.muted_accounts),
                "updated_at": now,
            },
        )
    return wishes


def unsubscribe(*, user_id: int, topic: str, now: datetime) -> bool:
    """End the mails of a topic, or the digest; return whether there is such a user."""
    user = User.objects.filter(pk=user_id).first()
    if user is None or (topic != "digest" and topic not in TOPICS):
        return False
    if topic == "digest":
        # A digest has no topic that is urgent, or that cannot be switched off.
        choices = {
            name: {"email": False}
            for name, known in TOPICS.items()
            if not known.urgent and "email" not in known.required
        }
        given = Given(choices=choices, digest="none")
    else:
        given = Given(choices={topic: {"email": False}})
    set_preferences(user=user, given=given, now=now)
    return True


def _merged(old: Wishes, given: Given) -> Wishes:
    found = replace(old, choices=changed_choices(old=old.choices, given=given.choices or {}))
    if given.time_zone is not None:
        found = replace(found, time_zone=given.time_zone)
    if given.quiet_hours is not None:
        start, end = given.quiet_hours or (None, None)
        found = replace(found, quiet_from=start, quiet_until=end)
    if given.digest is not None:
        found = replace(found, digest=given.digest)
    if given.muted_accounts is not None:
        found = replace(found, muted_accounts=frozenset(given.muted_accounts))
    return found


def _ensure_known(choices: Mapping[str, Mapping[str, bool]]) -> None:
    for name, channels in choices.items():
        if name not in TOPICS:
            raise InvalidInput(f"There is no topic {name!r}.", code="topic_unknown")
        for channel, wanted in channels.items():
            if channel not in CHOSEN_CHANNELS:
                raise InvalidInput(
                    f"There is no channel {channel!r}. Use {', '.join(CHOSEN_CHANNELS)}.",
                    code="channel_unknown",
                )
            if channel in TOPICS[name].required and not wanted:
                raise InvalidInput(
                    f"{TOPICS[name].title}: this channel cannot be switched off.",
                    code="channel_required",
                )
