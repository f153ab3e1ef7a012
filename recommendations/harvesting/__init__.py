"""Tax-loss harvesting: sell at a loss, hold something alike, keep the tax. Pure.

options        what holds where a request does not say
problem        the inputs of one account and their canonical JSON
tax_value      what a loss is worth: tax saved now, losses carried, tax that comes back
legs           both legs of the round trip, priced
plan           from the inputs to offers, refusals and trades
switch_back    from the replacement back to the original, after the 31st day
result         the answer and its canonical JSON
reasons        codes and sentences
screening      all lots of many accounts in columns: which can pay at all
replacements   correlation, tracking error and rank from price history
reinvestments  when a holding reinvests its dividends next
calendar       the household's dates: blocked purchases, long-term, switch back
year_ledger    losses of a year: harvested, used, carried
"""
