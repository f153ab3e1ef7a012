"""Answers that wait for their client: counted, bounded, and sent piece by piece.

    up to 64 KB   handed to granian at once
    larger        counted until sent, in a file above 1 MB, and taken by the client in pieces
    a client that goes away, or takes no piece in time: the bytes are released at once

One process holds so many bytes in all and for one caller; an answer beyond that is refused.
"""

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from core.errors import Unavailable

Headers = list[tuple[str, str]]
WsgiHandler = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

AT_ONCE_BYTES_MAX = 65_536
MEMORY_BYTES_MAX = 1_048_576
PIECE_BYTES = 65_536


class TooManyAnswers(Unavailable):
    """The answers that wait for their clients fill the space for them."""

    code = "too_many_answers"


@dataclass(slots=True)
class HeldAnswers:
    """The bytes of large answers that are being made or sent, in total and by caller."""

    bytes_max: int
    bytes_per_caller_max: int
    piece_s_max: float
    total: int = 0
    by_caller: "Counter[str]" = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def change(self, caller: str, size: int) -> None:
        """Add bytes of a caller's answer, or release them (a negative size). Refuse too many."""
        with self._lock:
            if size > 0 and (
                self.total + size > self.bytes_max
                or self.by_caller[caller] + size > self.bytes_per_caller_max
            ):
                raise TooManyAnswers(
                    "Too many large answers wait for their readers. Try again shortly, and read "
                    "each answer to its end before you ask for the next.",
                    retry_after_s=5,
                )
            self.total += size
            self.by_caller[caller] += size
            if not self.by_caller[caller]:
                del self.by_caller[caller]


class Answer:
    """One complete answer. `close` releases its bytes, and may be called more than once."""

    def __init__(self, held: HeldAnswers, caller: str) -> None:
        self.status = 500
        self.headers: Headers = []
        self.size = 0
        self._held, self._caller, self._counted = held, caller, 0
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None

    @property
    def is_small(self) -> bool:
        return self.size <= AT_ONCE_BYTES_MAX

    @property
    def content(self) -> bytes:
        """Return a small answer as a whole."""
        return b"".join(self._pieces)

    def add(self, piece: bytes) -> None:
        """Append a piece. Raise TooManyAnswers, or OSError if the disk is full."""
        self.size += len(piece)
        if not self.is_small:
            self._held.change(self._caller, self.size - self._counted)
            self._counted = self.size
        # One piece is in memory anyway; many small ones are worth a file.
        if self._file is None and self.size > MEMORY_BYTES_MAX and self._pieces:
            self._file = SpooledTemporaryFile()  # noqa: SIM115 - `close` does
            self._file.rollover()
            self._file.writelines(self._pieces)
            self._pieces.clear()
        if self._file is None:
            self._pieces.append(piece)
        else:
            self._file.write(piece)

    def close(self) -> None:
        self._pieces.clear()
        if self._file is not None:
            self._file.close()
        if self._counted:
            self._held.change(self._caller, -self._counted)
            self._counted = 0

    async def send(self, protocol: Any) -> None:
        """Send a large answer as fast as its client takes it.

        Raises BrokenPipeError when the client is gone, TimeoutError when it takes nothing.
        """
        # With its length, an answer that is cut off never looks complete.
        named = [header for header in self.headers if header[0].lower() != "content-length"]
        headers = [*named, ("content-length", str(self.size))]
        with Pipe(piece_s_max=self._held.piece_s_max) as pipe:
            protocol.response_file(self.status, headers, pipe.path)
            for piece in self._read():
                await pipe.write(piece)

    def _read(self) -> Iterator[bytes]:
        if self._file is not None:
            self._file.seek(0)
            while piece := self._file.read(PIECE_BYTES):
                yield piece
        for whole in self._pieces:
            for start in range(0, len(whole), PIECE_BYTES):
                yield whole[start : start + PIECE_BYTES]


class Pipe:
    """A pipe that granian reads as a file: the only way in which it passes on back pressure.

    Its own stream queues all that is written to it, however slow the client is.
    """

    def __init__(self, *, piece_s_max: float) -> None:
        self._piece_s_max = piece_s_max
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._is_ours = True

    @property
    def path(self) -> str:
        return f"/dev/fd/{self._reading}"

    def __enter__(self) -> "Pipe":
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._writing)
        self._leave_to_granian()

    def _leave_to_granian(self) -> None:
        """Close our reading end; from then on the pipe breaks when granian drops the answer."""
        if self._is_ours:
            self._is_ours = False
            os.close(self._reading)

    async def write(self, piece: bytes) -> None:
        """Write a piece, at the pace of the client."""
        left = memoryview(piece)
        while left:
            try:
                left = left[os.write(self._writing, left) :]
            except BlockingIOError:
                async with asyncio.timeout(self._piece_s_max):
                    await self._writable()
                # It was full and is no longer: granian has opened it.
                self._leave_to_granian()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(self._writing, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(self._writing)


def fill(answer: Answer, *, handler: WsgiHandler, environ: dict[str, Any]) -> None:
    """Let Django answer, and collect its answer completely."""
    started: list[tuple[str, Headers]] = []

    def start(status: str, headers: Headers, exc_info: Any = None) -> None:
        started[:] = [(status, headers)]

    response = handler(environ, start)
    words, answer.headers = started[0]
    answer.status = int(words[:3])
    try:
        for piece in response:
            answer.add(piece)
    finally:
        if close := getattr(response, "close", None):
            close()
