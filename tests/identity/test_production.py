"""A production process that would be unsafe does not start, and says why."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core import checks

from identity.checks import demo_users
from identity.models import User

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


@pytest.mark.django_db
def test_a_deployment_on_a_database_with_the_demo_is_an_error(people: Any, settings: Any) -> None:
    assert demo_users(None) == []
    User.objects.filter(pk=people.owner.pk).update(is_demo=True)
    assert [(found.id, found.level) for found in demo_users(None)] == [
        ("identity.E004", checks.ERROR)
    ]
    settings.DEMO = True
    assert demo_users(None) == []


def test_the_demo_is_looked_for_when_a_deployment_is_checked() -> None:
    assert demo_users in checks.registry.registry.deployment_checks
