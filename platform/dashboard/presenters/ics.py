"""Days as a file of a calendar program (RFC 5545). Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_LINE_BYTES_MAX = 75


@dataclass(frozen=True, slots=True)
class Event:
    """A whole day, or days up to `until`. The same `uid` replaces an event imported before."""

    uid: str
    first: date
    until: date
    title: str
    text: str


def calendar(events: Iterable[Event], *, name: str, made_at: datetime) -> str:
    """Return the file; `made_at` in UTC."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Ballast//Tax calendar//EN",
        f"X-WR-CALNAME:{_escaped(name)}",
    ]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_escaped(event.uid)}",
            f"DTSTAMP:{made_at:%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{event.first:%Y%m%d}",
            # The end is the day after the last one.
            f"DTEND;VALUE=DATE:{event.until + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(event.title)}",
            f"DESCRIPTION:{_escaped(event.text)}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _escaped(text: str) -> str:
    plain = "".join(sign for sign in text if sign == "\n" or sign.isprintable())
    for sign in ("\\", ";", ","):
        plain = plain.replace(sign, f"\\{sign}")
    return plain.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Yield the line in parts of at most 75 bytes, each after the first begun by a space."""
    part = ""
    for sign in line:
        if len((part + sign).encode()) > _LINE_BYTES_MAX:
            yield part
            part = " "
        part += sign
    yield part
