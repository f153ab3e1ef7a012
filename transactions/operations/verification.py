"""Verify the ledger: recompute all derived rows from the transactions and compare them.

Per household: lots (piece by piece), disposals, wash sales, holdings (the sum of open lots) and
cash (the sum of cash effects) are compared, and these invariants are checked:

    a   allowed + disallowed = loss; no more shares matched than sold
    b   a bought share replaces once
    c   basis in + losses moved = basis closed + basis held, to the cent

Households are read in batches by id, each batch in one snapshot and a fixed number of queries, so
the check can run in production and can be resumed after any household.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from core.errors import BallastError
from identity.models import Household
from stores.database import snapshot
from transactions.ledger.book import Event
from transactions.ledger.kinds import KINDS
from transactions.ledger.lots import Place
from transactions.models import Account, Holding, Rebooking, Transaction
from transactions.operations.books.booking import outcome
from transactions.operations.books.derived import Derived, Stored, by_household, stored_rows
from transactions.queries.books.events import stored_events
from transactions.queries.households import (
    HouseholdBooks,
    Linked,
    crypto_assets,
    households_of,
    linked_assets,
)

BATCH = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """One stored figure that differs from the recomputed one."""

    account_id: int
    what: str
    key: str
    stored: str
    computed: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of one batch of households; the next batch starts after `last_household_id`.

    `waiting`: listed rebookings of the batch. Until they are done, the stored rows follow an
    earlier policy or decision, so differences are expected.
    """

    last_household_id: int
    households: int
    accounts: int
    transactions: int
    differences: tuple[Difference, ...]
    waiting: tuple[str, ...] = ()


def verified(*, after_household_id: int = 0, batch: int = BATCH) -> Iterator[Verified]:
    """Check all households with a greater id, batch by batch."""
    while True:
        found = _verify_batch(after_household_id, batch)
        if found is None:
            return
        yield found
        after_household_id = found.last_household_id


@dataclass(slots=True)
class _Batch:
    """All stored rows of some households, by household."""

    households: dict[int, HouseholdBooks]
    linked: dict[int, Linked]
    events: dict[int, list[Event]]
    stored: dict[int, Stored]
    holdings: dict[int, dict[Place, tuple[Decimal, Decimal]]]
    cash: dict[int, Decimal]
    crypto: frozenset[int]
    transactions: int


def _verify_batch(after_household_id: int, batch: int) -> Verified | None:
    with snapshot():
        ids = list(
            Household.objects.filter(pk__gt=after_household_id)
            .order_by("pk")
            .values_list("pk", flat=True)[:batch]
        )
        if not ids:
            return None
        read = _read(ids)
        listed = Rebooking.objects.filter(household_id__in=ids).order_by("household_id", "id")
        waiting = tuple(str(row) for row in listed)
    differences: list[Difference] = []
    for household in read.households.values():
        differences += _check(household, read)
    accounts = sum(len(household.accounts) for household in read.households.values())
    return Verified(ids[-1], len(ids), accounts, read.transactions, tuple(differences), waiting)


def _read(ids: Sequence[int]) -> _Batch:
    accounts: dict[int, dict[int, Account]] = {pk: {} for pk in ids}
    every: dict[int, Account] = {}
    for account in Account.objects.filter(household_id__in=ids).order_by("pk"):
        accounts[account.household_id][account.pk] = account
        every[account.pk] = account
    households = households_of(accounts=accounts)
    of_account = {pk: account.household_id for pk, account in every.items()}
    events: dict[int, list[Event]] = defaultdict(list)
    for event in stored_events(accounts=every, asset_ids=None):
        events[of_account[event.account]].append(event)
    stored = by_household(stored_rows(account_ids=list(every), asset_ids=None), of_account)
    holdings: dict[int, dict[Place, tuple[Decimal, Decimal]]] = defaultdict(dict)
    for account_id, asset_id, quantity, basis in Holding.objects.filter(
        account_id__in=list(every)
    ).values_list("account_id", "asset_id", "quantity", "cost_basis"):
        holdings[of_account[account_id]][account_id, asset_id] = (quantity, basis)
    rows = Transaction.objects.filter(account_id__in=list(every))
    cash = dict(
        rows.order_by("account_id").values_list("account_id").annotate(cash=Sum("cash_effect"))
    )
    return _Batch(
        households,
        linked_assets(households=list(households.values())),
        events,
        stored,
        holdings,
        cash,
        crypto_assets(asset_ids={event.asset for group in events.values() for event in group}),
        rows.count(),
    )


def _check(household: HouseholdBooks, read: _Batch) -> Iterator[Difference]:
    for account in household.accounts.values():
        cash = read.cash.get(account.pk) or Decimal(0)
        if cash != account.cash:
            yield Difference(account.pk, "cash", "", str(account.cash), str(cash))
    events = read.events.get(household.id, [])
    stored = read.stored.get(household.id, Stored())
    try:
        derived = outcome(
            household=household,
            linked=read.linked[household.id],
            events=events,
            crypto=read.crypto,
        )
    except BallastError as fault:
        account_id = next((event.account for event in events if event.id == fault.item), 0)
        yield Difference(account_id, "booking", str(fault.item), "", fault.detail)
        return
    yield from _compare(stored, derived)
    yield from _compare_holdings(read.holdings.get(household.id, {}), derived)
    yield from _conserved(household, events, derived)


def _compare(stored: Stored, derived: Derived) -> Iterator[Difference]:
    for lot in sorted({*stored.lots, *derived.lots}):
        one, other = stored.lots.get(lot), derived.lots.get(lot)
        if one != other:
            yield Difference(lot[1], "lot", str(lot), _text(one), _text(other))
    for sale in sorted({*stored.disposals, *derived.disposals}):
        have, want = stored.disposals.get(sale), derived.disposals.get(sale)
        if have != want:
            shown = have or derived.disposals[sale]
            yield Difference(shown.account_id, "disposal", str(sale), _text(have), _text(want))
    mine, theirs = Counter(stored.wash_sales), Counter(derived.wash_sales)
    for row in (mine - theirs).elements():
        yield Difference(
            row.loss_account_id, "wash_sale", str((row.sale_id, row.part)), _text(row), ""
        )
    for row in (theirs - mine).elements():
        yield Difference(
            row.loss_account_id, "wash_sale", str((row.sale_id, row.part)), "", _text(row)
        )


def _text(values: tuple[object, ...] | None) -> str:
    return "" if values is None else " ".join(str(value) for value in values)


def _compare_holdings(
    stored: Mapping[Place, tuple[Decimal, Decimal]], derived: Derived
) -> Iterator[Difference]:
    sums: dict[Place, tuple[Decimal, Decimal]] = {}
    for (_, account, asset, _), values in derived.lots.items():
        quantity, basis = sums.get((account, asset), (Decimal(0), Decimal(0)))
        if values.quantity:
            sums[account, asset] = (quantity + values.quantity, basis + values.cost_basis)
    for place in sorted({*stored, *sums}):
        have, want = stored.get(place), sums.get(place)
        if have != want:
            yield Difference(place[0], "holding", str(place[1]), str(have), str(want))


def _conserved(
    household: HouseholdBooks, events: Sequence[Event], derived: Derived
) -> Iterator[Difference]:
    """Yield breaches of invariant c: basis in + losses moved = basis closed + basis held."""
    account_id = min(household.accounts, default=0)
    if len({account.currency for account in household.accounts.values()}) > 1:
        return  # losses moved between currencies do not add up in either one
    if any(event.type == "transfer_out" and not event.internal for event in events):
        return  # basis left with the shares
    came = sum(
        (event.net for event in events if KINDS[event.type].lots == "acquires"),
        Decimal(0),
    )
    came += sum((row.basis_added for row in derived.wash_sales), Decimal(0))
    returned = sum((event.net for event in events if event.type == "return_of_capital"), Decimal(0))
    roc = {event.id for event in events if event.type == "return_of_capital"}
    closed = Decimal(0)
    for (sale, _), values in derived.disposals.items():
        closed += values.cost_basis
        if sale in roc:
            returned -= values.proceeds
    held = sum((values.cost_basis for values in derived.lots.values()), Decimal(0))
    if came != closed + held + returned:
        yield Difference(
            account_id, "conservation", "basis", str(came), str(closed + held + returned)
        )
