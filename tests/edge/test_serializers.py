"""The fields through which amounts enter."""

from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from string import Formatter
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field

from edge.serializers import (
    CurrencyField,
    EmailField,
    FractionField,
    MoneyField,
    PercentageField,
    PriceField,
    QuantityField,
    StrictSerializer,
    SymbolField,
)

CASES = """
    quantity    1                             1
    quantity    0.0000000001                  0.0000000001
    quantity    1000000000000                 1000000000000
    quantity    1.50                          1.5
    quantity    1e2                           100
    quantity    0                             not_positive
    quantity    -1                            not_positive
    quantity    NaN                           number_not_finite
    quantity    sNaN                          number_not_finite
    quantity    Infinity                      number_not_finite
    quantity    -Infinity                     number_not_finite
    quantity    0.00000000001                 too_many_decimals
    quantity    1000000000001                 too_large
    quantity    1234567890123456789012345678901234567890    too_large
    quantity    0.1234567890123456789012345678901234567890  too_many_decimals
    quantity    1e999999999                   too_large
    quantity    1e-999999999                  too_many_decimals
    quantity    one                           not_a_number
    quantity    1_000                         not_a_number
    quantity    ١٢                            not_a_number
    quantity    0x10                          not_a_number
    price       0.00000001                    0.00000001
    price       0.000000001                   too_many_decimals
    price       0                             not_positive
    price       1000000000001                 too_large
    money       0                             0
    money       12.3456                       12.3456
    money       12.34560                      12.3456
    money       12.34567                      too_many_decimals
    money       -0.01                         negative
    money       1000000000000001              too_large
    signed      -12.5                         -12.5
    signed      -1000000000000001             too_small
    percentage  100                           100
    percentage  100.0001                      too_large
    percentage  -1                            negative
    fraction    0.24                          0.24
    fraction    1.1                           too_large
"""
FIELDS: dict[str, Any] = {
    "quantity": QuantityField,
    "price": PriceField,
    "money": MoneyField,
    "signed": lambda: MoneyField(signed=True),
    "percentage": PercentageField,
    "fraction": FractionField,
}


def _outcome(field: Field[Any, Any, Any, Any], value: Any) -> str:
    try:
        return str(field.to_representation(field.run_validation(value)))
    except ValidationError as error:
        codes = error.get_codes()
        assert isinstance(codes, list)
        return str(codes[0])


@pytest.mark.parametrize("case", [line.split() for line in CASES.strip().splitlines()])
def test_a_number_is_taken_exactly_or_refused_with_its_code(case: list[str]) -> None:
    kind, given, expected = case
    assert _outcome(FIELDS[kind](), given) == expected


@pytest.mark.parametrize("value", [True, False, 1.5, [], {}, "x" * 65, b"1"])
def test_what_is_not_a_decimal_is_not_made_one(value: Any) -> None:
    assert _outcome(QuantityField(), value) == "not_a_number"


def test_zero_is_allowed_where_it_is_said() -> None:
    assert _outcome(QuantityField(allow_zero=True), "0") == "0"
    assert _outcome(PriceField(allow_zero=True), "-1") == "negative"


def test_a_taken_number_fits_its_column() -> None:
    value = QuantityField().run_validation("999999999999.0123456789000")
    assert value == Decimal("999999999999.0123456789")
    assert value.as_tuple().exponent == -10


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        (SymbolField(), "brk.b", "BRK.B"),
        (SymbolField(), "^GSPC", "^GSPC"),
        (SymbolField(), "A" * 25, "max_length"),
        (SymbolField(), "A B", "invalid_symbol"),
        (SymbolField(), "<script>", "invalid_symbol"),
        (SymbolField(), "", "blank"),
        (CurrencyField(), "eur", "EUR"),
        (CurrencyField(), "XXX", "unknown_currency"),
        (CurrencyField(), "EURO", "unknown_currency"),
        (EmailField(), "Some@Ballast.Example", "some@ballast.example"),
        (EmailField(), "nobody", "invalid"),
    ],
)
def test_words_are_normal_or_refused(field: Any, given: str, expected: str) -> None:
    assert _outcome(field, given) == expected


class OrderSerializer(StrictSerializer):
    quantity = QuantityField()


class BasketSerializer(StrictSerializer):
    orders = OrderSerializer(many=True)


def test_an_unknown_field_is_refused_where_it_stands() -> None:
    basket = BasketSerializer(
        data={"orders": [{"quantity": "1"}, {"quantity": "1", "side": "buy"}]}
    )
    assert not basket.is_valid()
    assert list(basket.errors["orders"]) == [1]
    assert [error.code for error in basket.errors["orders"][1]["side"]] == ["unknown_field"]


def _fields(kind: Any) -> Iterator[Any]:
    for below in kind.__subclasses__():
        yield below
        yield from _fields(below)


def test_every_message_of_our_fields_can_be_formatted() -> None:
    import_module("config.urls")  # every route, with its fields
    ours, rooms = 0, ("edge", "identity", "jobs", "marketdata", "transactions", "portfolios")
    for field in _fields(Field):
        if field.__module__.split(".")[0] not in rooms:
            continue
        for code, message in vars(field).get("default_error_messages", {}).items():
            names = [name for _, name, _, _ in Formatter().parse(message) if name is not None]
            assert all(name.isidentifier() for name in names), (field, code)
            message.format(**dict.fromkeys(names, "1"))
            ours += 1
    assert ours > 10
