"""Slow statements are logged with their plan, and without anybody's data."""

from typing import Any

import pytest
from django.db import connection, transaction

from edge.metrics import counting
from edge.slow_queries import without_values
from identity.models import User


@pytest.mark.django_db
def test_a_slow_statement_is_logged_with_its_plan_and_without_values(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SLOW_QUERY_MS = 0
    with counting("quick"):
        User.objects.filter(email="secret@example.org", id__gt=4711).exists()
    assert "slow query" not in caplog.text
    settings.SLOW_QUERY_MS = 1e-6
    with counting("home"):
        User.objects.filter(email="secret@example.org", id__gt=4711).exists()
    assert "slow query" in caplog.text
    assert "in home: SELECT" in caplog.text
    assert "identity_user" in caplog.text
    assert "Scan" in caplog.text
    assert "cost=" in caplog.text
    assert "secret" not in caplog.text
    assert "4711" not in caplog.text


@pytest.mark.django_db
def test_a_plan_that_fails_leaves_the_transaction_alone(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SLOW_QUERY_MS = 1e-6
    with transaction.atomic(), counting("job"), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE slow_probe (a int)")
        cursor.execute("INSERT INTO slow_probe VALUES (%s)", [1])
        cursor.execute("WITH gone AS (SELECT 1) SELECT a FROM slow_probe")
        assert cursor.fetchall() == [(1,)]
    assert "no plan of this kind" in caplog.text
    assert "Insert on slow_probe" in caplog.text


@pytest.mark.django_db
def test_what_a_statement_returns_is_not_eaten_by_its_plan(settings: Any) -> None:
    settings.SLOW_QUERY_MS = 1e-6
    with counting("job"), connection.cursor() as cursor:
        cursor.execute("SELECT generate_series(1, %s)", [5])
        assert [row[0] for row in cursor.fetchall()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  Index Cond: (email = 'it''s@b.org'::text)", "  Index Cond: (email = ?::text)"),
        ("  Filter: (id > 4711)", "  Filter: (id > ?)"),
        ("  ->  Seq Scan on a_2024  (cost=0.00..1.05 rows=5)",) * 2,
    ],
)
def test_values_leave_a_plan(line: str, shown: str) -> None:
    assert without_values(line) == shown
