"""Host names served outside production, and API answers that no cache may keep."""

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login", "/admin/login/", "/api/v1/accounts"])
def test_a_name_that_was_made_to_point_here_is_refused(path: str) -> None:
    assert Client().get(path, headers={"host": "evil.example"}).status_code == 400
    assert Client().get(path, headers={"host": "127.0.0.1.evil.example"}).status_code == 400
    assert Client().get(path, headers={"host": "[::1]:8000"}).status_code != 400
    assert Client().get(path, headers={"host": "localhost:8000"}).status_code != 400


def test_only_this_machine_is_served_until_somebody_names_more() -> None:
    served = [name for name in django_settings.ALLOWED_HOSTS if name != "testserver"]
    assert served == ["localhost", "127.0.0.1", "[::1]"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/api/v1/auth/token"),
        ("get", "/api/v1/users/me"),
        ("get", "/api/v1/exports/ballast"),
        ("get", "/api/v1/nowhere"),
    ],
)
def test_no_answer_of_the_api_is_kept(method: str, path: str) -> None:
    answer: Any = getattr(Client(), method)(path)
    assert answer["Cache-Control"] == "no-store"
