"""The log file of one process: bounded and private; a failed write never stops reading its output.

NAME.log grows to LOG_BYTES_MAX and then becomes NAME.log.1, which the next one replaces.
A write that fails (a full disk) drops the line and counts it. The first line that can be written
after it states how many are missing.
"""

import os
from contextlib import suppress
from pathlib import Path

LOG_BYTES_MAX = 10_000_000


class LogFile:
    """Appends lines to a file of mode 600. No method raises OSError."""

    def __init__(self, path: Path, *, bytes_max: int = LOG_BYTES_MAX) -> None:
        self.path, self.bytes_max = path, bytes_max
        self.dropped = 0
        self._descriptor: int | None = None
        self._size = 0

    def write(self, line: str) -> None:
        """Append a line, or drop it if it cannot be written now."""
        try:
            if self._size > self.bytes_max:
                self._rotate()
            descriptor = self._open() if self._descriptor is None else self._descriptor
            if self.dropped:
                # begins on a new line: the disk may hold a part of the last one
                self._append(
                    descriptor,
                    f"\n[{self.dropped} lines are missing because they could not be written]\n",
                )
                self.dropped = 0
            self._append(descriptor, line)
        except OSError:
            self.dropped += 1

    def close(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._descriptor = descriptor
        os.fchmod(descriptor, 0o600)  # everybody could read a file of an earlier version
        self._size = os.fstat(descriptor).st_size
        return descriptor

    def _rotate(self) -> None:
        self.close()
        self._size = 0
        self.path.replace(self.path.with_suffix(".log.1"))

    def _append(self, descriptor: int, line: str) -> None:
        data = line.encode(errors="replace")
        written = os.write(descriptor, data)
        self._size += written
        if written < len(data):
            raise OSError("only a part of the line was written")
