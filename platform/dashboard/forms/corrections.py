"""The form that corrects a transaction. A field that nobody touched keeps its exact value."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.money import plain
from dashboard.forms.entries import TransactionForm
from transactions.ledger.entries import Entry, Ratio
from transactions.ledger.kinds import KINDS
from transactions.models import Transaction

# The entry's fields that follow from a field of the form.
_STATES = {
    "quantity": ("quantity", "price", "amount"),
    "price": ("price", "amount"),
    "amount": ("amount",),
    "cost": ("amount", "price"),
    "cash": ("amount",),
    "settled_amount": ("settled_amount", "fx_rate"),
    "lot_method": ("lot_method", "lots", "tax_rates"),
    "executed_on": ("executed_at", "trade_date"),
    "to_account": ("to_account_id",),
    "symbol": ("symbol", "currency", "fx_rate"),
}
_NAMED = ("specific", "The lots named")


class CorrectionForm(TransactionForm):
    """A recorded transaction, ready to be changed."""

    def __init__(
        self,
        *args: Any,
        row: Transaction,
        original: Entry,
        at_fixing: bool,
        accounts: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        """`original`: the entry that records the row again; `at_fixing`: at the day's rate."""
        self._values = _values(row, original)
        initial = shown_values(row, original)
        super().__init__(*args, initial=initial, accounts=accounts, **kwargs)
        self.original, self._at_fixing = original, at_fixing
        methods = self.fields["lot_method"]
        if original.lots:
            methods.choices = [*methods.choices, _NAMED]  # type: ignore[attr-defined]
        elif original.lot_method:
            # "Account default" would name the method of today, not the one that was used.
            methods.choices = list(methods.choices)[1:]  # type: ignore[attr-defined]

    @property
    def touched(self) -> set[str]:
        """The fields of the kind that have another value than the transaction."""
        shown = _shown_by(self.cleaned_data["type"])
        return {name for name in shown if self.cleaned_data[name] != self._values[name]}

    def entry(self, *, now: datetime) -> Entry:
        """Return the original entry with the touched fields replaced."""
        stated, old = super().entry(now=now), self.original
        touched = self.touched
        if "type" in touched:
            return self._of_another_kind(stated)
        names = {name for field in touched for name in _STATES.get(field, (field,))}
        if "executed_on" in touched and self._at_fixing:
            names.add("fx_rate")
        return replace(old, **{name: getattr(stated, name) for name in names})

    def _of_another_kind(self, stated: Entry) -> Entry:
        """Return the stated entry with what does not depend on the kind of transaction."""
        old = self.original
        same_day = self.cleaned_data["executed_on"] == self._values["executed_on"]
        same_currency = stated.symbol == old.symbol
        return replace(
            stated,
            executed_at=old.executed_at if same_day else stated.executed_at,
            trade_date=old.trade_date if same_day else None,
            currency=old.currency if same_currency else "",
            order_id=old.order_id,
            external_id=old.external_id,
        )


def shown_values(row: Transaction, original: Entry) -> dict[str, Any]:
    """Return a transaction's figures as the form of its kind shows them."""
    fields = _shown_by(row.type)
    values = _values(row, original)
    return {name: _shown(value) for name, value in values.items() if name in fields}


def _shown_by(kind: str) -> set[str]:
    """Return the fields that the form shows for a kind of transaction."""
    return {"type", "executed_on", "note", *KINDS[kind].form}


def _values(row: Transaction, original: Entry) -> dict[str, Any]:
    """Return the values that the form has once it is valid, if nobody touches it."""
    money = row.amount if original.amount is not None or row.amount else None
    return {
        "type": row.type,
        "executed_on": row.trade_date,
        "symbol": original.symbol,
        "quantity": row.quantity,
        "price": row.price,
        "amount": money,
        "cost": money,
        "opened_date": row.opened_date,
        "to_account": str(original.to_account_id or ""),
        "new_symbol": original.new_symbol,
        "ratio": original.ratio,
        "basis_percentage": row.basis_percentage,
        "cash": money,
        "fee": row.fee or None,
        "settled_amount": original.settled_amount,
        "lot_method": "specific" if original.lots else original.lot_method or "",
        "note": row.note,
    }


def _shown(value: Any) -> Any:
    """Return a value as the form shows it: figures without trailing zeros."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Ratio):
        return f"{plain(value.new)}:{plain(value.old)}"
    return "" if value is None else value
