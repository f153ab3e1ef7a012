"""Ratios of splits of which a file states only the units added."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from core.money import plain
from transactions.ledger.entries import ratio_of
from transactions.ledger.kinds import BOOKED_TYPES, KINDS, rank
from transactions.models import Import, RowStatus, Transaction
from transactions.operations.imports.lines import Line, pages
from transactions.operations.told_actions import AppliedActions
from transactions.queries.import_symbols import Meaning


def unit_ratios(
    batch: Import, meanings: Mapping[str, Meaning], splits: Sequence[Line]
) -> dict[UUID, str]:
    """Return the ratio (held + added) : held of splits that state only the units added.

    A split that the security's own event has booked near such a row is the same split: the units
    held are those without it.
    """
    keys = {line.draft.security.key for line in splits if line.draft is not None}
    open_rows = {line.row.public_id for line in splits}
    applied = AppliedActions.of_account(account_id=batch.account_id)
    steps: dict[str, list[_Step]] = {}
    for key in keys:
        asset = meanings[key].asset
        if asset is None or asset.pk is None:
            steps[key] = []
            continue
        days = [
            line.draft.executed_at.date()
            for line in splits
            if line.draft is not None and line.draft.security.key == key
        ]
        booked = applied.rescaling_near(asset_id=asset.pk, days=days)
        steps[key] = [
            _Step(at, kind, quantity, Fraction(new) / Fraction(old) if new and old else None)
            for pk, at, kind, quantity, new, old in Transaction.objects.filter(
                account=batch.account,
                asset_id=asset.pk,
                reverses__isnull=True,
                reversed_by__isnull=True,
            ).values_list("pk", "executed_at", "type", "quantity", "ratio_new", "ratio_old")
            if pk not in booked
        ]
    for page in pages(batch=batch):
        for line in page:
            draft = line.draft
            if draft is None or draft.security.key not in keys or draft.type not in BOOKED_TYPES:
                continue
            is_open = line.row.public_id in open_rows
            if is_open or line.row.status == RowStatus.READY:
                quantity = draft.added_quantity if is_open else draft.quantity
                named = line.row.public_id if is_open else None
                terms = ratio_of(draft.ratio) if draft.ratio else None
                ratio = Fraction(terms.new) / Fraction(terms.old) if terms else None
                step = _Step(draft.executed_at, draft.type, quantity, ratio, named)
                steps[draft.security.key].append(step)
    ratios: dict[UUID, str] = {}
    for found in steps.values():
        held = Fraction(0)
        # Rows of the ledger precede rows of the file; the stable sort keeps that order in ties.
        for step in sorted(found, key=lambda step: (step.at, rank(type=step.type, own=False))):
            moved = Fraction(step.quantity or 0)
            if step.named is None:
                held = Fraction(KINDS[step.type].units(held, moved, step.ratio)[0])
            elif held > 0 and held + moved > 0:
                ratios[step.named] = f"{_plain(held + moved)}:{_plain(held)}"
                held += moved
    return ratios


class _Step(NamedTuple):
    """One change of the units held; `named`: a row that states the units added, not the ratio."""

    at: datetime
    type: str
    quantity: Decimal | None
    ratio: Fraction | None
    named: UUID | None = None


def _plain(units: Fraction) -> str:
    return plain(Decimal(units.numerator) / Decimal(units.denominator))
