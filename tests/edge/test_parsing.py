"""Bodies the parser accepts, and the code for everything it refuses."""

import json
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.exceptions import ParseError

from core.limits import REQUEST_BODY_BYTES_MAX, REQUEST_DEPTH_MAX
from edge.parsers import BodyTooLarge, StrictJsonParser, strict_json


def test_numbers_are_never_floats() -> None:
    value = strict_json(b'{"a": 0.1, "b": 1e3, "c": 12}')
    assert value == {"a": Decimal("0.1"), "b": Decimal("1000"), "c": 12}
    assert [type(item) for item in value.values()] == [Decimal, Decimal, int]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a": NaN}', "number_not_finite"),
        (b'{"a": Infinity}', "number_not_finite"),
        (b'{"a": -Infinity}', "number_not_finite"),
        (b'{"a": 1, "a": 2}', "field_repeated"),
        (b'{"a": "\xff"}', "body_not_utf8"),
        (b"{", "body_not_json"),
        (b"", "body_not_json"),
        (b"quantity=1", "body_not_json"),
        (b"[" * 33 + b"]" * 33, "body_too_deep"),
        (b"[" * 200_000, "body_too_deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "body_too_deep"),
    ],
)
def test_a_body_that_means_nothing_exact_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(ParseError) as refusal:
        strict_json(body)
    assert refusal.value.get_codes() == code


def test_nesting_up_to_the_limit_is_read() -> None:
    body = "[" * REQUEST_DEPTH_MAX + "]" * REQUEST_DEPTH_MAX
    assert json.dumps(strict_json(body.encode())) == body


def test_an_integer_of_thousands_of_digits_is_a_number_for_its_field_to_refuse() -> None:
    assert strict_json(b"9" * 10_000) == Decimal("9" * 10_000)


class Unread(BytesIO):
    """A body that must not be read."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("the body was read")


def _context(length: int) -> dict[str, Any]:
    return {"request": SimpleNamespace(META={"CONTENT_LENGTH": str(length)})}


def test_ten_megabytes_are_refused_unread() -> None:
    with pytest.raises(BodyTooLarge) as refusal:
        StrictJsonParser().parse(Unread(), parser_context=_context(10_485_760))
    assert (refusal.value.status, refusal.value.code) == (413, "body_too_large")


def test_a_length_that_lies_does_not_open_the_door() -> None:
    body = BytesIO(b'"' + b"x" * REQUEST_BODY_BYTES_MAX + b'"')
    with pytest.raises(BodyTooLarge):
        StrictJsonParser().parse(body, parser_context=_context(10))
    assert body.tell() == REQUEST_BODY_BYTES_MAX + 1
