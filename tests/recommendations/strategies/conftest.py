"""A market of four securities, and strategies as their authors state them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from identity.models import Household, User
from marketdata.models import Asset
from recommendations.models import Strategy
from recommendations.operations.strategies import Content, WeightWish, create_strategy, publish

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Town:
    """Its author, two households that may follow, and the market."""

    author: User
    reader: User
    partner: User
    stranger: User


def person(name: str, household: Household | None = None) -> User:
    home = household or Household.objects.create(name=name)
    return User.objects.create_user(
        email=f"{name}@example.com", password=None, household=home, full_name=f"Real {name}"
    )


@pytest.fixture
def town(db: None) -> Town:
    for symbol, kind in (("VTI", "etf"), ("BND", "bond"), ("AGG", "bond"), ("KO", "equity")):
        Asset.objects.create(symbol=symbol, name=symbol, asset_class=kind, currency="USD")
    reader = person("reader")
    return Town(person("author"), reader, person("partner", reader.household), person("stranger"))


def wishes(**shares: str) -> list[WeightWish]:
    return [WeightWish(Decimal(share), Decimal(5), symbol=name) for name, share in shares.items()]


@pytest.fixture
def draft(town: Town) -> Callable[..., Strategy]:
    def make(**fields: Any) -> Strategy:
        stated = {
            "name": "Patient",
            "risk_profile": "growth",
            "weights": wishes(VTI="60", BND="40"),
            **fields,
        }
        return create_strategy(user=town.author, content=Content(**stated), now=NOW)

    return make


@pytest.fixture
def published(town: Town, draft: Callable[..., Strategy]) -> Callable[..., Strategy]:
    def make(*, listed: bool = True, **fields: Any) -> Strategy:
        row = draft(**fields)
        return publish(strategy=row, user=town.author, change_note="First.", listed=listed, now=NOW)

    return make
