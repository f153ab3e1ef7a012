"""Reconciliations, and what of the ledger a statement is compared with."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from core.errors import InvalidInput, NotFound
from core.limits import RECONCILED_TRANSACTIONS_MAX
from core.money import WIDE
from identity.models import User
from marketdata.models import ActionState, Asset, CorporateAction
from transactions.files.comparing.moves import NOTHING, Move, decimal_of, folded
from transactions.files.reading.interface import Security
from transactions.files.stated.ballast import Held
from transactions.ledger.kinds import BOOKED_TYPES, rank
from transactions.models import Account, Import, ImportStatus, Lot, Reconciliation, Transaction
from transactions.queries.import_symbols import Meaning, meanings_of
from transactions.queries.ledger import account

# Earlier files of the account, whose symbols were mapped by a person.
_FILES_REMEMBERED_MAX = 20
# Transactions that one page names.
_NAMED_MAX = 500
# The columns of a transaction that `move_of` takes, in its order.
MOVE_FIELDS = (
    *("public_id", "trade_date", "executed_at", "type", "asset__symbol", "new_asset__symbol"),
    *("quantity", "ratio_new", "ratio_old", "cash_effect", "price", "fx_rate", "external_id"),
)


def reconciliations(*, user: User, account_id: UUID | None = None) -> "QuerySet[Reconciliation]":
    """Return the comparisons of the accounts a user may see, newest first, without their lines."""
    rows = Reconciliation.objects.for_user(user).select_related("account").defer("result")
    if account_id is not None:
        rows = rows.filter(account=account(user=user, public_id=account_id))
    return rows.order_by("-created_at", "-id")


def reconciliation(*, user: User, public_id: UUID) -> Reconciliation:
    """Return one comparison with its lines, if this user may see its account."""
    rows = Reconciliation.objects.for_user(user).select_related("account")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise NotFound(
            "The reconciliation does not exist, or you have no access to it.",
            code="reconciliation_not_found",
        )
    return found


def transactions_named(*, found: Reconciliation, user: User) -> dict[str, Transaction]:
    """Return the transactions that the reasons of a comparison name, by id; one query."""
    lines = [*found.result.get("positions", ()), found.result.get("cash") or {"reasons": ()}]
    ids = {name for line in lines for one in line["reasons"] for name in one["transaction_ids"]}
    rows = Transaction.objects.for_user(user).select_related("asset")
    named = rows.filter(public_id__in=sorted(ids)[:_NAMED_MAX])
    return {str(row.public_id): row for row in named}


def ledger_moves(*, account: Account, last: date) -> list[Move]:
    """Return the valid transactions of an account until a trade date, as moves; one query."""
    rows = (
        Transaction.objects.filter(
            account=account,
            trade_date__lte=last,
            reverses__isnull=True,
            reversed_by__isnull=True,
        )
        .order_by("executed_at", "id")
        .values_list(*MOVE_FIELDS)[: RECONCILED_TRANSACTIONS_MAX + 1]
    )
    if len(rows) > RECONCILED_TRANSACTIONS_MAX:
        raise InvalidInput(
            f"The account has more than {RECONCILED_TRANSACTIONS_MAX} transactions until that day; "
            "a statement cannot be compared with so many.",
            code="too_many_rows",
        )
    return [move_of(*row) for row in rows]


def move_of(public_id: UUID, day: date, at: Any, kind: str, symbol: str | None,
            new_symbol: str | None, quantity: Decimal | None, new: Decimal | None,
            old: Decimal | None, cash: Decimal, price: Decimal | None, fx_rate: Decimal,
            name: str) -> Move:  # fmt: skip
    """Return a transaction as a move; a trade's price in the account's currency."""
    return Move(
        id=str(public_id),
        day=day,
        at=at,
        rank=rank(type=kind, own=False),
        type=kind,
        symbol=symbol or "",
        new_symbol=new_symbol or "",
        quantity=Fraction(quantity) if quantity else NOTHING,
        ratio=Fraction(new) / Fraction(old) if new and old else None,
        cash=cash,
        price=WIDE.multiply(price, fx_rate) if price else Decimal(0),
        name=name,
    )


def known_splits(
    *, account: Account, symbols: Collection[str], last: date
) -> Mapping[str, Mapping[Fraction, date]]:
    """Return ratio and day of splits by symbol: confirmed ones, and those of other accounts."""
    rows = Transaction.objects.filter(
        account__household_id=account.household_id,
        type="split",
        asset__symbol__in=sorted(symbols),
        trade_date__lte=last,
        reverses__isnull=True,
        reversed_by__isnull=True,
    ).exclude(account=account)
    found: dict[str, dict[Fraction, date]] = {}
    for symbol, new, old, day in rows.values_list(
        "asset__symbol", "ratio_new", "ratio_old", "trade_date"
    ):
        if new and old:
            found.setdefault(symbol, {})[Fraction(new) / Fraction(old)] = day
    confirmed = CorporateAction.objects.filter(
        Q(household=None) | Q(household_id=account.household_id),
        kind="split",
        state=ActionState.CONFIRMED,
        asset__symbol__in=sorted(symbols),
        ex_date__lte=last,
    )
    for symbol, new, old, day in confirmed.values_list(
        "asset__symbol", "ratio_new", "ratio_old", "ex_date"
    ):
        if new and old:
            found.setdefault(symbol, {})[Fraction(new) / Fraction(old)] = day
    return found


def holdings_of_day(*, account: Account, day: date) -> tuple[list[Held], Decimal]:
    """Return the units of each security and the cash at the end of a day; four queries."""
    moves = ledger_moves(account=account, last=day)
    units = {name: held for name, held in folded(moves).units.items() if held}
    costs = open_costs(account=account, day=day)
    assets = {
        asset.symbol: asset
        for asset in Asset.objects.for_household(account.household_id)
        .filter(symbol__in=sorted(units))
        .order_by("-household_id", "-id")
    }
    positions = [
        Held(
            symbol=symbol,
            isin=assets[symbol].isin if symbol in assets else "",
            units=decimal_of(units[symbol]),
            currency=assets[symbol].currency if symbol in assets else account.currency,
            cost_basis=costs[symbol][0] if symbol in costs else None,
        )
        for symbol in sorted(units)
    ]
    return positions, sum((move.cash for move in moves), Decimal(0))


def open_costs(*, account: Account, day: date) -> Mapping[str, tuple[Decimal, Decimal]]:
    """Return cost basis and wash-sale adjustment of the open lots by symbol.

    Only of securities without transactions after the day: the lots are those of today.
    """
    moved = set(
        Transaction.objects.filter(
            account=account, trade_date__gt=day, type__in=BOOKED_TYPES, asset__isnull=False
        )
        .order_by()
        .values_list("asset_id", flat=True)
        .distinct()
    )
    rows = (
        Lot.objects.filter(account=account, quantity__gt=0)
        .exclude(asset_id__in=moved)
        .order_by()
        .values_list("asset__symbol")
        .annotate(cost=Sum("cost_basis"), added=Sum("wash_sale_adjustment"))
    )
    return {symbol: (cost, added) for symbol, cost, added in rows}


def symbols_remembered(*, account: Account) -> dict[str, Mapping[str, Any]]:
    """Return what a person said of securities in the newest files that were recorded."""
    said: dict[str, Mapping[str, Any]] = {}
    files = Import.objects.filter(account=account, status=ImportStatus.COMMITTED)
    newest = files.order_by("-created_at", "-id").values_list("symbols", flat=True)
    for symbols in newest[:_FILES_REMEMBERED_MAX]:
        for key, meant in symbols.items():
            said.setdefault(key, meant)
    return said


def stated_meanings(
    *, account: Account, securities: Sequence[tuple[Security, str]]
) -> Mapping[str, Meaning]:
    """Return the meaning of securities, each with its currency, by key; two queries.

    What a person said in the files imported before holds here too.

    Brokers write a class of shares as BRK.B, BRK/B or BRK B.
    """
    said = symbols_remembered(account=account)
    rows = [
        {
            "key": security.key,
            "symbol": security.symbol,
            "isin": security.isin,
            "currency": currency,
        }
        for security, currency in securities
        if security.key
    ]
    rows += [{**row, "key": other} for row in rows if (other := _other(row["key"])) != row["key"]]
    found = meanings_of(household_id=account.household_id, rows=rows, said=said)
    return {
        key: found[_other(key)] if meaning.how == "unknown" else meaning
        for key, meaning in found.items()
    }


def _other(key: str) -> str:
    return key.replace("/", ".").replace(" ", ".")
