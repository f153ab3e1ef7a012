"""The ledger beside a broker's statement of one day: where they part, and why. Pure.

`moves` is what the ledger does to units and cash, `causes` the reasons one difference may have,
`holdings` the comparison.
"""
