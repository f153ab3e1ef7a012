"""The engine over many accounts: the same problem as `solver.py`, in arrays, compiled.

`columns.py` holds the inputs of many accounts, `items.py` makes the solver's items of them,
`curves.py` and `search.py` solve one account, and `solving.py` runs over all of them.
"""
