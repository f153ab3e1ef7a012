"""The form that says what the columns and the words of an unknown table mean."""

from typing import Any

from django import forms
from django.http import QueryDict

from core.errors import InvalidInput
from dashboard.forms.entries import CURRENCIES
from transactions.files.mapping import FIELDS, whole
from transactions.files.reading.interface import CASH_BY_SIGN, SKIPPED, TRADE_BY_SIGN
from transactions.ledger.kinds import grouped
from transactions.operations.imports.mappings import Table

# The fields of most tables, with the names under which people know them.
_LABELS = {
    "executed_at": "Date",
    "clock": "Time of day",
    "type": "Type",
    "symbol": "Symbol",
    "isin": "ISIN",
    "name": "Name of the security",
    "quantity": "Quantity",
    "price": "Price per unit",
    "amount": "Amount",
    "debit": "Money out (debit)",
    "credit": "Money in (credit)",
    "fee": "Fee",
    "currency": "Currency",
    "fx_rate": "Exchange rate",
    "balance": "Cash after the row",
    "account": "Account",
    "external_id": "Reference",
    "note": "Note",
}
FIELD_CHOICES: list[Any] = [
    ("", "Not used"),
    ("Usual", list(_LABELS.items())),
    (
        "More",
        [(name, name.replace("_", " ").capitalize()) for name in FIELDS if name not in _LABELS],
    ),
]
WORD_CHOICES: list[Any] = [
    ("", "Not known"),
    (
        "By the sign of the amount",
        [(TRADE_BY_SIGN, "Buy or sell"), (CASH_BY_SIGN, "Deposit or withdrawal")],
    ),
    *grouped(),
    ("Nothing", [(SKIPPED, "Leave these rows out")]),
]
_TAB = "tab"


def _choice(label: str, choices: list[Any], **kwargs: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=choices, **kwargs)


class MappingForm(forms.Form):
    """The columns of a table, the words of its types, and how it writes days and numbers."""

    date_order = _choice(
        "Dates",
        [
            ("", "Detect"),
            ("dmy", "Day first: 31/12/2024"),
            ("mdy", "Month first: 12/31/2024"),
            ("ymd", "Year first: 2024-12-31"),
        ],
    )
    decimal = _choice("Numbers", [("", "Detect"), (".", "1,234.56"), (",", "1.234,56")])
    amount_sign = _choice(
        "A plus before an amount",
        [
            ("none", "says nothing: the type decides"),
            ("in", "means money came in"),
            ("out", "means money went out"),
        ],
    )
    currency = _choice("Currency where a row names none", [])
    delimiter = _choice(
        "Cells are separated by",
        [("", "Detect"), (",", "Comma"), (";", "Semicolon"), (_TAB, "Tab"), ("|", "Bar")],
    )
    amount_includes_fee = forms.BooleanField(
        label="The amount of a trade includes its fee", required=False
    )

    def __init__(self, data: QueryDict | None, *, table: Table, options: dict[str, Any]) -> None:
        """`options`: as the import keeps them, or as they are suggested."""
        self.table = table
        # The column whose words are asked for; another one than before has new words.
        self.words_of = table.columns.get("type", "")
        if data is not None:
            self.words_of = _heading_of(data, table, "type")
        words = table.words(self.words_of)
        self.words = list(words.items())
        self.words_changed = data is not None and data.get("words_of", "") != self.words_of
        if data is not None and self.words_changed:
            data = data.copy()
            for place, kind in enumerate(words.values()):
                data[f"word-{place}"] = kind
        shown = {**options, "delimiter": _TAB if options.get("delimiter") == "\t" else ""}
        super().__init__(data, initial=shown)
        codes = dict.fromkeys([options.get("currency") or "USD", *CURRENCIES])
        self.fields["currency"].choices = [(code, code) for code in codes]  # type: ignore[attr-defined]
        fields = {heading: field for field, heading in table.columns.items() if heading}
        for place, name in enumerate(table.names):
            if name:
                self.fields[f"column-{place}"] = _choice(
                    name, FIELD_CHOICES, initial=fields.get(name, "")
                )
        for place, (word, kind) in enumerate(self.words):
            self.fields[f"word-{place}"] = _choice(word, WORD_CHOICES, initial=kind)

    @property
    def columns(self) -> list[tuple[forms.BoundField, str]]:
        """The fields of the columns, each with the example of its column."""
        return [
            (self[f"column-{place}"], example)
            for place, example in enumerate(self.table.examples)
            if f"column-{place}" in self.fields
        ]

    @property
    def kinds(self) -> list[forms.BoundField]:
        """The fields of the words."""
        return [self[f"word-{place}"] for place in range(len(self.words))]

    def mapping(self) -> dict[str, str]:
        """Return field -> heading; raise InvalidInput if two columns are one field."""
        found: dict[str, str] = {}
        for place, name in enumerate(self.table.names):
            field = self.cleaned_data.get(f"column-{place}", "")
            if field and field in found:
                label = _LABELS.get(field, field.replace("_", " "))
                raise InvalidInput(
                    f"Two columns are “{label}”: {found[field]} and {name}. Choose one of them.",
                    code="column_used_twice",
                )
            if field:
                found[field] = name
        if "executed_at" not in found:
            raise InvalidInput("No column is the date. Choose it.", code="columns_missing")
        return whole(self.table.names, found)

    def options(self) -> dict[str, Any]:
        """Return the options as an import keeps them."""
        data = self.cleaned_data
        types = {
            word: data[f"word-{place}"]
            for place, (word, _) in enumerate(self.words)
            if data[f"word-{place}"]
        }
        delimiter = "\t" if data["delimiter"] == _TAB else data["delimiter"]
        return {
            **{n: data[n] for n in ("date_order", "decimal", "currency") if data[n]},
            **({"delimiter": delimiter} if delimiter else {}),
            **({"types": types} if types else {}),
            **({"amount_includes_fee": True} if data["amount_includes_fee"] else {}),
            **({"without_heading": True} if self.table.without_heading else {}),
            "amount_sign": data["amount_sign"] or "none",
        }


def _heading_of(data: QueryDict, table: Table, field: str) -> str:
    """Return the heading that a form sent for a field."""
    for place, name in enumerate(table.names):
        if data.get(f"column-{place}") == field:
            return name
    return ""
