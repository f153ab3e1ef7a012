"""The reasons that one difference may have, each with its figures. Pure.

    by      theirs less ours
    cause   what must have happened for this `by`: so many units, and so much cash beside them

A cause is `certain` only if the record proves it: a row of the broker's own file that the ledger
lacks, two equal rows where the broker has one, a split that another account of the household has.
Anything else that would explain the figures is a possibility, and is called so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from transactions.files.comparing.moves import NOTHING, Folded, Move, Step
from transactions.ledger.kinds import KINDS

REASONS: Mapping[str, str] = {
    "transaction_missing": "The broker has a transaction that the ledger does not have.",
    "transaction_only_ours": "Without this transaction of the ledger the two would agree.",
    "duplicate": "The ledger has this transaction twice.",
    "transaction_differs": "The broker's file has this transaction with other figures.",
    "quantity_differs": "With another quantity in this transaction the two would agree.",
    "split_not_recorded": "The broker's units are ours times a split's ratio.",
    "dividend_reinvested": "The broker reinvested this dividend; the ledger has it as cash.",
    "units_moved_without_cash": (
        "Units moved without cash: a transfer, a reinvestment or a corporate action is missing."
    ),
    "unsettled_trade": "The broker counts these trades when they settle, after the day.",
    "recorded_later": "The broker has these transactions; the ledger has them after the day.",
    "rows_refused": "Rows of the file about it were refused or left out.",
    "sweep_fund": "The broker keeps this cash in a money fund.",
    "currency_conversion": "The broker keeps several currencies; the ledger converts to one.",
    "rounding": "One side keeps fewer digits.",
    "security_unknown": "Ballast knows no security under this name. Map it to a symbol.",
    "other_symbol": "The other side has the same number of units under this name.",
    "short_position": "The broker has a short position, which the ledger cannot hold.",
    "wash_sale_basis": "Ours includes losses that wash sales added to the cost.",
    "basis_rounding": "Both are rounded, the broker per share or per lot.",
    "unexplained": "The figures do not show the reason.",
}
SETTLEMENT_DAYS_MAX = 5
# A split has a ratio of small numbers: 3:2, 20:1; a reverse one makes one unit of several.
_RATIO_MAX, _RATIO_BOTH_MAX = 100, 10
_CENT, _HALF_CENT = Decimal("0.01"), Decimal("0.005")
CAUSES_MAX = 12
# Rows that are tried against each other: so many of the file, so many of the ledger, the latest.
_TRIED_ROWS_MAX, _TRIED_TRANSACTIONS_MAX, _TRIED_NEARLY_MAX = 200, 500, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason with its figures; `cash` None: unknown, so that it may be any."""

    reason: str
    certain: bool = False
    units: Fraction = NOTHING
    cash: Decimal | None = Decimal(0)
    ids: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    ratio: Fraction | None = None
    day: date | None = None
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the ledger.

    `missing`: rows of the file that the ledger lacks. `absent`: ids of transactions that the file,
    which covers their day, does not have. `splits`: ratios that other accounts of the household
    have, with their days, by symbol. `refused`: symbols of refused rows; "" for rows of cash.
    """

    missing: Sequence[Move] = ()
    absent: Collection[str] = ()
    splits: Mapping[str, Mapping[Fraction, date]] = field(default_factory=dict)
    refused: Collection[str] = ()


def causes_of_units(
    symbol: str,
    by: Fraction,
    slack: Fraction,
    *,
    now: Folded,
    later: Sequence[Step],
    day: date,
    known: Known,
) -> list[Cause]:
    """Return the causes of a difference in units, the surest first, without a fallback.

    Causes that give exactly `by` go before those that give it only within `slack`, the digits that
    the broker does not show.
    """
    if slack and (
        found := causes_of_units(symbol, by, NOTHING, now=now, later=later, day=day, known=known)
    ):
        return found
    steps = now.steps.get(symbol, [])
    found = [
        *_missing(symbol, by, slack, known),
        *_differing(symbol, steps, by, slack, known),
        *_duplicates(steps, by, slack),
        *_splits(symbol, now.held(symbol), by, known),
        *_unsettled(steps, by, slack, day),
        *_later(later, by, slack),
        *_only_ours(steps, by, slack, known),
        *_reinvested(symbol, by, now),
    ]
    if symbol in known.refused and not any(cause.certain for cause in found):
        found.insert(0, Cause(reason="rows_refused", units=by, cash=None))
    return found[:CAUSES_MAX]


def _is(value: Fraction, wanted: Fraction, slack: Fraction) -> bool:
    return abs(value - wanted) <= slack


def _missing(symbol: str, by: Fraction, slack: Fraction, known: Known) -> Iterator[Cause]:
    """Yield rows of the file that the ledger lacks: one, or all of the security together."""
    rows = [row for row in known.missing if symbol in (row.symbol, row.new_symbol)]
    whole = [(row, _units(row, symbol)) for row in rows]
    groups = [[pair] for pair in whole] + ([whole] if len(whole) > 1 else [])
    for group in groups:
        units = sum((units for _, units in group), NOTHING)
        if _is(units, by, slack) and units:
            yield Cause(
                reason="transaction_missing",
                certain=True,
                units=units,
                cash=sum((row.cash for row, _ in group), Decimal(0)),
                lines=tuple(row.line for row, _ in group if row.line is not None),
                ids=tuple(row.id for row, _ in group if row.id),
            )


def _differing(
    symbol: str, steps: Sequence[Step], by: Fraction, slack: Fraction, known: Known
) -> Iterator[Cause]:
    """Yield rows of the file that replace a transaction which the file does not have."""
    absent = [step for step in steps if step.move.id in known.absent][-_TRIED_TRANSACTIONS_MAX:]
    rows = [row for row in known.missing if row.symbol == symbol][:_TRIED_ROWS_MAX]
    exact: dict[tuple[str, Fraction], list[Step]] = defaultdict(list)
    for step in absent:
        exact[step.move.type, step.effect].append(step)
    for row in rows:
        wanted = _units(row, symbol) - by
        found = exact.get((row.type, wanted), [])
        if slack and not found:
            near = absent[-_TRIED_NEARLY_MAX:]
            found = [s for s in near if s.move.type == row.type and _is(s.effect, wanted, slack)]
        for step in found:
            yield Cause(
                reason="transaction_differs",
                certain=True,
                units=by,
                cash=row.cash - step.move.cash,
                ids=(step.move.id,),
                lines=() if row.line is None else (row.line,),
            )


def _units(row: Move, symbol: str) -> Fraction:
    sign = KINDS[row.type].sign
    return row.quantity * sign if sign is not None and symbol == row.symbol else NOTHING


def _duplicates(steps: Sequence[Step], by: Fraction, slack: Fraction) -> Iterator[Cause]:
    groups: dict[tuple[object, ...], list[Step]] = defaultdict(list)
    for step in steps:
        groups[step.move.figures].append(step)
    for group in groups.values():
        for count in range(1, len(group)):
            extra = group[-count:]
            if _is(sum((step.effect for step in extra), NOTHING), -by, slack):
                yield Cause(
                    reason="duplicate",
                    certain=True,
                    units=by,
                    cash=-sum((step.move.cash for step in extra), Decimal(0)),
                    ids=tuple(step.move.id for step in extra),
                )


def _splits(symbol: str, held: Fraction, by: Fraction, known: Known) -> Iterator[Cause]:
    if held <= 0 or held + by <= 0:
        return
    ratio = (held + by) / held
    new, old = ratio.numerator, ratio.denominator
    day = known.splits.get(symbol, {}).get(ratio)
    recorded = day is not None
    forward = new > old and (new <= _RATIO_BOTH_MAX or (old == 1 and new <= _RATIO_MAX))
    if recorded or forward or (new == 1 and old <= _RATIO_MAX):
        yield Cause(reason="split_not_recorded", certain=recorded, units=by, ratio=ratio, day=day)


def _unsettled(steps: Sequence[Step], by: Fraction, slack: Fraction, day: date) -> Iterator[Cause]:
    """Yield the trades of the last days that the broker does not count yet."""
    first = day - timedelta(days=SETTLEMENT_DAYS_MAX)
    recent = [step for step in steps if step.move.is_trade and step.move.day >= first]
    for start in sorted({step.move.day for step in recent}, reverse=True):
        open_ = [step for step in recent if step.move.day >= start]
        if _is(sum((step.effect for step in open_), NOTHING), -by, slack):
            for cash in {-sum((step.move.cash for step in open_), Decimal(0)), Decimal(0)}:
                ids = tuple(step.move.id for step in open_)
                yield Cause(reason="unsettled_trade", units=by, cash=cash, ids=ids)


def _later(later: Sequence[Step], by: Fraction, slack: Fraction) -> Iterator[Cause]:
    """Yield transactions of the days after, which the broker has already."""
    if not later:
        return
    start = later[0].before
    for count, step in enumerate(later, start=1):
        if _is(step.after - start, by, slack):
            rows = [one.move for one in later[:count]]
            cash = sum((move.cash for move in rows), Decimal(0))
            ids = tuple(move.id for move in rows)
            yield Cause(reason="recorded_later", units=by, cash=cash, ids=ids)


def _only_ours(
    steps: Sequence[Step], by: Fraction, slack: Fraction, known: Known
) -> Iterator[Cause]:
    """Yield single transactions that the broker may not have; the latest first."""
    for step in reversed(steps):
        if step.effect and _is(step.effect, -by, slack):
            yield Cause(
                reason="transaction_only_ours",
                certain=step.move.id in known.absent,
                units=by,
                cash=-step.move.cash,
                ids=(step.move.id,),
            )


def _reinvested(symbol: str, by: Fraction, now: Folded) -> Iterator[Cause]:
    if by <= 0:
        return
    seen: set[Decimal] = set()
    for move in reversed(now.income.get(symbol, [])):
        if move.cash > 0 and move.cash not in seen and len(seen) < CAUSES_MAX:
            seen.add(move.cash)
            yield Cause(reason="dividend_reinvested", units=by, cash=-move.cash, ids=(move.id,))


def altered(steps: Sequence[Step], by: Fraction, cash: Decimal) -> Iterator[Cause]:
    """Yield trades that would explain units and cash with another quantity at their price."""
    for step in reversed(steps):
        move, sign = step.move, KINDS[step.move.type].sign
        if not move.is_trade or not move.price or not sign or not step.later_scale:
            continue
        more = by / step.later_scale / sign
        if move.quantity + more <= 0:
            continue
        paid = -sign * move.price * Decimal(more.numerator) / Decimal(more.denominator)
        if abs(paid - cash) <= _CENT:
            yield Cause(reason="quantity_differs", units=by, cash=cash, ids=(move.id,))


def causes_of_cash(
    by: Decimal,
    rows: Sequence[Move],
    later: Sequence[Move],
    *,
    day: date,
    known: Known,
    is_finer: bool = False,
) -> list[Cause]:
    """Return the causes of cash that no difference in units explains; the surest first.

    `is_finer`: the broker keeps parts of a cent, which the ledger rounds in every transaction.
    """
    found: list[Cause] = []
    loose = [row for row in known.missing if not _moves_units(row)]
    for group in [[row] for row in loose] + ([loose] if len(loose) > 1 else []):
        if sum((row.cash for row in group), Decimal(0)) == by:
            lines = tuple(row.line for row in group if row.line is not None)
            found.append(Cause(reason="transaction_missing", certain=True, cash=by, lines=lines))
    absent = [row for row in rows if row.id in known.absent][-_TRIED_TRANSACTIONS_MAX:]
    for other in known.missing[:_TRIED_ROWS_MAX]:
        for row in absent:
            is_same = (row.type, row.symbol) == (other.type, other.symbol)
            if is_same and other.cash - row.cash == by:
                lines = () if other.line is None else (other.line,)
                differs = Cause(reason="transaction_differs", certain=True, cash=by, ids=(row.id,))
                found.append(replace(differs, lines=lines))
    groups: dict[tuple[object, ...], list[Move]] = defaultdict(list)
    for row in rows:
        if row.cash:
            groups[row.figures].append(row)
    for same in groups.values():
        if len(same) > 1 and not _moves_units(same[0]):
            count = by / -same[0].cash
            if count == int(count) and 0 < count < len(same):
                ids = tuple(row.id for row in same[-int(count) :])
                found.append(Cause(reason="duplicate", certain=True, cash=by, ids=ids))
    found += _unsettled_cash(by, rows, day)
    found += _later_cash(by, later)
    for row in reversed(rows):
        if row.cash == -by and not _moves_units(row):
            certain = row.id in known.absent
            ids = (row.id,)
            found.append(Cause(reason="transaction_only_ours", certain=certain, cash=by, ids=ids))
    if "" in known.refused and not any(cause.certain for cause in found):
        found.insert(0, Cause(reason="rows_refused", cash=by))
    if is_finer and abs(by) <= _HALF_CENT * sum(1 for row in rows if row.cash):
        found.append(Cause(reason="rounding", cash=by))
    return found[:CAUSES_MAX]


def _moves_units(row: Move) -> bool:
    return KINDS[row.type].lots != "none"


def _unsettled_cash(by: Decimal, rows: Sequence[Move], day: date) -> Iterator[Cause]:
    first = day - timedelta(days=SETTLEMENT_DAYS_MAX)
    recent = [row for row in rows if row.is_trade and row.day >= first and row.cash]
    for start in sorted({row.day for row in recent}, reverse=True):
        open_ = [row for row in recent if row.day >= start]
        if sum((row.cash for row in open_), Decimal(0)) == -by:
            ids = tuple(row.id for row in open_)
            yield Cause(reason="unsettled_trade", cash=by, ids=ids)


def _later_cash(by: Decimal, later: Sequence[Move]) -> Iterator[Cause]:
    rows = sorted((row for row in later if row.cash), key=lambda row: row.at)
    whole = Decimal(0)
    for count, row in enumerate(rows, start=1):
        whole += row.cash
        if whole == by:
            yield Cause(reason="recorded_later", cash=by, ids=tuple(one.id for one in rows[:count]))
