"""Forms of the order sheet and of an account's orders."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms

from core import limits
from core.limits import SYMBOL_LENGTH_MAX
from dashboard.forms.entries import decimal_field, not_negative, positive
from transactions.models import OrderSide, OrderType


class FillForm(forms.Form):
    """What was filled of one order: ticked, with the quantity, the price and the day."""

    ticked = forms.BooleanField(required=False)
    quantity = decimal_field(
        "Quantity filled",
        most=limits.QUANTITY_MAX,
        decimals=limits.QUANTITY_DECIMALS,
        least=positive,
    )
    price = decimal_field(
        "Price per unit", most=limits.PRICE_MAX, decimals=limits.PRICE_DECIMALS, least=not_negative
    )
    executed_on = forms.DateField(
        label="Filled on", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    fee = decimal_field(
        "Fees", most=limits.MONEY_MAX, decimals=limits.MONEY_DECIMALS, least=not_negative
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("ticked"):
            for name in ("quantity", "price", "executed_on"):
                if data.get(name) is None and name not in self.errors:
                    self.add_error(name, "Fill this in, or untick the row.")
        return data

    def figures(self, *, now: datetime) -> dict[str, Any]:
        """Return the fill: one of today happens now, one of an earlier day at noon UTC."""
        data = self.cleaned_data
        day: date = data["executed_on"]
        executed_at = now if day == now.date() else datetime.combine(day, time(12), tzinfo=UTC)
        return {
            "quantity": data["quantity"],
            "price": data["price"],
            "executed_at": executed_at,
            "fee": data["fee"] or Decimal(0),
        }


class OrderForm(forms.Form):
    """An order of one's own."""

    side = forms.ChoiceField(label="Side", choices=OrderSide.choices)
    symbol = forms.CharField(
        label="Symbol",
        max_length=SYMBOL_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={"list": "symbols", "autocomplete": "off", "autocapitalize": "characters"}
        ),
    )
    quantity = decimal_field(
        "Quantity",
        most=limits.QUANTITY_MAX,
        decimals=limits.QUANTITY_DECIMALS,
        least=positive,
        required=True,
    )
    type = forms.ChoiceField(
        label="Type", choices=OrderType.choices, widget=forms.Select(attrs={"data-chooser": ""})
    )
    limit_price = decimal_field(
        "Limit price", most=limits.PRICE_MAX, decimals=limits.PRICE_DECIMALS, least=positive
    )

    broker = forms.ChoiceField(label="Place it", required=False)

    def __init__(self, *args: Any, brokers: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        """`brokers`: name and label of those that are connected to the account."""
        super().__init__(*args, **kwargs)
        if brokers:
            self.fields["broker"].choices = [("", "By hand"), *brokers]  # type: ignore[attr-defined]
        else:
            del self.fields["broker"]
        self.fields["limit_price"].only_for = OrderType.LIMIT.value  # type: ignore[attr-defined]

    def clean_symbol(self) -> str:
        return str(self.cleaned_data["symbol"]).strip().upper()

    def stated(self) -> dict[str, Any]:
        """Return the order; a market order has no limit price, whatever the field holds."""
        data = dict(self.cleaned_data)
        if data["type"] == OrderType.MARKET:
            data["limit_price"] = None
        return data
