"""Request bodies, read completely in the event loop before a request takes a thread.

A body has a size limit (by its route), a declared length, a minimum rate, and a share of the bytes
that one process and one caller may hold at once. Above `MEMORY_BYTES_MAX` it is in a temporary
file.

The sizes are in `core/limits.py` (REQUEST_BODY_BYTES_MAX, IMPORT_FILE_BYTES_MAX), the addresses
that take files, the rate and the shares in `config/settings.py` (FILE_ROUTES, BODY_*, BODIES_*).
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from core.errors import BallastError, Unavailable
from core.limits import REQUEST_BODY_BYTES_MAX
from edge.uploads import file_bytes_max

MEMORY_BYTES_MAX = 1_048_576
# Read in one piece up to this size; above it, piece by piece.
AT_ONCE_BYTES_MAX = 65_536


class BodyRefused(BallastError):
    """A request body was refused before it was read completely."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How long a body may take to arrive, and how many bytes may be held."""

    grace_s: float
    bytes_per_s_min: int
    held_bytes_max: int
    held_bytes_per_caller_max: int

    def seconds(self, size: int) -> float:
        """Return the time allowed for the first `size` bytes."""
        return self.grace_s + size / self.bytes_per_s_min


@dataclass(slots=True)
class Held:
    """The bytes of bodies that are being read or answered, in total and by caller."""

    limits: BodyLimits
    total: int = 0
    by_caller: "Counter[str]" = field(default_factory=Counter)

    @contextmanager
    def share(self, caller: str) -> Iterator["Share"]:
        """Reserve the caller's share for the length of one request."""
        share = Share(self, caller)
        try:
            yield share
        finally:
            self.total -= share.size
            self.by_caller[caller] -= share.size
            if not self.by_caller[caller]:
                del self.by_caller[caller]


@dataclass(slots=True)
class Share:
    """The bytes that one request holds."""

    held: Held
    caller: str
    size: int = 0

    def add(self, size: int) -> None:
        held, limits = self.held, self.held.limits
        self.size += size
        held.total += size
        held.by_caller[self.caller] += size
        if held.by_caller[self.caller] > limits.held_bytes_per_caller_max:
            raise BodyRefused(
                "You are sending too many large requests at once. Wait until one has ended.",
                code="too_many_bodies",
                status=429,
                retry_after_s=5,
            )
        if held.total > limits.held_bytes_max:
            raise Unavailable(
                "The server is receiving too many large requests. Try again shortly.",
                code="server_busy",
                retry_after_s=5,
            )


def declared_length(environ: Mapping[str, Any]) -> int:
    """Return the declared length; refuse a request without one, or one too long for its route."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise BodyRefused(
            "The request has no Content-Length. Send one instead of chunked encoding.",
            code="length_required",
            status=411,
        )
    text = environ.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdecimal()):
        raise BodyRefused(
            "Content-Length is not a number. Send the size of the body in bytes.",
            code="length_invalid",
        )
    length = int(text)
    # Fields and boundaries beside a file may take as much as any body.
    if length > file_bytes_max(environ["PATH_INFO"]) + REQUEST_BODY_BYTES_MAX:
        raise BodyRefused("The body is too large. Split it.", code="body_too_large", status=413)
    return length


async def read_body(protocol: Any, *, length: int, share: Share) -> IO[bytes]:
    """Return the whole body, from its first byte. Raise BodyRefused if it is late or cut short."""
    limits = share.held.limits
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        if length <= AT_ONCE_BYTES_MAX:
            async with asyncio.timeout(limits.seconds(length)):
                content = await protocol()
            share.add(length)
            return BytesIO(_complete(content, length))
        file = SpooledTemporaryFile(max_size=MEMORY_BYTES_MAX)  # noqa: SIM115 - the caller's
        try:
            async with asyncio.timeout(limits.seconds(0)) as deadline:
                async for chunk in protocol:
                    share.add(len(chunk))
                    file.write(chunk)
                    deadline.reschedule(began_s + limits.seconds(share.size))
            if share.size != length:
                raise _cut_short()
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file
    except TimeoutError:
        raise BodyRefused(
            f"The body arrived too slowly. After {limits.grace_s:g} seconds, at least "
            f"{limits.bytes_per_s_min} bytes must arrive each second. Send the request again.",
            code="body_timeout",
            status=408,
        ) from None
    except OSError:
        raise Unavailable(
            "The server cannot store the body right now. Try again shortly.",
            code="storage_unavailable",
            retry_after_s=5,
        ) from None


def _complete(content: bytes, length: int) -> bytes:
    if len(content) != length:
        raise _cut_short()
    return content


def _cut_short() -> BodyRefused:
    return BodyRefused(
        "The body ended before its Content-Length. Send the request again.", code="body_incomplete"
    )
