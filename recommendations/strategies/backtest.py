"""What is said of every backtest. Pure.

A backtest is the first version's weights and rules over the prices before its publication, computed
like a record, with the same costs. It is no record: its author knew how it would end.
"""

LABEL = "Backtest: hypothetical, before publication"
RECORD_LABEL = "Record: since publication, computed daily from stored prices"
SURVIVORSHIP = (
    "The weights were chosen when this history was known. Securities that failed before the day of "
    "publication are missing from it, so it shows more than anybody could have earned."
)
# The reason for each code of a backtest that does not exist.
REASONS = {
    "not_computed": "The backtest has not been computed yet.",
    "no_prices": "A security of the first version has no prices before the day of publication.",
    "cash_only": "The first version holds only cash.",
}
YEARS_MAX = 10
