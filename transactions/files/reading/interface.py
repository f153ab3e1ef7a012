"""What every reader takes and gives. Pure.

    read(data, options)  ->  rows in the order of the file, one ParsedRow a transaction

A row is one of three: an `entry` without problems (may be imported), a row with `problems` (may
not; `entry` is given where it could be read at all), or `skipped` with the reason. Nothing of a
file disappears: every line that is neither blank nor part of the heading comes out as a row. A line
that states two transactions (a dividend and the tax withheld from it) gives two rows of that line;
lines that state one together (the two legs of a reinvestment) give one row, and the others come
out as skipped with the code `part_of_another_row`.

The figures of a Draft are those of `transactions.ledger.entries.Entry`. Quantity, price, amount and
fee are not negative; money is rounded to the currency's minor unit. A trade sets exactly one of
price and amount: the price where price * quantity is what the file says was paid before the fee,
else that amount. A refusal of the whole file raises InvalidInput with a code (`FILE_CODES`), also
while the rows are being read: write nothing before the last row has come.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from typing import BinaryIO, Literal

# The types and lot methods of `transactions.models`, which a pure file may not import.
TYPES = (
    *("buy", "sell", "deposit", "withdrawal", "dividend", "interest", "fee", "tax", "split"),
    *("transfer_in", "transfer_out", "spin_off", "merger", "symbol_change"),
    *("return_of_capital", "reinvestment"),
)
LOT_METHODS = ("fifo", "lifo", "hifo", "average", "min_tax", "specific")

# Refusals of a whole file: what the reader raises, and what is to be done about it.
FILE_CODES: Mapping[str, str] = {
    "file_empty": "The file has no rows.",
    "archive_not_accepted": "Archives and workbooks are not unpacked; give the file inside.",
    "encoding_unknown": "The file is not text, or in an encoding that has to be named.",
    "format_unknown": "No known format has these columns; name them yourself.",
    "columns_missing": "The heading lacks columns this format needs.",
    "columns_too_many": "More columns than any format has.",
    "rows_too_many": "More rows than one import takes; split the file.",
    "row_too_long": "A row is longer than any transaction; a quote may be missing.",
    "date_order_ambiguous": "03/04 may be March or April and no row tells; name the order.",
    "date_order_mixed": "Some rows can only be day first, others only month first.",
    "number_style_ambiguous": "1,234 may be a thousand or one and a bit; name the decimal sign.",
    "number_style_mixed": "Some rows have a decimal comma, others a decimal point.",
    "document_invalid": "The file is not well-formed JSON, XML or OFX.",
    "entities_refused": "The file declares XML entities; no statement needs them.",
    "options_invalid": "The options name a column or style that does not exist.",
}

# Why a row cannot be imported as it stands.
ROW_CODES: Mapping[str, str] = {
    "date_missing": "The row has no date.",
    "date_invalid": "The date cannot be read.",
    "date_two_digit_year": "The year has two digits.",
    "date_in_future": "The row is dated after today.",
    "date_too_early": "The row is dated before the earliest day of the platform.",
    "number_invalid": "A figure cannot be read.",
    "number_too_large": "A figure is beyond what the platform keeps.",
    "type_missing": "The row does not say what happened.",
    "type_unknown": "What happened is not known under this name.",
    "symbol_missing": "The row needs a security and names none.",
    "isin_invalid": "The check digit of the ISIN is wrong.",
    "currency_missing": "Neither the row nor the options name a currency.",
    "currency_invalid": "The currency is not a three-letter code.",
    "quantity_missing": "The row needs a quantity.",
    "quantity_zero": "The quantity is zero.",
    "price_missing": "The row has neither price nor amount.",
    "amount_missing": "The row needs an amount.",
    "amount_zero": "The amount is zero.",
    "amount_mismatch": "Quantity, price and fee do not give the stated amount.",
    "amount_sign": "The money moves the other way than the type says.",
    "fx_rate_invalid": "The exchange rate is not positive.",
    "ratio_invalid": "The ratio is not two positive numbers.",
    "row_too_wide": "The row has more cells than the heading.",
    "text_too_long": "A text is longer than the platform keeps.",
    "text_invalid": "A text holds a character that cannot be stored.",
    "value_invalid": "A value is none of those allowed.",
    "option_not_supported": "Options are not kept.",
    "short_sale_not_supported": "Short sales are not kept.",
    "asset_class_not_supported": "Only shares, funds, bonds, metals and coins are kept.",
    "correction_not_supported": "The row takes back another; remove both from the file.",
    "event_incomplete": "The file does not say enough about this event; enter it by hand.",
    "row_invalid": "The row is not of the shape its format has.",
}

# Why a row is left out on purpose.
SKIP_CODES: Mapping[str, str] = {
    "journal": "Moved between positions of the same account.",
    "fx_conversion": "One currency changed into another within the account.",
    "informational": "No money or units move.",
    "sweep": "Idle cash moved into or out of the account's money fund.",
    "part_of_another_row": "Belongs to another row that is imported.",
    "text_line": "A line of text, not of the table.",
    "section_not_read": "Of a section that holds no transactions.",
    "not_executed": "The order was cancelled or is a draft.",
    "summary": "A total of other rows.",
}

# What was read with a grain of salt; the row is imported all the same.
WARNING_CODES: Mapping[str, str] = {
    "amount_rounded": "The amount was rounded to the currency's minor unit.",
    "fee_rounded": "The fee was rounded to the currency's minor unit.",
    "fee_is_rebate": "A negative fee was taken into the amount.",
    "refund_as_income": "Fees or taxes given back were taken as income.",
    "tax_not_stated_apart": "Tax in another currency was withheld; the amount is net of it.",
    "price_differs": "The price is rounded in the file; the amount counts.",
    "text_shortened": "A long note was cut.",
    "split_ratio_from_holding": "The file names only the units added; the ratio follows from them.",
    "isin_ignored": "The check digit of the ISIN is wrong; the symbol counts.",
    "basis_unknown": "The file does not say what the units cost.",
}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A code of the tables above, what it was this time, and the column as the file names it."""

    code: str
    detail: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class Security:
    """What a file says of a security; empty where it says nothing."""

    symbol: str = ""
    isin: str = ""
    cusip: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """What a symbol mapping is looked up by: the symbol, else the best other name."""
        return self.symbol or self.isin or self.cusip or self.name

    def __bool__(self) -> bool:
        return bool(self.key)


NO_SECURITY = Security()


@dataclass(frozen=True, slots=True)
class LotReference:
    """A lot chosen for a sale: the file's `id` of the acquisition, and how much of it."""

    id: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One transaction as a file states it. Types are those of `transactions.models`.

    `account` and `to_account` are names in the file. `id` is the row's key within the file:
    `lots`, `counterpart` and `reverses` point to it. `external_id` is what the source calls the
    row, or a fingerprint of it where the source has no name: the same file read again gives the
    same; rows alike in every figure are counted ("#2"). `ratio` is "new:old". `added_quantity`
    stands instead of a ratio where a broker tells only how many units a split added (negative for
    a reverse split): ratio = (held + added) : held.
    """

    type: str
    executed_at: datetime
    currency: str
    account: str = ""
    security: Security = NO_SECURITY
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)
    fx_rate: Decimal | None = None
    lot_method: str | None = None
    lots: tuple[LotReference, ...] = ()
    new_security: Security = NO_SECURITY
    ratio: str = ""
    added_quantity: Decimal | None = None
    basis_percentage: Decimal | None = None
    opened_date: date | None = None
    id: str = ""
    counterpart: str = ""
    reverses: str = ""
    to_account: str = ""
    order_id: str = ""
    external_id: str = ""
    tax_rates: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """One transaction of a file, the line it begins on (from 1), and the cells as they stood."""

    line: int
    entry: Draft | None = None
    problems: tuple[RowProblem, ...] = ()
    warnings: tuple[RowProblem, ...] = ()
    skipped: RowProblem | None = None
    raw: Mapping[str, str] = field(default_factory=dict)

    @property
    def external_id(self) -> str:
        """The name under which a duplicate is found."""
        return (self.entry.external_id or self.entry.id) if self.entry else ""

    @property
    def importable(self) -> bool:
        return self.entry is not None and not self.problems and self.skipped is None


DateOrder = Literal["ymd", "dmy", "mdy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to read a file. None means: find out, and refuse where the file does not tell.

    columns   field -> heading in the file, for headings the format does not know; the fields are
              those of our own CSV (`ballast.COLUMNS`)
    types     word in the file -> our type, for the type column of our own CSV
    currency  of rows that name none
    now       rows after it are refused
    zone      of times without an offset. A row with a day and no time is that UTC day, at
              `time_of_day` (corporate actions at its beginning): the tax day must not move.
    """

    now: datetime
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    date_order: DateOrder | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    account: str = ""
    zone: tzinfo = UTC
    time_of_day: time = time(12)


Reader = Callable[[BinaryIO, Options], Iterator[ParsedRow]]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file being read: the rows come one by one and can be taken once."""

    format: str
    rows: Iterator[ParsedRow]


@dataclass(frozen=True, slots=True)
class RealizedLot:
    """One closed lot as a broker reports it. Dates None where it says Various or nothing."""

    line: int
    symbol: str
    closed_date: date | None
    opened_date: date | None
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    disallowed: Decimal = Decimal(0)
    term: Literal["short", "long", ""] = ""
    name: str = ""
    account: str = ""
    unadjusted_cost_basis: Decimal | None = None
    wash_sale: bool = False


@dataclass(frozen=True, slots=True)
class RealizedRow:
    """One line of a broker's realized lots: a lot, or why it is none."""

    line: int
    lot: RealizedLot | None = None
    problems: tuple[RowProblem, ...] = ()
    skipped: RowProblem | None = None
    raw: Mapping[str, str] = field(default_factory=dict)


RealizedReader = Callable[[BinaryIO, Options], Iterator[RealizedRow]]
