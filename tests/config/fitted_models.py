"""Filled questionnaires and fitted models of a household."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from jobs.models import Job
from recommendations.allocations.problem import ALLOCATION_VERSION
from recommendations.allocations.result import Data, FitResult, Line, result_json
from recommendations.models import AllocationModel, RiskAssessment

RESULT = FitResult(
    engine_version=ALLOCATION_VERSION,
    model="risk_parity",
    currency="USD",
    profile="balanced",
    lines=(
        Line("AAA", "AAA Inc", "equity", Decimal("36.5"), Decimal("0.5")),
        Line("BBB", "BBB Inc", "equity", Decimal("23.5"), Decimal("0.5")),
        Line("CASH", "Cash", "cash", Decimal(40), Decimal(0)),
    ),
    volatility=Decimal("0.11"),
    volatility_max=Decimal("0.12"),
    equity_max=Decimal("0.6"),
    shrinkage=Decimal("0.02"),
    data=Data(date(2024, 1, 2), date(2025, 6, 30), 375, 0, "0" * 64, (0,), ""),
    evidence=None,
    cautions=(),
)


def allocations(user: Any, count: int) -> AllocationModel:
    """Make filled questionnaires, and fitted models of the assets AAA and BBB."""
    now, home = timezone.now(), user.household
    RiskAssessment.objects.bulk_create(
        [
            RiskAssessment(
                household=home,
                answered_by=user,
                method="ballast-risk-1",
                answers={},
                tolerance=12,
                capacity=12,
                profile="balanced",
                created_at=now,
            )
            for _ in range(count)
        ]
    )
    jobs = Job.objects.bulk_create(
        [
            Job(
                kind="recommendations.fit_allocation",
                queue="interactive",
                household=home,
                requested_by=user,
                subject_id=home.public_id,
                params={},
                params_hash=f"allocation {number}",
                status="completed",
                result={},
                created_at=now,
                woken_at=now,
                finished_at=now,
                estimated_completion=now,
            )
            for number in range(count)
        ]
    )
    made = AllocationModel.objects.bulk_create(
        [
            AllocationModel(
                public_id=job.public_id,
                household=home,
                job=job,
                requested_by=user,
                model="risk_parity",
                request={"symbols": ["AAA", "BBB"]},
                engine_version=ALLOCATION_VERSION,
                result=result_json(RESULT),
                created_at=now,
                fitted_at=now,
            )
            for job in jobs
        ]
    )
    return made[0]
