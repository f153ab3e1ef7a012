"""Rules that stand in the way of a rebalance, and the same request without one of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portfolios.holdings.policies import FULL, INVEST_ONLY
from recommendations.engine.options import Options, options_json, options_of

# Failures that another choice of rules can mend.
_CODES = ("cash_floor_unreachable", "limits_clash", "targets_left_out")


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A button: its label, and the form fields of the request without the rule."""

    label: str
    fields: list[tuple[str, str]]


def relaxations(params: Mapping[str, Any], error: Mapping[str, Any]) -> tuple[Relaxation, ...]:
    """Return what may be relaxed of the rules that a failed rebalance was requested with."""
    if error.get("code") not in _CODES:
        return ()
    asked = options_json(options_of(params))
    default = options_json(Options())
    rules: list[tuple[str, dict[str, Any]]] = []
    if asked["cash_policy"] == INVEST_ONLY:
        rules.append(("Allow sales", {"cash_policy": FULL}))
    if asked["minimum_holding_days"]:
        rules.append(("Allow sales of young lots", {"minimum_holding_days": 0}))
    if asked["gain_budget"] is not None:
        rules.append(("Drop the gain budget", {"gain_budget": None}))
    if asked["turnover_budget"] is not None:
        rules.append(("Drop the turnover budget", {"turnover_budget": None}))
    if asked["leave_out"]:
        rules.append(("Leave nothing out", {"leave_out": []}))
    if Decimal(asked["cash_floor"]):
        rules.append(("Raise no cash", {"cash_floor": "0"}))
    return tuple(
        Relaxation(label, _fields({**asked, **change}, default)) for label, change in rules
    )


def _fields(options: Mapping[str, Any], default: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the form fields of options that are not the default."""
    found = [("planned", "1")]
    for name, value in options.items():
        if name in _FORM_FIELDS and value != default[name]:
            found += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
    return found


_FORM_FIELDS = (
    *("cash_policy", "cash_floor", "minimum_holding_days", "gain_budget", "turnover_budget"),
    *("leave_out", "drift_limit", "estimated_prices"),
)
