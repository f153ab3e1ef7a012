"""Positions and cash of a statement beside the ledger at the end of its day."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput
from core.limits import RECONCILED_TRANSACTIONS_MAX
from core.money import converted, quantize
from marketdata.queries import exchange_rates_on
from transactions.files.comparing.causes import SETTLEMENT_DAYS_MAX, Known
from transactions.files.comparing.holdings import (
    Comparison,
    TheirCash,
    Theirs,
    compare,
    first_difference,
)
from transactions.files.comparing.moves import Move
from transactions.files.comparing.stored import count, lines_of
from transactions.files.stated.interface import StatedPosition, Statement
from transactions.files.stated.stored import from_stored
from transactions.models import Account, Import
from transactions.queries.import_symbols import Meaning
from transactions.queries.reconciliations import (
    known_splits,
    ledger_moves,
    open_costs,
    stated_meanings,
)

# Differences that a preview keeps of the file's statement.
PREVIEWED_MAX = 50


def of_account(statement: Statement, name: str) -> Statement:
    """Return the part of a statement that is one account of the file; all of it without a name."""
    if not name:
        return statement
    return Statement(
        positions=tuple(row for row in statement.positions if row.account in ("", name)),
        cash=tuple(row for row in statement.cash if row.account in ("", name)),
        unreadable=statement.unreadable,
        states_positions=statement.states_positions,
        states_cash=statement.states_cash,
        is_part=statement.is_part,
    )


def beside_ledger(
    *,
    account: Account,
    statement: Statement,
    day: date,
    added: Sequence[Move] = (),
    known: Known | None = None,
) -> Comparison:
    """Return the comparison of one account's statement with the ledger at the end of a day.

    `added`: rows of a file that would be recorded. `known`: what the file's rows prove.
    """
    moves = [*ledger_moves(account=account, last=day + timedelta(days=SETTLEMENT_DAYS_MAX)), *added]
    our_cash = sum((move.cash for move in moves if move.day <= day), Decimal(0))
    names = stated_meanings(
        account=account,
        securities=[(row.security, row.currency) for row in statement.positions],
    )
    held = {move.symbol for move in moves}
    known = known or Known()
    symbols = held | {found.symbol for found in names.values() if found.symbol}
    splits = known_splits(account=account, symbols=symbols - {""}, last=day)
    funds = [row for row in statement.positions if _is_fund(row, names, held)]
    units = [row for row in statement.positions if not _is_fund(row, names, held)]
    return compare(
        moves,
        day=day,
        theirs=[_theirs(row, names) for row in units] if statement.states_positions else None,
        cash=_their_cash(account, statement, funds, day),
        our_cash=our_cash,
        known=Known(known.missing, known.absent, splits, known.refused),
        is_part=statement.is_part,
    )


def stored_lines(*, account: Account, found: Comparison) -> dict[str, Any]:
    """Return the lines of a comparison in the form in which they are kept."""
    return lines_of(found, costs=open_costs(account=account, day=found.day))


def meets_statement(
    *, batch: Import, added: Sequence[Move], refused: Collection[str]
) -> dict[str, Any] | None:
    """Return whether the account after an import meets what the file states of a day.

    None if the file states nothing, or if the account of a file with several is not chosen.
    """
    if not batch.stated or batch.row_count > RECONCILED_TRANSACTIONS_MAX:
        return None
    statement = from_stored(batch.stated)
    names = statement.accounts
    chosen = batch.options.get("account") or (names[0] if len(names) == 1 else "")
    if len(names) > 1 and chosen not in names:
        return None
    statement = of_account(statement, chosen)
    day = statement.day or batch.to_date
    if day is None:
        return None
    try:
        found = beside_ledger(
            account=batch.account,
            statement=statement,
            day=day,
            added=added,
            known=Known(refused=refused),
        )
    except InvalidInput:
        return None  # an account with more transactions than a statement is compared with
    lines = lines_of(found, costs={})
    parted = [one for one in lines["positions"] if one["status"] != "matched"]
    return {
        "day": day.isoformat(),
        "matched": count(found, "matched"),
        "differences": found.differences,
        "first_difference": first_difference(found),
        "positions": parted[:PREVIEWED_MAX],
        "cash": lines["cash"],
    }


def _is_fund(row: StatedPosition, names: Mapping[str, Meaning], held: Collection[str]) -> bool:
    """Return whether the position is cash: a money fund that the ledger does not have as such."""
    meaning = names.get(row.security.key)
    return row.is_cash and not (meaning and meaning.symbol in held)


def _theirs(row: StatedPosition, names: Mapping[str, Meaning]) -> Theirs:
    meaning = names.get(row.security.key)
    return Theirs(
        symbol=(meaning.symbol or "") if meaning else "",
        key=row.security.key,
        units=row.quantity,
        decimals=row.decimals,
        cost_basis=row.cost_basis,
        lines=(row.line,),
    )


def _their_cash(
    account: Account, statement: Statement, funds: Sequence[StatedPosition], day: date
) -> TheirCash | None:
    """Return the broker's cash in the account's currency; None if it cannot be told."""
    if not statement.states_cash and not funds:
        return None
    home = account.currency
    in_funds = sum(
        (row.value if row.value is not None else row.quantity for row in funds), Decimal(0)
    )
    wholes = [row for row in statement.cash if row.is_whole and row.currency == home]
    apart = [row for row in statement.cash if not row.is_whole]
    foreign = [row for row in apart if row.currency != home and row.amount]
    rows = wholes or apart
    rates = exchange_rates_on(wanted=[(row.currency, home, day) for row in foreign])
    if not wholes and any((row.currency, home, day) not in rates for row in foreign):
        return None
    whole = in_funds
    for row in rows:
        at_home = row.currency == home or not row.amount
        rate = Decimal(1) if at_home else rates[row.currency, home, day].rate
        whole += row.amount if at_home else converted(row.amount, rate, home)
    return TheirCash(
        amount=quantize(whole, home),
        in_funds=quantize(in_funds, home),
        is_finer=quantize(whole, home) != whole,
        is_converted=bool(foreign),
        lines=(*(row.line for row in rows), *(row.line for row in funds)),
    )
