"""Portfolio Performance's own file, as XML: its accounts and portfolios with all they did. Pure.

    element    written in full where it is used first; later uses have a `reference`: an id, or a
               path like `../../securities/security[2]` from the referring element
    amount     in hundredths, shares in hundred-millionths
    account    a cash account and the one portfolio that refers to it are one account of ours

A purchase or a sale stands on both sides; that of the portfolio is read. It must be paid from the
portfolio's own cash account. Prices, classifications and settings are not read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import BinaryIO
from xml.parsers import expat

from core.limits import IMPORT_ROW_CHARS_MAX
from core.money import plain
from transactions.files.formats.declaration import ReadFormat
from transactions.files.formats.portfolio_performance import LAYOUT, transaction_rows
from transactions.files.reading.cells import number
from transactions.files.reading.decoding import encoding_of, refusal, text_pieces, xml_encoding
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line

# Files of older versions have other scales. Elements bound the memory: about 25 a transaction.
VERSION_MIN = 66
_NODES_MAX, _DEPTH_MAX, _TEXT_MAX, _LINKS_MAX = 1_000_000, 500, 10_000, 8
_SILENT_MAX = 4 * IMPORT_ROW_CHARS_MAX
_READ = frozenset({"version", "baseCurrency", "securities", "accounts", "portfolios"})
_UNREAD = frozenset({"prices", "latest", "attributes", "events", "properties"})
_LABELS = {
    "REMOVAL": "Removal",
    "DIVIDENDS": "Dividend",
    "INTEREST_CHARGE": "Interest Charge",
    "FEES_REFUND": "Fees Refund",
    "TAX_REFUND": "Tax Refund",
    "TRANSFER_IN": "Transfer (Inbound)",
    "TRANSFER_OUT": "Transfer (Outbound)",
    "DELIVERY_INBOUND": "Delivery (Inbound)",
    "DELIVERY_OUTBOUND": "Delivery (Outbound)",
}


_COSTS = {"FEE": "fee", "TAX": "tax"}


@dataclass(slots=True, eq=False)
class Node:
    """One element, with its children by name."""

    name: str
    line: int
    parent: "Node | None"
    attributes: Mapping[str, str]
    children: dict[str, list["Node"]] | None = None
    text: str = ""

    def all(self, name: str) -> list["Node"]:
        return (self.children or {}).get(name, [])


def is_file(head: bytes) -> bool:
    start = head[:2_000].replace(b"\0", b"")
    return b"<client>" in start or b"<client " in start


@dataclass(slots=True)
class Document:
    """The elements that are read, and those that have an id."""

    root: Node
    ids: dict[str, Node]

    def real(self, node: Node) -> Node | None:
        """Return the element that is meant: the one that a reference leads to."""
        for _ in range(_LINKS_MAX):
            link = node.attributes.get("reference")
            if link is None:
                return node
            found = self.ids.get(link) if link.isdecimal() else self._at(node, link)
            if found is None:
                return None
            node = found
        return None

    def _at(self, node: Node, path: str) -> Node | None:
        found: Node | None = node
        steps = path.split("/")
        if path.startswith("/"):
            found, steps = self.root, steps[2:]
        for step in steps:
            if found is None:
                return None
            if step == "..":
                found = found.parent
                continue
            name, _, place = step.rstrip("]").partition("[")
            same = found.all(name)
            index = int(place) - 1 if place.isdecimal() and len(place) < 9 else -bool(place)
            found = same[index] if 0 <= index < len(same) else None
        return found

    def child(self, node: Node | None, name: str) -> Node | None:
        found = node.all(name) if node else []
        return self.real(found[0]) if found else None

    def text(self, node: Node | None, name: str) -> str:
        found = self.child(node, name)
        return found.text.strip() if found else ""


def parsed(data: BinaryIO, options: Options) -> Document:
    """Return the file as elements. Raises entities_refused, document_invalid, rows_too_many."""
    data.seek(0)
    encoding = encoding_of(data, declared=options.encoding or xml_encoding(data.read(4096)))
    parser = expat.ParserCreate("utf-8")
    top = Node("", 0, None, {})
    stack, ids, count, unread, silent = [top], dict[str, Node](), 0, 0, 0

    def doctype(*_: object) -> None:
        raise refusal("entities_refused")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count, unread, silent
        silent = 0
        if unread or name in _UNREAD or (len(stack) == 2 and name not in _READ):
            unread += 1
            return
        count += 1
        if count > _NODES_MAX:
            raise refusal("rows_too_many")
        if len(stack) > _DEPTH_MAX:
            raise refusal("document_invalid", f"Line {parser.CurrentLineNumber}: nested too deep.")
        node = Node(name, parser.CurrentLineNumber, stack[-1], attributes)
        above = stack[-1]
        above.children = {} if above.children is None else above.children
        above.children.setdefault(name, []).append(node)
        if "id" in attributes:
            ids.setdefault(attributes["id"], node)
        stack.append(node)

    def end(_: str) -> None:
        nonlocal unread, silent
        silent = 0
        if unread:
            unread -= 1
        else:
            stack.pop()

    def characters(text: str) -> None:
        if not unread and len(stack[-1].text) < _TEXT_MAX:
            stack[-1].text += text[:_TEXT_MAX]

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.buffer_text = True
    try:
        for piece in text_pieces(data, encoding):
            silent += len(piece)
            if silent > _SILENT_MAX:
                # Older parsers read an open tag again from its beginning with every piece.
                raise refusal("document_invalid", "A tag never ends.")
            parser.Parse(piece.encode(), False)
        parser.Parse(b"", True)
    except (expat.ExpatError, UnicodeError, ValueError) as error:
        raise refusal("document_invalid", str(error)) from error
    document = Document(top.all("client")[0] if top.all("client") else top, ids)
    version = document.text(document.root, "version")
    if not version.isdecimal() or int(version[:9]) < VERSION_MIN:
        raise refusal(
            "document_invalid", "Open the file in a newer Portfolio Performance and save it again."
        )
    return document


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    document = parsed(data, options)
    names = Fingerprints()
    owners = _owners(document)
    found = {
        id(node): (node, owner)
        for owner in owners
        for listed in owner.all("transactions")
        for same in (listed.children or {}).values()
        for node in map(document.real, same)
        if node is not None
    }
    for node, owner in sorted(found.values(), key=lambda pair: pair[0].line):
        line = Line(
            node.line,
            _cells(document, node, owner, owners),
            columns={field: aliases[0] for field, aliases in LAYOUT.columns.items()},
            options=options,
            stated=_stated(node),
            date_order="ymd",
            money=LAYOUT.money,
            group=f"{node.line}:{document.text(node, 'uuid')}",
        )
        for row in _rows(document, node, owner, line, owners):
            yield names.name(row, timed=line.timed)


def _owners(document: Document) -> dict[Node, str]:
    """Return the name of each cash account and portfolio; a pair of them has one name."""
    accounts, portfolios = (
        [node for one in listed.all(name) if (node := document.real(one))]
        for listed, name in (
            (document.child(document.root, "accounts") or document.root, "account"),
            (document.child(document.root, "portfolios") or document.root, "portfolio"),
        )
    )
    names = {
        node: document.text(node, "name") or document.text(node, "uuid") or f"line {node.line}"
        for node in (*accounts, *portfolios)
    }
    for account in accounts:
        own = [one for one in portfolios if document.child(one, "referenceAccount") is account]
        if len(own) == 1:
            names[account] = names[own[0]]
    return names


def _stated(node: Node) -> dict[str, str]:
    return {name: same[0].text.strip() for name, same in (node.children or {}).items() if same}


def _scaled(text: str, places: int) -> str:
    """Return a whole number as a decimal; anything else as it is, to be refused."""
    digits = text.removeprefix("-")
    return plain(Decimal(text[:40]).scaleb(-places)) if digits.isdecimal() else text


def _sum(first: str, second: str) -> str:
    """Return the sum of two numbers; the one that is none, to be refused."""
    numbers = number(first, "."), number(second, ".")
    if numbers[0] is None or numbers[1] is None:
        return first if numbers[0] is None else second
    return plain(numbers[0] + numbers[1])


def _cells(
    document: Document, node: Node, owner: Node, owners: Mapping[Node, str]
) -> dict[str, str]:
    kind, security = document.text(node, "type"), document.child(node, "security")
    cells = {
        "date": document.text(node, "date"),
        "type": _LABELS.get(kind, kind.capitalize()),
        "value": _scaled(document.text(node, "amount"), 2),
        "currency": document.text(node, "currencyCode"),
        "quantity": _scaled(document.text(node, "shares"), 8),
        "note": document.text(node, "note"),
        "name": document.text(security, "name"),
        "isin": document.text(security, "isin"),
        "symbol": document.text(security, "tickerSymbol"),
        "wkn": document.text(security, "wkn"),
        "cash_account": owners[owner],
    }
    for unit in (document.child(node, "units") or Node("", 0, None, {})).all("unit"):
        amount, forex = document.child(unit, "amount"), document.child(unit, "forex")
        of = _COSTS.get(unit.attributes.get("type", ""), "")
        value = _scaled(amount.attributes.get("amount", ""), 2) if amount else "?"
        if of:
            cells[of] = _sum(cells.get(of, "0"), value)
        elif forex:
            cells["gross"] = _scaled(forex.attributes.get("amount", ""), 2)
            cells["gross_currency"] = forex.attributes.get("currency", "")
    other = _other(document, node, kind)
    cells["other_cash_account"] = cells["other_securities_account"] = owners.get(other or node, "")
    return cells


def _other(document: Document, node: Node, kind: str) -> Node | None:
    """Return the account or portfolio at the other end of a transfer."""
    cross, end = document.child(node, "crossEntry"), "To" if kind == "TRANSFER_OUT" else "From"
    if kind not in ("TRANSFER_IN", "TRANSFER_OUT"):
        return None
    return document.child(cross, f"portfolio{end}") or document.child(cross, f"account{end}")


def _rows(
    document: Document, node: Node, owner: Node, line: Line, owners: Mapping[Node, str]
) -> Iterator[ParsedRow]:
    is_trade = document.text(node, "type") in ("BUY", "SELL")
    if is_trade and not document.child(owner, "referenceAccount"):
        yield line.skip("part_of_another_row", "The portfolio has the trade.")
        return
    if is_trade:
        paid = document.child(document.child(node, "crossEntry"), "account")
        if paid is None or paid is not document.child(owner, "referenceAccount"):
            yield line.refused(
                "event_incomplete", "The trade was paid from another cash account.", of="value"
            )
            return
    other = _other(document, node, document.text(node, "type"))
    if other is not None and owners.get(other) == owners[owner]:
        yield line.skip("journal")
        return
    uuid = document.text(node, "uuid")
    for place, row in enumerate(transaction_rows(line)):
        if row.entry is not None and uuid:
            name = f"pp:{uuid[:80]}" + (":tax" if place else "")
            row = replace(row, entry=replace(row.entry, external_id=name))
        yield row


FORMATS = [
    ReadFormat(
        name="portfolio_performance_xml",
        title="Portfolio Performance XML",
        read=read,
        is_head=is_file,
    ),
]
