"""Random households: trades, transfers and corporate actions of a few accounts, from one seed.

In an `even` household every price is a multiple of 69.12, so no division ever leaves a part of a
cent, and any two correct ledgers agree to the cent. Others have uneven prices and average cost.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from tests.transactions.model.words import Household, Row

START = datetime(2023, 11, 1, tzinfo=UTC)
# Denominators up to 4 * (2 * 3) ** 3, a quarter for spin-offs.
EVEN = Fraction(6912, 100)
RATIOS = [Fraction(2), Fraction(3), Fraction(3, 2), Fraction(1, 2)]
PLACES = [UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=9))]
KINDS = {
    "a_main": "taxable",
    "b_other": "taxable",
    "c_spouse": "taxable",
    "d_ira": "ira",
    "e_roth": "roth_ira",
    "f_plan": "401k",
}
METHODS = ["fifo", "fifo", "lifo", "hifo", "min_tax", "specific"]


@dataclass
class _Maker:
    """Creates rows in the order of time, so that the holdings are known."""

    rng: random.Random
    even: bool
    household: Household
    rows: list[Row] = field(default_factory=list)
    held: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    # Holdings when the instant began: a split of that instant precedes its trades.
    before: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    ratios: int = 0
    at: datetime = START
    # Shares also come from outside, and trades take place in New York and Tokyo.
    abroad: bool = False

    def add(self, row: Row) -> None:
        at = self.at.astimezone(self.rng.choice(PLACES)) if self.abroad else self.at
        self.rows.append(replace(row, id=len(self.rows) + 1, at=at))

    def later(self, *, days: int = 0, hours: int = 0) -> None:
        if days or hours:
            self.at += timedelta(days=days, hours=hours)
            self.before = dict(self.held)

    def price(self) -> Fraction:
        if self.even:
            return EVEN * self.rng.randint(1, 6)
        return Fraction(self.rng.randint(100, 20_000), 100)

    def money(self, value: Fraction) -> Fraction:
        return value if self.even else Fraction(round(value * 100), 100)

    def quantity(self) -> Fraction:
        return Fraction(
            self.rng.choice([1, 2, 3, 5, 8, 10, 20, 20, 40]), self.rng.choice([1, 1, 4])
        )

    def place(self) -> tuple[str, str]:
        accounts, assets = sorted(self.household.accounts), ["A", "A", "A", "A", "B", "C", "N"]
        return self.rng.choice(accounts), self.rng.choice(assets)

    def holding(self) -> tuple[str, str] | None:
        places = sorted(place for place, quantity in self.held.items() if quantity > 0)
        return self.rng.choice(places) if places else None

    def buy(self) -> None:
        account, asset = self.place()
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            quantity = self.quantity()
            self.held[account, asset] = self.held.get((account, asset), Fraction(0)) + quantity
            kind = self.rng.choice(["buy", "buy", "buy", "reinvestment"])
            fee = Fraction(0) if self.even else Fraction(self.rng.choice([0, 0, 1, 95]), 100)
            order = self.rng.choice(["", "", "", f"order {self.rng.randint(1, 3)}"])
            amount = self.money(quantity * self.price())
            self.add(Row(0, kind, account, self.at, asset, quantity, amount, fee, order=order))

    def sell(self) -> None:
        place = self.holding()
        if place is None:
            return
        quantity = self.part(place)
        method = self.rng.choice(METHODS if self.even else ["fifo", "lifo", "average", "specific"])
        row = Row(0, "sell", place[0], self.at, place[1], quantity, method=method)
        amount = self.money(quantity * self.price())
        rates = (Fraction(self.rng.choice([40, 25]), 100), Fraction(self.rng.choice([20, 15]), 100))
        row = replace(row, amount=amount, rates=rates)
        if method == "specific":
            row = self.named(row)
        self.held[place] -= row.quantity
        self.add(row)

    def named(self, row: Row) -> Row:
        """Name one or two purchases, without checking whether they still hold as much."""
        lots = [
            r
            for r in self.rows
            if r.type in ("buy", "reinvestment")
            and (r.account, r.asset) == (row.account, row.asset)
        ]
        lots = self.rng.sample(lots, min(len(lots), self.rng.choice([1, 2])))
        whole = sum((lot.quantity for lot in lots), Fraction(0))
        if not lots or whole > self.held[row.account, row.asset] or self.ratios:
            return replace(row, method="fifo")
        part = self.rng.choice([Fraction(1), Fraction(1), Fraction(1, 2)])
        chosen = tuple((lot.id, lot.quantity * part) for lot in lots)
        price = row.amount / row.quantity
        amount = self.money(whole * part * price)
        return replace(row, chosen=chosen, quantity=whole * part, amount=amount)

    def receive(self) -> None:
        """Shares bought elsewhere, some days or months ago, arrive."""
        account, asset = self.place()
        ago = self.rng.choice([0, 1, 10, 25, 30, 31, 45, 80, 400])
        quantity = self.quantity()
        self.held[account, asset] = self.held.get((account, asset), Fraction(0)) + quantity
        amount = self.money(quantity * self.price())
        opened = (self.at - timedelta(days=ago)).date()
        self.add(Row(0, "transfer_in", account, self.at, asset, quantity, amount, opened=opened))

    def part(self, place: tuple[str, str]) -> Fraction:
        held = self.held[place]
        quarters = int(held * 4)
        if self.rng.random() < 0.4 or quarters < 2:
            return held if (held * 10**10).denominator == 1 else Fraction(int(held * 4), 4) or held
        return Fraction(self.rng.randint(1, quarters), 4)

    def transfer(self) -> None:
        place = self.holding()
        if place is None:
            return
        kind = self.household.accounts[place[0]]
        others = [n for n, k in self.household.accounts.items() if k == kind and n != place[0]]
        if not others:
            return
        to, quantity = self.rng.choice(sorted(others)), self.part(place)
        self.held[place] -= quantity
        self.held[to, place[1]] = self.held.get((to, place[1]), Fraction(0)) + quantity
        method = self.rng.choice(["fifo", "lifo", "hifo"] if self.even else ["fifo", "lifo"])
        self.add(
            Row(0, "transfer_out", place[0], self.at, place[1], quantity, method=method, to=to)
        )

    def split(self) -> None:
        """Split in every account that holds the asset, at one instant, sometimes with cash."""
        place = self.holding()
        if place is None or self.ratios >= 3:
            return
        self.ratios += 1
        ratio, price = self.rng.choice(RATIOS), self.price()
        for (account, asset), quantity in sorted(self.held.items()):
            if asset != place[1] or quantity <= 0:
                continue
            early = self.before.get((account, asset), Fraction(0))
            quantity = early * ratio + quantity - early
            fraction = quantity - int(quantity)
            row = Row(0, "split", account, self.at, asset, ratio=ratio)
            if fraction and early == self.held[account, asset] and self.rng.random() < 0.7:
                row = replace(row, amount=self.money(fraction * price))
                quantity -= fraction if row.amount else 0
            self.held[account, asset] = quantity
            self.add(row)

    def other_event(self) -> None:
        place = self.holding()
        if place is None:
            return
        account, asset = place
        kind = self.rng.choice(["return_of_capital", "spin_off", "symbol_change"])
        row = Row(0, kind, account, self.at, asset)
        self.later(hours=1)
        row = replace(row, at=self.at)
        if kind == "return_of_capital":
            each = self.price() / (1 if self.rng.random() < 0.1 else 12)
            amount = self.money(self.held[place] * each)
            if (amount * 100).denominator == 1 and amount:
                self.add(replace(row, amount=amount))
            return
        new = "S" if kind == "spin_off" else "N"
        if asset in ("S", "N") or asset == "C" and kind == "symbol_change":
            return
        if kind == "symbol_change":
            self.held[account, new] = self.held.get((account, new), Fraction(0)) + self.held[place]
            self.held[place] = Fraction(0)
            self.add(replace(row, new_asset=new))
        elif not any(r.type == "spin_off" for r in self.rows):
            self.held[account, new] = self.held[place]
            self.add(replace(row, new_asset=new, ratio=Fraction(1), basis_part=Fraction(1, 4)))


def household(
    seed: int, *, rows: int = 14, abroad: bool = False
) -> tuple[Household, list[Row], bool]:
    """Return the household of a seed, its transactions in random order, whether it is even.

    `abroad`: shares also come from outside, and trades take place in New York and Tokyo.
    """
    rng = random.Random(seed)
    even = rng.random() < 0.75
    names = sorted(rng.sample(sorted(KINDS), rng.randint(1, 4)) + ["a_main"])
    house = Household(
        accounts={name: KINDS[name] for name in names},
        identical=rng.choice([{}, {"A": "A", "B": "A"}]),
        crypto=frozenset(rng.choice([[], [], [], ["C"]])),
        wash_sales=rng.random() > 0.03,
        earlier_acquired_count=rng.random() > 0.2,
        carry_date=rng.random() < 0.2,
        employer_plan_counts=rng.random() > 0.3,
        crypto_exempt=rng.random() > 0.5,
    )
    maker = _Maker(rng, even, house, abroad=abroad)
    acts = [maker.buy] * 6 + [maker.sell] * 6 + [maker.transfer, maker.split, maker.other_event]
    if abroad:
        acts += [maker.receive] * 3
    for _ in range(rng.choice([rng.randint(3, rows), rng.randint(rows, 2 * rows)])):
        rng.choice(acts)()
        gap = rng.choice([0, 0, 0, 0, 1, 3, 7, 12, 20, 29, 30, 31, 45])
        if rng.random() < 0.02:
            gap = 366
        maker.later(days=gap, hours=rng.choice([0, 0, 0, 5]) if gap == 0 else 0)
    shuffled = list(maker.rows)
    rng.shuffle(shuffled)
    return house, shuffled, even
