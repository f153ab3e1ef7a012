"""Logging in over HTTP."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from identity.models import User

PASSWORD = "correct horse battery"


@pytest.fixture
def log_in() -> Callable[..., APIClient]:
    """Logs in over HTTP; the client carries the access token, `tokens` the pair."""

    def client(user: User, *, password: str = PASSWORD) -> APIClient:
        user.set_password(password)
        user.save(update_fields=["password"])
        api = APIClient()
        answer = api.post("/api/v1/auth/token", {"email": user.email, "password": password})
        assert answer.status_code == 200, answer.content
        api.tokens = answer.json()  # type: ignore[attr-defined]
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
        return api

    return client
