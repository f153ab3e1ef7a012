"""The content of logs: the place of a fault, never passwords, addresses or refused rows."""

import os
import subprocess
import sys

import pytest

from edge.tracebacks import formatted, without_detail

PROGRAM = """
import logging, sys, django
django.setup()
from django.db import IntegrityError, connection, transaction

log = logging.getLogger("identity")

def register(password):
    held = [password]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE person (email text UNIQUE, password text NOT NULL)")
        row = ["mia@ballast.example", "argon2$secret"]
        cursor.execute("INSERT INTO person VALUES (%s, %s)", row)
        cursor.execute("INSERT INTO person VALUES (%s, %s)", row)

try:
    register("correct-horse-battery-9")
except IntegrityError as error:
    log.exception("refused")
    log.error("Task raised: %r", error)
    log.error("Task raised: %s", error)
register("correct-horse-battery-9")
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("as_json", ["0", "1"])
def test_logs_hold_no_variables_and_no_refused_rows(as_json: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env={
            **os.environ,
            "TESTING": "1",
            "LOG_JSON": as_json,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.count("duplicate key value violates unique constraint") >= 5
    assert ran.stderr.count("in register") == 2  # the log line and the end of the process
    for secret in ("correct-horse", "mia@", "argon2", "DETAIL"):
        assert secret not in ran.stderr


def test_a_traceback_shows_the_causes_in_order() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error
    except ValueError as error:
        text = formatted(error)
    assert text.index("KeyError: 'first'") < text.index("direct cause") < text.index("ValueError")
    assert text.endswith("ValueError: second")
    group = ExceptionGroup("many", [ValueError("one"), ValueError("two")])
    assert [formatted(group).count(x) for x in ("many", "one", "two")] == [1, 1, 1]


def test_a_refused_row_is_cut_from_a_quoted_error() -> None:
    quoted = "IntegrityError('duplicate key\\nDETAIL:  Key (email)=(mia@a.example) exists.')"
    assert without_detail(quoted) == "IntegrityError('duplicate key [detail left out]"
    assert without_detail("nothing to hide") == "nothing to hide"
