"""Forms of a household's own prices: one by hand, many from a file."""

from decimal import Decimal
from typing import Any

from django import forms

from core import limits
from dashboard.forms.entries import CURRENCIES

PASTED_CHARS_MAX = 1_000_000
FILE_BYTES_MAX = 1_000_000
_AS_THE_FILE, _AS_TRADED, _ADJUSTED = "", "traded", "adjusted"


def _price(label: str, *, required: bool, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=required,
        max_digits=limits.PRICE_DIGITS,
        decimal_places=limits.PRICE_DECIMALS,
        help_text=help_text,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def _nominal() -> forms.DecimalField:
    return _price(
        "Nominal value of one unit",
        required=False,
        help_text="Only for prices in percent of par: 1 if you hold 10,000 units of 10,000 "
        "nominal, 1,000 if you hold 10. Then 98.5 means 98.5 %.",
    )


class PriceForm(forms.Form):
    """The price of one day; a day that has one gets the new one."""

    date = forms.DateField(label="Date", widget=forms.DateInput(attrs={"type": "date"}))
    close = _price("Price", required=True)
    currency = forms.ChoiceField(label="Currency", choices=[])
    nominal = _nominal()

    def __init__(self, *args: Any, currency: str, bond: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = dict.fromkeys((currency, *CURRENCIES))
        self.fields["currency"].choices = [(code, code) for code in codes]  # type: ignore[attr-defined]
        if not bond:
            del self.fields["nominal"]


class PriceFileForm(forms.Form):
    """A file or pasted cells, and what the rows do not say."""

    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,
        help_text="CSV up to 1 MB: date, symbol or ISIN, price and currency; or one security's "
        "history from Portfolio Performance, Yahoo or stooq.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt"}),
    )
    pasted = forms.CharField(
        label="Or paste cells",
        required=False,
        strip=False,
        max_length=PASTED_CHARS_MAX,
        help_text="Include the row of column names.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    symbol = forms.CharField(
        label="Symbol",
        required=False,
        max_length=limits.SYMBOL_LENGTH_MAX,
        help_text="Security of the rows that name none.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    adjusted = forms.ChoiceField(
        label="Prices before a split",
        required=False,
        choices=[
            (_AS_THE_FILE, "As the columns suggest"),
            (_AS_TRADED, "Are as traded"),
            (_ADJUSTED, "Were divided by the publisher"),
        ],
    )
    nominal = _nominal()

    def clean_symbol(self) -> str:
        return str(self.cleaned_data["symbol"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.get("file")
        if not self.errors and file is None and not data.get("pasted", "").strip():
            self.add_error("file", "Choose a file, or paste cells below.")
        if file is not None and file.size > FILE_BYTES_MAX:
            self.add_error("file", "The file is larger than 1 MB. Split it.")
        return data

    @property
    def content(self) -> bytes:
        """The bytes of the file, or of what was pasted."""
        file = self.cleaned_data.get("file")
        pasted: str = self.cleaned_data.get("pasted", "")
        return pasted.encode() if file is None else bytes(file.read())

    @property
    def adjusted_by_publisher(self) -> bool | None:
        """Whether prices are adjusted for splits; None: as the columns suggest."""
        chosen: str = self.cleaned_data["adjusted"]
        return None if chosen == _AS_THE_FILE else chosen == _ADJUSTED

    @property
    def nominal_value(self) -> Decimal | None:
        found: Decimal | None = self.cleaned_data.get("nominal")
        return found
