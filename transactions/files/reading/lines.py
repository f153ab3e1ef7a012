"""The reading of one row: typed cells, with problems collected, not raised. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from functools import lru_cache

from core.currencies import MinorUnit, is_small_unit, minor_unit_of
from core.dates import on_day
from core.limits import (
    EARLIEST_DATE,
    EXTERNAL_ID_LENGTH_MAX,
    FX_RATE_MAX,
    MONEY_MAX,
    NAME_LENGTH_MAX,
    NOTE_LENGTH_MAX,
    PRICE_DECIMALS,
    PRICE_MAX,
    QUANTITY_DECIMALS,
    QUANTITY_MAX,
)
from core.money import WIDE, minor_unit, quantize
from transactions.files.reading import cells
from transactions.files.reading.cells import DecimalSign, Moment, UnreadableDate
from transactions.files.reading.endings import Ending
from transactions.files.reading.interface import (
    ROW_CODES,
    SKIP_CODES,
    WARNING_CODES,
    Balance,
    DateOrder,
    Draft,
    Options,
    ParsedRow,
    RowProblem,
    Security,
)
from transactions.files.reading.tables import Heading, Record, Table
from transactions.ledger.kinds import KINDS

_SYMBOL_CHARS_MAX = 64


@dataclass(slots=True)
class Line:
    """A row's cells by field, read in the file's style; collects problems and warnings.

    The raw cells come from the heading (`source`) and the row (`found`), or are `stated` if the
    file has no columns. `timed` is true once a cell has given a time of day. `money` names the
    currency's field of each amount: figures in a minor unit (GBp, GBX, ZAc) are scaled as they are
    read, so no reader sees pence.
    """

    number: int
    cells: Mapping[str, str]
    columns: Mapping[str, str]
    options: Options
    source: Heading | None = None
    found: Sequence[str] = ()
    stated: Mapping[str, str] | None = None
    decimal: DecimalSign = "."
    date_order: DateOrder | None = None
    money: Mapping[str, str] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    warnings: list[RowProblem] = field(default_factory=list)
    timed: bool = False
    group: str = ""

    @property
    def raw(self) -> Mapping[str, str]:
        """Return the raw cells by heading, built on demand, because most rows need none."""
        if self.stated is None:
            names = self.source.names if self.source else ()
            self.stated = _raw(names, self.found)
        return self.stated

    @property
    def filled(self) -> int:
        """Return the number of cells that are not empty."""
        found: Iterable[str] = self.found if self.stated is None else self.stated.values()
        return sum(1 for cell in found if cell and not cell.isspace())

    def text(self, name: str) -> str:
        return self.cells.get(name, "").strip()

    def problem(self, code: str, detail: str = "", *, of: str = "") -> None:
        found = RowProblem(code, detail or ROW_CODES[code], self.columns.get(of, of))
        if found not in self.problems:
            self.problems.append(found)

    def needs(self, *names: str) -> bool:
        """Record a problem for each of these columns that the file lacks; return if it has all."""
        missing = [name for name in names if name not in self.columns]
        for name in missing:
            heading = self.source.aliases[name][0] if self.source else name.replace("_", " ")
            self.problems.append(RowProblem("column_missing", ROW_CODES["column_missing"], heading))
        return not missing

    def warn(self, code: str, detail: str = "", *, of: str = "") -> None:
        found = RowProblem(code, detail or WARNING_CODES[code], self.columns.get(of, of))
        if found not in self.warnings:
            self.warnings.append(found)

    def figure(self, name: str) -> Decimal | None:
        """Return the number in a cell; None if it is empty or, with a problem, unreadable."""
        text = self.text(name)
        if cells.is_nothing(text):
            return None
        is_mixed = self.source is not None and name in self.source.mixed
        value = cells.evident(text) if is_mixed else cells.number(text, self.decimal)
        if value is None:
            self.problem("number_invalid", f"{text[:40]!r} is not a number.", of=name)
        elif abs(value) > MONEY_MAX:
            self.problem("number_too_large", f"{text[:40]} is too large.", of=name)
            return None
        if value and name in self.money:
            unit = self._minor_unit(name)
            return value / unit.per if unit else value
        return value

    def _minor_unit(self, name: str) -> MinorUnit | None:
        """Return the minor unit of an amount, as its currency's cell or its own cell says."""
        stated = self.text(self.money[name]) or self.text("currency") or self.options.currency
        if unit := minor_unit_of(stated):
            return unit
        text = self.text(name)
        if not (text[:1].isalpha() or text[-1:].isalpha()):
            return None
        return minor_unit_of("".join(sign for sign in text if sign.isalpha()))

    def moment(self, *names: str) -> Moment | None:
        """Return the first day in the cells; record a problem if it is missing or unreadable."""
        for name in names:
            text = self.text(name)
            if cells.is_nothing(text):
                continue
            try:
                return cells.moment(text, self.date_order)
            except UnreadableDate as error:
                self.problem(error.code, f"{text[:40]!r}: {ROW_CODES[error.code]}", of=name)
                return None
        self.problem("date_missing", of=names[0] if names else "")
        return None

    def day(self, name: str) -> date | None:
        """Return a day, or None if the cell is empty."""
        if cells.is_nothing(self.text(name)):
            return None
        found = self.moment(name)
        return found.day if found else None

    def happened(
        self,
        kind: str,
        *names: str,
        clock: str = "",
        zone: tzinfo | None = None,
        exact: bool = False,
    ) -> datetime | None:
        """Return the time in UTC; record a problem if it is missing, too early or in the future.

        `clock` is the field of a separate time column, `zone` the zone of the format's times.
        `exact`: keep an instant whose UTC day is not the file's, in an offset at which it is.
        """
        found = self.moment(*names)
        if found is None:
            return None
        if clock and found.clock is None and not cells.is_nothing(self.text(clock)):
            try:
                found = cells.moment(f"{found.day.isoformat()} {self.text(clock)}", "ymd")
            except UnreadableDate:
                self.problem(
                    "date_invalid", f"{self.text(clock)[:40]!r} is not a valid time.", of=clock
                )
        now = self.options.now.astimezone(UTC)
        if found.day < EARLIEST_DATE:
            self.problem("date_too_early", of=names[0])
            return None
        if found.at is None and found.clock in (None, time(0)):
            if found.day > now.date():
                self.problem("date_in_future", of=names[0])
                return None
            first = kind in KINDS and KINDS[kind].first_of_day
            clock_time = time(0) if first else self.options.time_of_day
            at = datetime.combine(found.day, clock_time, UTC)
            return min(at, now)
        self.timed = True
        if found.at is not None:
            at = found.at
        else:
            assert found.clock is not None
            at = datetime.combine(found.day, found.clock, zone or self.options.zone)
        if at > now:
            self.problem("date_in_future", of=names[0])
            return None
        return on_day(at, found.day) if exact else _on_day(at.astimezone(UTC), found.day)

    def security(
        self,
        symbol: str = "symbol",
        *,
        isin: str = "isin",
        cusip: str = "cusip",
        name: str = "name",
        required: bool = False,
    ) -> Security:
        """Return the security as the row describes it."""
        found = Security(
            self.short(symbol), self.text(isin).upper(), self.short(cusip), self.name(name)
        )
        if found.isin and cells.is_nothing(found.isin):
            found = replace(found, isin="")
        elif found.isin and not cells.is_isin(found.isin):
            wrong = f"{found.isin[:20]!r} is not a valid ISIN."
            if found.symbol:
                self.warn("isin_ignored", wrong, of=isin)
                found = replace(found, isin="")
            else:
                self.problem("isin_invalid", wrong, of=isin)
        if required and not found:
            self.problem("symbol_missing", of=symbol)
        return found

    def short(self, name: str) -> str:
        """Return a symbol or an id; empty if the cell has none."""
        text = self.text(name)
        if cells.is_nothing(text):
            return ""
        if len(text) > _SYMBOL_CHARS_MAX:
            self.problem("text_too_long", of=name)
        return text[:_SYMBOL_CHARS_MAX]

    def name(self, name: str) -> str:
        return self.text(name)[:NAME_LENGTH_MAX]

    def id(self, name: str) -> str:
        text = self.text(name)
        if len(text) > EXTERNAL_ID_LENGTH_MAX:
            self.problem("text_too_long", of=name)
            return text[:EXTERNAL_ID_LENGTH_MAX]
        return text

    def note(self, *texts: str) -> str:
        text = " ".join(part.strip() for part in texts if part.strip())
        if len(text) > NOTE_LENGTH_MAX:
            self.warn("text_shortened")
        return text[:NOTE_LENGTH_MAX]

    def currency(self, *names: str, of: str = "") -> str:
        """Return the currency of the first cell that has one, else that of the options."""
        for name in (*names, *([of] if of else [])):
            text = self.text(name)
            if cells.is_nothing(text):
                continue
            upper = self.code(name)
            unknown = is_small_unit(text) and minor_unit_of(text) is None
            if not cells.is_currency(upper) or unknown:
                self.problem("currency_invalid", f"{text[:20]!r} is not a currency.", of=name)
            return upper[:3]
        if not self.options.currency:
            self.problem("currency_missing", of=names[0] if names else "")
        return self.options.currency.upper()

    def code(self, name: str) -> str:
        """Return the currency in a cell in capitals, that of a minor unit for its code."""
        text = self.text(name)
        unit = minor_unit_of(text)
        return unit.currency if unit else text.upper()

    def quantity(self, name: str) -> Decimal | None:
        """Return units as stated, with their sign, rounded to the ledger's precision."""
        value = self.figure(name)
        if value is None:
            return None
        if abs(value) > QUANTITY_MAX:
            self.problem("number_too_large", of=name)
            return None
        return rounded(value, QUANTITY_DECIMALS)

    def rate(self, name: str) -> Decimal | None:
        """Return an exchange rate as stated."""
        value = self.figure(name)
        if value is None:
            return None
        if not 0 < value <= FX_RATE_MAX:
            self.problem("fx_rate_invalid", of=name)
            return None
        if any(minor_unit_of(self.text(field)) for field in {*self.money.values()}):
            self.warn("fx_rate_ignored", of=name)
            return None
        return value

    def balance(self) -> Balance | None:
        """Return the cash that the file states after this row, in the currency beside it.

        A balance that cannot be read is none: it is a check, not a figure to record.
        """
        amount = cells.number(self.text("balance"), self.decimal)
        if amount is None:
            return None
        currency = self.text("balance_currency").upper()
        return Balance(currency if cells.is_currency(currency) else "", amount)

    def ulp(self, name: str, *, at_least: int = 0) -> Decimal:
        """Return half a unit of the last digit in the cell: its largest rounding error."""
        half = self.half(self.text(name), at_least=at_least)
        unit = self._minor_unit(name) if name in self.money else None
        return half / unit.per if unit else half

    def half(self, text: str, *, at_least: int = 0) -> Decimal:
        """Return half a unit of the last digit of a number."""
        return _half(max(cells.decimals(text, self.decimal), at_least))

    # The three ways a row ends.

    def skip(self, code: str, detail: str = "") -> ParsedRow:
        reason = RowProblem(code, detail or SKIP_CODES[code])
        return ParsedRow(self.number, skipped=reason, raw=self.raw, balance=self.balance())

    def refused(self, code: str, detail: str = "", *, of: str = "") -> ParsedRow:
        self.problem(code, detail, of=of)
        return self.row(None)

    def row(self, entry: Draft | None) -> ParsedRow:
        assert entry is not None or self.problems, "a row without an entry says why"
        return ParsedRow(
            self.number,
            entry,
            tuple(self.problems),
            tuple(self.warnings),
            raw=self.raw,
            group=self.group,
            balance=self.balance(),
        )


@lru_cache(maxsize=128)
def _half(places: int) -> Decimal:
    return Decimal(5).scaleb(-places - 1)


def _on_day(at: datetime, day: date) -> datetime:
    """Return the instant, moved into that UTC day if needed: the file's day is the tax day."""
    if at.date() > day:
        return datetime.combine(day, time(23, 59, 59), UTC)
    if at.date() < day:
        return datetime.combine(day, time(0), UTC)
    return at


def rounded(value: Decimal, places: int) -> Decimal:
    """Return the value with at most `places` decimals."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -places:
        return value.quantize(Decimal(1).scaleb(-places), context=WIDE)
    return value


def line_of(
    heading: Heading,
    record: Record,
    options: Options,
    *,
    decimal: DecimalSign,
    date_order: DateOrder | None,
) -> Line:
    """Return one row under a heading, with its cells by field and raw."""
    names, found = heading.names, record.cells
    line = Line(
        number=record.line,
        cells={f: found[i] for f, i in heading.fields.items() if i < len(found)},
        columns=heading.columns,
        options=options,
        source=heading,
        found=found,
        decimal=decimal,
        date_order=date_order,
        money=heading.money,
        group=str(record.line),
    )
    if len(found) > len(names) and any(cell.strip() for cell in found[len(names) :]):
        line.problem("row_too_wide")
    return line


def lines(table: Table, options: Options) -> Iterator[Line]:
    """Yield the rows of a table; the last one has a problem if it may be cut off (`endings`)."""
    ending = Ending(table)
    held: Line | None = None
    for record in table.records():
        if held is not None:
            if table.tail:
                ending.add(held.found)
            yield held
        held = line_of(
            table.heading, record, options, decimal=table.decimal, date_order=table.date_order
        )
    if held is not None:
        if ending.is_cut_off(held.found):
            held.problem("row_cut_off")
        yield held


def _raw(names: Sequence[str], found: Sequence[str]) -> dict[str, str]:
    raw: dict[str, str] = {}
    for place, cell in enumerate(found):
        if not cell.strip():
            continue
        name = names[place] if place < len(names) else ""
        raw[name if name and name not in raw else f"column {place + 1}"] = cell
    return raw


def is_text_line(line: Line) -> bool:
    """Return whether the row has one cell only: a disclaimer, or a heading within the table."""
    return len(line.columns) > 2 and line.filled == 1


def trade_money(
    line: Line,
    *,
    kind: str,
    currency: str,
    quantity: Decimal,
    price: Decimal | None,
    fee: Decimal,
    gross: Decimal | None = None,
    net: Decimal | None = None,
    slack: Decimal = Decimal(0),
    of: str = "amount",
) -> tuple[Decimal | None, Decimal | None, Decimal]:
    """Return the price or the amount, and the fee, of a trade, checked against each other.

    `gross` is the stated cost of the units before the fee, `net` the cash that moved; both without
    sign. They may differ from quantity * price by one minor unit and by `slack`.
    """
    rounded_fee = quantize(fee, currency)
    if rounded_fee != fee:
        line.warn("fee_rounded", f"{fee} {currency}", of="fee")
    side = -1 if kind == "sell" else 1
    if rounded_fee < 0:
        line.warn("fee_is_rebate", of="fee")
    if gross is None and net is not None:
        gross = net - side * rounded_fee  # so that both come to what moved
    charged = max(rounded_fee, Decimal(0))
    rebate = rounded_fee - charged
    if not price and gross:
        price = None  # a price of 0 beside an amount is a price left out
    if price is None and gross is None:
        line.problem("price_missing", of="price")
        return None, None, charged
    if price is not None and price > PRICE_MAX:
        line.problem("number_too_large", of="price")
        return None, None, charged
    product = None if price is None else quantize(WIDE.multiply(quantity, price), currency)
    amount = product if gross is None else quantize(gross, currency)
    assert amount is not None
    if amount < 0:
        line.problem("amount_sign", of=of)
        return None, None, charged
    if product is not None and gross is not None:
        if abs(product - gross) > minor_unit(currency) + slack:
            line.problem(
                "amount_mismatch",
                f"{quantity} at {price} is {product} {currency}, the file says {amount}.",
                of=of,
            )
        elif product != amount:
            line.warn("price_differs", f"{product} at the price, {amount} stated.", of="price")
    if amount > MONEY_MAX:
        line.problem("number_too_large", of=of)
        return None, None, charged
    exact = price is not None and rounded(price, PRICE_DECIMALS) == price
    if exact and not rebate and amount == product:
        return price, None, charged
    if amount + side * rebate < 0:
        line.problem("amount_sign", "The rebate is more than the price.", of="fee")
        return None, None, charged
    return None, amount + side * rebate, charged


def cash_money(
    line: Line, *, currency: str, amount: Decimal | None, fee: Decimal = Decimal(0), of: str
) -> tuple[Decimal | None, Decimal]:
    """Return the amount, without sign, and the fee of a row that moves only cash."""
    fee = quantize(fee, currency)
    if amount is None:
        line.problem("amount_missing", of=of)
        return None, fee
    if not amount:
        line.problem("amount_zero", of=of)
        return None, fee
    whole = quantize(abs(amount), currency)
    if whole != abs(amount):
        line.warn("amount_rounded", f"{abs(amount)} {currency}", of=of)
    if not whole:
        line.problem("amount_zero", f"{amount} rounds to nothing.", of=of)
        return None, fee
    return whole, fee
