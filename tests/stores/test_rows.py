"""Rows written as plain tuples: the values of many stored rows change by one statement."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import operations
from jobs.models import Job
from stores.rows import update_rows

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(1889, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
COLUMNS = ("household_id", "attempt", "lease_until", "subject_id")


@pytest.fixture
def jobs(people: Any) -> list[Job]:
    return [
        operations.enqueue(
            kind="tests.counting",
            queue="nightly",
            user=people.owner,
            household_id=people.owner.household_id,
            subject_id=uuid4(),
            params={},
            now=timezone.now(),
            estimate_s=1,
        )
        for _ in range(3)
    ]


def values() -> dict[int, tuple[Any, ...]]:
    return {pk: tuple(rest) for pk, *rest in Job.objects.values_list("pk", *COLUMNS)}


def test_the_named_rows_get_their_values_and_no_other_changes(jobs: list[Job]) -> None:
    before = values()
    wanted = {jobs[2].pk: (None, 7, LONG_AGO, uuid4()), jobs[0].pk: (None, 0, None, uuid4())}
    with CaptureQueriesContext(connection) as statements:
        update_rows(model=Job, ids=list(wanted), columns=COLUMNS, rows=list(wanted.values()))
    assert len(statements) == 1
    assert values() == before | wanted


def test_a_column_of_text_is_refused(jobs: list[Job]) -> None:
    with pytest.raises(AssertionError, match="comma"):
        update_rows(model=Job, ids=[jobs[0].pk], columns=("kind",), rows=[("one,two",)])
    assert Job.objects.get(pk=jobs[0].pk).kind == "tests.counting"
