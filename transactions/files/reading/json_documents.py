"""Reading of large JSON files: one object's array elements, one at a time. Pure.

Only the current element is in memory; it may have `ELEMENT_CHARS_MAX` characters. Numbers become
Decimal, exactly as written. Time is linear in the size of the file: the text is read by position,
and cut off only when more is read.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO

from core.limits import IMPORT_ROWS_MAX
from transactions.files.reading.decoding import encoding_of, refusal, text_pieces

ELEMENT_CHARS_MAX = 4_194_304
# Activities, plus as many accounts, profiles and tags.
ELEMENTS_MAX = 2 * IMPORT_ROWS_MAX
_NO_SPACE = re.compile(r"[^ \t\n\r]")


def _constant(_: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=_constant)


class Document:
    """A JSON object read piece by piece."""

    def __init__(self, data: BinaryIO, encoding: str) -> None:
        self._pieces = text_pieces(data, encoding)
        self._text = ""
        self._place = 0
        self._line = 1

    def elements(self) -> Iterator[tuple[int, str, Any]]:
        """Yield (line, member, value): array elements one by one, other members whole."""
        self._expect("{")
        if self._next() == "}":
            return
        while True:
            name = self._value()
            if not isinstance(name, str):
                raise refusal("document_invalid")
            self._expect(":")
            if self._next() == "[":
                yield from self._array(name)
            else:
                line = self._line
                yield line, name, self._value()
            if self._expect(",}") == "}":
                return

    def _array(self, name: str) -> Iterator[tuple[int, str, Any]]:
        self._expect("[")
        if self._next() == "]":
            self._expect("]")
            return
        while True:
            self._next()
            line = self._line
            yield line, name, self._value()
            if self._expect(",]") == "]":
                return

    def _more(self) -> bool:
        """Read about as much again as is left; return False at the end of the file."""
        rest = self._text[self._place :]
        wanted = max(len(rest), 8192)
        parts, size = [rest], 0
        for piece in self._pieces:
            parts.append(piece)
            size += len(piece)
            if size >= wanted:
                break
        self._text, self._place = "".join(parts), 0
        if len(self._text) > ELEMENT_CHARS_MAX:
            raise refusal("document_invalid", f"Line {self._line}: no JSON, or too much of it.")
        return size > 0

    def _next(self) -> str:
        """Return the next character that is no space without consuming it; empty at the end."""
        while True:
            match = _NO_SPACE.search(self._text, self._place)
            self._to(match.start() if match else len(self._text))
            if match:
                return match.group()
            if not self._more():
                return ""

    def _expect(self, signs: str) -> str:
        sign = self._next()
        if not sign or sign not in signs:
            raise refusal("document_invalid", f"Line {self._line}: expected one of {signs}")
        self._to(self._place + 1)
        return sign

    def _to(self, place: int) -> None:
        self._line += self._text.count("\n", self._place, place)
        self._place = place

    def _value(self) -> Any:
        if not self._next():
            raise refusal("document_invalid")
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._place)
            except RecursionError as error:
                raise refusal("document_invalid", "Nested too deeply.") from error
            except (ValueError, ArithmeticError) as error:
                if not self._more():
                    raise refusal("document_invalid", f"Line {self._line}: no JSON.") from error
                continue
            # A number at the end of the text read so far may continue.
            if end < len(self._text) or not self._more():
                self._to(end)
                return value


def elements(data: BinaryIO, *, declared: str | None = None) -> Iterator[tuple[int, str, Any]]:
    """Yield every element of each top-level array of a JSON object, with its first line."""
    encoding = encoding_of(data, declared=declared)
    for count, element in enumerate(Document(data, encoding).elements(), start=1):
        if count > ELEMENTS_MAX:
            raise refusal("rows_too_many")
        yield element
