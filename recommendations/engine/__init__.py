"""The rebalancing engine: the facts of an account in, trades out. Pure.

    options     the options of a request and their defaults, such as `minimum_trade`
    inputs      facts and options -> the problem
    problem     the problem, its JSON, its bounds (SECURITIES_MAX ...) and weights (DRIFT_PENALTY)
    program     the problem in floats: targets, bands, and the smallest trade (`_minimum_shares`)
    solver      the trades of least cost, with a proved bound (hulls, relaxation)
    trades      the same trades in whole minor units, as the ledger records them (sale_lines, fees)
    reasons     why each security is traded or skipped
    result      the answer
    arrays      the same problem of many accounts at once, compiled

There is no minimum holding: a sale leaves any remainder that is a whole step of the quantity, and
`Options.minimum_trade` bounds each trade from below.
"""
