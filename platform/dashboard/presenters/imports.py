"""Rows of a file as a person reads them: what is recorded, and what the file says instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from dashboard.presenters import figures
from transactions.files.reading.interface import Draft
from transactions.ledger.kinds import KINDS
from transactions.models import Import, ImportRow
from transactions.operations.imports.figures import Figures, recorded_figures
from transactions.queries.imports import FileRow, file_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFigures:
    """Figures as text; empty where there is none."""

    trade: str
    amount: str
    fee: str
    acquired: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """A row of a file. `stated`: the figures of the file, where others are recorded.

    `cash`: what the row adds to the account's cash, empty if it is not recorded.
    """

    row: FileRow
    label: str = ""
    symbol: str = ""
    day: date | None = None
    figures: ShownFigures | None = None
    stated: ShownFigures | None = None
    cash: str = ""


def shown_rows(*, batch: Import, rows: Sequence[ImportRow], now: datetime) -> list[ShownRow]:
    """Return rows of one page with the figures that are or would be recorded."""
    recorded = recorded_figures(batch=batch, rows=rows, now=now)
    currency = batch.account.currency
    return [
        _shown(row, recorded.get(row.number), currency) for row in file_rows(batch=batch, rows=rows)
    ]


def _shown(row: FileRow, recorded: Figures | None, home: str) -> ShownRow:
    draft = row.draft
    if draft is None:
        return ShownRow(row=row)
    stated = _texts(draft)
    differs = recorded is not None and recorded.differs_from(draft)
    return ShownRow(
        row=row,
        label=KINDS[draft.type].label,
        symbol=row.symbol or draft.security.key,
        day=draft.executed_at.date(),
        figures=stated if recorded is None else _texts(recorded),
        stated=stated if differs else None,
        cash=figures.money(recorded.cash_effect, home, plus=True) if recorded else "",
    )


def _texts(found: Draft | Figures) -> ShownFigures:
    return ShownFigures(
        trade=_trade(found.quantity, found.price),
        amount=_money(found.amount, found.currency),
        fee=_money(found.fee, found.currency),
        acquired=found.opened_date,
    )


def _trade(quantity: Decimal | None, price: Decimal | None) -> str:
    if not quantity:
        return ""
    units = figures.exact(quantity)
    return units if price is None else f"{units} × {figures.exact(price)}"


def _money(amount: Decimal | None, currency: str) -> str:
    return figures.money(amount, currency) if amount else ""
