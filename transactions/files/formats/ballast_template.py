"""The template of our own CSV: every column explained, and a row for each kind. Pure.

    heading, one example of each kind of transaction, then a line of text for each column

The file can be imported as it is: a line with one cell is no row of the table.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from transactions.files.formats import ballast
from transactions.files.reading.interface import Draft, Security

# What each column says, in the order of `ballast.COLUMNS`.
COLUMNS: Mapping[str, str] = {
    "id": "A name of the row within this file, to which lots, counterpart and reverses point.",
    "account": "Name of the account. One account of a file is imported at a time.",
    "type": "Kind of transaction. The examples show every one.",
    "executed_at": "Day or time, as 2024-05-31 or 2024-05-31T14:30:00Z.",
    "symbol": "Symbol of the security.",
    "isin": "ISIN of the security. Symbol, ISIN, CUSIP or name: one of them is enough.",
    "cusip": "CUSIP of the security.",
    "name": "Name of the security.",
    "quantity": "Number of units, without a sign.",
    "price": "Price of one unit.",
    "amount": "Amount before the fee, without a sign. A trade has a price or an amount.",
    "fee": "Fee. A purchase adds it to the cost, a sale takes it from the proceeds.",
    "currency": "Currency of price, amount and fee, as USD.",
    "fx_rate": "Units of the account's currency for one unit of currency. Empty: the day's rate.",
    "lot_method": "Which lots a sale takes: fifo, lifo, hifo, average, min_tax. Empty: as usual.",
    "lots": "Lots that a sale names, as id=quantity;id=quantity.",
    "new_symbol": "Symbol that a corporate action brings.",
    "new_isin": "ISIN that a corporate action brings.",
    "ratio": "New units for old ones, as 2:1. For a distribution: units for each share held.",
    "added_quantity": "Units that a split added, if its ratio is not known.",
    "basis_percentage": "Part of the cost basis that goes to the new security, in percent.",
    "opened_date": "Day on which shares that arrive were acquired.",
    "counterpart": "Id of the transfer_out whose lots a transfer_in takes.",
    "to_account": "Account that receives a transfer_out.",
    "reverses": "Id of the row that this row reverses.",
    "order_id": "Rows with the same order id are one purchase.",
    "external_id": "Reference of the broker. The same reference is not imported twice.",
    "tax_rates": 'Rates of a min_tax sale, as {"short": "0.37", "long": "0.2"}.',
    "note": "Note.",
}

_ACME, _NOVA, _RIGHT = (Security(symbol=symbol) for symbol in ("ACME", "NOVA", "ACMER"))


def _example(kind: str, month: int, day: int, **fields: object) -> Draft:
    told: dict[str, object] = {"currency": "USD", "security": _ACME, **fields}
    at = datetime(2024, month, day, 12, tzinfo=UTC)
    return Draft(type=kind, executed_at=at, **told)  # type: ignore[arg-type]


def examples() -> Iterator[Draft]:
    """Yield a transaction of each kind, in an order in which all of them can be recorded."""
    number = Decimal
    cash = {"security": Security()}
    yield _example("deposit", 1, 2, amount=number(20000), note="Savings", **cash)
    yield _example("buy", 1, 3, quantity=number(100), price=number("50.25"), fee=number(1))
    yield _example("dividend", 2, 1, amount=number("62.50"))
    yield _example("tax", 2, 1, amount=number("9.38"), note="Withheld from the dividend")
    yield _example("reinvestment", 2, 2, quantity=number("1.25"), amount=number("62.50"))
    yield _example("interest", 2, 29, amount=number("4.10"), **cash)
    yield _example("fee", 3, 1, amount=number(10), note="Custody", **cash)
    yield _example("sell", 3, 4, quantity=number(20), price=number(55), lot_method="hifo")
    yield _example("split", 3, 11, ratio="2:1")
    yield _example("stock_dividend", 4, 1, ratio="1:20")
    yield _example("return_of_capital", 4, 15, amount=number(12))
    yield _example(
        "spin_off", 5, 1, new_security=_NOVA, ratio="1:10", basis_percentage=number("12.5")
    )
    yield _example("rights_issue", 5, 6, new_security=_RIGHT, ratio="1:1")
    yield _example(
        "rights_exercise", 5, 20, security=_RIGHT, new_security=_ACME,
        quantity=number(10), price=number(20), ratio="1:4",
    )  # fmt: skip
    yield _example(
        "transfer_in", 6, 3, quantity=number(30), amount=number(700), opened_date=date(2021, 6, 30)
    )
    yield _example("transfer_out", 6, 4, quantity=number(5))
    yield _example("exchange_offer", 6, 5, quantity=number(10), new_security=_NOVA, ratio="2:1")
    yield _example("symbol_change", 6, 10, new_security=Security(symbol="ACMX"))
    yield _example(
        "merger", 6, 24, security=_NOVA, new_security=Security(symbol="BIGCO"), ratio="1:2"
    )
    yield _example("withdrawal", 6, 28, amount=number(500), **cash)


def template() -> Iterator[str]:
    """Yield the file line by line."""
    yield from ballast.write(examples())
    for name, meaning in COLUMNS.items():
        yield f'"{name}: {meaning.replace(chr(34), chr(34) * 2)}"\r\n'
