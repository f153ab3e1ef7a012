"""Move cash between two accounts of a household: a withdrawal and a deposit, both or neither."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from core.errors import InvalidInput
from identity.models import User
from stores.locks import locked_in_line
from transactions.ledger.entries import Entry
from transactions.models import Account, Transaction
from transactions.operations.ledger import record


@dataclass(frozen=True, slots=True)
class CashTransfer:
    """What leaves one account and arrives in another, each in its account's currency.

    arrived: needed where the currencies differ; otherwise what left arrives.
    """

    amount: Decimal
    executed_at: datetime
    arrived: Decimal | None = None
    note: str = ""


def transfer_cash(
    *, source: Account, target: Account, stated: CashTransfer, user: User, now: datetime
) -> tuple[Transaction, Transaction]:
    """Record both sides of a transfer at one instant; return what left and what arrived."""
    arrived = _arrived(source, target, stated)
    with transaction.atomic():
        # Both in key order: each side locks its own account again.
        both = Account.objects.filter(pk__in=[source.pk, target.pk])
        locked_in_line(both, household_id=source.household_id)
        sides = []
        for account, kind, amount, words in (
            (source, "withdrawal", stated.amount, f"To {target.name}"),
            (target, "deposit", arrived, f"From {source.name}"),
        ):
            entry = Entry(
                kind,
                stated.executed_at,
                account.currency,
                amount=amount,
                note=stated.note or words,
            )
            sides += record(account=account, entries=[entry], user=user, now=now)
    left, came = sides
    return left, came


def _arrived(source: Account, target: Account, stated: CashTransfer) -> Decimal:
    if source.pk == target.pk:
        raise InvalidInput(
            "Both accounts of the transfer are the same. Name another account.",
            code="transfer_to_itself",
            fields={"to_account_id": ["is the account of the transfer itself"]},
        )
    if source.household_id != target.household_id:
        raise InvalidInput(
            "The accounts belong to different households. Record a withdrawal and a deposit.",
            code="transfer_not_allowed",
            fields={"to_account_id": ["belongs to another household"]},
        )
    if source.currency == target.currency:
        if stated.arrived not in (None, stated.amount):
            raise InvalidInput(
                "In one currency the same amount arrives. Leave the received amount empty, or "
                "record a fee of its own.",
                code="received_amount_differs",
                fields={"arrived": ["differs from the amount"]},
            )
        return stated.amount
    if stated.arrived is None:
        raise InvalidInput(
            f"The accounts have different currencies. State how many {target.currency} arrived.",
            code="received_amount_required",
            fields={"arrived": ["is required between currencies"]},
        )
    return stated.arrived
