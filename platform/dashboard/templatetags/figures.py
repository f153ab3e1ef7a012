"""The figures of `dashboard.presenters.figures` as template filters."""

from datetime import date, datetime
from decimal import Decimal

from django import template

from core.money import plain
from dashboard.presenters import figures

register = template.Library()


@register.filter
def money(value: figures.Figure, currency: str) -> str:
    return figures.money(value, currency)


@register.filter
def signed_money(value: figures.Figure, currency: str) -> str:
    return figures.money(value, currency, plus=True)


@register.filter
def price(value: figures.Figure, currency: str) -> str:
    return figures.price(value, currency)


@register.filter
def percent(value: figures.Figure, decimals: int = 2) -> str:
    return figures.percent(value, decimals=decimals)


@register.filter
def signed_percent(value: figures.Figure, decimals: int = 2) -> str:
    return figures.percent(value, decimals=decimals, plus=True)


@register.filter
def quantity(value: figures.Figure) -> str:
    return figures.quantity(value)


@register.filter
def rate(value: figures.Figure) -> str:
    return figures.rate(value)


@register.filter
def exact(value: Decimal) -> str:
    """Return a rate or a ratio with all its digits, without trailing zeros."""
    return plain(value)


@register.filter
def plus(value: Decimal, other: Decimal) -> Decimal:
    return value + other


@register.filter
def hundredfold(value: Decimal) -> Decimal:
    """Return a fraction in percent."""
    return value * 100


@register.filter
def tone(value: figures.Figure) -> str:
    return figures.tone(value)


@register.filter
def day(value: date | datetime | str | None) -> str:
    """Format a day as '3 Nov 2026'; queries return dates as ISO text."""
    if not value:
        return figures.UNKNOWN
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    return f"{value.day} {value:%b %Y}"
