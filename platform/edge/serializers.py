"""Serializers and fields that refuse unknown fields and bad values, each with its own code."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from core import limits
from core.currencies import CURRENCIES, is_small_unit, minor_unit_of
from core.emails import EmailInvalid, folded
from core.money import plain

_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.^=/-]*")


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses unknown fields, because they are mistakes of the caller."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = [str(name) for name in data if name not in known]
            if unknown:
                message = ErrorDetail(
                    "This field does not exist. Remove it, or correct its name.",
                    code="unknown_field",
                )
                raise serializers.ValidationError(
                    {_speakable(name): [message] for name in unknown[:20]}
                )
        return super().to_internal_value(data)

    @classmethod
    def parsed(cls, request: Request) -> dict[str, Any]:
        """Return the validated body of a request; raise errors that become a problem."""
        serializer = cls(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @classmethod
    def parsed_many(cls, request: Request, *, rows_max: int) -> list[dict[str, Any]]:
        """Return the validated rows of a body that is a list of at most `rows_max`."""
        serializer = cls(data=request.data, many=True, max_length=rows_max)  # type: ignore[call-arg]
        serializer.is_valid(raise_exception=True)
        return [dict(row) for row in serializer.validated_data]


def _speakable(name: str) -> str:
    """Return a field's name shortened and without lone surrogates, so that it can be sent back."""
    return name[:100].encode("utf-8", "replace").decode()


class _ExactField(serializers.Field[Decimal, Any, str, Any]):
    """A decimal between limits. Strings and JSON numbers; never a float, never a bool."""

    digits = 0
    decimals = 0
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    positive = False

    default_error_messages = {
        "not_a_number": "This is not a decimal number. Write it as in 1234.56.",
        "number_not_finite": "This must be a finite number.",
        "negative": "This must not be negative.",
        "not_positive": "This must be greater than zero.",
        "too_small": "This must be at least {minimum}.",
        "too_large": "This must be at most {maximum}.",
        "too_many_decimals": "This must have at most {decimals} decimals.",
    }

    def __init__(self, *, allow_zero: bool | None = None, **options: Any) -> None:
        if allow_zero is not None:
            self.positive = not allow_zero
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool | float) or not isinstance(data, str | int | Decimal):
            self.fail("not_a_number")
        if isinstance(data, str) and not (data.isascii() and len(data) <= 64 and "_" not in data):
            self.fail("not_a_number")
        try:
            value = Decimal(data.strip() if isinstance(data, str) else data)
        except InvalidOperation:
            self.fail("not_a_number")
        if not value.is_finite():
            self.fail("number_not_finite")
        self._within_limits(value)
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        if exponent < -self.decimals and value != round(value, self.decimals):
            self.fail("too_many_decimals", decimals=self.decimals)
        return round(value, self.decimals) if exponent < -self.decimals else value + 0

    def to_representation(self, value: Any) -> str:
        return plain(value if isinstance(value, Decimal) else Decimal(str(value)))

    def _within_limits(self, value: Decimal) -> None:
        if self.positive and value <= 0:
            self.fail("not_positive")
        if self.minimum is not None and value < self.minimum:
            if self.minimum == 0:
                self.fail("negative")
            self.fail("too_small", minimum=plain(self.minimum))
        if self.maximum is not None and value > self.maximum:
            self.fail("too_large", maximum=plain(self.maximum))


def _documented(title: str, example: str) -> Any:
    return extend_schema_field(
        {"type": "string", "format": "decimal", "description": title, "example": example}
    )


@_documented("Units of an asset, as a decimal string.", "12.5")
class QuantityField(_ExactField):
    """Units of an asset: greater than zero unless `allow_zero`."""

    decimals = limits.QUANTITY_DECIMALS
    minimum = Decimal(0)
    maximum = limits.QUANTITY_MAX
    positive = True


@_documented("Price of one unit, as a decimal string.", "189.98")
class PriceField(_ExactField):
    """A price of one unit, greater than zero unless `allow_zero`."""

    decimals = limits.PRICE_DECIMALS
    minimum = Decimal(0)
    maximum = limits.PRICE_MAX
    positive = True


@_documented("An exchange rate between two currencies, as a decimal string.", "1.0835")
class RateField(_ExactField):
    """An exchange rate greater than zero; 18 significant digits are stored."""

    decimals = limits.FX_RATE_DECIMALS
    minimum = Decimal(0)
    maximum = limits.PRICE_MAX
    positive = True


@_documented("An amount of money, as a decimal string.", "1250.00")
class MoneyField(_ExactField):
    """An amount of money that is not negative; `signed` allows both."""

    decimals = limits.MONEY_DECIMALS
    minimum = Decimal(0)
    maximum = limits.MONEY_MAX

    def __init__(self, *, signed: bool = False, **options: Any) -> None:
        if signed:
            self.minimum = -limits.MONEY_MAX
        super().__init__(**options)


@_documented("A percentage from 0 to 100, as a decimal string.", "25.5")
class PercentageField(_ExactField):
    """A percentage from 0 to 100."""

    decimals = 4
    minimum = Decimal(0)
    maximum = Decimal(100)


@_documented(
    "A percentage of cost basis with up to eight decimals, as a decimal string.", "33.33333333"
)
class BasisPercentageField(PercentageField):
    """A percentage as issuers publish it for a spin-off."""

    decimals = 8


@_documented("A fraction from 0 to 1, as a decimal string.", "0.24")
class FractionField(_ExactField):
    """A fraction from 0 to 1, such as a tax rate."""

    decimals = 5
    minimum = Decimal(0)
    maximum = Decimal(1)


class SymbolField(serializers.CharField):
    """The symbol of an asset, in capitals."""

    default_error_messages = {
        "invalid_symbol": "This is not a valid symbol. Use capitals, digits, dots and hyphens."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=limits.SYMBOL_LENGTH_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data).upper()
        if not _SYMBOL.fullmatch(value):
            self.fail("invalid_symbol")
        return value


class CurrencyField(serializers.CharField):
    """An active ISO 4217 code, in any case. Codes of minor units, such as GBp, are refused."""

    default_error_messages = {
        "unknown_currency": "This is not a supported currency. Send an ISO 4217 code such as USD.",
        "minor_currency_unit": (
            "This is a minor unit, such as pence. Send the currency itself and figures in it."
        ),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if minor_unit_of(text) is not None or is_small_unit(text):
            self.fail("minor_currency_unit")
        value = text.upper()
        if value not in CURRENCIES:
            self.fail("unknown_currency")
        return value


class QuotedCurrencyField(CurrencyField):
    """A currency, or the code of a minor unit in which the figures beside it are stated."""

    def to_internal_value(self, data: Any) -> str:
        text = serializers.CharField.to_internal_value(self, data)
        return text if minor_unit_of(text) else super().to_internal_value(data)


class InstantField(serializers.DateTimeField):
    """A time with its offset from UTC. A time without an offset is ambiguous and refused."""

    default_error_messages = {
        "timezone_required": "The time has no offset. Write it as in 2026-01-05T15:00:00Z."
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("timezone_required")
        return super().enforce_timezone(value)


class PlacedInstantField(InstantField):
    """An instant that keeps its offset, which says what day it was at its place."""

    def enforce_timezone(self, value: datetime) -> datetime:
        super().enforce_timezone(value)
        return value


class EmailField(serializers.EmailField):
    """An e-mail address, folded so that one mailbox has one spelling."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return folded(super().to_internal_value(data))
        except EmailInvalid:
            raise serializers.ValidationError(
                "This is not a valid e-mail address. Check its spelling.", code="invalid"
            ) from None


class ProblemFieldSerializer(serializers.Serializer[Any]):
    """One invalid field."""

    field = serializers.CharField()
    pointer = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An RFC 9457 problem: why a request was refused."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable error code for programs.")
    detail = serializers.CharField()
    errors = ProblemFieldSerializer(many=True)  # type: ignore[assignment]
    request_id = serializers.CharField()
