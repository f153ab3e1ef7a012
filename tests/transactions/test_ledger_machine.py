"""The ledger as a state machine: whatever a household tells it, and when, the model agrees.

After every step the stored lots, disposals and wash sales are those of the model; at the end every
invariant holds and the rebuilt ledger is the stored one. `MACHINES` sets how many households.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from marketdata.models import Asset
from marketdata.operations.identity import decide_identity
from tests.effort import size
from tests.transactions.model.against_the_database import Told
from tests.transactions.model.invariants import breaches
from tests.transactions.model.words import PURCHASES, Household, Row
from transactions.models import WashSalePolicy
from transactions.operations import open_account
from transactions.operations.policies import set_policy
from transactions.operations.rebookings import follow_identity_decisions
from transactions.operations.verification import verified

MACHINES = size("MACHINES", usual=6, proof=12)
STEPS = size("STEPS", usual=14, proof=14)
START = datetime(2023, 11, 1, tzinfo=UTC)
# No division of such a price by what happens here leaves a part of a cent.
EVEN = Fraction(6912, 100)
KINDS = {
    "a": ("taxable", "owner"),
    "b": ("taxable", "owner"),
    "c": ("taxable", "spouse"),
    "d": ("ira", "owner"),
    "e": ("roth_ira", "spouse"),
}
SYMBOLS = ["AAA", "BBB", "CCC", "NNN", "SSS"]
TRADED = ["AAA", "AAA", "AAA", "BBB", "CCC", "NNN"]

moments = st.builds(
    lambda day, hour: START + timedelta(days=day, hours=hour),
    st.one_of(st.integers(0, 100), st.sampled_from([0, 10, 30, 31, 40, 60, 61])),
    st.sampled_from([0, 0, 15]),
)
quantities = st.sampled_from([Fraction(n, 4) for n in (1, 4, 10, 20, 40, 40, 80)])
parts = st.sampled_from([Fraction(1), Fraction(1), Fraction(1, 2)])
prices = st.integers(1, 5).map(lambda n: n * EVEN)


class LedgerMachine(RuleBasedStateMachine):
    """One household with five accounts. What is refused must be refused by the model as well."""

    people: Any
    counts: dict[str, int]

    @initialize(
        policy=st.fixed_dictionaries(
            {
                "earlier_acquired_count": st.sampled_from([True, True, False]),
                "carry_date": st.sampled_from([False, False, True]),
            }
        ),
        identical=st.booleans(),
        averages=st.sampled_from([False, False, False, True]),
        first=st.lists(
            st.tuples(st.sampled_from("aaab"), moments, quantities, prices), min_size=2, max_size=4
        ),
    )
    def a_household(
        self,
        policy: dict[str, bool],
        identical: bool,
        averages: bool,
        first: list[tuple[str, datetime, Fraction, Fraction]],
    ) -> None:
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        for symbol in SYMBOLS:
            Asset.objects.create(symbol=symbol, name=symbol, asset_class="equity", currency="USD")
        same = {"AAA": "AAA", "BBB": "AAA"} if identical else {}
        if identical:
            Asset.objects.filter(symbol="BBB").update(
                substantially_identical_to=Asset.objects.get(symbol="AAA")
            )
        WashSalePolicy.objects.update_or_create(
            household=self.people.owner.household,
            defaults={
                "earlier_acquired_count": policy["earlier_acquired_count"],
                "holding_period": "carry_date" if policy["carry_date"] else "add_days",
                "changed_at": timezone.now(),
            },
        )
        accounts = {
            name: open_account(
                user=getattr(self.people, owner),
                name=name,
                type=kind,
                currency="USD",
                now=timezone.now(),
            )
            for name, (kind, owner) in KINDS.items()
        }
        house = Household(
            accounts={name: kind for name, (kind, _) in KINDS.items()},
            identical=same,
            earlier_acquired_count=policy["earlier_acquired_count"],
            carry_date=policy["carry_date"],
        )
        self.told = Told(house, accounts, self.people.owner)
        self.averages = averages
        for account, at, quantity, price in first:
            self.tell(Row(0, "buy", account, at, "AAA", quantity, quantity * price))

    def tell(self, *rows: Row) -> None:
        self.count(rows[0].type if self.told.tell(*rows) else "refused")
        self.agree()

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def agree(self) -> None:
        """To the cent, unless averages (which divide) make the ledger round and the model not."""
        assert self.averages or self.told.differences() == []

    @rule(
        account=st.sampled_from(sorted(KINDS)),
        asset=st.sampled_from(TRADED),
        at=moments,
        bought=st.lists(st.tuples(quantities, prices), min_size=1, max_size=2),
        kind=st.sampled_from(["buy", "buy", "reinvestment"]),
        order=st.sampled_from(["", "", "7", "8"]),
    )
    def buy(
        self,
        account: str,
        asset: str,
        at: datetime,
        bought: list[tuple[Fraction, Fraction]],
        kind: str,
        order: str,
    ) -> None:
        self.tell(
            *[
                Row(0, kind, account, at, asset, quantity, quantity * price, order=order)
                for quantity, price in bought
            ]
        )

    @rule(
        enabled=st.sampled_from([True, True, True, False]),
        earlier=st.booleans(),
        carry=st.booleans(),
    )
    def think_otherwise(self, enabled: bool, earlier: bool, carry: bool) -> None:
        """A new policy books everything anew."""
        set_policy(
            user=self.people.owner,
            household_id=None,
            enabled=enabled,
            earlier_acquired_count=earlier,
            holding_period="carry_date" if carry else "add_days",
            employer_plan_counts=True,
            crypto_exempt=True,
            now=timezone.now(),
        )
        self.told.house = replace(
            self.told.house, wash_sales=enabled, earlier_acquired_count=earlier, carry_date=carry
        )
        self.count("policies")
        self.agree()

    @rule(same=st.booleans())
    def decide_what_is_identical(self, same: bool) -> None:
        one, other = (Asset.objects.get(symbol=symbol) for symbol in ("AAA", "BBB"))
        decide_identity(
            asset=other,
            identical_to=one if same else None,
            user=self.people.operator,
            now=timezone.now(),
        )
        follow_identity_decisions(now=timezone.now())
        identical = {"AAA": "AAA", "BBB": "AAA"} if same else {}
        self.told.house = replace(self.told.house, identical=identical)
        self.count("identity decisions")
        self.agree()

    @precondition(lambda self: self.has_purchases())
    @rule(
        data=st.data(),
        sold=st.sampled_from([1, 5, 10, 31, 50]),
        after=st.sampled_from([-30, -10, -1, 0, 1, 7, 30, 31]),
        to=st.sampled_from(sorted(KINDS)),
        quantity=quantities,
    )
    def sell_at_a_loss_and_buy_back(
        self, data: st.DataObject, sold: int, after: int, to: str, quantity: Fraction
    ) -> None:
        """The washes: a sale below cost, and a purchase around it in any account."""
        bought = self.drawn_purchase(data)
        at = bought.at + timedelta(days=sold)
        loss = bought.quantity * bought.amount / bought.quantity / 2
        part = data.draw(parts)
        place = (bought.account, at, bought.asset)
        self.tell(Row(0, "sell", *place, bought.quantity * part, loss * part))
        back = at + timedelta(days=after, hours=data.draw(st.sampled_from([0, 1])))
        asset = data.draw(st.sampled_from([bought.asset, bought.asset, "BBB"]))
        self.tell(Row(0, "buy", to, back, asset, quantity, quantity * EVEN * 2))

    @precondition(lambda self: self.has_purchases())
    @rule(data=st.data(), price=prices, days=st.sampled_from([0, 0, 1, 5, 10, 30, 31, 45]))
    def sell(self, data: st.DataObject, price: Fraction, days: int) -> None:
        bought = self.drawn_purchase(data)
        quantity = bought.quantity * data.draw(
            st.sampled_from([Fraction(1), Fraction(1), Fraction(1, 2)])
        )
        methods = ["fifo", "fifo", "lifo", "hifo", "min_tax", "specific"]
        method = data.draw(st.sampled_from(["average"] * 6 * self.averages + methods))
        chosen = ((bought.id, quantity),) if method == "specific" else ()
        at = bought.at + timedelta(days=days)
        row = Row(0, "sell", bought.account, at, bought.asset, quantity, quantity * price)
        self.tell(self.with_rates(row, method, chosen))

    @precondition(lambda self: self.has_purchases())
    @rule(data=st.data(), price=prices, at=moments)
    def sell_what_is_left(self, data: st.DataObject, price: Fraction, at: datetime) -> None:
        held: dict[tuple[str, str], Fraction] = {}
        outcome = self.told.outcome(self.told.rows)
        for shares in outcome.lots if outcome else []:
            place = (shares.account, shares.asset)
            held[place] = held.get(place, Fraction(0)) + shares.quantity
        exact = sorted(p for p, q in held.items() if (q * 10**10).denominator == 1)
        if exact:
            account, asset = data.draw(st.sampled_from(exact))
            quantity = held[account, asset]
            last = max(row.at for row in self.told.rows)
            row = Row(0, "sell", account, max(last, at), asset, quantity, quantity * price)
            self.tell(row)

    @precondition(lambda self: self.has_purchases())
    @rule(data=st.data(), days=st.sampled_from([0, 1, 5, 30]), to=st.sampled_from(sorted(KINDS)))
    def transfer(self, data: st.DataObject, days: int, to: str) -> None:
        bought = self.drawn_purchase(data)
        if bought.account == to or KINDS[to][0] != KINDS[bought.account][0]:
            return
        part = data.draw(parts)
        method = data.draw(st.sampled_from(["fifo", "lifo", "hifo"]))
        at = bought.at + timedelta(days=days, hours=1)
        self.tell(
            Row(
                *(0, "transfer_out", bought.account, at, bought.asset, bought.quantity * part),
                method=method,
                to=to,
            )
        )

    @precondition(lambda self: self.has_purchases())
    @rule(data=st.data(), days=st.sampled_from([0, 3, 20]), ratio=st.sampled_from([2, 3]))
    def split(self, data: st.DataObject, days: int, ratio: int) -> None:
        bought = self.drawn_purchase(data)
        if sum(row.type == "split" for row in self.told.rows) >= 3:
            return
        new = data.draw(st.sampled_from([Fraction(ratio), Fraction(ratio, 2)]))
        at = bought.at + timedelta(days=days, hours=2)
        for account in sorted({r.account for r in self.told.rows if r.asset == bought.asset}):
            self.tell(Row(0, "split", account, at, bought.asset, ratio=new))

    @precondition(lambda self: self.has_purchases())
    @rule(data=st.data(), days=st.sampled_from([0, 3, 20]), to=st.sampled_from(["NNN", "SSS"]))
    def become_another(self, data: st.DataObject, days: int, to: str) -> None:
        bought = self.drawn_purchase(data)
        if bought.asset in ("NNN", "SSS"):
            return
        if any(row.type in ("symbol_change", "spin_off") for row in self.told.rows):
            return
        at = bought.at + timedelta(days=days, hours=3)
        row = Row(0, "symbol_change", bought.account, at, bought.asset, new_asset=to)
        if to == "SSS":
            row = Row(
                *(0, "spin_off", bought.account, at, bought.asset),
                ratio=Fraction(1),
                new_asset=to,
                basis_part=Fraction(1, 4),
            )
        self.tell(row)

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        if self.told.rows:
            row = data.draw(st.sampled_from(self.told.rows))
            self.count("reversed" if self.told.undo(row) else "refused")
            self.agree()

    def has_purchases(self) -> bool:
        return any(row.type in PURCHASES for row in self.told.rows)

    def drawn_purchase(self, data: st.DataObject) -> Row:
        return data.draw(st.sampled_from([r for r in self.told.rows if r.type in PURCHASES]))

    def with_rates(self, row: Row, method: str, chosen: Any) -> Row:
        """Minimum tax is chosen at the owner's rates, which the ledger looks up itself."""
        return replace(row, method=method, chosen=chosen, rates=(Fraction(1, 2), Fraction(1, 4)))

    def teardown(self) -> None:
        if not hasattr(self, "told"):
            return
        try:
            self.told_is_right()
        finally:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    def told_is_right(self) -> None:
        outcome = self.told.outcome(self.told.rows)
        matches = outcome.matches if outcome else []
        sold = outcome.sold if outcome else []
        for name, count in (
            ("wash sales", len(matches)),
            ("wash sales for ever", sum(match.permanent for match in matches)),
            ("chains", sum(part.matched > 0 and part.replaced_a_loss for part in sold)),
            ("rows at the end", len(self.told.rows)),
            ("households", 1),
        ):
            self.count(name, count)
        assert [found for batch in verified() for found in batch.differences] == []
        assert breaches() == []


@pytest.fixture
def machine(people: Any) -> type[LedgerMachine]:
    return type("Machine", (LedgerMachine,), {"people": people, "counts": {}})


@pytest.mark.django_db
def test_the_ledger_agrees_with_the_model_after_every_step(
    machine: type[LedgerMachine], capsys: pytest.CaptureFixture[str]
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=MACHINES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=MACHINES <= 12,
        ),
    )
    if MACHINES > 12:
        with capsys.disabled():
            print(dict(sorted(machine.counts.items())))  # noqa: T201
