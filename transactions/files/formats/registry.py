"""The formats, one signature for all; telling them apart; a survey of what a file holds. Pure."""

import codecs
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import BinaryIO

from core.errors import InvalidInput
from transactions.files.formats import (
    ballast,
    degiro,
    fidelity,
    ghostfolio,
    ibkr_flex,
    ofx,
    portfolio_performance,
    schwab,
    schwab_realized,
    trading212,
    wealthfolio,
)
from transactions.files.reading.decoding import encoding_of, refusal
from transactions.files.reading.interface import (
    Options,
    Parsed,
    ParsedRow,
    Reader,
    RealisedReader,
    Security,
    Survey,
)
from transactions.files.reading.tables import (
    DELIMITERS,
    HEADING_ROWS,
    Layout,
    column_names,
    heading_of,
    read_records,
)

FORMATS: Mapping[str, Reader] = {
    "ballast": ballast.read,
    "degiro": degiro.read,
    "fidelity": fidelity.read,
    "ghostfolio_csv": ghostfolio.read_csv,
    "ghostfolio_json": ghostfolio.read_json,
    "ibkr_flex": ibkr_flex.read,
    "ofx": ofx.read,
    "portfolio_performance": portfolio_performance.read,
    "schwab": schwab.read,
    "trading212": trading212.read,
    "wealthfolio": wealthfolio.read,
}
REALISED: Mapping[str, RealisedReader] = {"schwab_realized": schwab_realized.read}
HEAD_BYTES = 65_536

# (format, headings that together only this format has), more particular ones first.
_SIGNATURES: tuple[tuple[str, frozenset[str]], ...] = (
    ("ballast", ballast.EXACT),
    ("schwab_realized", schwab_realized.SIGNATURE),
    ("schwab", schwab.SIGNATURE),
    ("fidelity", fidelity.SIGNATURE),
    ("trading212", trading212.SIGNATURE),
    ("wealthfolio", wealthfolio.SIGNATURE),
    ("ghostfolio_csv", ghostfolio.SIGNATURE),
    *(("ibkr_flex", signature) for signature in ibkr_flex.SIGNATURES),
)
# Formats told by their layout, because their headings come in many languages.
_LOCALISED: tuple[tuple[str, Layout], ...] = (
    ("degiro", degiro.TRANSACTIONS),
    ("degiro", degiro.ACCOUNT),
    ("portfolio_performance", portfolio_performance.LAYOUT),
)
_NO_OPTIONS = Options(now=datetime(1970, 1, 1, tzinfo=UTC))


def detect(head: bytes) -> str | None:
    """The format of a file by its first `HEAD_BYTES` bytes; None where it is none we know.

    Raises archive_not_accepted and encoding_unknown. The answer may also be a format of
    `REALISED`: lots a broker closed, not transactions.
    """
    head = head[:HEAD_BYTES]
    # A head may end within a letter or a row.
    cut = len(head)
    if cut == HEAD_BYTES:
        marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        cut = cut if marked else head.rfind(b"\n") + 1
        while not cut and head and head[-1] >= 0x80:
            head = head[:-1]
    data = io.BytesIO(head[:cut] or head)
    encoding = encoding_of(data)
    if ofx.is_ofx(head):
        return "ofx"
    if ibkr_flex.is_xml(head):
        return "ibkr_flex"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return "ghostfolio_json"
    for delimiter in DELIMITERS:
        try:
            found = _by_heading(data, encoding, delimiter)
        except InvalidInput as error:
            if error.code == "encoding_unknown":
                raise
            found = None  # with another delimiter the rows may be shorter
        if found:
            return found
    return None


def _by_heading(data: BinaryIO, encoding: str, delimiter: str) -> str | None:
    for _, record in zip(
        range(HEADING_ROWS), read_records(data, encoding, delimiter), strict=False
    ):
        names = set(column_names(record.cells))
        for name, signature in _SIGNATURES:
            if signature <= names:
                return name
        for name, layout in _LOCALISED:
            if heading_of(record, layout, _NO_OPTIONS, ""):
                return name
    return None


def parse(data: BinaryIO, options: Options, *, format: str | None = None) -> Parsed:  # noqa: A002
    """A file ready to be read, in the format given or found; `data` must be seekable."""
    if format is None:
        data.seek(0)
        head = data.read(HEAD_BYTES)
        if not head.strip():
            raise refusal("file_empty")
        format = detect(head)  # noqa: A001
    if format is None or format not in FORMATS:
        raise refusal("format_unknown", field="format")
    return Parsed(format, FORMATS[format](data, options))


def survey(rows: Iterable[ParsedRow]) -> Survey:
    """What a file holds, row by row, without keeping the rows."""
    total = importable = 0
    skipped: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    types: Counter[str] = Counter()
    accounts: dict[str, None] = {}
    securities: dict[Security, None] = {}
    currencies: dict[str, None] = {}
    first: date | None = None
    last: date | None = None
    for row in rows:
        total += 1
        importable += row.importable
        skipped.update([row.skipped.code] if row.skipped else [])
        problems.update({problem.code for problem in row.problems})
        warnings.update({warning.code for warning in row.warnings})
        entry = row.entry
        if entry is None:
            continue
        types[entry.type] += 1
        for name in filter(None, (entry.account, entry.to_account)):
            accounts[name] = None
        for security in filter(None, (entry.security, entry.new_security)):
            securities[security] = None
        currencies[entry.currency] = None
        day = entry.executed_at.date()
        first = day if first is None else min(first, day)
        last = day if last is None else max(last, day)
    return Survey(
        rows=total,
        importable=importable,
        skipped=dict(skipped),
        problems=dict(problems),
        warnings=dict(warnings),
        types=dict(types),
        accounts=tuple(accounts),
        securities=tuple(securities),
        currencies=tuple(currencies),
        first_date=first,
        last_date=last,
    )
