"""Reading JSON bodies strictly: bounded, exact, and each refusal with a code."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from core.errors import InvalidInput
from core.limits import REQUEST_BODY_BYTES_MAX, REQUEST_DEPTH_MAX


class BodyTooLarge(InvalidInput):
    """The body was refused before it was read."""

    status = 413
    code = "body_too_large"

    def __init__(self) -> None:
        super().__init__(f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes. Split it.")


class StrictJsonParser(BaseParser):
    """JSON with numbers as int or Decimal; no NaN, no repeated key, bounded nesting."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        declared = _declared_length(parser_context)
        if declared > REQUEST_BODY_BYTES_MAX:
            raise BodyTooLarge
        body = stream.read(REQUEST_BODY_BYTES_MAX + 1)
        if len(body) > REQUEST_BODY_BYTES_MAX:
            raise BodyTooLarge
        return strict_json(body)


def strict_json(body: bytes) -> Any:
    """Return the value of a JSON text; raise ParseError with a code."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ParseError(
            "The body is not UTF-8 text. Encode it as UTF-8.", code="body_not_utf8"
        ) from None
    try:
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_repeats,
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise ParseError(f"The body is not valid JSON: {error}.", code="body_not_json") from None
    if body.count(b"[") + body.count(b"{") > REQUEST_DEPTH_MAX:
        _refuse_deep(value)
    return value


def _declared_length(parser_context: Mapping[str, Any] | None) -> int:
    request = (parser_context or {}).get("request")
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0
    except ValueError:
        return 0


def _whole(digits: str) -> int | Decimal:
    # Python refuses to read integers of thousands of digits; a Decimal meets the field's own limit.
    return int(digits) if len(digits) < 400 else Decimal(digits)


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        # An exponent of twenty digits is valid JSON, but no figure needs it.
        raise ParseError(f"{digits[:40]} is out of range.", code="number_out_of_range") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError(f"{name} is not a number.", code="number_not_finite")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ParseError(
            "The body contains the same field twice. Send each field once.", code="field_repeated"
        )
    return found


def _refuse_deep(value: Any) -> None:
    level = [value]
    for _ in range(REQUEST_DEPTH_MAX):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ParseError:
    return ParseError(
        f"The body is nested deeper than {REQUEST_DEPTH_MAX} levels. Send a flatter body.",
        code="body_too_deep",
    )
