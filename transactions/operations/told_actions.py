"""Recognize a corporate action that is applied in an account already and is told again.

the same     the row states what the ledger has: it is a duplicate
restated     the action had booked other units or cash than the broker now states: the row is a
             duplicate too, and the commit puts the broker's figures in the place of those
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from django.db.models import QuerySet

from core.errors import Conflict
from marketdata.corporate_actions import Terms, same_day
from marketdata.models import Asset
from transactions.ledger.entries import Amounts, Entry
from transactions.ledger.kinds import KINDS
from transactions.ledger.security_events import Told, told_by
from transactions.models import AppliedAction, Import, ImportRow, RowStatus, Transaction

SAME, RESTATED = "action_known", "action_restated"
TOLD_AGAIN = {
    SAME: "The account has this corporate action already.",
    RESTATED: (
        "The corporate action is booked already, with other figures. The commit replaces them by "
        "those of your broker."
    ),
}


@dataclass(slots=True)
class _Applied:
    """An action in an account: its terms, and the transaction that stands for it now."""

    row: AppliedAction
    terms: Terms
    asset_id: int
    standing: Transaction
    has_parts: bool
    claimed: bool = False


@dataclass(slots=True)
class AppliedActions:
    """The corporate actions of one account; each is told again at most once by a file."""

    found: list[_Applied] = field(default_factory=list)

    @classmethod
    def of_account(cls, *, account_id: int) -> "AppliedActions":
        """Read them: one small query if there are none, as in most accounts, else two more."""
        applied = AppliedAction.objects.filter(account_id=account_id)
        if not applied.exists():
            return cls()
        rows = list(
            applied.select_related("action__asset", "action__new_asset", "transaction").order_by(
                "id"
            )
        )
        ids = [row.transaction_id for row in rows]
        undone = set(
            Transaction.objects.filter(reverses_id__in=ids).values_list("reverses_id", flat=True)
        )
        parts = {row.action_id for row in rows if row.part}
        return cls(
            [
                _Applied(
                    row,
                    row.action.terms,
                    row.action.asset_id,
                    row.transaction,
                    row.action_id in parts,
                )
                for row in rows
                if row.part == 0 and row.transaction_id not in undone
            ]
        )

    def told_again(self, *, entry: Entry, asset: Asset | None, amounts: Amounts) -> str | None:
        """Return SAME or RESTATED if an entry tells an applied action again, and claim it."""
        one = self.match(entry=entry, asset=asset, amounts=amounts)
        if one is None:
            return None
        one.claimed = True
        if one.row.told:
            return SAME
        stored, ratio = one.standing, _ratio(amounts)
        same = (
            (entry.type, amounts.amount, amounts.quantity)
            == (stored.type, stored.amount, stored.quantity)
            and ratio == _stored_ratio(stored)
            and not one.has_parts
        )
        return SAME if same else RESTATED

    def match(self, *, entry: Entry, asset: Asset | None, amounts: Amounts) -> _Applied | None:
        """Return the applied action that an entry tells again, if no other entry claimed it."""
        if asset is None or asset.pk is None or not self.found:
            return None
        told = Told(0, entry.type, entry.day, _ratio(amounts), amounts.quantity, entry.new_symbol)
        for one in self.found:
            if one.claimed or one.asset_id != asset.pk:
                continue
            if told_by(one.terms, [told], Fraction(one.row.units)) is not None:
                return one
        return None

    def rescaling_near(self, *, asset_id: int, days: Sequence[date]) -> Collection[int]:
        """Return the transactions by which actions changed the units near one of these days."""
        return {
            one.standing.pk
            for one in self.found
            if one.asset_id == asset_id
            and KINDS[one.standing.type].rescales
            and any(same_day(one.standing.trade_date, day) for day in days)
        }


def _ratio(amounts: Amounts) -> Fraction | None:
    stated = amounts.ratio
    return None if stated is None else Fraction(stated.new) / Fraction(stated.old)


def _stored_ratio(row: Transaction) -> Fraction | None:
    if row.ratio_new is None or row.ratio_old is None:
        return None
    return Fraction(row.ratio_new) / Fraction(row.ratio_old)


def restated_rows(batch: Import) -> "QuerySet[ImportRow]":
    """Return the rows of a file whose figures replace what an action has booked."""
    return ImportRow.objects.filter(
        batch=batch, status=RowStatus.DUPLICATE, findings__0__code=RESTATED
    )


def ensure_not_applied(
    *, account_id: int, entries: Sequence[tuple[Entry, Asset | None, Amounts]]
) -> None:
    """Refuse an entry that tells an action which the account has already, with its index."""
    applied: AppliedActions | None = None
    for number, (entry, asset, amounts) in enumerate(entries):
        if KINDS[entry.type].lots != "changes":
            continue
        applied = applied or AppliedActions.of_account(account_id=account_id)
        one = applied.match(entry=entry, asset=asset, amounts=amounts)
        if one is not None:
            fault = Conflict(
                f"The account has this corporate action already, as of {one.standing.trade_date}. "
                "Correct that transaction if your broker states other figures.",
                code="action_already_booked",
            )
            fault.item = number
            raise fault
