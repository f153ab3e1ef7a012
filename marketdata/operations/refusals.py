"""Figures of vendors that are refused as wrong: logged, measured, and counted for operators."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from prometheus_client import Counter

from marketdata.operations.provider_state import count_refusals

logger = logging.getLogger(__name__)

REFUSED = Counter(
    "ballast_provider_figures_refused",
    "Figures of vendors refused as wrong, by what they are and why.",
    ["provider", "figures", "code"],
)
_LOGGED = 10


def note_refusals(
    figures: Literal["quotes", "days", "minutes", "rates"],
    refused: Sequence[tuple[object, str]],
    *,
    provider: str,
    of: object,
    now: datetime,
) -> None:
    """Note the (figure, code) of each refusal. `of`: what was asked for, as the log names it."""
    if not refused:
        return
    logger.warning("%s: refused %d %s: %s", of, len(refused), figures, list(refused)[:_LOGGED])
    for _, code in refused:
        REFUSED.labels(provider, figures, code).inc()
    count_refusals(name=provider, codes=[code for _, code in refused], day=now.date())
