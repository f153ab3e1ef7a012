"""Who is told about the events of households, with their preferences: three queries for a batch."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import orjson

from identity.models import User
from notifications.fan_out import Hook, Person
from notifications.models import Preference, PushSubscription, Webhook
from notifications.preferences import DEFAULTS, Wishes
from stores.rows import rows_of

# The members of the households, and the advisers who asked and may still see the household.
_PEOPLE = """
SELECT member.household_id, NULL AS asked_by_id, member.id, member.public_id, member.email,
       wish.user_id, wish.choices, wish.time_zone, wish.quiet_from, wish.quiet_until, wish.digest,
       wish.muted_accounts
  FROM identity_user member
  LEFT JOIN notifications_preference wish ON wish.user_id = member.id
 WHERE member.household_id = ANY(%(households)s) AND member.is_active
 UNION ALL
SELECT asked.household_id, adviser.id, adviser.id, adviser.public_id, adviser.email,
       wish.user_id, wish.choices, wish.time_zone, wish.quiet_from, wish.quiet_until, wish.digest,
       wish.muted_accounts
  FROM unnest(%(asked_households)s::bigint[], %(askers)s::bigint[])
       AS asked (household_id, user_id)
  JOIN identity_user adviser
    ON adviser.id = asked.user_id AND adviser.role = 'adviser' AND adviser.is_active
   AND adviser.household_id <> asked.household_id
  JOIN identity_adviserlink link
    ON link.adviser_id = adviser.id AND link.household_id = asked.household_id
  LEFT JOIN notifications_preference wish ON wish.user_id = adviser.id
"""

Key = tuple[int, int | None]


def people_told(concerned: Collection[Key]) -> dict[Key, list[Person]]:
    """Return the people told of events of (household, who asked).

    The members stand under (household, None), an adviser who asked under (household, user).
    """
    asked = [(household_id, user_id) for household_id, user_id in concerned if user_id is not None]
    rows = rows_of(
        _PEOPLE,
        {
            "households": sorted({household_id for household_id, _ in concerned}),
            "asked_households": [household_id for household_id, _ in asked],
            "askers": [user_id for _, user_id in asked],
        },
    )
    user_ids = {row[2] for row in rows}
    hooks, browsers = _hooks(user_ids), _browsers(user_ids)
    found: dict[Key, list[Person]] = defaultdict(list)
    for household_id, asked_by_id, user_id, public_id, email, *wish in rows:
        found[household_id, asked_by_id].append(
            Person(
                user_id=user_id,
                public_id=public_id,
                email=email,
                wishes=DEFAULTS if wish[0] is None else _wishes(*wish[1:]),
                hooks=hooks.get(user_id, ()),
                browsers=browsers.get(user_id, ()),
            )
        )
    return found


def _wishes(
    choices: Any, time_zone: str, quiet_from: Any, quiet_until: Any, digest: str, muted: Any
) -> Wishes:
    return Wishes(
        choices=_loaded(choices),
        time_zone=time_zone,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        digest=digest,
        muted_accounts=frozenset(muted),
    )


def _loaded(value: Any) -> Any:
    """Return a JSON column of a plain cursor as values."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _hooks(user_ids: Collection[int]) -> dict[int, tuple[Hook, ...]]:
    found: dict[int, list[Hook]] = defaultdict(list)
    rows = Webhook.objects.filter(user_id__in=user_ids, enabled=True).order_by("id")
    for user_id, public_id, topics in rows.values_list("user_id", "public_id", "topics"):
        found[user_id].append(Hook(public_id, frozenset(topics)))
    return {user_id: tuple(hooks) for user_id, hooks in found.items()}


def _browsers(user_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = PushSubscription.objects.filter(user_id__in=user_ids).order_by("id")
    for user_id, public_id in rows.values_list("user_id", "public_id"):
        found[user_id].append(str(public_id))
    return {user_id: tuple(browsers) for user_id, browsers in found.items()}


def preference_of(*, user: User) -> Preference | None:
    """Return what the user chose; None for someone who chose nothing yet."""
    return Preference.objects.filter(user=user).first()


def wishes_of(chosen: Preference | None) -> Wishes:
    """Return stored preferences as the rules read them."""
    if chosen is None:
        return DEFAULTS
    return _wishes(
        chosen.choices,
        chosen.time_zone,
        chosen.quiet_from,
        chosen.quiet_until,
        chosen.digest,
        chosen.muted_accounts,
    )
