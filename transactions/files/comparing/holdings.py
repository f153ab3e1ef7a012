"""Comparison of stated positions and cash with the ledger at the end of a day. Pure.

    by         theirs less ours, of units and of cash
    matched    equal, or equal but for digits that the broker does not show
    together   a cause of units also moves cash: of all combinations of one cause for each
               difference, the one whose cash is the difference in cash is the explanation

Worked example: the broker has 15 AAA and 400.00, the ledger 10 AAA and 450.00. Without a file of
rows no record names the missing purchase: the units (+5) and the cash (-50.00) are its figures, and
it is a possibility. If the ledger has two equal purchases of 5 for 50.00 and the broker one, units
(-5) and cash (+50.00) agree with the duplicate: that is certain.

Where several combinations explain the figures, none is certain. Where none does, the figure is
`unexplained`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice, product
from typing import Literal

from transactions.files.comparing.causes import (
    SETTLEMENT_DAYS_MAX,
    Cause,
    Known,
    altered,
    causes_of_cash,
    causes_of_units,
)
from transactions.files.comparing.moves import NOTHING, Folded, Move, folded, until

Status = Literal["matched", "differs", "only_ours", "only_theirs"]
# Causes put together: with many differences, fewer combinations are tried.
_TRIED_TOGETHER_MAX = 200_000
# Fewer digits than these are not shown to round, but because there are none.
_ROUNDED_DECIMALS_MIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """The units that the broker states of one security; `symbol` is ours, "" if unknown."""

    symbol: str
    key: str
    units: Decimal
    decimals: int = 0
    cost_basis: Decimal | None = None
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TheirCash:
    """The cash that the broker states, in the account's currency.

    `in_funds`: the part of it in money funds.
    `is_converted`: it was added up from several currencies at the rates of the day. `is_finer`: it
    was stated with parts of the smallest coin.
    """

    amount: Decimal
    in_funds: Decimal = Decimal(0)
    is_converted: bool = False
    is_finer: bool = False
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One security on both sides. `ours`, `theirs` None: that side has none of it."""

    status: Status
    symbol: str
    key: str
    ours: Decimal | None
    theirs: Decimal | None
    causes: tuple[Cause, ...] = ()
    cost_basis: Decimal | None = None
    lines: tuple[int, ...] = ()

    @property
    def by(self) -> Decimal:
        return (self.theirs or Decimal(0)) - (self.ours or Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cash:
    """The cash of the account on both sides; `causes` explain `left`, what units do not explain."""

    status: Status
    ours: Decimal
    theirs: Decimal
    left: Decimal = Decimal(0)
    causes: tuple[Cause, ...] = ()
    lines: tuple[int, ...] = ()

    @property
    def by(self) -> Decimal:
        return self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every security of either side once, in the order of symbols; cash None if not stated."""

    day: date
    positions: tuple[Position, ...]
    cash: Cash | None

    @property
    def differences(self) -> int:
        parted = sum(one.status != "matched" for one in self.positions)
        return parted + (self.cash is not None and self.cash.status != "matched")


@dataclass(slots=True)
class _Parted:
    """A difference in units of a known security, under work."""

    symbol: str
    by: Fraction
    causes: list[Cause] = field(default_factory=list)


def compare(
    moves: Sequence[Move],
    *,
    day: date,
    theirs: Sequence[Theirs] | None,
    cash: TheirCash | None,
    our_cash: Decimal,
    known: Known,
    is_part: bool = False,
) -> Comparison:
    """Return the comparison at the end of `day`; theirs or cash None: the file does not state it.

    `moves`: all of the account's until a few days after the day. `our_cash` at the end of the day.
    `is_part`: the file has some of the positions only.
    """
    before = until(moves, day)
    now = folded(before)
    positions = list(_positions(now, theirs or (), is_part)) if theirs is not None else []
    after = [row for row in moves if day < row.day <= day + timedelta(days=SETTLEMENT_DAYS_MAX)]
    parted = [
        _Parted(one.symbol, _fraction(one.by))
        for one in positions
        if one.status != "matched" and one.symbol and not one.causes
    ]
    later = folded([*before, *after]).steps if after else {}
    slacks: dict[str, Fraction] = {}
    for row in theirs or ():
        slacks[row.symbol] = min(slacks.get(row.symbol, Fraction(1)), _slack(row.decimals))
    for one in parted:
        slack = slacks.get(one.symbol, NOTHING)
        steps = [step for step in later.get(one.symbol, ()) if step.move.day > day]
        found = causes_of_units(
            one.symbol, one.by, slack, now=now, later=steps, day=day, known=known
        )
        one.causes = found
    asked = None if cash is None else cash.amount - our_cash
    left = _together(parted, now, asked)
    causes = {one.symbol: tuple(one.causes) for one in parted}
    positions = [
        replace(one, causes=causes.get(one.symbol) or one.causes) if one.symbol else one
        for one in positions
    ]
    stated = None
    if cash is not None:
        stated = _cash(cash, our_cash, left or Decimal(0), before, after, day, known)
    return Comparison(day, tuple(_named_otherwise(positions)), stated)


def _fraction(value: Decimal) -> Fraction:
    return Fraction(value)


def _slack(decimals: int) -> Fraction:
    """Return by how much the units may differ because the file shows so many digits."""
    if decimals < _ROUNDED_DECIMALS_MIN:
        return NOTHING
    return Fraction(1, 10**decimals)


def _is_rounded(by: Fraction, slack: Fraction) -> bool:
    """Return whether a difference is that of a figure cut off, or rounded up, at its last digit."""
    return -slack < by < 0 or 0 < by <= slack / 2


def _positions(now: Folded, theirs: Sequence[Theirs], is_part: bool) -> Iterator[Position]:
    merged: dict[str, list[Theirs]] = {}
    for one in theirs:
        merged.setdefault(one.symbol or f"\0{one.key}", []).append(one)
    ours = {symbol: units for symbol, units in now.units.items() if units}
    for name in sorted({*merged, *(() if is_part else ours)}):
        rows = merged.get(name, [])
        units = ours.get(name)
        if rows:
            yield _stated(name, rows, units)
        elif units is not None:
            yield Position(
                status="only_ours", symbol=name, key=name, ours=_decimal(units), theirs=None
            )


def _stated(name: str, rows: Sequence[Theirs], units: Fraction | None) -> Position:
    stated = sum((row.units for row in rows), Decimal(0))
    costs = [row.cost_basis for row in rows]
    known = None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))
    by = _fraction(stated) - (units or NOTHING)
    causes: list[Cause] = []
    status: Status = "differs" if units else "only_theirs"
    if not rows[0].symbol:
        causes.append(Cause(reason="security_unknown", units=by, cash=None))
    elif stated < 0:
        causes.append(Cause(reason="short_position", certain=True, units=by, cash=None))
    elif not by or _is_rounded(by, _slack(max(row.decimals for row in rows))):
        status = "matched"
        if by:
            causes.append(Cause(reason="rounding", certain=True, units=by))
    return Position(
        status=status if stated or units else "matched",
        symbol=rows[0].symbol,
        key=rows[0].key,
        ours=None if units is None else _decimal(units),
        theirs=stated,
        causes=tuple(causes),
        cost_basis=known,
        lines=tuple(line for row in rows for line in row.lines),
    )


def _decimal(value: Fraction) -> Decimal:
    return round(Decimal(value.numerator) / Decimal(value.denominator), 10)


def _together(parted: Sequence[_Parted], now: Folded, asked: Decimal | None) -> Decimal | None:
    """Choose the causes whose cash together is the difference in cash. Return the cash left.

    Without stated cash every cause stays, and none but a record of the file is certain.
    """
    for one in parted:
        if asked is not None and len(parted) == 1:
            one.causes += altered(now.steps.get(one.symbol, []), one.by, asked)
    if asked is None:
        for one in parted:
            one.causes = [
                replace(cause, certain=cause.certain and _is_record(cause)) for cause in one.causes
            ] or [Cause(reason="unexplained", units=one.by, cash=None)]
        return None
    lists = [[cause for cause in one.causes if cause.cash is not None] for one in parted]
    chosen = _chosen(lists, asked) if all(lists) else []
    if not chosen:
        return _apart(parted, asked)
    for place, one in enumerate(parted):
        kept = list(dict.fromkeys(row[place] for row in chosen))
        one.causes = [replace(cause, certain=cause.certain and len(chosen) == 1) for cause in kept]
    if len(parted) == 1 and not any(cause.certain for cause in parted[0].causes):
        parted[0].causes.append(_fallback(parted[0], asked))
    return Decimal(0)


def _is_record(cause: Cause) -> bool:
    return bool(cause.lines) or cause.reason in ("short_position", "split_not_recorded")


def _chosen(lists: Sequence[Sequence[Cause]], asked: Decimal) -> list[tuple[Cause, ...]]:
    """Return the combinations whose cash is what is asked for: certain ones alone if any."""
    if not lists:
        return []
    found = [
        row
        for row in islice(product(*lists), max(1, _TRIED_TOGETHER_MAX // len(lists)))
        if sum((cause.cash or Decimal(0) for cause in row), Decimal(0)) == asked
    ]
    certain = [row for row in found if all(cause.certain for cause in row)]
    return certain or found


def _apart(parted: Sequence[_Parted], asked: Decimal) -> Decimal:
    """Explain each difference by itself; return the cash that is left for the others.

    A record of the file keeps its cash. What is left of a single open difference is its own: units
    against cash of the other sign are a trade, units without cash are something else.
    """
    left = asked
    open_: list[_Parted] = []
    for one in parted:
        certain = [cause for cause in one.causes if cause.certain and cause.cash is not None]
        if certain:
            left -= certain[0].cash or Decimal(0)
            one.causes = certain[:1]
        else:
            open_.append(one)
    if len(open_) == 1:
        one = open_[0]
        fallback = _fallback(one, left)
        one.causes = [*(cause for cause in one.causes if cause.cash is None), fallback]
        return Decimal(0) if fallback.reason == "transaction_missing" else left
    for one in open_:
        free = [cause for cause in one.causes if cause.cash is None or not cause.cash]
        one.causes = [*free, Cause(reason="unexplained", units=one.by, cash=None)]
    return left


def _fallback(one: _Parted, left: Decimal) -> Cause:
    if left and (left < 0) == (one.by > 0):
        return Cause(reason="transaction_missing", units=one.by, cash=left)
    if not left:
        return Cause(reason="units_moved_without_cash", units=one.by)
    return Cause(reason="unexplained", units=one.by, cash=None)


def _cash(
    cash: TheirCash,
    ours: Decimal,
    left: Decimal,
    before: Sequence[Move],
    after: Sequence[Move],
    day: date,
    known: Known,
) -> Cash:
    by = cash.amount - ours
    causes: list[Cause] = []
    if cash.in_funds:
        causes.append(Cause(reason="sweep_fund", certain=True, cash=cash.in_funds))
    if not by:
        status: Status = "matched"
        left = Decimal(0)
    else:
        status = "differs"
        found = (
            causes_of_cash(left, before, after, day=day, known=known, is_finer=cash.is_finer)
            if left
            else []
        )
        if len([cause for cause in found if cause.certain]) == 1:
            found = [cause for cause in found if cause.certain]
        elif len(found) > 1:
            found = [replace(cause, certain=False) for cause in found]
        if not found and left:
            reason = "currency_conversion" if cash.is_converted else "unexplained"
            found = [Cause(reason=reason, cash=left)]
        causes += found
    return Cash(
        status=status,
        ours=ours,
        theirs=cash.amount,
        left=left,
        causes=tuple(causes),
        lines=cash.lines,
    )


def _named_otherwise(positions: Sequence[Position]) -> Iterator[Position]:
    """Yield the positions, where a name is unknown with our only one of as many units."""
    ours = [one for one in positions if one.status == "only_ours"]
    for one in positions:
        if one.symbol or one.theirs is None:
            yield one
            continue
        same = [mine for mine in ours if mine.ours == one.theirs]
        if len(same) == 1:
            other = Cause(reason="other_symbol", units=_fraction(one.by), symbol=same[0].symbol)
            yield replace(one, causes=(*one.causes, other))
        else:
            yield one


def first_difference(found: Comparison) -> Mapping[str, object] | None:
    """Return the first position, else the cash, in which the two part."""
    for one in found.positions:
        if one.status != "matched":
            return {"symbol": one.symbol or one.key, "line": min(one.lines, default=None)}
    if found.cash is not None and found.cash.status != "matched":
        return {"symbol": None, "line": min(found.cash.lines, default=None)}
    return None
