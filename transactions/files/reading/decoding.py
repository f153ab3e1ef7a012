"""Decoding of bytes to lines of text, with detection of the encoding. Pure.

A file is UTF-8 (with or without its mark) or UTF-16 with a mark. Otherwise it is Windows-1252 if
its bytes above 127 are few and each is a letter, a currency sign or a quotation mark there. Any
other encoding has to be named. A file is read in pieces and never held as one string.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from core.errors import InvalidInput
from core.limits import IMPORT_ROW_CHARS_MAX
from transactions.files.reading.interface import FILE_CODES

CHUNK_BYTES = 1 << 16
DECLARABLE = {
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "cp1252": "cp1252",
    "windows-1252": "cp1252",
    "iso-8859-1": "cp1252",  # the usual encoding of files with this name
    "latin-1": "cp1252",
    "iso-8859-15": "iso-8859-15",
}
# An XML declaration is in the first bytes of a file.
_XML_ENCODING = re.compile(rb"^<\?xml [^<>]{0,80}encoding=[\"']([A-Za-z0-9._-]{1,40})[\"']")
# zip (also xlsx, ods), gzip, bzip2, xz, 7z, rar, zstd, old Office documents, PDF.
ARCHIVES = (
    *(b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"),
    *(b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x28\xb5\x2f\xfd", b"\xd0\xcf\x11\xe0", b"%PDF"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_HIGH = re.compile(rb"[\x80-\xff]")
# Windows-1252 characters of statements: currency, quotes, dashes, degree, fractions, letters.
_PLAUSIBLE = frozenset(b"\x80\x82\x84\x85\x8a\x8c\x8e\x91\x92\x93\x94\x95\x96\x97\x99\x9a\x9c\x9e")
_PLAUSIBLE |= frozenset(b"\x9f\xa0\xa1\xa3\xa7\xa9\xaa\xab\xae\xb0\xb2\xb3\xb4\xb7\xba\xbb\xbf")
_PLAUSIBLE |= frozenset(range(0xC0, 0x100)) - {0xD7, 0xF7}
_HIGH_SHARE_MAX = 0.1
# Characters that cannot be stored in a database or UTF-8: U+0000, half of a surrogate pair.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def refusal(code: str, detail: str = "", *, field: str = "file") -> InvalidInput:
    """Return the error for a whole file."""
    text = detail or FILE_CODES[code]
    return InvalidInput(text, code=code, fields={field: [text]})


def storable(text: str) -> str:
    """Return the text with U+FFFD for each character that cannot be stored."""
    return _UNSTORABLE.sub("\ufffd", text)


def refuse_archives(head: bytes) -> None:
    """Refuse archives: files are never unpacked, so none can expand to an unbounded size."""
    if head.startswith(ARCHIVES):
        raise refusal("archive_not_accepted")


def chunks(data: BinaryIO) -> Iterator[bytes]:
    while chunk := data.read(CHUNK_BYTES):
        yield chunk


def encoding_of(data: BinaryIO, *, declared: str | None = None) -> str:
    """Return Python's name of the encoding; reads `data` from its beginning to its end."""
    data.seek(0)
    head = data.read(8)
    refuse_archives(head)
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked and not head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-16"
    data.seek(0)
    if declared is not None:
        name = DECLARABLE.get(declared.strip().lower())
        if name is None:
            raise refusal(
                "options_invalid",
                f"The encoding {declared[:40]!r} is not read. Choose one of: "
                f"{', '.join(DECLARABLE)}.",
                field="encoding",
            )
        return name
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, size, high = True, 0, 0
    for chunk in chunks(data):
        if _CONTROLS.search(chunk):
            raise refusal("encoding_unknown")
        if utf8:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                utf8 = False
        found = _HIGH.findall(chunk)
        if not utf8 and any(byte[0] not in _PLAUSIBLE for byte in found):
            raise refusal("encoding_unknown")
        size, high = size + len(chunk), high + len(found)
    if utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            utf8 = False
    if utf8:
        return "utf-8-sig"
    data.seek(0)
    if high > size * _HIGH_SHARE_MAX or not all(
        byte[0] in _PLAUSIBLE for chunk in chunks(data) for byte in _HIGH.findall(chunk)
    ):
        raise refusal("encoding_unknown")
    return "cp1252"


def xml_encoding(head: bytes) -> str | None:
    """Return the encoding that an XML declaration names, if any; refuse unsupported names.

    The parser never looks for a codec by itself: some of Python's codecs are no text encoding.
    """
    found = _XML_ENCODING.match(head.removeprefix(codecs.BOM_UTF8))
    if found is None:
        return None
    name = found[1].decode().lower()
    if name not in {*DECLARABLE, "us-ascii", "ascii"}:
        raise refusal("encoding_unknown", f"The file declares the encoding {name}.")
    return "utf-8" if name.endswith("ascii") else name


def text_lines(data: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines of the file from its beginning, each ending in one newline.

    A line ends with CR LF, LF or CR, within quotes as well.
    """
    data.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    pending = ""
    try:
        for chunk in chunks(data):
            pending, lines = _split(pending + decoder.decode(chunk))
            yield from lines
        pending += decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise refusal("encoding_unknown") from error
    pending, lines = _split(pending + "\n")
    yield from lines[:-1]
    if lines and lines[-1] != "\n":
        yield lines[-1]


def text_pieces(data: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the text of the file from its beginning, in pieces, for formats without lines."""
    data.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chunks(data):
            piece = decoder.decode(chunk)
            if "\0" in piece:
                raise refusal("encoding_unknown")
            yield piece
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise refusal("encoding_unknown") from error


def _split(text: str) -> tuple[str, list[str]]:
    """Return the unfinished rest of the text, and the whole lines before it."""
    if "\0" in text:
        raise refusal("encoding_unknown")
    held = "\r" if text.endswith("\r") else ""  # its LF may be in the next piece
    text = text[: len(text) - len(held)]
    *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(rest) > IMPORT_ROW_CHARS_MAX or any(len(line) > IMPORT_ROW_CHARS_MAX for line in lines):
        raise refusal("row_too_long")
    return rest + held, [line + "\n" for line in lines]
