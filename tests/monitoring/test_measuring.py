"""What is measured of the state of the installation, and the time of tasks."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from edge.metrics import exposition
from marketdata.operations.quotes import newest_quote_at
from monitoring.measuring import measure
from monitoring.metrics import STATE, TASK_SECONDS
from recommendations.models import NightlyRun, NightState
from transactions.models import VerificationRun
from transactions.models.verification import VerificationStatus


@pytest.mark.django_db
def test_an_empty_installation_is_measured() -> None:
    figures = measure(now=timezone.now())
    connections = figures["ballast_database_connections"]
    assert set(connections) >= {"active", "idle", "idle in transaction"}
    assert figures["ballast_database_connections_max"]["postgresql"] >= 100
    assert figures["ballast_database_bytes"]["postgresql"] > 1_000_000
    assert not {name for name in figures if "nightly" in name or "ledger" in name}
    assert newest_quote_at() is None
    assert "ballast_newest_quote_seconds" not in figures


@pytest.mark.django_db
def test_night_ledger_and_back_ups_are_measured_and_exported(settings: Any, tmp_path: Path) -> None:
    settings.BACKUP_DIR = str(tmp_path)
    now = timezone.now()
    NightlyRun.objects.create(
        night=date(2026, 3, 2),
        state=NightState.RUNNING,
        as_of=now,
        engine_version="1",
        options={},
        accounts=7,
        chunks=2,
        created_at=now - timedelta(hours=5),
    )
    VerificationRun.objects.create(
        started_at=now,
        updated_at=now,
        finished_at=now,
        status=VerificationStatus.WRONG,
        difference_count=3,
    )
    figures = measure(now=now)
    assert figures["ballast_nightly_accounts"] == {"done": 0.0, "all": 7.0}
    assert figures["ballast_nightly_running_seconds"] == {"last": 18_000.0}
    assert figures["ballast_ledger_differences"] == {"last": 3.0}
    assert figures["ballast_backup_finished_seconds"] == {"newest": 0.0}
    assert STATE.last() == figures
    text = exposition().decode()
    assert 'ballast_ledger_differences{run="last"} 3.0' in text
    assert 'ballast_nightly_accounts{state="all"} 7.0' in text


def test_a_task_is_timed_by_its_outcome() -> None:
    def count(outcome: str) -> float:
        name = "monitoring.probe"
        child = TASK_SECONDS.labels(name, outcome)
        return float(sum(bucket.get() for bucket in child._buckets))

    @current_app.task(name="monitoring.probe")
    def probe(fails: bool) -> None:
        if fails:
            raise ValueError("as asked")

    try:
        probe.apply(args=(False,))
        probe.apply(args=(True,))
        assert (count("done"), count("failure")) == (1, 1)
    finally:
        current_app.tasks.pop("monitoring.probe")
