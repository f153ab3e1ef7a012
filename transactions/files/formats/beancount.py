"""beancount: the journals that importers of brokers' files write. Pure.

    2024-01-03 * "Broker" "Buy VTI"
      Assets:Broker:VTI        20 VTI {230.00 USD, 2024-01-03}
      Assets:Broker:Cash    -4601.00 USD
      Expenses:Fees             1.00 USD
    2024-02-01 balance Assets:Broker:Cash  399.00 USD

Transactions are read (`postings`) with costs in one or two braces, prices after `@` or `@@`, dates,
labels, tags, links and metadata. A `balance` of the one cash account of a group is a check of the
statement: it holds at the beginning of its day. `pad` writes a transaction that the file does not
state, so it is refused. Amounts are plain numbers; one that is an expression is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import BinaryIO

from core.limits import IMPORT_ROWS_MAX
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.cells import number
from transactions.files.reading.decoding import encoding_of, refusal, text_lines
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import Balance, Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.postings import Books, Posting, Worth, rows_of

_LINE_CHARS_MAX = 1_000
# Lines are matched with single spaces, so every repetition has an end.
_DIRECTIVE = re.compile(
    r"(?P<day>\d{4}[-/]\d\d[-/]\d\d) (?P<word>txn|[*!&#?%PSTCURM]|[a-z]{3,9})"
    r"(?: (?P<rest>.{0,1000}))?"
)
_NUMBER = r"[-+]? ?[\d,]{1,25}(?:\.\d{0,20})?"
_COMMODITY = r"[A-Z][A-Z0-9'._-]{0,23}"
_AMOUNT = re.compile(rf"(?P<number>{_NUMBER}) ?(?P<commodity>{_COMMODITY})")
_ACCOUNT = re.compile(
    r"(?:[*!&#?%PSTCURM] )?(?P<account>[^\W\d_][\w-]{0,60}(?::[\w-]{1,60}){1,12})(?: |$)"
)
_COST = re.compile(r"\{\{(?P<total>[^{}]{0,200})\}\}|\{(?P<each>[^{}]{0,200})\}")
_PRICE = re.compile(r"(?P<sign>@@?) ?")
_META = re.compile(r"[a-z][\w-]{0,80}:(?: |$)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TEXT = re.compile(r'"([^"]{0,400})"')
# An account that is opened or asserted, or the first posting below a transaction.
_HEAD = re.compile(
    rb"^\d{4}[-/]\d\d[-/]\d\d[ \t]{1,8}(?:open|balance|pad|close)[ \t]{1,8}[^\W\d_][\w-]{0,60}:"
    rb"|^\d{4}[-/]\d\d[-/]\d\d[ \t]{1,8}(?:\*|!|txn)[^\r\n]{0,200}\r?\n[ \t]{1,8}"
    rb"(?:[a-z][\w-]{0,40}:[^\r\n]{0,200}\r?\n[ \t]{1,8}){0,4}[A-Z][\w-]{0,60}:[A-Z0-9]",
    re.MULTILINE,
)
_OTHERS = frozenset(
    {"open", "close", "price", "commodity", "note", "document", "event", "custom", "query"}
)


@dataclass(slots=True)
class _Entry:
    """A dated directive, with the indented lines below it."""

    number: int
    day: str
    word: str
    rest: str
    legs: list[str] = field(default_factory=list)


def is_beancount(head: bytes) -> bool:
    return bool(_HEAD.search(head))


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    """Read the file twice: first to learn which accounts hold investments, then the rows."""
    books, names, last = Books(), Fingerprints(), ""
    for entry in _entries(data, options):
        if entry.word == "*":
            books.learn(posting for posting in map(_posting, entry.legs) if posting)
    for entry in _entries(data, options):
        line = _line(entry, options)
        if entry.word == "*":
            postings = [_posting(leg) for leg in entry.legs]
            if not all(postings):
                yield line.refused("row_invalid", "A posting of it cannot be read.")
                continue
            for row in rows_of(line, [posting for posting in postings if posting], books):
                yield names.name(row)
        elif entry.word == "balance":
            found = _balance(entry, books, options) if entry.day >= last else None
            yield replace(line.skip("summary"), balance=found)
        elif entry.word == "pad":
            yield line.refused("event_incomplete", "It pads what the file does not state.")
        elif entry.word in _OTHERS:
            yield line.skip("informational")
        else:
            yield line.skip("text_line")
        last = max(last, entry.day)


def _entries(data: BinaryIO, options: Options) -> Iterator[_Entry]:
    """Yield the directives of a file; options, includes and stray lines have no day."""
    held: _Entry | None = None
    encoding = encoding_of(data, declared=options.encoding)
    for count, text in enumerate(text_lines(data, encoding), start=1):
        if count > IMPORT_ROWS_MAX:
            raise refusal("rows_too_many")
        indented = text[:1].isspace()
        line = " ".join(_uncommented(text[:_LINE_CHARS_MAX]).split())
        if not line:
            continue
        if indented:
            if held is not None and not _META.match(line):
                held.legs.append(line)
            continue
        if held is not None:
            yield held
        found = _DIRECTIVE.fullmatch(line)
        if found is None:
            held = _Entry(count, "", line.split()[0], line)
            continue
        word = found["word"] if len(found["word"]) > 3 or found["word"] == "pad" else "*"
        held = _Entry(count, found["day"], word, found["rest"] or "")
    if held is not None:
        yield held


def _uncommented(text: str) -> str:
    """Return a line without its comment; a semicolon in a string begins none."""
    quoted = False
    for place, sign in enumerate(text):
        quoted = quoted != (sign == '"')
        if sign == ";" and not quoted:
            return text[:place]
    return text


def _line(entry: _Entry, options: Options) -> Line:
    note = " ".join(_TEXT.findall(entry.rest))
    raw = {"line": f"{entry.day} {entry.word} {entry.rest}".strip()}
    raw |= {f"posting {place}": leg for place, leg in enumerate(entry.legs[:30], start=1)}
    cells = {"date": entry.day, "note": note}
    found = Line(entry.number, cells, {}, options, stated=raw, date_order="ymd")
    found.group = str(entry.number)
    return found


def _posting(text: str) -> Posting | None:
    """Return the posting of an indented line; None if it cannot be read."""
    found = _ACCOUNT.match(text)
    if found is None:
        return None
    account, rest = found["account"], text[found.end() :].strip()
    if not rest:
        return Posting(account, None)
    amount = _AMOUNT.match(rest)
    if amount is None:
        return None
    units = number(amount["number"].replace(" ", ""), ".")
    rest, cost, price = rest[amount.end() :].strip(), None, None
    if braces := _COST.match(rest):
        inner = braces["total"] if braces["total"] is not None else braces["each"]
        cost, rest = _cost(inner, braces["total"] is not None), rest[braces.end() :].strip()
        if cost is None and inner.strip():
            return None
    if at := _PRICE.match(rest):
        stated = _AMOUNT.fullmatch(rest[at.end() :])
        if stated is None:
            return None
        price, rest = _worth(stated, at["sign"] == "@@"), ""
    if rest or units is None:
        return None
    return Posting(account, units, amount["commodity"], cost, price)


def _cost(text: str, in_total: bool) -> Worth | None:
    """Return the cost in braces: an amount, and perhaps the day and the label of the lot."""
    found, day = None, None
    for part in (part.strip() for part in text.split(",") if part.strip()):
        if amount := _AMOUNT.fullmatch(part):
            found = _worth(amount, in_total)
        elif _DAY.fullmatch(part):
            try:
                day = date.fromisoformat(part)
            except ValueError:
                return None
        elif not (part.startswith('"') or part == "*"):
            return None
    return found and replace(found, day=day)


def _worth(amount: re.Match[str], in_total: bool) -> Worth | None:
    value = number(amount["number"].replace(" ", ""), ".")
    return None if value is None else Worth(value, amount["commodity"], in_total)


def _balance(entry: _Entry, books: Books, options: Options) -> Balance | None:
    """Return the cash that a `balance` states, if its account alone holds its group's cash."""
    found = _posting(entry.rest.partition("~")[0].strip() if "~" in entry.rest else entry.rest)
    if found is None or found.units is None or found.account not in books.cash:
        return None
    group = books.of[found.account]
    alone = sum(1 for account in books.cash if books.of[account] == group) == 1
    chosen = options.account in ("", books.name_of(found.account))
    single = len(set(books.of.values())) == 1 or options.account
    return Balance(found.commodity, found.units) if alone and chosen and single else None


FORMATS = [
    ReadFormat(name="beancount", title="beancount", read=read, is_head=is_beancount),
]
