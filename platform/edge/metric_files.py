"""Files of the metrics that several processes share; a full disk stops none of the processes.

prometheus_client maps a sparse file. The kernel allocates disk space for a page at its first write,
and ends the process with SIGBUS if there is none. Here the whole length of a file is written before
it is mapped, so a full disk is an error that can be caught. A process then counts in memory and
moves its figures to the file when there is space again.
"""

import errno
import mmap
import os
import time
from typing import Any

from prometheus_client import mmap_dict, values

RETRY_S = 5.0
FIRST_SIZE = 1 << 16
FULL = (errno.ENOSPC, errno.EDQUOT)


def reserve(path: str, size: int) -> None:
    """Lengthen a file with real zeros. Raise OSError and leave it as it was if they do not fit."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        before = length = os.fstat(file).st_size
        try:
            while length < size:
                length += os.write(file, bytes(size - length))
        except OSError:
            os.ftruncate(file, before)
            if before == 0:  # a reader treats a file without a header as broken
                os.unlink(path)
            raise
    finally:
        os.close(file)


class ReservedDict(mmap_dict.MmapedDict):
    """Figures in a mapped file that was reserved first, or in memory while the disk is full."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        self._in_memory = False
        self._tried_s = 0.0
        try:
            reserve(filename, FIRST_SIZE)
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._f: Any = None
            self._fname = filename
            self._positions: dict[str, int] = {}
            self._used = 8
            self._capacity = FIRST_SIZE
            self._m = mmap.mmap(-1, FIRST_SIZE)
            self._m[:4] = self._used.to_bytes(4, "little")
            self._wait_for_space()

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        if self._in_memory and time.monotonic() - self._tried_s >= RETRY_S:
            self._move_to_file()
        super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._m.close()
        if self._f:
            self._f.close()
            self._f = None

    def _init_value(self, key: str) -> None:
        # At most 4 bytes of length, 8 of padding and two doubles of 8 accompany the key.
        if self._used + len(key.encode()) + 28 > self._capacity:
            self._grow()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self) -> None:
        self._capacity *= 2
        if not self._in_memory:
            try:
                reserve(self._fname, self._capacity)
                self._m = mmap.mmap(self._f.fileno(), self._capacity)
                return
            except OSError as error:
                if error.errno not in FULL:
                    raise
        larger = mmap.mmap(-1, self._capacity)
        larger[: self._used] = self._m[: self._used]
        self._m = larger
        self._wait_for_space()

    def _move_to_file(self) -> None:
        """Map the file again, with every figure counted since, if there is space for it."""
        try:
            reserve(self._fname, self._capacity)
            file = self._f or open(self._fname, "a+b")  # noqa: SIM115
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._wait_for_space()
            return
        mapped = mmap.mmap(file.fileno(), self._capacity)
        mapped[8 : self._used] = self._m[8 : self._used]
        mapped[:8] = self._m[:8]  # the length last: concurrent readers see complete figures
        self._f, self._m, self._in_memory = file, mapped, False

    def _wait_for_space(self) -> None:
        self._in_memory = True
        self._tried_s = time.monotonic()


def install() -> None:
    """Make prometheus_client use reserved files; call this before the first metric is created."""
    values.MmapedDict = ReservedDict  # type: ignore[attr-defined]
