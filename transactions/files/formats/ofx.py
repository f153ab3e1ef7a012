"""OFX and QFX: version 1 (SGML) and version 2 (XML), read by one small grammar of our own. Pure.

    <TAG>text   a value; its end tag may be missing
    <TAG>       a group, until </TAG>

Neither of the two libraries fits. The license of ofxtools, the GPL, does not suit this project.
ofxparse has had no release since 2021 and leaves out unknown elements. The grammar has no entities
except the five of XML; a document type is refused. The file is streamed twice, because the
securities stand at its end.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import BinaryIO

from core.limits import IMPORT_ROW_CHARS_MAX, IMPORT_ROWS_MAX
from transactions.files.formats.declaration import ReadFormat
from transactions.files.formats.ofx_exchanges import Move, exchanges
from transactions.files.formats.ofx_rows import (
    KINDS,
    iso_date,
    plain_decimal,
    rows_of,
    security_of,
)
from transactions.files.reading.cells import number
from transactions.files.reading.decoding import encoding_of, refusal, text_pieces
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import Options, ParsedRow, Security
from transactions.files.reading.lines import Line

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z0-9._]{1,64})\s{0,8}(?P<empty>/?)>")
# Asides with their own start and end marks; `<!` alone is a document type or an entity.
_ASIDES = (("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>"))
_OPENING_CHARS = len("<![CDATA[")
_TEXT_CHARS_MAX = 4 * IMPORT_ROW_CHARS_MAX
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#\d{1,6});")
_ENTITY_CHARS_MAX = 8
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
DEPTH_MAX = 32
_VALUES_MAX = 500
_ACCOUNTS = frozenset({"INVACCTFROM", "BANKACCTFROM", "CCACCTFROM"})
_SECURITY = "SECINFO"
_LISTS = frozenset({"INVTRANLIST", "BANKTRANLIST"})


def is_ofx(head: bytes) -> bool:
    return b"OFXHEADER" in head[:2048].upper() or b"<OFX>" in head[:4096].upper()


@dataclass(slots=True)
class Group:
    """One closed group: its values by name and by `GROUP.NAME`, the first of each."""

    name: str
    line: int
    values: dict[str, str] = field(default_factory=dict)
    account: str = ""
    currency: str = ""


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    encoding = encoding_of(data, declared=options.encoding)
    securities: dict[str, Security] = {}
    moved: list[Group] = []
    for group in groups(data, encoding):
        if group.name == "TRANSFER" and len(moved) < IMPORT_ROWS_MAX:
            moved.append(group)
        elif group.name == _SECURITY and len(securities) < IMPORT_ROWS_MAX:
            number = group.values.get("UNIQUEID", "")
            kind = group.values.get("UNIQUEIDTYPE", "").upper()
            securities[number] = Security(
                symbol=group.values.get("TICKER", "")[:64],
                isin=number if kind == "ISIN" else "",
                cusip=number[:64] if kind != "ISIN" else "",
                name=group.values.get("SECNAME", "")[:120],
            )
    exchanged = exchanges(_move(place, group, securities) for place, group in enumerate(moved))
    names, count, transfers = Fingerprints(), 0, 0
    for group in groups(data, encoding):
        if group.name == _SECURITY:
            continue
        count += 1
        if count > IMPORT_ROWS_MAX:
            raise refusal("rows_too_many")
        line = Line(
            group.line,
            cells=group.values,
            columns={},
            stated={"transaction": group.name, **_raw(group.values)},
            options=options,
            date_order="ymd",
            group=str(count),
        )
        exchange = None
        if group.name == "TRANSFER":
            exchange, transfers = exchanged.get(transfers), transfers + 1
        for row in rows_of(line, group.name, group.account, group.currency, securities, exchange):
            yield names.name(row, timed=line.timed)


def _move(place: int, group: Group, securities: Mapping[str, Security]) -> Move:
    values, units = group.values, number(plain_decimal(group.values.get("UNITS", "")), ".")
    unique = values.get("UNIQUEID", "")
    return Move(
        place,
        group.account,
        iso_date(values.get("DTTRADE", ""))[:10],
        securities.get(unique) or security_of(unique, values.get("UNIQUEIDTYPE", "")),
        abs(units or Decimal(0)),
        values.get("TFERACTION", "").upper() == "OUT",
        values.get("MEMO", ""),
    )


def _raw(values: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in values.items() if "." not in name}


def groups(
    data: BinaryIO, encoding: str, *, also: Collection[str] = frozenset()
) -> Iterator[Group]:
    """Yield every transaction and security of the file, and the groups in `also`, in its order.

    A value outside of any group whose name is in `also` is a group of its own.
    """
    stack: list[str] = []
    open_group: Group | None = None
    account = currency = ""
    seen = False
    for line, end, name, text in tags(data, encoding):
        if end:
            if name not in stack:
                continue  # the end of a value
            del stack[len(stack) - 1 - stack[::-1].index(name) :]
            if open_group is not None and open_group.name not in stack:
                yield open_group
                open_group = None
            continue
        seen = seen or name == "OFX"
        if not text:
            listed = bool(stack) and stack[-1] in _LISTS
            stack.append(name)
            if len(stack) > DEPTH_MAX:
                raise refusal("document_invalid", f"Line {line}: nested too deeply.")
            wanted = listed or name in KINDS or name == _SECURITY or name in also
            if open_group is None and wanted:
                open_group = Group(name, line, account=account, currency=currency)
            continue
        if open_group is not None:
            parent = stack[-1] if stack else ""
            open_group.values.setdefault(name, text)
            open_group.values.setdefault(f"{parent}.{name}", text)
            if len(open_group.values) > _VALUES_MAX:
                raise refusal("document_invalid", f"Line {line}: a transaction never ends.")
        elif name == "CURDEF":
            currency = text.upper()
        elif name == "ACCTID" and _ACCOUNTS & set(stack):
            account = text[:120]
        elif name in also:
            yield Group(name, line, {name: text}, account, currency)
    if not seen or "OFX" in stack:
        raise refusal("document_invalid", "The file ends before </OFX>.")


@dataclass(slots=True)
class _Tag:
    """A tag and the text after it, as far as it has been read."""

    line: int
    is_end: bool
    name: str
    parts: list[str] = field(default_factory=list)
    chars: int = 0

    def add(self, text: str) -> None:
        self.chars += len(text)
        if self.chars > _TEXT_CHARS_MAX:
            raise refusal("document_invalid", f"Line {self.line}: the text never ends.")
        self.parts.append(text)

    def told(self) -> tuple[int, bool, str, str]:
        return self.line, self.is_end, self.name, "".join(self.parts).strip()


def tags(data: BinaryIO, encoding: str) -> Iterator[tuple[int, bool, str, str]]:
    """Yield (line, whether an end tag, name, the text after it) of every tag.

    Every character is read a bounded number of times: a tag or text without an end is refused once
    it is longer than `_TEXT_CHARS_MAX`.
    """
    line, last = 1, _Tag(1, True, "")
    for text in _pieces(data, encoding):
        if not text.startswith("<"):
            last.add(_ENTITY.sub(_character, text))
        elif text.startswith("<![CDATA["):
            last.add(text[9:-3])
        elif text.startswith("<!") and not text.startswith("<!--"):
            raise refusal("entities_refused")
        elif match := _TAG.fullmatch(text):
            if last.name:
                yield last.told()
            last = _Tag(line, bool(match["end"]), match["name"].upper())
            if match["empty"]:
                last.name = ""
        line += text.count("\n")
    if last.name:
        yield last.told()


def _pieces(data: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the text from the first `<` on, cut into whole tags, asides and the text between them.

    The text between may come in several pieces.
    """
    buffer, begun = "", False
    for piece in chain(text_pieces(data, encoding), (None,)):
        buffer += piece or ""
        place = 0
        while place < len(buffer):
            start = buffer.find("<", place)
            if start < 0:
                start = len(buffer)
            if start > place:
                # Only the line count of version 1's heading is used; an entity is not cut in two.
                start = _before_entity(buffer, place, start, is_end=piece is None)
                if start > place:
                    yield buffer[place:start] if begun else "\n" * buffer.count("\n", place, start)
                place = start
                if start == len(buffer) or buffer[start] != "<":
                    break
            end = _end_of(buffer, place, is_end=piece is None)
            if end < 0:
                break
            begun = True
            yield buffer[place:end]
            place = end
        buffer = buffer[place:]
        if len(buffer) > _TEXT_CHARS_MAX:
            raise refusal("document_invalid", "A tag never ends.")


def _before_entity(buffer: str, place: int, start: int, *, is_end: bool) -> int:
    """Return where the text may be cut: before an unfinished `&` at the end of the text read."""
    if is_end or start < len(buffer):
        return start
    cut = buffer.rfind("&", max(place, start - _ENTITY_CHARS_MAX), start)
    return start if cut < 0 else cut


def _end_of(buffer: str, start: int, *, is_end: bool) -> int:
    """Return the place after the tag or aside that begins at `start`; -1 if its end is not read."""
    if len(buffer) - start < _OPENING_CHARS and not is_end:
        return -1
    for opening, closing in _ASIDES:
        if buffer.startswith(opening, start):
            found = buffer.find(closing, start + len(opening))
            return found + len(closing) if found >= 0 else _unended(buffer, is_end)
    other = buffer.find("<", start + 1)
    end = buffer.find(">", start + 1, other if other >= 0 else len(buffer))
    if end >= 0:
        return end + 1
    return other if other >= 0 else _unended(buffer, is_end)  # a `<` that begins no tag


def _unended(buffer: str, is_end: bool) -> int:
    return len(buffer) if is_end else -1


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if name.startswith("#"):
        code = int(name[1:])
        return chr(code) if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else " "
    return _CHARACTERS[name]


FORMATS = [ReadFormat(name="ofx", title="OFX or QFX", read=read, is_head=is_ofx)]
