"""A production process that would be unsafe does not start, and says why."""

import os
import subprocess
import sys

import pytest

SECRET = "a-long-random-secret-for-this-test-only-0123456789"
GOOD = {"SECRET_KEY": SECRET, "ALLOWED_HOSTS": "ballast.example", "BEHIND_TLS_PROXY": "1"}


def _check(**environment: str) -> subprocess.CompletedProcess[str]:
    dropped = {"TESTING", "DEMO", "DEBUG", *GOOD}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return subprocess.run(
        [sys.executable, "-m", "django", "check"],
        env={**kept, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_production_process_with_everything_starts() -> None:
    ran = _check(**GOOD)
    assert ran.returncode == 0, ran.stderr
    assert "identity." not in ran.stderr


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"PORT": "many"}, "PORT"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, str], name: str) -> None:
    ran = _check(**{**GOOD, **changes})
    assert ran.returncode != 0
    assert name in ran.stderr
    assert SECRET not in ran.stderr


def test_a_demo_needs_none_of_it() -> None:
    assert _check(DEMO="1").returncode == 0
