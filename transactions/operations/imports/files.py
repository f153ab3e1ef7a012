"""Store the bytes of a file in the database in pieces, so that any worker can read them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from core.errors import InvalidInput
from core.limits import IMPORT_FILE_BYTES_MAX
from transactions.models import Import, ImportChunk

PIECE_BYTES = 1_048_576
# A larger file is kept on disk while it is read.
_MEMORY_BYTES_MAX = 4 * PIECE_BYTES


class FileTooLarge(InvalidInput):
    """The file is larger than an import accepts."""

    status = 413
    code = "file_too_large"


def store(*, batch: Import, pieces: Iterable[bytes]) -> None:
    """Store the file of an import, and set its size and hash."""
    digest, size = sha256(), 0
    for number, piece in enumerate(_of_one_size(pieces)):
        digest.update(piece)
        size += len(piece)
        if size > IMPORT_FILE_BYTES_MAX:
            raise FileTooLarge(
                f"The file is larger than {IMPORT_FILE_BYTES_MAX} bytes. Split it by year."
            )
        ImportChunk.objects.create(batch=batch, number=number, data=piece)
    batch.file_bytes, batch.file_sha256 = size, digest.hexdigest()


def head(*, batch: Import) -> bytes:
    """Return the first piece of the file."""
    piece = ImportChunk.objects.filter(batch=batch, number=0).first()
    return bytes(piece.data) if piece else b""


@contextmanager
def opened(*, batch: Import) -> Iterator[BinaryIO]:
    """Return the file of an import, copied piece by piece into a temporary file."""
    numbers = list(
        ImportChunk.objects.filter(batch=batch).order_by("number").values_list("pk", flat=True)
    )
    with SpooledTemporaryFile(max_size=_MEMORY_BYTES_MAX) as file:
        for pk in numbers:
            file.write(ImportChunk.objects.values_list("data", flat=True).get(pk=pk))
        file.seek(0)
        yield cast(BinaryIO, file)


def _of_one_size(pieces: Iterable[bytes]) -> Iterable[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= PIECE_BYTES:
            yield bytes(held[:PIECE_BYTES])
            del held[:PIECE_BYTES]
    if held:
        yield bytes(held)
