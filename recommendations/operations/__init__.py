"""Writes: rebalances, harvests, their replacements, and decisions on recommendations."""

from recommendations.operations.account_jobs import fail_account_job
from recommendations.operations.allocations import (
    FIT,
    adopt,
    answer_questionnaire,
    fail_fit,
    request_fit,
    run_fit,
)
from recommendations.operations.fit_requests import fit_request
from recommendations.operations.harvesting import HARVEST, request_harvest, run_harvest
from recommendations.operations.notes import change_note, delete_note, write_note
from recommendations.operations.orders import (
    SheetFill,
    order_trade,
    order_trades,
    record_sheet,
    wishes_of,
)
from recommendations.operations.rebalancing import REBALANCE, request_rebalance, run_rebalance
from recommendations.operations.replacements import find_replacements
from recommendations.operations.stored import decide, replayed

__all__ = [
    "FIT",
    "HARVEST",
    "REBALANCE",
    "SheetFill",
    "change_note",
    "adopt",
    "answer_questionnaire",
    "decide",
    "delete_note",
    "fail_account_job",
    "fail_fit",
    "fit_request",
    "find_replacements",
    "order_trade",
    "order_trades",
    "record_sheet",
    "replayed",
    "request_fit",
    "request_harvest",
    "request_rebalance",
    "run_fit",
    "run_harvest",
    "run_rebalance",
    "wishes_of",
    "write_note",
]
