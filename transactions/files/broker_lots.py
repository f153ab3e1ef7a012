"""Comparison of our realized lines with a broker's realized lots, with reasons. Pure.

    recognized = proceeds - cost basis + disallowed, on both sides

Lines with the same security, closing day and opening day are first combined on either side, because
the broker and Ballast may split a lot with a partly washed loss differently. Lines of the same
quantity then form a pair. A pair whose figures agree within `rounding` per line is `matched`.

The two may rightly differ. A broker reports a wash sale only if loss and replacement are in one
account and have one CUSIP (26 CFR 1.6045-1(d)(6)(iii)); the investor reports all (IRC 1091).
A reason is given only if the figures show it; any other difference is `unexplained`.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from transactions.files.reading.interface import RealizedLot

REASONS: Mapping[str, str] = {
    "rounding": "Both are rounded, the broker per share or per lot.",
    "lot_choice_differs": "The same sale, taken from other lots.",
    "average_cost": "The broker uses the average cost of all shares.",
    "wash_sale_other_account": (
        "The replacement was bought in another account, which the broker does not see."
    ),
    "wash_sale_retirement_account": (
        "The replacement was bought in a retirement account, so the loss is disallowed permanently."
    ),
    "wash_sale_other_security": "Replaced by another security that is substantially identical.",
    "wash_sale_only_ours": "The broker reports no wash sale, or a smaller one.",
    "wash_sale_only_theirs": "The broker saw a replacement that is not in the ledger.",
    "wash_sale_basis_not_carried": "The broker did not add an earlier disallowed loss to the cost.",
    "wash_sale_basis_only_theirs": "The broker added an earlier disallowed loss to the cost.",
    "unadjusted_cost": "The broker's cost before its adjustments equals ours.",
    "basis_unknown_to_broker": "The broker does not know what the shares cost.",
    "fees": "Proceeds and cost differ by the same amount, so a fee is counted on the other side.",
    "holding_period_tacked": "The broker shows the day from which the holding period counts.",
    "settlement_date": (
        "The dates differ by a few days: one is the trade date, the other the settlement date."
    ),
    "term_follows_date": "Short or long follows from the other opening day.",
    "missing_sale": "The broker sold; the ledger has no such sale.",
    "sale_unknown_to_broker": "The ledger has a sale this file does not.",
    "missing_purchase": "The broker sold more of it than the ledger held in these lots.",
    "security_unknown": "The other side has nothing under this symbol; it may have another name.",
    "unexplained": "The figures do not show the reason.",
}
SETTLEMENT_DAYS_MAX = 5
# A difference up to this many times the allowance still counts as rounding.
ROUNDING_TIMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class OurLine:
    """One realized line of the ledger; `disallowed` >= 0, cost basis includes earlier wash sales.

    `replaced_in` lists the places of the shares that washed the loss: `account` (the same one),
    `other_account`, `retirement_account`, `other_security`; several or none.
    """

    symbol: str
    closed_date: date
    opened_date: date
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    disallowed: Decimal = Decimal(0)
    term: Literal["short", "long"] = "short"
    holding_period_date: date | None = None
    wash_sale_adjustment: Decimal = Decimal(0)
    replaced_in: frozenset[str] = frozenset()
    sale_id: str = ""
    lot_id: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that both sides have; `by` is theirs less ours, None if it is no number."""

    field: str
    ours: Decimal | date | str | None
    theirs: Decimal | date | str | None
    by: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Related lines of both sides; one of the two may be empty."""

    status: Literal["matched", "differs", "only_ours", "only_theirs"]
    ours: tuple[OurLine, ...]
    theirs: tuple[RealizedLot, ...]
    differences: tuple[Difference, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    proceeds: Decimal
    cost_basis: Decimal
    disallowed: Decimal

    @property
    def recognized(self) -> Decimal:
        return self.proceeds - self.cost_basis + self.disallowed


@dataclass(frozen=True, slots=True)
class Reconciliation:
    lines: tuple[Comparison, ...]
    ours: Totals
    theirs: Totals

    def count(self, status: str) -> int:
        return sum(line.status == status for line in self.lines)


def reconcile(
    ours: Sequence[OurLine],
    theirs: Sequence[RealizedLot],
    *,
    rounding: Decimal = Decimal("0.01"),
) -> Reconciliation:
    """Return the comparisons: every line of either side is in exactly one of them."""
    sales: dict[tuple[str, date | None], _Sale] = defaultdict(lambda: _Sale([], []))
    for mine in _merged_ours(ours):
        sales[mine.symbol, mine.closed].ours.append(mine)
    for lot in _merged_theirs(theirs):
        sales[lot.symbol, lot.closed].theirs.append(lot)
    known = ({line.symbol.upper() for line in ours}, {lot.symbol.upper() for lot in theirs})
    lines: list[Comparison] = []
    left_ours: list[_Ours] = []
    left_theirs: list[_Theirs] = []
    for key in sorted(sales, key=lambda key: (key[0], key[1] or date.min)):
        sale = sales[key]
        lines += _compare_sale(sale, rounding)
        left_ours += sale.ours
        left_theirs += sale.theirs
    lines += [
        _compare(mine, lot, rounding=rounding, averaged=False)
        for mine, lot in _pairs(left_ours, left_theirs, _OTHER_DAY)
    ]
    for mine in left_ours:
        reason = "sale_unknown_to_broker" if mine.symbol in known[1] else "security_unknown"
        lines.append(Comparison("only_ours", mine.lines, (), reasons=(reason,)))
    for lot in left_theirs:
        reason = "missing_sale" if lot.symbol in known[0] else "security_unknown"
        lines.append(Comparison("only_theirs", (), lot.lines, reasons=(reason,)))
    result = Reconciliation(tuple(sorted(lines, key=_order)), _totals(ours), _totals(theirs))
    assert sum(len(line.ours) for line in result.lines) == len(ours), "every line once"
    assert sum(len(line.theirs) for line in result.lines) == len(theirs), "every lot once"
    return result


def _order(line: Comparison) -> tuple[date, str, date]:
    if line.ours:
        first = line.ours[0]
        return first.closed_date, first.symbol.upper(), first.opened_date
    lot = line.theirs[0]
    return lot.closed_date or date.min, lot.symbol.upper(), lot.opened_date or date.min


def _totals(found: Sequence[OurLine | RealizedLot]) -> Totals:
    return Totals(
        sum((line.proceeds for line in found), Decimal(0)),
        sum((line.cost_basis for line in found), Decimal(0)),
        sum((line.disallowed for line in found), Decimal(0)),
    )


# Combining lines.


@dataclass(slots=True, eq=False)
class _Ours:
    lines: tuple[OurLine, ...]
    symbol: str
    closed: date
    opened: date
    held_from: date
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    disallowed: Decimal
    adjustment: Decimal
    terms: frozenset[str]
    replaced_in: frozenset[str]


@dataclass(slots=True, eq=False)
class _Theirs:
    lines: tuple[RealizedLot, ...]
    symbol: str
    closed: date | None
    opened: date | None
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    disallowed: Decimal
    unadjusted: Decimal | None
    terms: frozenset[str]


@dataclass(slots=True)
class _Sale:
    ours: list[_Ours]
    theirs: list[_Theirs]


def _merged_ours(lines: Sequence[OurLine]) -> Iterator[_Ours]:
    groups: dict[tuple[str, date, date], list[OurLine]] = defaultdict(list)
    for line in lines:
        groups[line.symbol.upper(), line.closed_date, line.opened_date].append(line)
    yield from (_together(group) for group in groups.values())


def _together(group: Sequence[OurLine]) -> _Ours:
    first, totals = group[0], _totals(group)
    return _Ours(
        lines=tuple(group),
        symbol=first.symbol.upper(),
        closed=first.closed_date,
        opened=min(line.opened_date for line in group),
        held_from=min(line.holding_period_date or line.opened_date for line in group),
        quantity=sum((line.quantity for line in group), Decimal(0)),
        proceeds=totals.proceeds,
        cost_basis=totals.cost_basis,
        disallowed=totals.disallowed,
        adjustment=sum((line.wash_sale_adjustment for line in group), Decimal(0)),
        terms=frozenset(line.term for line in group),
        replaced_in=frozenset().union(*(line.replaced_in for line in group)),
    )


def _merged_theirs(lots: Sequence[RealizedLot]) -> Iterator[_Theirs]:
    groups: dict[tuple[str, date | None, date | None], list[RealizedLot]] = defaultdict(list)
    for lot in lots:
        groups[lot.symbol.upper(), lot.closed_date, lot.opened_date].append(lot)
    for group in groups.values():
        totals = _totals(group)
        unadjusted = [lot.unadjusted_cost_basis for lot in group]
        yield _Theirs(
            lines=tuple(group),
            symbol=group[0].symbol.upper(),
            closed=group[0].closed_date,
            opened=group[0].opened_date,
            quantity=sum((lot.quantity for lot in group), Decimal(0)),
            proceeds=totals.proceeds,
            cost_basis=totals.cost_basis,
            disallowed=totals.disallowed,
            unadjusted=None
            if None in unadjusted
            else sum((value for value in unadjusted if value is not None), Decimal(0)),
            terms=frozenset(lot.term for lot in group if lot.term),
        )


# Pairs within one sale.


def _compare_sale(sale: _Sale, rounding: Decimal) -> list[Comparison]:
    """Remove the pairs from the sale and return them compared; the rest has no other side."""
    averaged = _averaged(sale)
    lines = [
        _compare(*pair, rounding=rounding, averaged=averaged)
        for alike in _ALIKE
        for pair in _pairs(sale.ours, sale.theirs, alike)
    ]
    if len(sale.theirs) == 1 and sale.theirs[0].opened is None and sale.ours:
        # "Various": one line for the rest of the sale.
        whole = _together([line for mine in sale.ours for line in mine.lines])
        if whole.quantity == sale.theirs[0].quantity:
            lines.append(_compare(whole, sale.theirs[0], rounding=rounding, averaged=averaged))
            sale.ours, sale.theirs = [], []
    if not sale.ours or not sale.theirs:
        return lines
    sold = (_units(sale.ours), _units(sale.theirs))
    reason = "lot_choice_differs" if sold[0] == sold[1] else "missing_purchase"
    for mine, lot in _pairs(sale.ours, sale.theirs, _SAME_DAY):
        lines.append(_compare(mine, lot, rounding=rounding, averaged=averaged, why=reason))
    lines += [Comparison("only_ours", mine.lines, (), reasons=(reason,)) for mine in sale.ours]
    lines += [Comparison("only_theirs", (), lot.lines, reasons=(reason,)) for lot in sale.theirs]
    sale.ours, sale.theirs = [], []
    return lines


def _units(parts: Sequence[_Ours] | Sequence[_Theirs]) -> Decimal:
    return sum((part.quantity for part in parts), Decimal(0))


_Keys = Callable[[_Ours], Iterable[Hashable]]
_Key = Callable[[_Theirs], Hashable]


def _days_around(day: date) -> Iterator[date]:
    first = max(day.toordinal() - SETTLEMENT_DAYS_MAX, 1)
    last = min(day.toordinal() + SETTLEMENT_DAYS_MAX, date.max.toordinal())
    return (date.fromordinal(place) for place in range(first, last + 1))


# From the surest match to the least sure; both sides have the same quantity. Our line may have
# several keys, their lot has one.
_ALIKE: tuple[tuple[_Keys, _Key], ...] = (
    (lambda mine: [(mine.quantity, mine.opened)], lambda lot: (lot.quantity, lot.opened)),
    (lambda mine: [(mine.quantity, mine.held_from)], lambda lot: (lot.quantity, lot.opened)),
    (
        lambda mine: [(mine.quantity, day) for day in _days_around(mine.opened)],
        lambda lot: (lot.quantity, lot.opened),
    ),
    (lambda mine: [(mine.quantity, mine.cost_basis)], lambda lot: (lot.quantity, lot.cost_basis)),
)
_SAME_DAY: tuple[_Keys, _Key] = (lambda mine: [mine.opened], lambda lot: lot.opened)
# The closing days are a few days apart; their opening day is one of ours, or is not stated.
_OTHER_DAY: tuple[_Keys, _Key] = (
    lambda mine: [
        (mine.symbol, mine.quantity, closed, opened)
        for closed in _days_around(mine.closed)
        for opened in (None, mine.opened, mine.held_from)
    ],
    lambda lot: (lot.symbol, lot.quantity, lot.closed, lot.opened),
)


def _pairs(
    ours: list[_Ours], theirs: list[_Theirs], alike: tuple[_Keys, _Key]
) -> list[tuple[_Ours, _Theirs]]:
    """Take the pairs out of both lists: each line of ours with the first lot under its keys."""
    keys_of, key_of = alike
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for place, lot in enumerate(theirs):
        waiting[key_of(lot)].append(place)
    pairs: list[tuple[_Ours, _Theirs]] = []
    taken: set[int] = set()
    left: list[_Ours] = []
    for mine in ours:
        found = [(waiting[key][0], key) for key in keys_of(mine) if waiting.get(key)]
        if not found:
            left.append(mine)
            continue
        place, key = min(found, key=lambda one: one[0])
        waiting[key].popleft()
        taken.add(place)
        pairs.append((mine, theirs[place]))
    ours[:] = left
    theirs[:] = [lot for place, lot in enumerate(theirs) if place not in taken]
    return pairs


def _averaged(sale: _Sale) -> bool:
    """Return whether the broker's lots of the sale have one cost per share, and ours do not."""

    def prices(parts: Sequence[_Ours] | Sequence[_Theirs]) -> set[Decimal]:
        return {
            round((part.cost_basis - _adjustment(part)) / part.quantity, 3)
            for part in parts
            if part.quantity
        }

    return len(sale.theirs) > 1 and len(prices(sale.theirs)) == 1 and len(prices(sale.ours)) > 1


def _adjustment(part: _Ours | _Theirs) -> Decimal:
    if isinstance(part, _Ours):
        return part.adjustment
    return Decimal(0) if part.unadjusted is None else part.cost_basis - part.unadjusted


# The differences within a pair, and their reasons.


def _compare(
    mine: _Ours, lot: _Theirs, *, rounding: Decimal, averaged: bool, why: str = ""
) -> Comparison:
    allowed = rounding * max(len(mine.lines), len(lot.lines))
    found: list[Difference] = []
    for name in ("quantity", "proceeds", "cost_basis", "disallowed"):
        own, other = getattr(mine, name), getattr(lot, name)
        if abs(other - own) > (Decimal(0) if name == "quantity" else allowed):
            found.append(Difference(name, own, other, other - own))
    if lot.closed != mine.closed:
        found.append(Difference("closed_date", mine.closed, lot.closed))
    if lot.opened is not None and lot.opened != mine.opened:
        found.append(Difference("opened_date", mine.opened, lot.opened))
    if lot.terms and lot.terms != mine.terms:
        terms = "/".join(sorted(mine.terms)), "/".join(sorted(lot.terms))
        found.append(Difference("term", *terms))
    if not found:
        return Comparison("matched", mine.lines, lot.lines)
    reasons = [why] if why else []
    by = {difference.field: difference for difference in found}
    if not why:
        for name in by:
            reasons += _why(name, by, mine, lot, allowed, averaged)
    unique = tuple(dict.fromkeys(reasons)) or ("unexplained",)
    return Comparison("differs", mine.lines, lot.lines, tuple(found), unique)


def _why(
    name: str,
    by: Mapping[str, Difference],
    mine: _Ours,
    lot: _Theirs,
    allowed: Decimal,
    averaged: bool,
) -> list[str]:
    if name == "closed_date":
        return ["settlement_date"]
    if name == "opened_date":
        if lot.opened == mine.held_from:
            return ["holding_period_tacked"]
        assert lot.opened is not None
        near = abs((mine.opened - lot.opened).days) <= SETTLEMENT_DAYS_MAX
        return ["settlement_date"] if near else ["lot_choice_differs"]
    if name == "term":
        return ["term_follows_date"] if "opened_date" in by else ["unexplained"]
    amount = by[name].by
    assert amount is not None
    if name == "disallowed":
        return _why_disallowed(amount, mine, allowed)
    other = by.get("proceeds" if name == "cost_basis" else "cost_basis")
    if other and other.by is not None and abs(other.by - amount) <= allowed:
        return ["fees"]
    if name == "cost_basis":
        return _why_cost(amount, mine, lot, allowed, averaged)
    return ["rounding"] if _is_rounding(amount, mine.quantity, allowed) else ["unexplained"]


def _is_rounding(amount: Decimal, quantity: Decimal, allowed: Decimal) -> bool:
    """Return whether it is a few cents, or at most half a cent per share."""
    return abs(amount) <= max(ROUNDING_TIMES * allowed, quantity * Decimal("0.005"))


def _why_disallowed(amount: Decimal, mine: _Ours, allowed: Decimal) -> list[str]:
    if abs(amount) <= ROUNDING_TIMES * allowed:
        return ["rounding"]
    if amount > 0:
        return ["wash_sale_only_theirs"]
    elsewhere = [
        f"wash_sale_{place}"
        for place in ("other_account", "retirement_account", "other_security")
        if place in mine.replaced_in
    ]
    return elsewhere or ["wash_sale_only_ours"]


def _why_cost(
    amount: Decimal, mine: _Ours, lot: _Theirs, allowed: Decimal, averaged: bool
) -> list[str]:
    if not lot.cost_basis and mine.cost_basis:
        return ["basis_unknown_to_broker"]
    if mine.adjustment and abs(amount + mine.adjustment) <= allowed:
        return ["wash_sale_basis_not_carried"]
    before = None if lot.unadjusted == lot.cost_basis else lot.unadjusted
    if before is not None and abs(before - (mine.cost_basis - mine.adjustment)) <= allowed:
        return ["wash_sale_basis_only_theirs" if amount > 0 else "unadjusted_cost"]
    if averaged:
        return ["average_cost"]
    if _is_rounding(amount, mine.quantity, allowed):
        return ["rounding"]
    if mine.adjustment and -mine.adjustment < amount < 0:
        return ["wash_sale_basis_not_carried"]
    return ["unexplained"]
