"""Vendors of market data, one adapter each, behind one port.

    port        what every vendor answers: quotes, bars, corporate actions, exchange rates, matches
    http        requests that are bounded in time, size and redirects
    reading     values out of a vendor's text; anything unexpected is a fault, never a guess
    breaker     when a vendor is left alone (pure)
    quota       how many calls are left (pure)
    registry    the vendors by name, their capabilities and their free quotas

Nothing here knows a database. `marketdata.operations` asks vendors, checks and stores the answers.
"""
