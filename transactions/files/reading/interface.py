"""The types and codes that every reader shares. Pure.

    read(data, options)  ->  rows in the order of the file, one ParsedRow a transaction

A row has one of three forms. It has an `entry` without problems and may be imported. Or it has
`problems` and may not be imported; it has an `entry` only if one could be read. Or it is `skipped`
with the reason. Each line that is neither blank nor part of the heading becomes a row. A line with
two transactions (a dividend and the tax withheld from it) becomes two rows. Lines that together
state one (the two legs of a reinvestment) become one row, and the others are skipped with the code
`part_of_another_row`.

The figures of a Draft are those of `transactions.ledger.entries.Entry`. Quantity, price, amount and
fee are not negative; money is rounded to the currency's minor unit. A trade sets exactly one of
price and amount: the price if price * quantity equals the file's amount before the fee, else that
amount. A refusal of the whole file raises InvalidInput with a code (`FILE_CODES`). It may come
while the rows are being read: write nothing before the last row.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from typing import BinaryIO, Literal

# The lot methods of `transactions.models`, which a pure file may not import.
LOT_METHODS = ("fifo", "lifo", "hifo", "average", "min_tax", "specific")

# Reasons to refuse a whole file, and what to do.
FILE_CODES: Mapping[str, str] = {
    "file_empty": "The file has no rows. Download it again.",
    "archive_not_accepted": "The file is an archive or a workbook. Upload the CSV inside it.",
    "encoding_unknown": "The file is not text in an encoding we recognize. Save it as UTF-8.",
    "format_unknown": "No known format has these columns. Name the format, or map the columns.",
    "columns_missing": "The heading lacks columns that this format needs. Choose another format.",
    "columns_too_many": "The file has more columns than any format. Remove those not needed.",
    "rows_too_many": "The file has more rows than one import takes. Split it by year.",
    "row_too_long": "A row is longer than any transaction. A closing quote may be missing.",
    "date_order_ambiguous": "03/04 may be March or April, and no row decides. Name the date order.",
    "date_order_mixed": "Some dates are day first, others month first. Use one order in the file.",
    "date_order_contradicted": (
        "The days of the file are in the other order than stated. Choose the other one."
    ),
    "number_style_contradicted": (
        "The numbers of the file have the other decimal sign. Choose the other one."
    ),
    "column_used_twice": "Two fields read the same column. Choose another one for one of them.",
    "number_style_ambiguous": "1,234 may be a thousand or a fraction. Name the decimal sign.",
    "number_style_mixed": "Some rows have a decimal comma, others a point. Use one in the file.",
    "document_invalid": "The file is damaged: it is not well-formed JSON, XML or OFX.",
    "entities_refused": "The file declares XML entities, which no statement needs. Remove them.",
    "options_invalid": "The options contain a column or a value that does not exist. Correct them.",
}

# Why a row cannot be imported without a correction.
ROW_CODES: Mapping[str, str] = {
    "date_missing": "The row has no date. Add it in the file.",
    "date_invalid": "The date cannot be read. Write it as YYYY-MM-DD.",
    "date_two_digit_year": "The year has only two digits. Write four.",
    "date_in_future": "The row is dated after today.",
    "date_too_early": "The row is dated before 1950.",
    "number_invalid": "A number cannot be read.",
    "number_too_large": "A number is larger than the ledger can store.",
    "type_missing": "The row has no transaction type. Add it in the file.",
    "type_unknown": "The transaction type is unknown. Map the word to a type.",
    "symbol_missing": "The row needs a security but names none. Add it in the file.",
    "isin_invalid": "The check digit of the ISIN is wrong.",
    "currency_missing": (
        "Neither the row nor the options state a currency. Choose one in the options."
    ),
    "currency_invalid": "The currency is not a three-letter code.",
    "quantity_missing": "The row has no quantity. Add it in the file.",
    "quantity_zero": "The quantity is zero.",
    "price_missing": "The row has neither a price nor an amount.",
    "amount_missing": "The row has no amount. Add it in the file.",
    "amount_zero": "The amount is zero.",
    "amount_mismatch": "Quantity, price and fee do not add up to the stated amount.",
    "amount_sign": "The sign of the amount contradicts the type.",
    "fx_rate_invalid": "The exchange rate is not positive.",
    "ratio_invalid": "The ratio must be two positive numbers, as in 2:1.",
    "column_missing": "The file lacks a column that this row needs. Export it with all columns.",
    "row_too_wide": "The row has more cells than the heading.",
    "row_cut_off": "The file ends within this row. Download it again.",
    "text_too_long": "A text is longer than the ledger can store.",
    "text_invalid": "A text contains a character that cannot be stored.",
    "value_invalid": "A value is not one of those allowed.",
    "option_not_supported": "Stock options are not supported.",
    "short_sale_not_supported": "Short sales are not supported.",
    "asset_class_not_supported": "Only shares, funds, bonds, metals and coins are supported.",
    "correction_not_supported": (
        "The row corrects another one, and the file has no equal row. Remove both from the file."
    ),
    "counterpart_missing": (
        "The file has one side of this exchange of currencies. Add the other one, or enter it."
    ),
    "held_back": "The row belongs to a refused row, or a refused correction may refer to it.",
    "event_incomplete": "The file has too little information about this event. Enter it by hand.",
    "row_invalid": "The row does not match its format.",
}

# Why a row is left out on purpose.
SKIP_CODES: Mapping[str, str] = {
    "journal": "It moves cash or units within one account.",
    "fx_conversion": "It converts one currency into another within the account.",
    "informational": "It moves neither cash nor units.",
    "sweep": "It moves idle cash into or out of the account's money fund.",
    "part_of_another_row": "It belongs to another row, which is imported.",
    "text_line": "It is a line of text, not a row of the table.",
    "section_not_read": "Its section of the file contains no transactions.",
    "not_executed": "The order was canceled or is a draft.",
    "taken_back": "A later row of the file cancels or corrects it.",
    "summary": "It is a total of other rows.",
    "word_skipped": "You chose to leave out rows with this word.",
}

# Warnings about a reader's decisions; the row is still imported.
WARNING_CODES: Mapping[str, str] = {
    "amount_rounded": "The amount was rounded to the currency's minor unit.",
    "fee_rounded": "The fee was rounded to the currency's minor unit.",
    "figure_ignored": "This type has no units or no price of its own; only the amount was used.",
    "fee_is_rebate": "The negative fee was included in the amount.",
    "refund_as_income": "The refund of fees or taxes was imported as income.",
    "costs_not_stated": "The file states no costs or taxes; the cash may be less by them.",
    "tax_not_stated_apart": "Tax was withheld in another currency; the amount is net of it.",
    "price_differs": "The file rounds the price; the amount was used.",
    "text_shortened": "The note was shortened.",
    "split_ratio_from_holding": "The file states only the units added; they give the ratio.",
    "isin_ignored": "The check digit of the ISIN is wrong; the symbol was used.",
    "opened_date_assumed": (
        "The file does not state the purchase date; the date of arrival was used."
    ),
    "fx_rate_ignored": (
        "The exchange rate refers to a minor unit; the reference rate of the day was used."
    ),
    "currency_assumed": "The file names no currency; that of the account was used.",
    "basis_unknown": "The file does not state the cost basis of the units.",
}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A code of the tables above, a sentence about this row, and the column's name in the file."""

    code: str
    detail: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class Security:
    """A security as a file describes it; a part is empty if the file does not state it."""

    symbol: str = ""
    isin: str = ""
    cusip: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """Return the key of a symbol mapping: the symbol, else the best other name."""
        return self.symbol or self.isin or self.cusip or self.name

    def __bool__(self) -> bool:
        return bool(self.key)


NO_SECURITY = Security()


@dataclass(frozen=True, slots=True)
class LotReference:
    """A lot chosen for a sale: the `id` of its acquisition in the file, and the quantity.

    `piece`: the number of one of the pieces into which wash sales divided the lot, from 0.
    """

    id: str
    quantity: Decimal
    piece: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What the market quoted for a trade that was settled in another currency."""

    currency: str
    price: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FileRate:
    """A file's rate from the row's currency to the one in which the file is kept.

    `to` is empty if the file does not say which currency that is.
    """

    rate: Decimal
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One transaction as a file states it. Types are those of `transactions.ledger.kinds`.

    `account` and `to_account` are names in the file. `id` is the row's key within the file:
    `lots`, `counterpart` and `reverses` point to it. `external_id` is the source's name of the
    row, or a fingerprint of it if the source has none. The same file gives the same names when
    read again; rows with equal figures are counted ("#2"). `ratio` is "new:old". `added_quantity`
    replaces the ratio if a broker states only how many units a split added (negative for a
    reverse split): ratio = (held + added) : held.

    A trade's price, amount and fee are what was settled, in `currency`; `quote` is the market's
    side of it if that is in another currency. `fx_rate` leads to the account's currency,
    `file_rate` to the file's own.
    """

    type: str
    # In an offset at which its date is the trade date.
    executed_at: datetime
    currency: str
    account: str = ""
    security: Security = NO_SECURITY
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)
    fx_rate: Decimal | None = None
    file_rate: FileRate | None = None
    quote: Quote | None = None
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
class Correction:
    """What a row takes back from its file (`corrections`).

    A row that takes back has, as its entry, the transaction taken back, without signs; no entry if
    that is not readable. `kind` and `security` (its key) tell which rows it may mean then. `of`:
    the external id of the row that is taken back, if the source points to it. `otherwise`: the
    row's own meaning, if the file has nothing that it takes back (a refund of fees). `replaces`:
    `otherwise` replaces the row taken back.
    """

    kind: str
    security: str = ""
    of: str = ""
    otherwise: "ParsedRow | None" = None
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """The cash that a file states after a row; an empty currency is that of the account."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Leg:
    """One of the two sides of an exchange of currencies (`exchanges`); money out is negative."""

    day: date
    currency: str
    amount: Decimal
    order: str = ""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """One transaction of a file, the line on which it begins (from 1), and its raw cells.

    Rows of one `group` are one event: all of them are importable or none.
    """

    line: int
    entry: Draft | None = None
    problems: tuple[RowProblem, ...] = ()
    warnings: tuple[RowProblem, ...] = ()
    skipped: RowProblem | None = None
    raw: Mapping[str, str] = field(default_factory=dict)
    takes_back: Correction | None = None
    group: str = ""
    balance: Balance | None = None
    leg: Leg | None = None

    @property
    def external_id(self) -> str:
        """Return the name by which duplicates are found."""
        return (self.entry.external_id or self.entry.id) if self.entry else ""

    @property
    def importable(self) -> bool:
        return self.entry is not None and not self.problems and self.skipped is None


DateOrder = Literal["ymd", "dmy", "mdy"]
# What the sign of an amount says: nothing; that money came in; that it went out.
AmountSign = Literal["none", "in", "out"]
# Words of a file may also mean what the sign of the amount decides, or nothing to import.
TRADE_BY_SIGN, CASH_BY_SIGN, SKIPPED = "buy_or_sell", "deposit_or_withdrawal", "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to read a file. None means: detect it, and refuse the file if that is not possible.

    columns   field -> heading in the file, for headings unknown to the format; the fields are
              those of our own CSV (`ballast.COLUMNS`) and of `table`; "": the file has no such
              column, whatever its headings are called
    types     word in the file -> our type, for the type column of our own CSV and of `table`,
              which also knows `buy_or_sell`, `deposit_or_withdrawal` and `skip`
    amount_sign          what a plus before an amount says, in `table`
    without_heading      the columns of a `table` have no names; they are called "column 1" and on
    amount_includes_fee  a trade's amount is the cash that moved, in `table`
    currency  of rows that name none
    account_currency  of the account that takes the rows: of files that are in it by their nature
    base_currency  to which the file's rates lead, if it does not say so
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
    amount_sign: AmountSign = "none"
    amount_includes_fee: bool = False
    without_heading: bool = False
    currency: str = ""
    account_currency: str = ""
    base_currency: str = ""
    account: str = ""
    zone: tzinfo = UTC
    time_of_day: time = time(12)


Reader = Callable[[BinaryIO, Options], Iterator[ParsedRow]]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file being read; its rows can be iterated over once."""

    format: str
    rows: Iterator[ParsedRow]


@dataclass(frozen=True, slots=True)
class RealizedLot:
    """One closed lot as a broker reports it. A date is None if the file has Various or nothing."""

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
    isin: str = ""
    cusip: str = ""


@dataclass(frozen=True, slots=True)
class RealizedRow:
    """One line of a broker's realized lots: a lot, or the reason why it is none."""

    line: int
    lot: RealizedLot | None = None
    problems: tuple[RowProblem, ...] = ()
    skipped: RowProblem | None = None
    raw: Mapping[str, str] = field(default_factory=dict)


RealizedReader = Callable[[BinaryIO, Options], Iterator[RealizedRow]]
