"""The archive of PostgreSQL's write-ahead log, piece by piece, below BACKUP_DIR.

BACKUP_DIR/log/000000010000000000000007.gz    one piece of 16 MB, compressed
"""

import gzip
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# A moment is lost at most so long: a piece that is not full is archived after this time.
PIECE_S_MAX = 60
_PIECE = re.compile(r"[0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?\.gz")


def settings(log: Path) -> Mapping[str, str]:
    """Return the settings of a server that archives its log.

    The command writes under another name first, so a piece is complete or absent. It takes a piece
    that is there already only if it is the same: PostgreSQL may ask twice after a crash.
    """
    piece, part = f"{_quoted(log)}/%f.gz", f"{_quoted(log)}/.%f.part"
    command = (
        f"if test -f {piece}; then gzip -dc {piece} | cmp -s - %p; "
        f"else gzip -1 -c %p > {part} && sync {part} && mv {part} {piece}; fi"
    )
    return {
        "archive_mode": "on",
        "archive_command": command,
        "archive_timeout": str(PIECE_S_MAX),
    }


def restore_command(log: Path, *, unarchived: Path) -> str:
    """Return the command that fetches a piece: archived, or left in the log of the old cluster."""
    return (
        f"gzip -dc {_quoted(log)}/%f.gz > %p 2>/dev/null || cp {_quoted(unarchived)}/%f %p "
        "2>/dev/null"
    )


def _quoted(path: Path) -> str:
    """Return a path as a shell and PostgreSQL's placeholders take it."""
    return shlex.quote(str(path)).replace("%", "%%")


def pieces_needed(manifest: Mapping[str, object]) -> tuple[str, str]:
    """Return the first and the last piece that a base back-up needs, from its manifest."""
    ranges = manifest["WAL-Ranges"]
    assert isinstance(ranges, list)
    assert ranges, "a base back-up has a range of the log"
    first = _piece_name(ranges[0]["Timeline"], _place(ranges[0]["Start-LSN"]))
    # The end is the first byte after the range.
    return first, _piece_name(ranges[-1]["Timeline"], _place(ranges[-1]["End-LSN"]) - 1)


def _place(text: str) -> int:
    high, low = (int(part, 16) for part in text.split("/"))
    return (high << 32) + low


def _piece_name(timeline: int, place: int) -> str:
    return f"{timeline:08X}{place >> 32:08X}{(place & 0xFFFFFFFF) >> 24:08X}"


@dataclass(frozen=True)
class Line:
    """The history of one cluster: its timeline, and where each earlier one was left for it.

    Every restore begins a timeline. What an earlier one logged after the restored moment is of
    another history, although it is in the same archive.
    """

    timeline: int
    left: Mapping[int, int]

    def holds(self, manifest: Mapping[str, object]) -> bool:
        """Return whether a base back-up is of this history."""
        ranges = manifest["WAL-Ranges"]
        assert isinstance(ranges, list)
        timeline, end = ranges[-1]["Timeline"], _place(ranges[-1]["End-LSN"])
        if timeline == self.timeline:
            return True
        return timeline in self.left and end <= self.left[timeline]


def line_of(log: Path, own: Path | None) -> Line:
    """Return the history of the cluster with this log of its own, or else the newest archived."""
    paths = log.glob("*.history.gz") if own is None else own.glob("*.history")
    found = {path.name[:8]: path for path in paths}
    if not found:
        return Line(1, {})
    newest = found[max(found)]
    text = gzip.decompress(newest.read_bytes()) if newest.suffix == ".gz" else newest.read_bytes()
    left = {}
    for row in text.decode().splitlines():
        words = row.split()
        if len(words) > 1 and words[0].isdecimal():
            left[int(words[0])] = _place(words[1])
    return Line(int(newest.name[:8], 16), left)


def forget_before(log: Path, piece: str) -> int:
    """Delete the pieces that no back-up needs any more; return how many.

    The first eight digits are the timeline, the rest the place in it.
    """
    old = [
        path
        for path in log.iterdir()
        if _PIECE.fullmatch(path.name) and path.name[8:24] < piece[8:24]
    ]
    for path in old:
        path.unlink()
    return len(old)
