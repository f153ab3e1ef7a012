"""Long statements: as long as they are allowed, in the server and in the client."""

import pytest
from django.db import OperationalError, connection, transaction

from stores.database import long_statements
from stores.postgresql.connection import NoAnswer


@pytest.mark.django_db(transaction=True)
def test_a_long_statement_outlasts_both_timeouts_and_no_other_does() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 100")
    connection.connection.answer_s_max = 0.3
    with long_statements(seconds=30), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("100ms",)
    refused = pytest.raises(OperationalError, match="statement timeout")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        with pytest.raises(OperationalError) as refusal:
            cursor.execute("SELECT pg_sleep(5)")
    assert isinstance(refusal.value.__cause__, NoAnswer)
    connection.close()
