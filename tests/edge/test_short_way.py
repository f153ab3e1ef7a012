"""API reads with a token take the short way, and their answers are the same."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path

BEARER = {"Authorization": "Bearer x"}


def seen(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"session": hasattr(request, "session"), "user": hasattr(request, "user")})


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("the secret")


urlpatterns = [
    path("api/v1/seen", seen),
    path("api/v1/broken", broken),
    path("page", seen),
]
handler404 = "edge.problems.page_not_found"
pytestmark = pytest.mark.urls(__name__)


def test_a_read_with_a_token_meets_no_session_and_every_other_request_does() -> None:
    short = Client().get("/api/v1/seen", headers=BEARER)
    assert short.json() == {"session": False, "user": False}
    for long in (
        Client().get("/api/v1/seen"),
        Client().get("/api/v1/seen", headers={"Authorization": "Basic x"}),
        Client().post("/api/v1/seen", headers=BEARER),
        Client().get("/page", headers=BEARER),
    ):
        assert long.json() == {"session": True, "user": True}


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("address", ["/api/v1/seen", "/api/v1/broken", "/api/v1/nowhere"])
def test_both_ways_carry_the_same_headers(settings: Any, secure: bool, address: str) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    client = Client(raise_request_exception=False)
    answers = [
        client.get(address, secure=secure, headers={**headers, "X-Request-ID": "request-0001"})
        for headers in (BEARER, {})
    ]
    short, long = (dict(answer.headers) for answer in answers)
    for headers in (short, long):
        headers.pop("Vary", None)
        headers.pop("Content-Length", None)
    assert short == long
    if answers[0].status_code >= 400:
        assert answers[0].content == answers[1].content
    assert ("Strict-Transport-Security" in short) == secure


def test_a_strange_host_is_refused_both_ways(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["ballast.example"]
    for headers in (BEARER, {}):
        answer = Client().get("/api/v1/seen", headers=headers, HTTP_HOST="evil.example")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_plain_http_is_sent_to_tls_where_that_is_a_must(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for headers in (BEARER, {}):
        answer = Client().get("/api/v1/seen", headers=headers)
        assert (answer.status_code, answer["Location"]) == (301, "https://testserver/api/v1/seen")
