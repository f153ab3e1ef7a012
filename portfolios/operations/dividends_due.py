"""Record the dividends that an account has not recorded yet, or skip them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.limits import DIVIDENDS_MAX
from identity.models import User
from portfolios.holdings.dividends_due import DueDividend
from portfolios.models import SkippedDividend
from portfolios.queries.dividends_due import dividends_due, securities_of
from transactions.ledger.entries import Entry
from transactions.models import Account, Transaction
from transactions.operations import record
from transactions.operations.accounts import lock_account

Due = Mapping[tuple[str, date], DueDividend]


@dataclass(frozen=True, slots=True)
class Received:
    """A due dividend as its owner received it. None: as announced."""

    symbol: str
    ex_date: date
    paid_on: date | None = None
    amount: Decimal | None = None


def record_dividends(
    *, account: Account, received: Sequence[Received], user: User, now: datetime
) -> list[Transaction]:
    """Record due dividends as transactions, all or none.

    Codes: `dividend_not_due` (also one that was recorded meanwhile), `dividend_repeated`,
    `payment_date_required`, `paid_before_ex_date`, and those of recording.
    """
    _ensure_once([(one.symbol, one.ex_date) for one in received])
    with transaction.atomic():
        # Under the lock, so that two requests do not record one dividend twice.
        due = _due(lock_account(account=account), now)
        entries = [_entry(item, one, due) for item, one in enumerate(received)]
        return record(account=account, entries=entries, user=user, now=now)


def skip_dividends(
    *, account: Account, dividends: Sequence[tuple[str, date]], user: User, now: datetime
) -> None:
    """Propose due dividends no more. Codes: `dividend_not_due`, `dividend_repeated`."""
    _ensure_once(dividends)
    with transaction.atomic():
        locked = lock_account(account=account)
        due = _due(locked, now)
        SkippedDividend.objects.bulk_create(
            SkippedDividend(
                account=locked,
                asset_id=_one(item, symbol, ex_date, due).announced.asset_id,
                ex_date=ex_date,
                skipped_by=user,
                skipped_at=now,
            )
            for item, (symbol, ex_date) in enumerate(dividends)
        )


def _due(account: Account, now: datetime) -> Due:
    found = dividends_due(account=account, as_of=now.date())
    assets = securities_of(found)
    return {(assets[due.announced.asset_id].symbol, due.announced.ex_date): due for due in found}


def _one(item: int, symbol: str, ex_date: date, due: Due) -> DueDividend:
    found = due.get((symbol, ex_date))
    if found is None:
        refusal = Conflict(
            f"The dividend of {symbol} with ex-date {ex_date} is not due: it is recorded or "
            "skipped, or no shares were held. Read the list again.",
            code="dividend_not_due",
        )
        refusal.item = item
        raise refusal
    return found


def _entry(item: int, one: Received, due: Due) -> Entry:
    found = _one(item, one.symbol, one.ex_date, due).announced
    paid_on = one.paid_on or found.payment_date
    if paid_on is None:
        raise _invalid(
            item,
            f"The vendor does not say when {one.symbol} paid. Send the day on which your broker "
            "paid as paid_on.",
            code="payment_date_required",
        )
    if paid_on < one.ex_date:
        raise _invalid(
            item,
            f"{one.symbol} pays after its ex-date {one.ex_date}. Correct paid_on.",
            code="paid_before_ex_date",
        )
    announced = due[one.symbol, one.ex_date].amount
    return Entry(
        type="dividend",
        symbol=one.symbol,
        amount=announced if one.amount is None else one.amount,
        currency=found.currency,
        executed_at=datetime.combine(paid_on, time(12), UTC),
        trade_date=paid_on,
        note=f"Announced with ex-date {one.ex_date}.",
    )


def _invalid(item: int, detail: str, *, code: str) -> InvalidInput:
    refusal = InvalidInput(detail, code=code, fields={"paid_on": [detail]})
    refusal.item = item
    return refusal


def _ensure_once(named: Sequence[tuple[str, date]]) -> None:
    if not named:
        raise InvalidInput("Name at least one dividend.", code="required")
    if len(named) > DIVIDENDS_MAX:
        raise InvalidInput(f"Too many rows. Send at most {DIVIDENDS_MAX}.", code="too_many_rows")
    if len(set(named)) < len(named):
        raise InvalidInput("A dividend appears twice. Name each once.", code="dividend_repeated")
