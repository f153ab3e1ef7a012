"""Equal cold questions at one time are computed once; a refusal keeps nobody waiting."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import NotFound
from marketdata.models import DailyPrice
from portfolios.performance.answer import Answer
from portfolios.performance.period import Performance, Question, performance
from portfolios.queries.performance import account_performance
from portfolios.queries.performance_inputs import Period
from stores.redis import redis_client
from stores.single_flight import cached
from transactions.ledger.entries import Entry
from transactions.operations import record

NEW_YEAR = datetime(2024, 1, 1, 15, tzinfo=UTC)
RIVALS = 4


@pytest.fixture
def booked(transactional_db: None, people: Any, assets: Any, account: Any) -> Any:
    DailyPrice.objects.bulk_create(
        DailyPrice(asset=assets["AAA"], date=NEW_YEAR.date() + timedelta(days=day), close=D(50))
        for day in range(9)
    )
    record(
        account=account,
        entries=[
            Entry("deposit", NEW_YEAR, "USD", amount=D(1000)),
            Entry("buy", NEW_YEAR, "USD", "AAA", quantity=D(10), price=D(50)),
        ],
        user=people.owner,
        now=timezone.now(),
    )
    return account


def _asked(account: Any, person: Any, symbol: str | None = None) -> Answer:
    return account_performance(
        user=person,
        account_id=account.public_id,
        period=Period(to_date=NEW_YEAR.date() + timedelta(days=8)),
        now=timezone.now(),
        symbol=symbol,
    )


@pytest.mark.django_db(transaction=True)
def test_equal_questions_at_once_are_computed_once(
    booked: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, computed, found = threading.Barrier(RIVALS), list[str](), list[Answer]()

    def counted(question: Question) -> Performance:
        computed.append(question.currency)
        return performance(question)

    def ask() -> None:
        try:
            together.wait(timeout=30)
            found.append(_asked(booked, people.owner))
        finally:
            connection.close()

    monkeypatch.setattr("portfolios.queries.performance.performance", counted)
    threads = [threading.Thread(target=ask) for _ in range(RIVALS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == RIVALS
    assert [one.figures["final_value"] for one in found] == [D("1000.00")] * RIVALS
    assert computed == ["USD"]


@pytest.mark.django_db(transaction=True)
def test_a_refusal_leaves_no_lock(booked: Any, people: Any) -> None:
    _asked(booked, people.owner)
    for _ in range(2):
        with pytest.raises(NotFound):
            _asked(booked, people.owner, symbol="BBB")
    assert list(redis_client().scan_iter(match="performance:*:lock")) == []


def test_a_flight_that_fails_gives_its_lock_back_and_another_s_stays() -> None:
    def refuse() -> bytes:
        raise NotFound("Not here.", code="not_found")

    client = redis_client()
    with pytest.raises(NotFound):
        cached(client, key="refused", ttl_ms=1_000, compute=refuse)
    assert client.get("refused:lock") is None
    client.set("held:lock", "somebody else", px=60_000)
    with pytest.raises(NotFound):
        cached(client, key="held", ttl_ms=1_000, compute=refuse, wait_ms_max=1)
    assert client.get("held:lock") is not None
