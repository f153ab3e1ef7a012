"""A second, slow model of a household's ledger, which checks the fast one in production.

Why there are two models: `transactions/ledger` books incrementally, in integers, with indexes and
replays. Its tests would repeat its mistakes if their expected figures came from the same code or
the same ideas. So this model computes every figure independently, in the simplest way. It was
written only from the rules (IRC 1091 and 1223(3), Reg. 1.1091-1 and -2, Pub. 550), never from the
code it is compared with. `test_model.py` first checks it against published examples. Then random
households run through both, and every difference is a fault in one of them. Nothing in production
imports it.

Everything is an exact fraction, and every question is answered by searching all shares of the
household. `Shares` are shares that are alike in every way; they are split in two whenever an event
affects only some of them. Time runs forward once:

    purchases are known from the start (a later one may replace shares sold now), held when bought;
    shares from outside are acquired on the day they were bought there, and held when they arrive
    corporate actions, then acquisitions, then transfers, then sales of one instant; in one place
    the sales that name their lots go first
    a sale takes shares by its method; then its losses, oldest shares first, look for the
    earliest purchase in their 61 days that is not of the same purchase, has replaced nothing yet
    and is still held (or still to come), and move there, share for share
    losses of one instant: the longest held first, tacked days included, then by purchase
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

from tests.transactions.model.words import (
    PURCHASES,
    TURNS,
    WINDOW,
    Household,
    Match,
    Outcome,
    Refused,
    Row,
    Shares,
    bought,
    long_term,
    place_in_line,
    received,
    units_per_old,
)


def kept(household: Household, rows: Iterable[Row]) -> Outcome:
    """Return the ledger of all valid rows (reversed rows must not be among them)."""
    return _Keeper(household, _in_time(list(rows))).run()


def _in_time(rows: list[Row]) -> list[Row]:
    """Order rows by time; only the last tie depends on the order of recording."""

    def turn(row: Row) -> tuple[object, ...]:
        tie = row.id if row.type == "transfer_out" else 0
        event = TURNS.get(row.type, 0)
        place = (row.account, row.asset, event, not row.chosen)
        return (*row.moment, tie, *place, row.quantity, row.net, row.id)

    return sorted(rows, key=turn)


def _turn(shares: Shares) -> tuple[object, ...]:
    """Order the losses of one instant: held longest first, then by purchase, quantity last."""
    assert shares.sale is not None
    return (
        *(shares.since, shares.opened, shares.account, shares.asset, shares.stated),
        *(shares.acquisition, shares.quantity, shares.basis, shares.proceeds, shares.sale.id),
    )


class _Keeper:
    def __init__(self, household: Household, rows: list[Row]) -> None:
        self.household = household
        self.rows = rows
        self.shares = [bought(row) for row in rows if row.type in PURCHASES]
        self.shares += [received(row) for row in rows if row.type == "transfer_in"]
        self.matches: list[Match] = []
        self.parts = 0
        # Shares that left the household.
        self.removed: list[Shares] = []
        # Losses of this instant.
        self.waiting: list[Shares] = []
        self.same_asset = self._same_assets()
        self.splits = self._one_split_each()

    def run(self) -> Outcome:
        waiting = list(self.rows)
        while waiting:
            row = waiting.pop(0)
            if row.type == "sell":
                together = [row]
                while waiting and waiting[0].moment == row.moment:
                    together.append(waiting.pop(0))
                for sale in together:
                    self._sell(sale, sale.amount - sale.fee)
                self._wash([s for s in self.shares if s.sale in together])
            else:
                self._event(row)
            if not waiting or waiting[0].moment != row.moment:
                self._wait(only_now=True)
            if not waiting or waiting[0].at != row.at:
                self._wait(only_now=False)
        return Outcome(
            [s for s in self.shares if s.held],
            [s for s in self.shares if s.sale is not None],
            self.matches,
        )

    def _event(self, row: Row) -> None:
        if row.type in PURCHASES:
            for shares in self.shares:
                if shares.acquisition == row.id:
                    shares.arrived = True
            if row.type == "rights_exercise":
                self._exercise(row)
        elif row.type == "transfer_in":
            for shares in self.shares:
                if shares.acquisition == row.id:
                    shares.arrived = True
        elif row.type == "split":
            self._split(row)
        elif row.type == "stock_dividend":
            held = self._held(row.account, row.asset)
            if held or row.quantity:
                self._split(replace(row, ratio=1 + self._each(row, held)))
        elif row.type == "symbol_change":
            held = self._held(row.account, row.asset)
            for shares in held:
                shares.asset = row.new_asset
        elif row.type in ("spin_off", "rights_issue"):
            self._spin_off(row)
        elif row.type == "return_of_capital":
            self._return_capital(row)
        elif row.type == "transfer_out":
            self._move(row)
        elif row.type == "merger":
            self._merge(row)
        else:
            raise AssertionError(row.type)

    def _each(self, row: Row, held: list[Shares]) -> Fraction:
        """Return the shares added for each share held."""
        if not held:
            raise Refused
        return row.ratio or row.quantity / sum((s.quantity for s in held), Fraction(0))

    def _exercise(self, row: Row) -> None:
        """Remove the rights and move their basis to the shares they bought."""
        assert row.ratio is not None
        rights = self._take(replace(row, quantity=row.quantity / row.ratio), price=Fraction(0))
        each = sum((right.basis for right in rights), Fraction(0)) / row.quantity
        for shares in self.shares:
            if shares.acquisition == row.id:
                shares.basis += each * shares.quantity
        for right in rights:
            self.shares.remove(right)

    def _split(self, row: Row) -> None:
        assert row.ratio is not None
        for shares in self._held(row.account, row.asset):
            shares.quantity *= row.ratio
        if row.amount:
            self._sell_fraction(row, row.asset)

    def _sell_fraction(self, row: Row, asset: str) -> None:
        """Sell the fraction of a share that no one holds for its cash in lieu, oldest first."""
        whole = sum((s.quantity for s in self._held(row.account, asset)), Fraction(0))
        fraction = whole - floor(whole)
        if not fraction:
            raise Refused
        sale = replace(row, asset=asset, quantity=fraction, method="fifo", chosen=())
        self._sell(sale, row.amount)
        self._wash([s for s in self.shares if s.sale is sale])

    def _merge(self, row: Row) -> None:
        """Exchange shares, keeping basis and dates, without a purchase; all for cash is a sale."""
        held = self._held(row.account, row.asset)
        if row.new_asset:
            assert row.ratio is not None
            for shares in held:
                shares.asset, shares.quantity = row.new_asset, shares.quantity * row.ratio
                shares.purchase = False
            if row.amount:
                self._sell_fraction(row, row.new_asset)
        else:
            sale = replace(row, quantity=sum((s.quantity for s in held), Fraction(0)))
            self._sell(sale, row.amount - row.fee)
            self._wash([s for s in self.shares if s.sale is sale])

    def _spin_off(self, row: Row) -> None:
        """Give the child its part of the basis and the dates of the parent's shares."""
        parents = self._held(row.account, row.asset)
        total = sum((s.quantity for s in parents), Fraction(0))
        if not total and row.ratio is not None:
            return
        if not total:
            raise Refused
        each = row.ratio if row.ratio is not None else row.quantity / total
        for parent in parents:
            child = replace(
                parent,
                asset=row.new_asset,
                quantity=parent.quantity * each,
                basis=parent.basis * row.basis_part,
                moved=parent.moved * row.basis_part,
                purchase=False,
            )
            parent.basis -= child.basis
            parent.moved -= child.moved
            self.shares.append(child)
        if row.amount:
            self._sell_fraction(row, row.new_asset)

    def _return_capital(self, row: Row) -> None:
        """Return capital per share; an amount above the basis of a share is gain."""
        held = self._held(row.account, row.asset)
        total = sum((s.quantity for s in held), Fraction(0))
        if not total:
            self._pay_late(row)
            return
        for shares in held:
            back = row.amount * shares.quantity / total
            excess = max(Fraction(0), back - shares.basis)
            if excess:
                gain = replace(shares, quantity=Fraction(0), basis=Fraction(0), moved=Fraction(0))
                gain.sale, gain.proceeds = row, excess
                self.shares.append(gain)
            shares.basis -= back - excess
            shares.moved = min(shares.moved, shares.basis)

    def _pay_late(self, row: Row) -> None:
        """Cash for shares that have left is gain, by the term of those that left last."""
        sold = [s for s in self.shares if s.sale and s.quantity]
        left = [(s, s.sale.at) for s in (*sold, *self.removed) if s.sale]
        mine = [(s, at) for s, at in left if (s.account, s.asset) == (row.account, row.asset)]
        if not mine:
            raise Refused
        last = max(at for _, at in mine)
        leaving = [s for s, at in mine if at == last]
        total = sum((s.quantity for s in leaving), Fraction(0))
        for shares in leaving:
            gain = replace(shares, quantity=Fraction(0), basis=Fraction(0), moved=Fraction(0))
            gain.matched = gain.deferred = gain.lost_quantity = gain.lost = Fraction(0)
            gain.sale, gain.sold_on = row, last.date()
            gain.proceeds = row.amount * shares.quantity / total
            self.shares.append(gain)

    def _move(self, row: Row) -> None:
        for shares in self._take(row, price=Fraction(0)):
            self.shares.remove(shares)
            if not row.to:
                self.removed.append(replace(shares, sale=row))
            if row.to:
                shares.account = row.to
                self.shares.append(shares)

    def _sell(self, row: Row, proceeds: Fraction) -> None:
        for shares in self._take(row, price=proceeds / row.quantity if row.quantity else proceeds):
            self.parts += 1
            shares.sale, shares.part = row, self.parts
            shares.proceeds = proceeds * shares.quantity / row.quantity

    def _held(self, account: str, asset: str) -> list[Shares]:
        found = [s for s in self.shares if s.held and s.account == account and s.asset == asset]
        return sorted(found, key=lambda s: s.age)

    def _take(self, row: Row, *, price: Fraction) -> list[Shares]:
        held = self._held(row.account, row.asset)
        if sum(s.quantity for s in held) < row.quantity:
            raise Refused
        if row.method == "specific":
            return self._take_chosen(row, held)
        if row.method == "average":
            whole = sum(s.quantity for s in held)
            basis, moved = sum(s.basis for s in held), sum(s.moved for s in held)
            for shares in held:
                shares.basis = basis * shares.quantity / whole
                shares.moved = moved * shares.quantity / whole
        elif row.method == "lifo":
            held.reverse()
        elif row.method == "hifo":
            held.sort(key=lambda s: -s.unit_basis)
        elif row.method == "min_tax":
            short, long = row.rates
            held.sort(
                key=lambda s: (
                    (long if long_term(s.since, row.at.date()) else short) * (price - s.unit_basis)
                )
            )
        return self._take_in_order(held, row.quantity)

    def _take_chosen(self, row: Row, held: list[Shares]) -> list[Shares]:
        if sum(quantity for _, quantity in row.chosen) != row.quantity:
            raise Refused
        taken: list[Shares] = []
        for lot, quantity in row.chosen:
            mine = [s for s in held if s.acquisition == lot]
            if sum(s.quantity for s in mine) < quantity:
                raise Refused
            taken += self._take_in_order(mine, quantity)
        return taken

    def _take_in_order(self, held: list[Shares], quantity: Fraction) -> list[Shares]:
        taken = []
        for shares in held:
            if quantity:
                part = self._cut(shares, min(quantity, shares.quantity))
                taken.append(part)
                quantity -= part.quantity
        return taken

    def _cut(self, shares: Shares, quantity: Fraction) -> Shares:
        """Return exactly `quantity` of the shares; the rest stays behind them in the list."""
        if quantity == shares.quantity:
            return shares
        part = quantity / shares.quantity
        rest = replace(shares)
        for name in ("quantity", "basis", "moved", "proceeds"):
            value = getattr(shares, name)
            setattr(shares, name, value * part)
            setattr(rest, name, value * (1 - part))
        assert not shares.matched, "what has been washed is never cut"
        self.shares.insert(self.shares.index(shares) + 1, rest)
        return shares

    def _wash(self, sold: list[Shares]) -> None:
        """Match losses by original acquisition; shares sold later at that instant are still held.

        They are matched first with present shares, then with future purchases; ties are those of
        the book.
        """
        waiting = sorted(sold, key=lambda s: (*_turn(s), s.part))
        losses = []
        while waiting:
            shares = waiting.pop(0)
            if self._is_washable(shares):
                assert shares.sale is not None
                sold_at = shares.sale.at
                own = [s for s in self.shares if s.arrived or (s.elsewhere and s.opened <= sold_at)]
                self._replace(shares, own, waiting)
                losses.append(shares)
        self.waiting += losses

    def _wait(self, *, only_now: bool) -> None:
        """Match losses of an instant with purchases at it, and at its end with future purchases.

        Cash in lieu comes before the purchases of its instant: the oldest shares take them first,
        whichever account stated its event first.
        """
        for shares in sorted(self.waiting, key=_turn):
            assert shares.sale is not None
            now = shares.sale.at
            later = [s for s in self.shares if not s.arrived and (s.opened == now or not only_now)]
            self._replace(shares, later, [])
        if not only_now:
            self.waiting = []

    def _is_washable(self, shares: Shares) -> bool:
        house = self.household
        exempt = shares.asset in house.crypto and house.crypto_exempt
        return (
            house.wash_sales
            and house.accounts[shares.account] == "taxable"
            and not exempt
            and shares.loss > 0
        )

    def _replace(self, shares: Shares, among: list[Shares], waiting: list[Shares]) -> None:
        left = shares.quantity - shares.matched
        each = shares.loss / shares.quantity if shares.quantity else Fraction(0)
        while left:
            candidates = [s for s in among if self._may_replace(s, shares, waiting)]
            if not candidates:
                return
            found = min(candidates, key=place_in_line)
            units = Fraction(1)
            if not found.arrived:
                assert shares.sale is not None
                units = self._splits(shares, shares.sale.moment, (found.opened, 1))
                units *= self._until_arrival(found, shares.sale)
            matched = min(left, found.quantity / units)
            before = set(map(id, self.shares))
            self._cut(found, matched * units)
            rest = [s for s in self.shares if id(s) not in before]
            among += rest
            if found in waiting:
                waiting[waiting.index(found) + 1 : waiting.index(found) + 1] = rest
            self._move_loss(shares, found, matched, matched * each)
            left -= matched

    def _until_arrival(self, found: Shares, sale: Row) -> Fraction:
        """Return units at arrival per unit when shares held elsewhere replaced those of a sale."""
        if found.arrived or not found.elsewhere:
            return Fraction(1)
        return self._splits(found, max((found.opened, 1), sale.moment), (found.arrives, 0))

    def _may_replace(self, found: Shares, shares: Shares, waiting: list[Shares]) -> bool:
        house, sale = self.household, shares.sale
        assert sale is not None
        kind = house.accounts[found.bought_in]
        if found.sale is not None and not (found.sale != sale and any(found is s for s in waiting)):
            return False
        return (
            found.purchase
            and not found.replaced_a_loss
            and self._identity(found.asset) == self._identity(shares.asset)
            and abs(found.opened.date() - sale.at.date()) <= WINDOW
            and found.same_purchase != shares.same_purchase
            and (kind != "401k" or house.employer_plan_counts)
            and (house.earlier_acquired_count or found.opened >= shares.opened)
        )

    def _move_loss(self, shares: Shares, found: Shares, matched: Fraction, loss: Fraction) -> None:
        assert shares.sale is not None
        permanent = self.household.accounts[found.bought_in] != "taxable"
        days = max(0, (shares.sale.at.date() - shares.since).days)
        found.replaced_a_loss = True
        shares.matched += matched
        if permanent:
            shares.lost_quantity += matched
            shares.lost += loss
        else:
            shares.deferred += loss
            found.basis += loss
            found.moved += loss
            if self.household.carry_date:
                found.since = min(found.since, shares.sale.at.date() - timedelta(days=days))
            else:
                found.since -= timedelta(days=days)
        self.matches.append(
            Match(
                shares.sale.id,
                shares.acquisition,
                found.acquisition,
                found.quantity / self._until_arrival(found, shares.sale),
                matched,
                loss,
                days,
                permanent,
            )
        )

    def _splits(
        self, shares: Shares, after: tuple[datetime, int], until: tuple[datetime, int]
    ) -> Fraction:
        """Return units at `until` per unit that `shares` had at `after`, when they were sold.

        A split counts when the first account states it. Shares sold after that, in an account that
        states it later, were sold in old units: for them it counts when their account states it.
        """
        factor, asset = Fraction(1), shares.asset
        for row in self.rows:
            if not after < row.moment <= until:
                continue
            if row.type == "symbol_change" and row.asset == asset:
                asset = row.new_asset
            elif row.asset == asset and units_per_old(row):
                statements = next(rows for rows in self.splits if row in rows)
                if row is statements[0] or (
                    statements[0].moment <= after and row.account == shares.account
                ):
                    factor *= units_per_old(statements[0])
        return factor

    def _one_split_each(self) -> list[list[Row]]:
        """Return statements of splits, grouped by split: other accounts, a few days later."""
        found: list[list[Row]] = []
        for row in self.rows:
            if not units_per_old(row):
                continue
            for statements in found:
                first = statements[0]
                if (
                    first.asset == row.asset
                    and abs(row.at.date() - first.at.date()) <= timedelta(days=5)
                    and abs(units_per_old(row) - units_per_old(first)) < units_per_old(first) / 5
                    and row.account not in [other.account for other in statements]
                ):
                    statements.append(row)
                    break
            else:
                found.append([row])
        return found

    def _identity(self, asset: str) -> str:
        return self.same_asset.get(asset, asset)

    def _same_assets(self) -> dict[str, str]:
        """Return every asset's representative: an identical one, or itself under an old symbol."""
        pairs = list(self.household.identical.items())
        pairs += [(r.asset, r.new_asset) for r in self.rows if r.type == "symbol_change"]
        same = {asset: asset for pair in pairs for asset in pair}
        for one, other in pairs:
            keep, drop = same[one], same[other]
            same = {asset: keep if name == drop else name for asset, name in same.items()}
        return same
