"""Files of prices, read row by row. Pure.

    own layout   date, symbol or isin, price[, currency], in any order of columns
    one asset    date and close or quote, as Portfolio Performance, Yahoo and stooq write a history;
                 the caller names the asset
    stooq        <TICKER>, <DATE>, <CLOSE> of its bulk files

A file that also has opens, highs or lows, or an adjusted close, is a provider's history. Providers
divide the closes before a split by its ratio, so such a file is read as adjusted until its newest
day, unless the caller says otherwise. The close adjusted for dividends is never used: the income
would count twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO

from core.limits import PRICE_DECIMALS, PRICE_FILE_ROWS_MAX
from transactions.files.reading.cells import is_nothing
from transactions.files.reading.decoding import refusal
from transactions.files.reading.interface import Options
from transactions.files.reading.lines import Line, lines, rounded
from transactions.files.reading.tables import Layout, open_table

_COLUMNS: Mapping[str, Sequence[str]] = {
    "date": ("date", "datum", "day", "<date>", "data"),
    "price": (
        *("price", "close", "quote", "<close>", "closing price", "close/last", "nav"),
        *("kurs", "schlusskurs", "schluss", "zamknięcie"),
    ),
    "symbol": ("symbol", "ticker", "ticker symbol", "ticker-symbol", "<ticker>"),
    "isin": ("isin",),
    "currency": ("currency", "währung", "waehrung", "quote currency"),
    "open": ("open", "<open>", "eröffnung", "otwarcie"),
    "high": ("high", "<high>", "hoch", "najwyzszy"),
    "low": ("low", "<low>", "tief", "najnizszy"),
    "adjusted": ("adj close", "adj. close", "adjusted close"),
}
_LAYOUT = Layout(
    name="prices",
    columns=_COLUMNS,
    required=frozenset({"date", "price"}),
    optional=_COLUMNS,
    by_hand=True,
    dates=("date",),
    numbers=("price",),
    money={"price": "currency"},
)
_HISTORY = frozenset({"open", "high", "low", "adjusted"})


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of a file: what it states, or why it cannot be read.

    `symbol` and `isin` are empty if the row names no asset, `currency` if it names none. Prices in
    a minor unit are in the currency itself.
    """

    line: int
    day: date | None
    symbol: str
    isin: str
    price: Decimal | None
    currency: str
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PriceFile:
    """A file's rows in order; `adjusted`: it looks like a provider's history."""

    rows: tuple[FileRow, ...]
    adjusted: bool


def read_prices(*, content: bytes, options: Options) -> PriceFile:
    """Return the rows of a file; raise InvalidInput if it cannot be read at all."""
    _, table = open_table(BytesIO(content), options, [_LAYOUT])
    rows: list[FileRow] = []
    for line in lines(table, options):
        if len(rows) >= PRICE_FILE_ROWS_MAX:
            raise refusal(
                "rows_too_many", f"The file has more than {PRICE_FILE_ROWS_MAX} rows. Split it."
            )
        rows.append(_row(line))
    return PriceFile(tuple(rows), bool(_HISTORY & set(table.heading.fields)))


def _row(line: Line) -> FileRow:
    moment = line.moment("date")
    security = line.security()
    price = line.figure("price")
    currency = "" if is_nothing(line.text("currency")) else line.currency("currency")
    if price is None and not line.problems:
        line.problem("price_missing", "The row has no price.", of="price")
    code, detail = (line.problems[0].code, line.problems[0].detail) if line.problems else ("", "")
    return FileRow(
        line=line.number,
        day=moment.day if moment else None,
        symbol=security.symbol.upper(),
        isin=security.isin,
        price=None if price is None else rounded(price, PRICE_DECIMALS),
        currency=currency,
        code=code,
        detail=detail,
    )
