"""Several events of one instant, as files with days only state them; worked out by hand."""

_SPIN_OFF_AND_SPLIT = """
        = 2025-03-06 main 4 BBB opened 2025-01-06: 100 - 50 = 50 short
        > main 20 AAA opened 2025-01-06: 750
        > main 16 BBB opened 2025-01-06: 200
"""

INSTANTS = {
    # Three sales choose lots: 1 of the first lot, 2 of the second, then all that is left of both.
    # The first sale's loss of 60 goes to one of the 2, and so does one ninth of the third's.
    "shares chosen first replace first": """
        2025-02-03 main buy 10 AAA for 1000
        2025-02-04 main buy 20 AAA for 1000
        2025-03-03 main sell 1 AAA for 40
        2025-03-03 main sell 2 AAA for 80 by lifo
        2025-03-03 main sell 27 AAA for 1080
        = 2025-03-03 main 10 AAA opened 2025-02-03: 400 - 1000 + 120 = -480 short
        = 2025-03-03 main 20 AAA opened 2025-02-04: 800 - 1120 = -320 short
    """,
    "a split goes before a spin-off": f"""
        2025-01-06 main buy 10 AAA for 1000
        2025-02-03 main spinoff AAA BBB 1:1 25%
        2025-02-03 main split AAA 2:1
        2025-03-06 main sell 4 BBB for 100
        {_SPIN_OFF_AND_SPLIT}
    """,
    "a split goes before a spin-off that was recorded after it": f"""
        2025-01-06 main buy 10 AAA for 1000
        2025-02-03 main split AAA 2:1
        2025-02-03 main spinoff AAA BBB 1:1 25%
        2025-03-06 main sell 4 BBB for 100
        {_SPIN_OFF_AND_SPLIT}
    """,
    # The spouse's shares are older: their loss takes the one purchase of the instant.
    "cash in lieu of one instant: the oldest shares find their replacement first": """
        2025-01-06 spouse buy 5 AAA for 500
        2025-01-07 main buy 5 AAA for 500
        2025-03-03 main split AAA 1:2 for 20
        2025-03-03 spouse split AAA 1:2 for 20
        2025-03-03 other buy 0.5 AAA for 20
        = 2025-03-03 main 0.5 AAA opened 2025-01-07: 20 - 100 = -80 short
        = 2025-03-03 spouse 0.5 AAA opened 2025-01-06: 20 - 100 + 80 = 0 short
        > main 2 AAA opened 2025-01-07: 400
        > spouse 2 AAA opened 2025-01-06: 400
        > other 0.5 AAA opened 2025-03-03 since 2025-01-06: 100
    """,
}
