"""OFX and QFX: version 1 (SGML) and version 2 (XML), read by one small grammar of our own. Pure.

    <TAG>text   a value; its end tag may be missing
    <TAG>       a group, until </TAG>

Neither of the two libraries fits: ofxtools is under the GPL, which this project cannot carry, and
ofxparse has had no release since 2021 and leaves out what it does not know. The grammar knows no
entities but the five of XML; a document type is refused. The file is streamed, twice: securities
stand at its end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from core.limits import IMPORT_ROW_CHARS_MAX, IMPORT_ROWS_MAX
from transactions.files.formats.ofx_rows import KINDS, rows_of
from transactions.files.reading.decoding import encoding_of, refusal, text_pieces
from transactions.files.reading.interface import Options, ParsedRow, Security
from transactions.files.reading.lines import Fingerprints, Line

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z0-9._]+)\s*(?P<empty>/?)>(?P<text>[^<]*)")
_ASIDE = re.compile(r"<\?[^<>]*\?>|<!--.*?-->", re.DOTALL)
_CDATA = re.compile(r"<!\[CDATA\[(?P<text>.*?)\]\]>", re.DOTALL)
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#\d{1,6});")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
DEPTH_MAX = 32
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
    for group in groups(data, encoding):
        if group.name == _SECURITY and len(securities) < IMPORT_ROWS_MAX:
            number = group.values.get("UNIQUEID", "")
            kind = group.values.get("UNIQUEIDTYPE", "").upper()
            securities[number] = Security(
                symbol=group.values.get("TICKER", "")[:64],
                isin=number if kind == "ISIN" else "",
                cusip=number[:64] if kind != "ISIN" else "",
                name=group.values.get("SECNAME", "")[:120],
            )
    names, count = Fingerprints(), 0
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
        )
        for row in rows_of(line, group.name, group.account, group.currency, securities):
            yield names.name(row, timed=line.timed)


def _raw(values: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in values.items() if "." not in name}


def groups(data: BinaryIO, encoding: str) -> Iterator[Group]:
    """Every transaction and security of the file, in its order."""
    stack: list[str] = []
    open_group: Group | None = None
    account = currency = ""
    seen = False
    for line, end, name, text in tags(data, encoding):
        if end:
            if name not in stack:
                continue  # the end of a value
            while stack.pop() != name:
                pass
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
            if open_group is None and (listed or name in KINDS or name == _SECURITY):
                open_group = Group(name, line, account=account, currency=currency)
            continue
        if open_group is not None:
            parent = stack[-1] if stack else ""
            open_group.values.setdefault(name, text)
            open_group.values.setdefault(f"{parent}.{name}", text)
        elif name == "CURDEF":
            currency = text.upper()
        elif name == "ACCTID" and _ACCOUNTS & set(stack):
            account = text[:120]
    if not seen or "OFX" in stack:
        raise refusal("document_invalid", "The file ends before </OFX>.")


def tags(data: BinaryIO, encoding: str) -> Iterator[tuple[int, bool, str, str]]:
    """(line, whether an end tag, name, the text after it) of every tag."""
    buffer, line, begun = "", 1, False
    for piece in text_pieces(data, encoding):
        buffer += piece
        if not begun:
            start = buffer.find("<")
            if start < 0:
                if len(buffer) > IMPORT_ROW_CHARS_MAX:
                    raise refusal("document_invalid")
                continue
            line += buffer.count("\n", 0, start)
            buffer, begun = buffer[start:], True
        cut = buffer.rfind("<")
        if cut <= 0:
            _bounded(buffer)
            continue
        found, buffer = buffer[:cut], buffer[cut:]
        if "<![CDATA[" in found and found.rfind("<![CDATA[") > found.rfind("]]>"):
            place = found.rfind("<![CDATA[")
            found, buffer = found[:place], found[place:] + buffer
        _bounded(buffer)
        yield from _tags(found, line)
        line += found.count("\n")
    yield from _tags(buffer, line)


def _bounded(buffer: str) -> None:
    if len(buffer) > 4 * IMPORT_ROW_CHARS_MAX:
        raise refusal("document_invalid", "A tag never ends.")


def _tags(text: str, line: int) -> Iterator[tuple[int, bool, str, str]]:
    upper = text.upper()
    if "<!DOCTYPE" in upper or "<!ENTITY" in upper:
        raise refusal("entities_refused")
    text = _ASIDE.sub(_newlines, text)
    text = _CDATA.sub(lambda match: match["text"].replace("<", "&lt;"), text)
    place = 0
    for match in _TAG.finditer(text):
        line += text.count("\n", place, match.start())
        place = match.start()
        value = _ENTITY.sub(_character, match["text"].strip())
        if not match["empty"]:
            yield line, bool(match["end"]), match["name"].upper(), value


def _newlines(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if name.startswith("#"):
        code = int(name[1:])
        return chr(code) if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else " "
    return _CHARACTERS[name]
