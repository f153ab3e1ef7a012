"""A household in the database and its model: given the same rows, read, compared."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils import timezone

from core.errors import BallastError
from tests.transactions.model.against_the_book import Figures, figures_of_the_model
from tests.transactions.model.household import kept
from tests.transactions.model.words import Household, Outcome, Refused, Row
from transactions.ledger.entries import ChosenLot, Entry, Ratio
from transactions.models import Account, Disposal, Lot, Transaction, WashSale
from transactions.operations import record, reverse

NEAR = Fraction(1, 10**6)  # quantities are stored to ten decimals
# The model cannot predict this key before recording; greater than any key.
UNKNOWN = 10**12


class Told:
    """The rows given to the ledger and to the model, and the result of each."""

    def __init__(self, house: Household, accounts: dict[str, Account], user: Any) -> None:
        self.house = house
        self.accounts = accounts
        self.user = user
        self.rows: list[Row] = []
        self.recorded: dict[int, Transaction] = {}

    def tell(self, *rows: Row) -> bool:
        """Record rows of one account as one batch; return False if both refuse it."""
        tried = [replace(row, id=UNKNOWN + n) for n, row in enumerate(rows)]
        expected = self.outcome([*self.rows, *tried])
        made = self.recorded_rows(rows)
        if isinstance(made, BallastError):
            # The model accepts a split of nothing.
            splits = "split" in {row.type for row in (*self.rows, *rows)}
            of_nothing = made.code == "nothing_held" and splits
            assert expected is None or of_nothing, (made.code, made.detail, rows)
            return False
        assert expected is not None, f"the ledger takes what the model refuses: {rows}"
        leaving = [row for row in made if row.counterpart_id is None]
        for row, stored in zip(rows, leaving, strict=True):
            self.recorded[stored.pk] = stored
            rates = tuple(Fraction(stored.tax_rates.get(term, "0")) for term in ("short", "long"))
            self.rows.append(replace(row, id=stored.pk, rates=(rates[0], rates[1])))
        return True

    def undo(self, row: Row) -> bool:
        """Reverse a row; return False if both refuse it."""
        left = [other for other in self.rows if other.id != row.id]
        expected = self.outcome(left)
        named = any(row.id == lot for other in left for lot, _ in other.chosen)
        refusal = self.refusal_to_undo(row)
        if refusal is not None:
            needless = named or any(other.type == "split" for other in left)
            assert expected is None or needless, (refusal.code, refusal.detail, row)
            return False
        assert expected is not None, f"the ledger undoes what the model needs: {row}"
        self.rows = left
        return True

    def recorded_rows(self, rows: Sequence[Row]) -> list[Transaction] | BallastError:
        try:
            return record(
                account=self.accounts[rows[0].account],
                entries=[self.entry(row) for row in rows],
                user=self.user,
                now=timezone.now(),
            )
        except BallastError as refusal:
            return refusal

    def refusal_to_undo(self, row: Row) -> BallastError | None:
        try:
            reverse(original=self.recorded[row.id], user=self.user, now=timezone.now())
        except BallastError as refusal:
            return refusal
        return None

    def outcome(self, rows: Sequence[Row]) -> Outcome | None:
        try:
            return kept(self.house, rows)
        except Refused:
            return None

    def entry(self, row: Row) -> Entry:
        """Return the entry that states a row."""
        cash = row.type in ("split", "spin_off") and not row.amount
        chooses = row.type in ("sell", "transfer_out") and not row.chosen
        amount = None if cash or row.type in ("symbol_change", "transfer_out") else row.amount
        return Entry(
            type=row.type,
            executed_at=row.at,
            currency="USD",
            symbol=row.asset,
            quantity=_decimal(row.quantity) if row.quantity else None,
            amount=None if amount is None else _decimal(amount),
            fee=_decimal(row.fee),
            lot_method=row.method if chooses else None,
            lots=tuple(
                ChosenLot(self.recorded[lot].public_id, _decimal(part)) for lot, part in row.chosen
            ),
            new_symbol=row.new_asset or None,
            ratio=_ratio(row.ratio),
            basis_percentage=_decimal(row.basis_part * 100) if row.basis_part else None,
            to_account_id=self.accounts[row.to].public_id if row.to else None,
            order_id=row.order,
        )

    def differences(self) -> list[str]:
        """Return the differences between the stored rows and the model."""
        outcome = kept(self.house, self.rows)
        found = []
        for what, have, want in zip(
            ("lot", "sold", "match"),
            figures_of_the_database(self.accounts),
            figures_of_the_model(outcome, self.house),
            strict=True,
        ):
            for key in sorted({*have, *want}, key=str):
                nothing = (Fraction(0),) * len(have.get(key) or want[key])
                mine, other = have.get(key, nothing), want.get(key, nothing)
                if any(abs(a - b) > NEAR for a, b in zip(mine, other, strict=True)):
                    ours, theirs = list(map(float, mine)), list(map(float, other))
                    found.append(f"{what} {key}: stored {ours} model {theirs}")
        return found


def figures_of_the_database(accounts: dict[str, Account]) -> tuple[Figures, ...]:
    """Return lots, disposals and wash sales as stored, in the model's terms."""
    names = {account.pk: name for name, account in accounts.items()}
    lots: Figures = {}
    for lot in Lot.objects.filter(account__in=names, quantity__gt=0).select_related("asset"):
        key = (lot.transaction_id, names[lot.account_id], lot.asset.symbol)
        _add(lots, (*key, lot.holding_period_date), lot.quantity, lot.cost_basis)
    sold: Figures = {}
    for part in Disposal.objects.filter(account__in=names).select_related("asset"):
        place = (names[part.account_id], part.asset.symbol)
        _add(
            sold,
            (
                *(part.transaction_id, part.lot_transaction_id, *place),
                *(part.holding_period_date, part.long_term),
            ),
            *(part.proceeds, part.cost_basis, part.deferred_loss, part.permanent_loss),
            *(part.quantity, part.matched_quantity, part.permanent_quantity),
        )
    matches: Figures = {}
    for match in WashSale.objects.filter(loss_account__in=names):
        of = (match.sale_id, match.loss_lot_id, match.replacement_id)
        _add(
            matches,
            (*of, match.days_held, match.permanent),
            *(match.quantity, match.loss_quantity, match.disallowed),
        )
    return lots, sold, matches


def _add(figures: Figures, key: tuple[object, ...], *more: Decimal) -> None:
    values = [Fraction(value) for value in more]
    before = figures.get(key, (Fraction(0),) * len(values))
    figures[key] = tuple(a + b for a, b in zip(before, values, strict=True))


def _ratio(ratio: Fraction | None) -> Ratio | None:
    return None if ratio is None else Ratio(Decimal(ratio.numerator), Decimal(ratio.denominator))


def _decimal(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    assert Fraction(exact) == value, f"{value} has no exact decimal"
    return exact
