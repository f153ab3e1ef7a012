"""What the rules of a strategy say, in a sentence. Pure."""

from recommendations.strategies.rules import Rules

_PERIODS = {"monthly": "month", "quarterly": "quarter", "yearly": "year"}


def rule_sentence(rules: Rules) -> str:
    """Return when a strategy is brought back to its weights."""
    period = _PERIODS.get(rules.schedule.value)
    if period and rules.bands:
        return f"Rebalanced at the start of every {period}, and when a weight leaves its band."
    if period:
        return f"Rebalanced at the start of every {period}."
    if rules.bands:
        return "Rebalanced when a weight leaves its band."
    return "Bought and held: weights drift, and only a new version trades."
