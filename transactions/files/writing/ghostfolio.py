"""Ghostfolio's JSON: accounts, activities and the profiles of own assets. Pure.

It has no deposits, withdrawals, taxes, transfers or corporate actions. A reinvested dividend is a
dividend and a purchase. Its figures are JSON numbers; ours are written digit for digit.
"""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal

from core.money import plain
from transactions.files.reading.interface import Draft
from transactions.ledger.kinds import KINDS

NAME = "ghostfolio"
VERSION = "2.0.0"


def write(drafts: Iterable[Draft]) -> Iterator[str]:
    """Yield the document, one activity per line."""
    accounts: dict[str, str] = {}
    yield f'{{"meta":{{"version":"{VERSION}"}},\n"activities":[\n'
    comma = ""
    for draft in drafts:
        accounts.setdefault(draft.account, draft.currency)
        for text in _activities(draft):
            yield f"{comma}{text}"
            comma = ",\n"
    listed = [
        {"id": name, "name": name, "currency": currency, "balance": 0, "isExcluded": False}
        for name, currency in accounts.items()
    ]
    yield f'\n],\n"accounts":{json.dumps(listed, ensure_ascii=False)}}}\n'


def _activities(draft: Draft) -> Iterator[str]:
    zero, one = Decimal(0), Decimal(1)
    amount = draft.amount or zero
    kind = KINDS[draft.type]
    word = kind.exported_as[NAME]
    if kind.figures == "trade":
        quantity = draft.quantity or one
        price = draft.price if draft.price is not None else amount / quantity
        if kind.reinvests:
            yield _activity(draft, "DIVIDEND", quantity, price, zero, ":dividend")
        yield _activity(draft, word, quantity, price, draft.fee)
    elif kind.cash == "out":
        yield _activity(draft, word, zero, zero, amount + draft.fee)
    else:
        yield _activity(draft, word, one, amount, draft.fee)


def _activity(
    draft: Draft, kind: str, quantity: Decimal, price: Decimal, fee: Decimal, part: str = ""
) -> str:
    texts: dict[str, object] = {
        "accountId": draft.account,
        "comment": draft.note or None,
        "currency": draft.currency,
        "dataSource": "YAHOO" if draft.security else "MANUAL",
        "date": draft.executed_at.isoformat().replace("+00:00", "Z"),
        "id": f"{draft.id}{part}",
        "symbol": draft.security.symbol or kind.title(),
        "tags": [],
        "type": kind,
    }
    figures = {"fee": fee, "quantity": quantity, "unitPrice": price}
    written = ",".join(f'"{name}":{_number(value)}' for name, value in figures.items())
    return json.dumps(texts, ensure_ascii=False)[:-1] + f",{written}}}"


def _number(value: Decimal) -> str:
    return plain(round(value, 15) if value.as_tuple().exponent < -15 else value)  # type: ignore[operator]
