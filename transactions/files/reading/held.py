"""Rows held in little memory until the whole file has been read. Pure.

As objects, 100,000 rows take about 250 MB. Held, they take a few: portions of them are encoded and
compressed. Rows come back in their order, equal to those added. They are held as JSON, because
MessagePack turns an instant into UTC, and the offset of a row's instant names its trade date.
"""

import zlib
from collections.abc import Iterator, Sequence

import msgspec

from transactions.files.reading.interface import ParsedRow

_PORTION_BYTES = 1 << 15
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[ParsedRow])


class HeldRows:
    """The rows of a file, which can be iterated over as often as needed."""

    def __init__(self) -> None:
        self._portions: list[bytes] = []
        self._latest: list[bytes] = []
        self._bytes = 0

    def add(self, row: ParsedRow) -> None:
        encoded = _encoder.encode(row)
        self._latest.append(encoded)
        self._bytes += len(encoded)
        if self._bytes >= _PORTION_BYTES:
            self._portions.append(zlib.compress(_listed(self._latest), level=1))
            self._latest, self._bytes = [], 0

    def __iter__(self) -> Iterator[ParsedRow]:
        for portion in self._portions:
            yield from _decoder.decode(zlib.decompress(portion))
        yield from _decoder.decode(_listed(self._latest))


def _listed(rows: Sequence[bytes]) -> bytes:
    return b"[%b]" % b",".join(rows)
