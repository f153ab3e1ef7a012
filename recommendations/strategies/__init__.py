"""Published strategies: how their records and backtests are computed. Pure."""
