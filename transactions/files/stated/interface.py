"""The types that every reader of statements shares. Pure.

    read(data, options)  ->  Statement: the positions and the cash of a day, as the broker states

A reader raises InvalidInput with a code of `FILE_CODES` for a file that it cannot read. A row that
it cannot read is in `unreadable`: a position left out silently would look like a difference.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from core.limits import EARLIEST_DATE, LATEST_DATE, QUANTITY_DECIMALS, STATED_ROWS_MAX
from transactions.files.reading.decoding import refusal
from transactions.files.reading.interface import Options, RowProblem, Security
from transactions.files.reading.lines import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPosition:
    """The units of one security; negative for a short position.

    `decimals`: the digits that the file shows, by which it may have rounded. `is_cash`: a money
    fund in which the broker keeps the account's cash. `account` is a name in the file.
    """

    line: int
    security: Security
    quantity: Decimal
    decimals: int = 0
    currency: str = ""
    value: Decimal | None = None
    cost_basis: Decimal | None = None
    account: str = ""
    day: date | None = None
    is_cash: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedCash:
    """The cash in one currency; negative if it is borrowed.

    `settled`: without trades that are not settled yet, if the file states both. `is_whole`: the
    cash of all currencies, converted into this one.
    """

    line: int
    currency: str
    amount: Decimal
    settled: Decimal | None = None
    account: str = ""
    day: date | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that is a position or a balance and could not be read."""

    line: int
    problem: RowProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The positions and the cash of a file.

    `states_positions`, `states_cash`: the file has that section, so what is not in it is zero.
    `is_part`: it has some positions of the account only, such as one pie.
    """

    positions: tuple[StatedPosition, ...] = ()
    cash: tuple[StatedCash, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    states_positions: bool = False
    states_cash: bool = False
    is_part: bool = False

    @property
    def accounts(self) -> list[str]:
        """Return the names of the accounts in the file."""
        names = {row.account for row in self.positions} | {row.account for row in self.cash}
        return sorted(names - {""})

    @property
    def day(self) -> date | None:
        """Return the latest day that the file states; None if it states none."""
        days = {row.day for row in self.positions} | {row.day for row in self.cash}
        return max((day for day in days if day is not None and is_possible(day)), default=None)


def is_possible(day: date) -> bool:
    """Return whether the ledger can have such a day."""
    return EARLIEST_DATE <= day <= LATEST_DATE


Reader = Callable[[BinaryIO, Options], Statement]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFormat:
    """One format: its name in the API, its title for people, its reader.

    A file has the format if its head `is_head`, or if one of its rows has all the headings of one
    of the `signatures` in the form of `plain_name`.
    """

    name: str
    title: str
    read: Reader
    is_head: Callable[[bytes], bool] | None = None
    signatures: Sequence[Collection[str]] = ()


@dataclass(slots=True)
class Collector:
    """The rows of a statement while its file is read; refuses a file with too many."""

    positions: list[StatedPosition] = field(default_factory=list)
    cash: list[StatedCash] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    states_positions: bool = False
    states_cash: bool = False

    def position(
        self,
        line: Line,
        *,
        account: str = "",
        day: date | None = None,
        security: Security | None = None,
        is_cash: bool = False,
        sign: int = 1,
        is_exact: bool = False,
    ) -> None:
        """Add the position of a line with the cells quantity, currency, value and cost.

        `is_exact`: the file shows every digit, although it leaves out zeros at the end.
        """
        self.states_positions = True
        quantity = line.quantity("quantity")
        found = line.security(required=True) if security is None else security
        if quantity is None and not line.problems:
            line.problem("quantity_missing", of="quantity")
        value, cost = line.figure("value"), line.figure("cost")
        if self._has_problems(line) or quantity is None:
            return
        self.positions.append(
            StatedPosition(
                line=line.number,
                security=found,
                quantity=sign * quantity,
                decimals=QUANTITY_DECIMALS if is_exact else _decimals(quantity),
                currency=line.code("currency")[:3] or line.options.currency,
                value=value,
                cost_basis=cost,
                account=account or line.name("account"),
                day=day,
                is_cash=is_cash,
            )
        )
        self._bound()

    def balance(
        self,
        line: Line,
        *,
        account: str = "",
        day: date | None = None,
        currency: str = "",
        is_whole: bool = False,
    ) -> None:
        """Add the cash of a line with the cells amount, settled and currency."""
        self.states_cash = True
        amount, settled = line.figure("amount"), line.figure("settled")
        currency = currency or line.currency("currency")
        if amount is None and not line.problems:
            line.problem("amount_missing", of="amount")
        if self._has_problems(line) or amount is None:
            return
        self.cash.append(
            StatedCash(
                line=line.number,
                currency=currency,
                amount=amount,
                settled=settled,
                account=account or line.name("account"),
                day=day,
                is_whole=is_whole,
            )
        )
        self._bound()

    def statement(self, *, is_part: bool = False) -> Statement:
        if not self.states_positions and not self.states_cash:
            raise refusal("columns_missing", "The file states neither positions nor cash.")
        return Statement(
            positions=tuple(self.positions),
            cash=tuple(self.cash),
            unreadable=tuple(self.unreadable),
            states_positions=self.states_positions,
            states_cash=self.states_cash,
            is_part=is_part,
        )

    def _has_problems(self, line: Line) -> bool:
        self.unreadable += [Unreadable(line.number, problem) for problem in line.problems]
        self._bound()
        return bool(line.problems)

    def _bound(self) -> None:
        if len(self.positions) + len(self.cash) + len(self.unreadable) > STATED_ROWS_MAX:
            raise refusal("rows_too_many", f"A statement has at most {STATED_ROWS_MAX} rows.")


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
