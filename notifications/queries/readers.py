"""Who may still be told what waits, where they read mail, and what they want: three queries."""

from collections.abc import Collection
from dataclasses import dataclass

from identity.models import AdviserLink, User
from jobs.models import Outbox
from notifications.models import Preference
from notifications.preferences import Wishes
from notifications.queries.people import wishes_of


@dataclass(frozen=True, slots=True)
class Reader:
    """A person as they are now."""

    email: str
    wishes: Wishes
    # The households of which the person may know.
    households: frozenset[int]


def readers(*, user_ids: Collection[int]) -> dict[int, Reader]:
    """Return the active ones of these people."""
    users = User.objects.filter(pk__in=user_ids, is_active=True)
    people = list(users.values_list("id", "email", "household_id"))
    chosen = {row.user_id: row for row in Preference.objects.filter(user_id__in=user_ids)}
    households = {user_id: {household_id} for user_id, _, household_id in people}
    links = AdviserLink.objects.filter(adviser_id__in=households)
    for user_id, household_id in links.values_list("adviser_id", "household_id"):
        households[user_id].add(household_id)
    return {
        user_id: Reader(email, wishes_of(chosen.get(user_id)), frozenset(households[user_id]))
        for user_id, email, _ in people
    }


def households_of(*, event_ids: Collection[int]) -> dict[int, int]:
    """Return the household of each event that is still kept."""
    rows = Outbox.objects.filter(pk__in=event_ids)
    return dict(rows.values_list("id", "household_id"))
