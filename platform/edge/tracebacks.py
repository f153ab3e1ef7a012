"""Tracebacks for logs: the place of the fault, without the values of variables and rows.

Locals are left out in every format. Of an error of the database only the first line is kept: the
lines below it (DETAIL, CONTEXT) show the refused row, with addresses and password hashes.
"""

import re
import sys
import traceback
from types import TracebackType
from typing import Any

import psycopg
from django.db import Error as DjangoDatabaseError
from structlog.typing import EventDict

_DETAIL = re.compile(r"(?:\n|\\n)DETAIL:.*", re.DOTALL)
_LEFT_OUT = " [detail left out]"
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def formatted(error: BaseException) -> str:
    """Return the traceback of an exception and its causes, the first cause first."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        link, following = _origin(current)
        parts.append(f"{_one(current)}")
        if following is not None and id(following) not in seen:
            parts.append(link)
        current = following
    return "".join(reversed(parts)).rstrip("\n")


def _origin(error: BaseException) -> tuple[str, BaseException | None]:
    if error.__cause__ is not None:
        return _CAUSE, error.__cause__
    return _CONTEXT, None if error.__suppress_context__ else error.__context__


def _one(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    heading = "Traceback (most recent call last):\n" if frames else ""
    inner = "".join(
        f"\nOne of its exceptions:\n{formatted(x)}\n" for x in getattr(error, "exceptions", ())
    )
    return f"{heading}{frames}{name}: {message(error)}\n{inner}"


def message(error: BaseException) -> str:
    """Return an exception's message without the row that the database refused."""
    text = str(error)
    if isinstance(error, psycopg.Error | DjangoDatabaseError):
        return text.split("\n", 1)[0]
    return without_detail(text)


def without_detail(text: str) -> str:
    """Return a text that quotes an error of the database, without the row it names."""
    return _DETAIL.sub(_LEFT_OUT, text)


def render_tracebacks(logger: Any, method: str, event: EventDict) -> EventDict:
    """Turn `exc_info` into the text `exception`; a structlog processor."""
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = formatted(error)
    if isinstance(text := event.get("event"), str) and "DETAIL:" in text:
        event["event"] = without_detail(text)
    return event


def _error_of(found: Any) -> BaseException | None:
    if isinstance(found, BaseException):
        return found
    if isinstance(found, tuple):
        error: BaseException | None = found[1]
        return error
    return sys.exc_info()[1] if found else None


def log_uncaught(
    kind: type[BaseException], error: BaseException, frames: TracebackType | None
) -> None:
    """Log an uncaught exception for sys.excepthook, with the same omissions as a log line."""
    sys.stderr.write(formatted(error) + "\n")
