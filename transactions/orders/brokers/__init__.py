"""Brokers that take orders from Ballast: the port, and one adapter for each."""

ALPACA_PAPER_URL = "https://paper-api.alpaca.markets"
# Real money: no setting may name it.
ALPACA_LIVE_HOST = "api.alpaca.markets"
