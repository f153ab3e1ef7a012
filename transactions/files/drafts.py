"""Conversion of a file's row to an entry of the ledger, with our symbols and references. Pure.

A file has its own names for securities, lots and other rows. `Names` maps them to ours; a name that
is not in it is a Finding of the row, with a code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from core.errors import BallastError, InvalidInput
from transactions.files.reading.interface import Draft, Security
from transactions.ledger.entries import ChosenLot, Entry, ratio_of


class RowRefused(InvalidInput):
    """The row cannot become an entry with the present names."""


@dataclass(frozen=True, slots=True)
class Names:
    """The meaning of a file's names in the ledger.

    `symbols`: a security's key to our symbol; `rows`: a row's id or external id to the public id
    of a transaction, of this file or of the ledger; `ratios`: rows that state added units instead
    of a ratio, to the resulting ratio.
    """

    symbols: Mapping[str, str]
    rows: Mapping[str, UUID] = field(default_factory=dict)
    ratios: dict[UUID, str] = field(default_factory=dict)


def entry_of(draft: Draft, *, public_id: UUID, names: Names) -> Entry:
    """Return a draft's entry, under the id of its future transaction; raise RowRefused."""
    ratio = draft.ratio
    if draft.added_quantity is not None and not ratio:
        ratio = names.ratios.get(public_id, "")
        if not ratio:
            raise RowRefused(
                "The units held before this event are not known. Enter its ratio.",
                code="ratio_unknown",
            )
    kind, new_symbol = draft.type, _symbol(draft.new_security, names)
    if kind == "merger" and ratio and new_symbol == _symbol(draft.security, names):
        kind, new_symbol = "split", None  # an exchange of a security for itself
    return Entry(
        type=kind,
        executed_at=draft.executed_at,
        currency=draft.currency,
        symbol=_symbol(draft.security, names),
        quantity=draft.quantity,
        price=draft.price,
        amount=draft.amount,
        fee=draft.fee,
        fx_rate=draft.fx_rate,
        lot_method=None if draft.lots else draft.lot_method,
        lots=tuple(ChosenLot(_row(lot.id, names), lot.quantity, lot.piece) for lot in draft.lots),
        note=draft.note,
        new_symbol=new_symbol,
        ratio=ratio_of(ratio) if ratio else None,
        basis_percentage=draft.basis_percentage,
        opened_date=draft.opened_date,
        order_id=draft.order_id,
        external_id=draft.external_id or draft.id,
        public_id=public_id,
        tax_rates=draft.tax_rates,
    )


def _symbol(security: Security, names: Names) -> str | None:
    if not security:
        return None
    ours = names.symbols.get(security.key)
    if ours is None:
        raise RowRefused(
            f"{security.key} has no Ballast symbol yet. Map it.", code="symbol_unknown"
        )
    return ours


def _row(name: str, names: Names) -> UUID:
    found = names.rows.get(name)
    if found is None:
        raise RowRefused(
            f"The row refers to {name[:60]}, which is neither in this file nor in the ledger.",
            code="reference_unknown",
        )
    return found


def encoded(draft: Draft) -> str:
    """Return a draft as JSON text."""
    return msgspec.json.encode(draft).decode()


_decoder = msgspec.json.Decoder(Draft)


def decoded(text: str) -> Draft:
    """Return the draft of a JSON text."""
    return _decoder.decode(text)


def finding(refusal: BallastError) -> dict[str, Any]:
    """Return a refusal as one finding of a row."""
    column = next(iter(refusal.fields), "")
    return {"code": refusal.code, "detail": refusal.detail, "column": column}
