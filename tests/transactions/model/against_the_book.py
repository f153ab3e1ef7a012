"""The book (`transactions.ledger.fold`) and the model, compared row by row and figure by figure."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from core.errors import BallastError
from tests.transactions.model.household import kept
from tests.transactions.model.words import Household, Outcome, Refused, Row
from transactions.ledger.book import Book, Event
from transactions.ledger.fold import Booked, booked
from transactions.ledger.units import scale_of
from transactions.ledger.wash_sales import Policy, WashSales

Key = tuple[object, ...]
Figures = dict[Key, tuple[Fraction, ...]]


@dataclass
class Names:
    """Numbers for the names the model uses; a transfer is two events."""

    accounts: dict[str, int]
    assets: dict[str, int]

    @classmethod
    def of(cls, house: Household, rows: Sequence[Row]) -> "Names":
        assets = {row.asset for row in rows} | {row.new_asset for row in rows}
        assets |= {*house.identical, *house.identical.values(), *house.crypto}
        return cls(
            {name: number for number, name in enumerate(sorted(house.accounts), start=1)},
            {name: number for number, name in enumerate(sorted(assets - {""}), start=1)},
        )

    def account(self, number: int) -> str:
        return next(name for name, known in self.accounts.items() if known == number)

    def asset(self, number: int) -> str:
        return next(name for name, known in self.assets.items() if known == number)


def events_of(rows: Sequence[Row], names: Names) -> list[Event]:
    """Return the rows as events of the book; a row's events have twice its number, and one more."""
    events = []
    for row in rows:
        internal = row.type == "transfer_out" and bool(row.to)
        quantity = _decimal(row.quantity) if row.quantity else None
        event = Event(
            id=row.id * 2,
            type=row.type,
            account=names.accounts[row.account],
            asset=names.assets[row.asset],
            at=row.at,
            net=_decimal(row.net),
            quantity=quantity,
            method=row.method,
            chosen=tuple((lot * 2, _decimal(part)) for lot, part in row.chosen),
            rates=(_decimal(row.rates[0]), _decimal(row.rates[1])),
            order_id=row.order,
            new_asset=names.assets[row.new_asset] if row.new_asset else None,
            ratio=row.ratio,
            basis_fraction=row.basis_part,
            opened_date=row.opened,
            stated=_decimal(row.net),
            internal=internal,
        )
        events.append(event)
        if internal:
            events.append(
                Event(
                    id=row.id * 2 + 1,
                    type="transfer_in",
                    account=names.accounts[row.to],
                    asset=event.asset,
                    at=row.at,
                    quantity=quantity,
                    source=event.id,
                )
            )
    return events


def by_the_book(house: Household, rows: Sequence[Row], names: Names) -> tuple[Booked, Book]:
    """Return the fold's result for the rows."""
    groups = dict(house.identical)
    pairs = [(row.asset, row.new_asset) for row in rows if row.type == "symbol_change"]
    for one, other in pairs:
        keep, drop = groups.get(one, one), groups.get(other, other)
        groups = {**groups, one: keep, other: keep}
        groups = {asset: keep if group == drop else group for asset, group in groups.items()}
    kinds = {names.accounts[name]: kind for name, kind in house.accounts.items()}
    book = Book(
        currencies=dict.fromkeys(kinds, "USD"),
        washes=WashSales(
            policy=Policy(
                house.wash_sales, house.earlier_acquired_count, add_days=not house.carry_date
            ),
            groups={names.assets[a]: names.assets[g] for a, g in groups.items()},
            exempt=frozenset(names.assets[a] for a in house.crypto if house.crypto_exempt),
            taxable=frozenset(number for number, kind in kinds.items() if kind == "taxable"),
            ignored=frozenset(
                number
                for number, kind in kinds.items()
                if kind == "401k" and not house.employer_plan_counts
            ),
            convert=lambda minor, *_: minor,
        ),
        scale=scale_of({row.ratio for row in rows if row.ratio is not None}),
    )
    return booked(book=book, events=events_of(rows, names)), book


def figures_of_the_book(outcome: Booked, book: Book, names: Names) -> tuple[Figures, ...]:
    """Return lots, closings and matches of the book in the model's terms."""
    one, cent = book.scale.one, Fraction(1, 100)
    key: Key
    lots: Figures = defaultdict(lambda: (Fraction(0),) * 2)
    for (account, asset), pieces in outcome.pieces.items():
        for p in pieces:
            key = (p.acquisition // 2, names.account(account), names.asset(asset), p.held_since)
            _add(lots, key, Fraction(p.quantity, one), p.basis * cent)
    sold: Figures = defaultdict(lambda: (Fraction(0),) * 7)
    for c in outcome.closings:
        key = (
            c.sale // 2,
            c.acquisition // 2,
            names.account(c.place[0]),
            names.asset(c.place[1]),
            c.held_since,
            c.long_term,
        )
        money = (c.proceeds * cent, c.basis * cent, c.deferred * cent, c.permanent * cent)
        quantities = (c.quantity, c.matched, c.permanent_quantity)
        _add(sold, key, *money, *(Fraction(q, one) for q in quantities))
    matches: Figures = defaultdict(lambda: (Fraction(0),) * 3)
    for m in outcome.wash_sales:
        key = (m.sale // 2, m.loss_lot // 2, m.replacement // 2, m.days_held, m.permanent)
        _add(
            matches,
            key,
            Fraction(m.quantity, one),
            Fraction(m.loss_quantity, one),
            m.disallowed * cent,
        )
    return dict(lots), dict(sold), dict(matches)


def figures_of_the_model(outcome: Outcome, house: Household) -> tuple[Figures, ...]:
    """Return lots, closings and matches of the model in the same terms."""
    key: Key
    lots: Figures = defaultdict(lambda: (Fraction(0),) * 2)
    for s in outcome.lots:
        _add(lots, (s.acquisition, s.account, s.asset, s.since), s.quantity, s.basis)
    sold: Figures = defaultdict(lambda: (Fraction(0),) * 7)
    for s in outcome.sold:
        assert s.sale is not None
        long = s.long
        key = (s.sale.id, s.acquisition, s.account, s.asset, s.since, long)
        _add(
            sold,
            key,
            *(s.proceeds, s.basis, s.deferred, s.lost),
            *(s.quantity, s.matched, s.lost_quantity),
        )
    matches: Figures = defaultdict(lambda: (Fraction(0),) * 3)
    for m in outcome.matches:
        key = (m.sale, m.loss_lot, m.replacement, m.days_held, m.permanent)
        _add(matches, key, m.quantity, m.loss_quantity, m.disallowed)
    return dict(lots), dict(sold), dict(matches)


def compared(
    house: Household, rows: Sequence[Row], counts: Counter[str], *, cents: int = 0
) -> list[str]:
    """Return the differences between book and model; up to `cents` of rounding are ignored."""
    names = Names.of(house, rows)
    try:
        ours, book = by_the_book(house, rows, names)
        refused = ""
    except BallastError as refusal:
        refused = refusal.code
    try:
        theirs = kept(house, rows)
    except Refused:
        counts["refused"] += 1
        return [] if refused else ["the model refuses what the book takes"]
    if refused == "nothing_held" and any(row.type == "split" for row in rows):
        counts["refused"] += 1  # The model accepts a split of nothing.
        return []
    if refused:
        return [f"the book refuses what the model takes: {refused}"]
    _count(theirs, rows, counts)
    differences = []
    for what, have, want in zip(
        ("lot", "sold", "match"),
        figures_of_the_book(ours, book, names),
        figures_of_the_model(theirs, house),
        strict=True,
    ):
        for key in sorted({*have, *want}, key=str):
            nothing = (Fraction(0),) * len((have.get(key) or want.get(key)) or ())
            mine, other = have.get(key, nothing), want.get(key, nothing)
            near = Fraction(cents, 100)
            if any(abs(a - b) > near for a, b in zip(mine, other, strict=True)):
                differences.append(f"{what} {_text(key)}: book {_text(mine)} model {_text(other)}")
    return differences


def _count(outcome: Outcome, rows: Sequence[Row], counts: Counter[str]) -> None:
    counts["households"] += 1
    counts["rows"] += len(rows)
    counts.update(f"{row.type}" for row in rows)
    replaced = {m.replacement for m in outcome.matches}
    lossy = {m.sale for m in outcome.matches}
    counts["wash sales (matches)"] += len(outcome.matches)
    counts["IRA losses (matches)"] += sum(m.permanent for m in outcome.matches)
    for s in outcome.sold:
        if s.sale is None or s.sale.type == "return_of_capital":
            continue
        counts["parts sold at a loss"] += s.loss > 0
        counts["parts washed in part"] += 0 < s.matched < s.quantity
        counts["chains"] += s.matched > 0 and s.replaced_a_loss
    counts["households with a wash sale"] += bool(lossy)
    counts["purchases that replaced"] += len(replaced)


def _add(figures: Figures, key: Key, *more: Fraction) -> None:
    figures[key] = tuple(a + b for a, b in zip(figures[key], more, strict=True))


def _decimal(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    assert Fraction(exact) == value, f"{value} has no exact decimal"
    return exact


def _text(values: Sequence[object]) -> str:
    return " ".join(f"{float(v):.6g}" if isinstance(v, Fraction) else str(v) for v in values)
