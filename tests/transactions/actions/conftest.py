"""Accounts of several households that hold one public security, and an operator's split of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import Asset, CorporateAction
from marketdata.operations import confirm_for_everyone, propose
from transactions.ledger.entries import Entry, ratio_of
from transactions.models import Account, ActionRun, Lot, Transaction
from transactions.operations import open_account, record
from transactions.operations.actions import list_households
from transactions.operations.actions.runs import book_next
from transactions.operations.verification import verified


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T15:00:00+00:00")


@dataclass
class Ledgers:
    """What several people record, and what their accounts hold."""

    people: Any

    def account(self, user: Any, name: str = "Main", **fields: Any) -> Account:
        stated = {"type": "taxable", "currency": "USD", "lot_method": "fifo", **fields}
        return open_account(user=user, name=name, now=timezone.now(), **stated)

    def write(self, account: Account, *entries: Entry) -> list[Transaction]:
        return record(account=account, entries=entries, user=account.owner, now=timezone.now())

    def trade(
        self, account: Account, side: str, day: str, quantity: str, amount: str, **rest: Any
    ) -> Transaction:
        symbol = rest.pop("symbol", "AAA")
        entry = Entry(side, at(day), "USD", symbol, D(quantity), amount=D(amount), **rest)
        return self.write(account, entry)[0]

    def split(self, account: Account, day: str, ratio: str, **rest: Any) -> Transaction:
        entry = Entry("split", at(day), "USD", "AAA", ratio=ratio_of(ratio), **rest)
        return self.write(account, entry)[0]

    def lots(self, account: Account, symbol: str = "AAA") -> list[tuple[str, D, D]]:
        """Day of opening, units and basis of the open lots, oldest first."""
        rows = Lot.objects.filter(account=account, asset__symbol=symbol, quantity__gt=0)
        return [
            (str(row.opened_date), row.quantity.normalize() + 0, row.cost_basis.normalize() + 0)
            for row in rows.order_by("opened_at", "transaction_id", "piece")
        ]

    def told(self, account: Account, kind: str = "split") -> list[Transaction]:
        """The transactions of a kind that are not reversed."""
        rows = Transaction.objects.filter(
            account=account, type=kind, reverses=None, reversed_by=None
        )
        return list(rows.order_by("id"))

    def ensure_right(self) -> None:
        """Every derived row follows from the transactions."""
        assert [found for batch in verified() for found in batch.differences] == []


@pytest.fixture
def ledgers(people: Any, assets: dict[str, Asset]) -> Ledgers:
    return Ledgers(people)


@pytest.fixture
def announce(people: Any, assets: dict[str, Asset]) -> Callable[..., CorporateAction]:
    """Propose an action of AAA for everyone."""

    def propose_one(kind: str, day: str, ratio: str = "", **terms: Any) -> CorporateAction:
        if ratio:
            stated = ratio_of(ratio)
            terms |= {"ratio_new": stated.new, "ratio_old": stated.old}
        symbol, new = terms.pop("symbol", "AAA"), terms.pop("new_symbol", None)
        known = {row.symbol: row for row in Asset.objects.filter(household=None)}
        action, _ = propose(
            user=people.operator,
            household_id=None,
            asset=known[symbol],
            new_asset=known[new] if new else None,
            terms={"kind": kind, "ex_date": date.fromisoformat(day), **terms},
            source="operator",
            reference="",
            now=timezone.now(),
        )
        return action

    return propose_one


def follow(action: CorporateAction, now: datetime | None = None) -> list[bool]:
    """Do the work of the job: whether each household's part succeeded."""
    moment = now or timezone.now()
    list_households(action=action, now=moment)
    found: list[bool] = []
    while (outcome := book_next(action=action, now=moment)) is not None:
        found.append(outcome)
        assert len(found) < 100
    return found


@pytest.fixture
def confirmed(
    people: Any, announce: Callable[..., CorporateAction]
) -> Callable[..., CorporateAction]:
    """Announce an action, confirm it for everyone, and book it everywhere."""

    def confirm(*args: Any, **terms: Any) -> CorporateAction:
        action = confirm_for_everyone(
            action=announce(*args, **terms), user=people.operator, now=timezone.now()
        )
        assert all(follow(action)), list(ActionRun.objects.values_list("error", flat=True))
        return action

    return confirm
