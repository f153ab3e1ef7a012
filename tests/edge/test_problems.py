"""Every kind of failed request, as the caller sees it over HTTP."""

import logging
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg.errors
import psycopg_pool
import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from core.errors import BallastError, Conflict, InvalidInput, NotFound, Unavailable
from edge.serializers import QuantityField, StrictSerializer, SymbolField

RAISED: dict[str, BaseException] = {}


class RaisingView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        raise RAISED["error"]


class TargetSerializer(StrictSerializer):
    symbol = SymbolField()
    quantity = QuantityField()


class EchoView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        rows = TargetSerializer(data=request.data, many=True)
        rows.is_valid(raise_exception=True)
        return Response(rows.validated_data)


def raising_page(request: HttpRequest) -> HttpResponse:
    raise RAISED["error"]


def sleeping(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 50")
        cursor.execute("SELECT pg_sleep(10)")
    return HttpResponse()


urlpatterns = [
    path(
        "api/v1/", include([path("raise", RaisingView.as_view()), path("echo", EchoView.as_view())])
    ),
    path("api/v1/sleep", sleeping),
    path("api/v1/plain", raising_page),
    path("page", raising_page),
]
handler400 = "edge.problems.bad_request"
handler403 = "edge.problems.permission_denied"
handler404 = "edge.problems.page_not_found"
handler500 = "edge.problems.server_error"

pytestmark = pytest.mark.urls(__name__)


def _because(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


CASES: list[tuple[BaseException, int, str, str | None]] = [
    (BallastError("No."), 400, "invalid", None),
    (InvalidInput("No.", code="symbol_unknown"), 400, "symbol_unknown", None),
    (NotFound("No."), 404, "not_found", None),
    (Conflict("No.", code="job_finished"), 409, "job_finished", None),
    (Unavailable("No.", retry_after_s=7), 503, "unavailable", "7"),
    (exceptions.NotAuthenticated(), 401, "not_authenticated", None),
    (exceptions.AuthenticationFailed("No.", code="token_expired"), 401, "token_expired", None),
    (exceptions.PermissionDenied("No.", code="csrf_failed"), 403, "csrf_failed", None),
    (exceptions.NotFound(), 404, "not_found", None),
    (exceptions.Throttled(wait=2.2), 429, "throttled", "3"),
    (exceptions.ParseError("No.", code="body_not_json"), 400, "body_not_json", None),
    (Http404("Secret of the model"), 404, "not_found", None),
    (PermissionDenied("secret"), 403, "permission_denied", None),
    (SuspiciousOperation("secret"), 400, "invalid", None),
    (IntegrityError("secret"), 409, "integrity_conflict", None),
    (DataError("secret"), 400, "invalid_value", None),
    (
        _because(OperationalError("secret"), psycopg.errors.QueryCanceled()),
        503,
        "query_timeout",
        "5",
    ),
    (
        _because(OperationalError("secret"), psycopg.errors.LockNotAvailable()),
        503,
        "lock_timeout",
        "1",
    ),
    (
        _because(OperationalError("secret"), psycopg.errors.DeadlockDetected()),
        503,
        "write_contended",
        "1",
    ),
    (_because(OperationalError("secret"), psycopg_pool.PoolTimeout()), 503, "database_busy", "1"),
    (OperationalError("secret"), 503, "database_unavailable", "5"),
    (InterfaceError("connection already closed"), 503, "database_unavailable", "5"),
    (ZeroDivisionError("secret"), 500, "internal_error", None),
    (KeyError("secret"), 500, "internal_error", None),
]


@pytest.mark.parametrize("place", ["/api/v1/raise", "/api/v1/plain"])
@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"), CASES, ids=[str(case[2]) for case in CASES]
)
def test_an_error_becomes_a_problem_that_tells_no_secret(
    place: str, error: BaseException, status: int, code: str, retry_after: str | None
) -> None:
    RAISED["error"] = error
    answer = APIClient().get(place)
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "code", "detail", "errors", "request_id"}
    assert body["request_id"] == answer["X-Request-ID"]
    assert answer.get("Retry-After") == retry_after
    assert b"secret" not in answer.content.lower()
    assert b"Traceback" not in answer.content


def test_an_unexpected_error_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    RAISED["error"] = ZeroDivisionError("the secret")
    with caplog.at_level(logging.ERROR):
        assert APIClient().get("/api/v1/raise").status_code == 500
    (record,) = [entry for entry in caplog.records if entry.name == "edge.problems"]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_every_wrong_field_is_named_with_a_pointer_and_a_code() -> None:
    rows = [
        {"symbol": "AAPL", "quantity": "1"},
        {"symbol": "?", "quantity": "NaN"},
        {"symbol": "A"},
    ]
    body = APIClient().post("/api/v1/echo", rows).json()
    assert (body["status"], body["code"]) == (400, "invalid")
    assert [(entry["field"], entry["pointer"], entry["code"]) for entry in body["errors"]] == [
        ("1.symbol", "/1/symbol", "invalid_symbol"),
        ("1.quantity", "/1/quantity", "number_not_finite"),
        ("2.quantity", "/2/quantity", "required"),
    ]


def test_one_kind_of_mistake_gives_its_code_to_the_whole() -> None:
    body = APIClient().post("/api/v1/echo", [{"symbol": "A", "quantity": "-1"}]).json()
    assert body["code"] == "not_positive"


def test_a_number_of_forty_digits_is_refused_as_it_was_written() -> None:
    text = '[{"symbol": "A", "quantity": 1234567890123456789012345678901234567890}]'
    answer = APIClient().generic("POST", "/api/v1/echo", text, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "too_large")


def test_a_json_number_arrives_exactly() -> None:
    text = '[{"symbol": "A", "quantity": 0.1000000001}]'
    answer = APIClient().generic("POST", "/api/v1/echo", text, content_type="application/json")
    assert answer.json() == [{"symbol": "A", "quantity": "0.1000000001"}]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('[{"symbol": "A", "quantity": NaN}]', 400, "number_not_finite"),
        ("{", 400, "body_not_json"),
        ("x" * 10_485_760, 413, "body_too_large"),
    ],
)
def test_a_bad_body_is_a_problem(body: str, status: int, code: str) -> None:
    answer = APIClient().generic("POST", "/api/v1/echo", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_another_content_type_is_refused() -> None:
    answer = APIClient().generic("POST", "/api/v1/echo", "a,b", content_type="text/csv")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_wrong_method_is_a_problem_that_says_which_are_right() -> None:
    answer = APIClient().delete("/api/v1/echo")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer["Allow"]


def test_an_address_that_does_not_exist_is_a_problem_for_programs_and_text_for_people() -> None:
    program, person = APIClient().get("/api/v1/nowhere"), APIClient().get("/nowhere")
    assert (program.status_code, program.json()["code"]) == (404, "not_found")
    assert (person.status_code, person["Content-Type"]) == (404, "text/plain; charset=utf-8")


def test_a_page_that_is_refused_says_so_and_when_to_come_again() -> None:
    RAISED["error"] = Unavailable("Busy, come again.", retry_after_s=3)
    answer = APIClient().get("/page")
    assert (answer.status_code, answer.content) == (503, b"Busy, come again.\n")
    assert answer["Retry-After"] == "3"


@pytest.mark.django_db
def test_a_query_that_takes_too_long_is_ended_and_answers_503() -> None:
    answer = APIClient().get("/api/v1/sleep")
    assert (answer.status_code, answer.json()["code"]) == (503, "query_timeout")
    assert answer["Retry-After"] == "5"


@pytest.mark.django_db
def test_the_connections_of_the_web_carry_the_timeouts_of_the_settings(settings: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout',"
            " 'lock_timeout', 'idle_in_transaction_session_timeout')"
        )
        found = dict(cursor.fetchall())
    assert found == {
        "statement_timeout": str(settings.STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(settings.LOCK_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(settings.IDLE_IN_TRANSACTION_TIMEOUT_MS),
    }
    assert settings.STATEMENT_TIMEOUT_MS == 30_000


def test_answers_write_decimals_plainly_and_ids_as_text() -> None:
    from edge.renderers import encoded

    body = {"price": Decimal("189.9800"), "small": Decimal("1E-8"), "id": UUID(int=7)}
    assert encoded(body) == (
        b'{"price":"189.98","small":"0.00000001","id":"00000000-0000-0000-0000-000000000007"}'
    )
    with pytest.raises(TypeError):
        encoded({"price": Decimal("NaN")})
