"""Turn every error into an RFC 9457 problem document with a stable `code`.

    {"type", "title", "status", "code", "detail", "request_id",
     "errors": [{"field", "pointer", "code", "message"}]}

`code` is what programs read; `detail` and `message` are for people and may change.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import psycopg.errors
import psycopg_pool
import redis
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from kombu.exceptions import OperationalError as BrokerError
from rest_framework import exceptions

from core.errors import BallastError, Conflict, InvalidInput, NotFound, Unavailable

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

_CODES_BY_STATUS = {
    400: "invalid",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "body_timeout",
    409: "conflict",
    411: "length_required",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
_DETAILS_BY_STATUS = {
    400: "The request is not valid.",
    403: "You are not allowed to do this.",
    404: "Nothing exists at this address. Check the URL.",
    405: "This address does not accept this method.",
    413: "The body is too large. Split it.",
    500: "An error occurred on our side. Send the request id to the operator.",
    503: "The service is busy or partly down. Try again shortly.",
}


class InternalError(BallastError):
    """An error in our code. The traceback goes to the log, never into the response."""

    status = 500
    code = "internal_error"


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Return an error raised by a view as a problem document (Django REST framework's hook)."""
    request = context.get("request")
    return problem_of(error, request_id=request_id_of(getattr(request, "_request", request)))


def problem_of(error: BaseException, *, request_id: str) -> HttpResponse:
    """Return the problem for any exception; log unexpected ones with their traceback."""
    if isinstance(error, exceptions.APIException):
        return _of_rest_framework(error, request_id=request_id)
    known = error if isinstance(error, BallastError) else translated(error)
    errors = [
        field_error(path=name.split("."), code=known.code, message=message)
        for name, messages in known.fields.items()
        for message in messages
    ]
    return problem(
        status=known.status,
        code=known.code,
        detail=known.detail,
        errors=errors,
        request_id=request_id,
        retry_after_s=known.retry_after_s,
    )


def problem(
    *,
    status: int,
    request_id: str,
    code: str | None = None,
    detail: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    retry_after_s: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return a problem document; code and text default to those of the status."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code or _CODES_BY_STATUS.get(status, "error"),
        "detail": detail or _DETAILS_BY_STATUS.get(status, title),
        "errors": list(errors),
        "request_id": request_id,
    }
    response = HttpResponse(_encoded(body), status=status, content_type=CONTENT_TYPE)
    for name, value in (headers or {}).items():
        response[name] = value
    if retry_after_s is not None:
        response["Retry-After"] = str(retry_after_s)
    return response


def _encoded(body: Mapping[str, Any]) -> bytes:
    """Return the body as JSON; lone surrogates, which a message may quote, become `?`."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body, ensure_ascii=False).encode("utf-8", errors="replace")


def field_error(*, path: Sequence[str], code: str, message: str) -> dict[str, str]:
    """Return one entry of `errors`: the field in words and as a JSON pointer into the body."""
    steps = [step.replace("~", "~0").replace("/", "~1") for step in path]
    return {
        "field": ".".join(path),
        "pointer": "".join(f"/{step}" for step in steps),
        "code": code,
        "message": message,
    }


def request_id_of(request: Any) -> str:
    """Return the id the request middleware gave this request."""
    return str(getattr(request, "request_id", ""))


def _of_rest_framework(error: exceptions.APIException, *, request_id: str) -> HttpResponse:
    headers: dict[str, str] = {}
    status = error.status_code
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        status = 401
        headers["WWW-Authenticate"] = getattr(error, "auth_header", None) or "Bearer"
    wait_s = getattr(error, "wait", None)
    if isinstance(error, exceptions.ValidationError):
        errors = list(_flattened(error.detail, ()))
        codes = {entry["code"] for entry in errors}
        return problem(
            status=400,
            code=codes.pop() if len(codes) == 1 else "invalid",
            detail=" ".join(_sentence(entry) for entry in errors[:3]),
            errors=errors,
            request_id=request_id,
        )
    codes_found = error.get_codes()
    return problem(
        status=status,
        code=codes_found if isinstance(codes_found, str) else error.default_code,
        detail=str(error.detail) if isinstance(error.detail, str) else None,
        request_id=request_id,
        retry_after_s=None if wait_s is None else max(1, int(wait_s + 0.999)),
        headers=headers,
    )


def _flattened(detail: Any, path: tuple[str, ...]) -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            here = path if name == "non_field_errors" else (*path, str(name))
            yield from _flattened(inner, here)
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list | tuple)
            yield from _flattened(inner, (*path, str(index)) if nested else path)
    else:
        code = getattr(detail, "code", "invalid")
        yield field_error(path=path, code=code, message=str(detail))


def _sentence(entry: Mapping[str, str]) -> str:
    return f"{entry['field']}: {entry['message']}" if entry["field"] else entry["message"]


def translated(error: BaseException) -> BallastError:
    """Translate errors of Django, the database and Redis into ours, without their details."""
    if isinstance(error, Http404):
        return NotFound(_DETAILS_BY_STATUS[404])
    if isinstance(error, PermissionDenied):
        return BallastError(_DETAILS_BY_STATUS[403], code="permission_denied", status=403)
    if isinstance(error, RequestDataTooBig):
        return InvalidInput(_DETAILS_BY_STATUS[413], code="body_too_large", status=413)
    if isinstance(error, SuspiciousOperation):
        return InvalidInput(_DETAILS_BY_STATUS[400])
    if isinstance(error, DatabaseError | InterfaceError):
        return _of_database(error)
    if isinstance(error, redis.RedisError | BrokerError):
        logger.warning("Redis or the message broker failed: %s", error, exc_info=error)
        return Unavailable(
            "The service is partly down. Try again shortly.",
            code="cache_unavailable",
            retry_after_s=2,
        )
    logger.error("unhandled %s", type(error).__name__, exc_info=error)
    return InternalError(_DETAILS_BY_STATUS[500])


def _of_database(error: DatabaseError | InterfaceError) -> BallastError:
    if isinstance(error, IntegrityError):
        logger.error("a database constraint refused data that passed validation", exc_info=error)
        return Conflict(
            "The change conflicts with stored data. Read the resource again.",
            code="integrity_conflict",
        )
    if isinstance(error, DataError):
        logger.warning("the database refused a value: wrong type or range", exc_info=error)
        return InvalidInput(
            "A value cannot be stored, such as text with U+0000. Correct it.", code="invalid_value"
        )
    if not isinstance(error, OperationalError | InterfaceError):
        logger.error("unhandled %s", type(error).__name__, exc_info=error)
        return InternalError(_DETAILS_BY_STATUS[500])
    refusal = _of_operation(error.__cause__)
    logger.warning("database error %s", refusal.code, exc_info=error)
    return refusal


def _of_operation(cause: BaseException | None) -> Unavailable:
    """Return the refusal for an operational error of the database, by its cause."""
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return Unavailable(
            "The database query took too long. Ask for less data, or try again.",
            code="query_timeout",
            retry_after_s=5,
        )
    if isinstance(cause, psycopg.errors.LockNotAvailable):
        return Unavailable(
            "Someone else is changing the same data. Try again.",
            code="lock_timeout",
            retry_after_s=1,
        )
    if isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return Unavailable(
            "Another change was saved at the same time. Try again.",
            code="write_contended",
            retry_after_s=1,
        )
    if isinstance(
        cause,
        psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests | psycopg.errors.TooManyConnections,
    ):
        return Unavailable(
            "All database connections are in use. Try again.",
            code="database_busy",
            retry_after_s=1,
        )
    return Unavailable(
        "The database cannot be reached. Try again shortly.",
        code="database_unavailable",
        retry_after_s=5,
    )


def is_api(request: HttpRequest) -> bool:
    """Return whether the request is for the API, which gets problems, or for a page."""
    return request.path.startswith("/api/")


def _plain(request: HttpRequest, status: int) -> HttpResponse:
    request_id = request_id_of(request)
    if is_api(request):
        return problem(status=status, request_id=request_id)
    text = f"{HTTPStatus(status).phrase}. {_DETAILS_BY_STATUS[status]}\nRequest {request_id}\n"
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400"""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return _plain(request, status)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403"""
    return _plain(request, 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404"""
    return _plain(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500"""
    return _plain(request, 500)
