"""Notes of a furnished household, and of everybody."""

from typing import Any

from django.utils import timezone


def notes(user: Any, account: Any, count: int) -> Any:
    from recommendations.models import Note

    now = timezone.now()
    return Note.objects.bulk_create(
        [
            Note(
                household_id=user.household_id,
                author=user,
                subject_type="account",
                subject_id=account.public_id,
                account=account,
                body=f"Secret plan {number}",
                created_at=now,
            )
            for number in range(count)
        ]
    )[0]


LARGE = {"recommendations_note"}
# Two notes of every account, for the plans of their queries.
FILL = """
INSERT INTO recommendations_note (public_id, household_id, author_id, subject_type, subject_id,
    account_id, body, created_at)
SELECT gen_random_uuid(), household_id, owner_id, 'account', public_id, id,
       'dividend plan number ' || n || ' of ' || id, now() - n * interval '1 hour'
  FROM transactions_account, generate_series(1, 2) n;
"""
