"""Begin, cancel and end a night.

A night is a row with the session's date as its unique key, so of any number of schedulers one
begins it. Prices and rates are copied to it first; every chunk works with these. Guards may stop
it: then the row stays `stopped` with what they found, and each later attempt looks again.
"""

import logging
from dataclasses import asdict
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from core.errors import Conflict, InvalidInput
from identity.models import User
from jobs.models import ACTIVE, Job, JobStatus
from jobs.operations import cancel
from marketdata.queries import exchange_rates
from recommendations.engine.options import Options, options_json
from recommendations.engine.problem import ENGINE_VERSION
from recommendations.models import (
    NightlyPrice,
    NightlyRate,
    NightlyRun,
    NightState,
    Recommendation,
    RecommendationStatus,
)
from recommendations.nightly.guards import Finding, findings
from recommendations.operations.nightly.adding import add_chunks
from recommendations.queries.market import asset_prices
from recommendations.queries.nights import (
    CHUNK,
    account_currencies,
    chunks,
    guard_facts,
    night_of,
    traded_assets,
)
from stores.database import snapshot
from stores.locks import locked
from stores.rows import execute, insert_rows

logger = logging.getLogger(__name__)

_PRICE_FIELDS = (
    *("run_id", "asset_id", "symbol", "currency", "price", "price_at", "source", "stale"),
    *("half_spread_bp", "fractional", "fee_market", "group_id"),
)
_PARTITIONS = ("nightlyresult", "nightlyblock")


class NoTargets(InvalidInput):
    """No account has targets, so a night would have no account."""

    code = "targets_missing"


def begin_due_night(*, now: datetime) -> NightlyRun | None:
    """Begin the night after the last session, unless it has begun, or the exchange is open."""
    night = night_of(
        exchange=settings.NIGHTLY_EXCHANGE,
        now=now,
        settled=timedelta(minutes=settings.NIGHTLY_SETTLED_MIN),
    )
    if night is None:
        return None
    begun = NightlyRun.objects.filter(night=night).exclude(state=NightState.STOPPED).exists()
    if begun or not settings.NIGHTLY_ENABLED:
        return None
    try:
        return begin_night(night=night, options=Options(), now=now)
    except NoTargets:
        return None  # a new installation: there is nothing to do at night


def begin_night(
    *, night: date, options: Options, now: datetime, overruled_by: User | None = None
) -> NightlyRun:
    """Begin the night, or stop it for what the guards find; return its row.

    A night that runs, or has run, is returned as it is. `overruled_by`: the operator who starts it
    in spite of the findings. Raise NoTargets if no account has targets.
    """
    with snapshot():
        found = chunks(size=settings.NIGHTLY_CHUNK_ACCOUNTS)
        prices = asset_prices(asset_ids=traded_assets(), now=now)
        pairs = sorted(product({row.currency for row in prices}, account_currencies()))
        rates = exchange_rates(pairs=pairs, as_of=now.date())
        facts = guard_facts(
            prices=prices,
            pairs_without_rate=[f"{a}/{b}" for a, b in pairs if (a, b) not in rates],
            night=night,
            exchange=settings.NIGHTLY_EXCHANGE,
        )
    if not found:
        raise NoTargets("No account has targets. Set some first.")
    reasons = findings(facts)
    stopped = bool(reasons) and overruled_by is None
    stated = {
        "state": NightState.STOPPED if stopped else NightState.RUNNING,
        "as_of": now,
        "engine_version": ENGINE_VERSION,
        "options": options_json(options),
        "findings": [asdict(reason) for reason in reasons],
        "overruled_by": overruled_by,
        "accounts": sum(count for _, _, count in found),
        "chunks": 0,
        "created_at": now,
    }
    with transaction.atomic():
        run, new = NightlyRun.objects.get_or_create(night=night, defaults=stated)
        run = locked(NightlyRun.objects.filter(pk=run.pk)).get()
        if not new and run.state != NightState.STOPPED:
            return run
        for name, value in stated.items():
            setattr(run, name, value)
        run.save()
        if not stopped:
            _keep_market(run, prices, rates)
            _make_partitions(run)
            add_chunks(run, found, now)
    run.refresh_from_db(fields=["chunks"])
    _tell(run, reasons)
    return run


def _tell(run: NightlyRun, reasons: tuple[Finding, ...]) -> None:
    if run.state == NightState.STOPPED:
        told = ", ".join(f"{reason.code} ({reason.count})" for reason in reasons)
        logger.error("the night of %s was not started: %s", run.night, told)
    else:
        logger.info(
            "the night of %s has begun: %d accounts in %d chunks",
            run.night,
            run.accounts,
            run.chunks,
        )


def _keep_market(run: NightlyRun, prices: list[NightlyPrice], rates: Any) -> None:
    rows = []
    for row in prices:
        row.run = run
        rows.append(tuple(getattr(row, name) for name in _PRICE_FIELDS))
    insert_rows(model=NightlyPrice, columns=_PRICE_FIELDS, rows=rows)
    NightlyRate.objects.bulk_create(
        NightlyRate(run=run, base=base, quote=quote, rate=rate.rate, date=rate.date)
        for (base, quote), rate in rates.items()
    )


def _make_partitions(run: NightlyRun) -> None:
    for name in _PARTITIONS:
        execute(
            f"CREATE TABLE IF NOT EXISTS recommendations_{name}_{run.pk:d} "
            f"PARTITION OF recommendations_{name} FOR VALUES IN ({run.pk:d})",
            {},
        )


def cancel_night(*, run: NightlyRun, now: datetime) -> None:
    """Cancel a night that runs; what its chunks have written so far stays."""
    with transaction.atomic():
        row = locked(NightlyRun.objects.filter(pk=run.pk)).get()
        if row.state not in (NightState.RUNNING, NightState.STOPPED):
            raise Conflict(f"The night of {row.night} is already {row.state}.", code="night_ended")
        row.state, row.finished_at = NightState.CANCELLED, now
        row.save(update_fields=["state", "finished_at"])
        active = Job.objects.filter(kind=CHUNK, subject_id=row.public_id, status__in=ACTIVE)
        for job in active.order_by("id"):
            try:
                cancel(job=job)
            except Conflict:
                logger.info("chunk %s of the night ended while it was cancelled", job.public_id)


def end_if_done(*, run_id: int, now: datetime) -> bool:
    """End the run if none of its chunks is left; return whether this call ended it."""
    left = Job.objects.filter(kind=CHUNK, subject_id=OuterRef("public_id"), status__in=ACTIVE)
    ended = NightlyRun.objects.filter(~Exists(left), pk=run_id, state=NightState.RUNNING).update(
        state=NightState.COMPLETED, finished_at=now
    )
    if ended:
        failed = Job.objects.filter(
            kind=CHUNK,
            subject_id=NightlyRun.objects.get(pk=run_id).public_id,
            status=JobStatus.FAILED,
        ).count()
        logger.log(
            logging.ERROR if failed else logging.INFO,
            "the night run %d has ended, %d chunks failed",
            run_id,
            failed,
        )
    return bool(ended)


def forget_old_nights(*, now: datetime) -> int:
    """Delete the outcomes, inputs and prices of old nights; return how many.

    Proposals that nobody decided on go with them; a decided one has its own texts.
    """
    before = (now - timedelta(days=settings.NIGHTLY_KEPT_DAYS)).date()
    old = NightlyRun.objects.filter(night__lt=before).exclude(state=NightState.RUNNING)
    count = 0
    for run in old.order_by("id"):
        with transaction.atomic():
            Recommendation.objects.filter(
                run=run,
                result=None,
                status__in=[RecommendationStatus.SUPERSEDED, RecommendationStatus.PROPOSED],
            ).delete()
            for name in _PARTITIONS:
                execute(f"DROP TABLE IF EXISTS recommendations_{name}_{run.pk:d}", {})
            count += NightlyPrice.objects.filter(run=run).delete()[0] > 0
            NightlyRate.objects.filter(run=run).delete()
    return count
