"""The fifteen scenarios of the specification, and the rules they leave open, as tables."""

BASE = """
    2025-01-06 main buy 40 AAA for 2000
    2025-03-03 main sell 40 AAA for 1800
"""

SCENARIOS = {
    "1 bought back in full": BASE
    + """
    2025-03-20 main buy 40 AAA for 1840
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
    > main 40 AAA opened 2025-03-20 since 2025-01-23: 2040
    """,
    "2 bought back in part": BASE
    + """
    2025-03-20 main buy 15 AAA for 690
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 75 = -125 short
    > main 15 AAA opened 2025-03-20 since 2025-01-23: 765
    """,
    "3 the earliest purchases replace first": BASE
    + """
    2025-03-10 main buy 25 AAA for 1150
    2025-03-20 main buy 25 AAA for 1175
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
    > main 25 AAA opened 2025-03-10 since 2025-01-13: 1275
    > main 15 AAA opened 2025-03-20 since 2025-01-23: 780
    > main 10 AAA opened 2025-03-20: 470
    """,
    "4 bought before and still held": """
    2025-01-06 main buy 40 AAA for 2000
    2025-02-10 main buy 30 AAA for 1410
    2025-03-03 main sell 40 AAA for 1800
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 150 = -50 short
    > main 30 AAA opened 2025-02-10 since 2024-12-16: 1560
    """,
    "5 the rest of the same purchase replaces nothing": """
    2025-02-06 main buy 60 AAA for 3000
    2025-03-03 main sell 40 AAA for 1800
    = 2025-03-03 main 40 AAA opened 2025-02-06: 1800 - 2000 = -200 short
    > main 20 AAA opened 2025-02-06: 1000
    """,
    "6 bought back on day 30": BASE
    + """
    2025-04-02 main buy 40 AAA for 1840
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
    > main 40 AAA opened 2025-04-02 since 2025-02-05: 2040
    """,
    "6 bought back on day 31": BASE
    + """
    2025-04-03 main buy 40 AAA for 1840
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 = -200 short
    > main 40 AAA opened 2025-04-03: 1840
    """,
    "7 two losses, the earlier first": """
    2025-01-06 main buy 40 AAA for 2000
    2025-01-06 other buy 40 AAA for 2080
    2025-03-03 main sell 40 AAA for 1800
    2025-03-05 other sell 40 AAA for 1760
    2025-03-20 main buy 50 AAA for 2300
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
    = 2025-03-05 other 40 AAA opened 2025-01-06: 1760 - 2080 + 80 = -240 short
    > main 40 AAA opened 2025-03-20 since 2025-01-23: 2040
    > main 10 AAA opened 2025-03-20 since 2025-01-21: 540
    """,
    "8 a chain: the replacement is sold at what is now a loss": BASE
    + """
    2025-03-20 main buy 40 AAA for 1840
    2025-04-10 main sell 40 AAA for 1900
    2025-04-25 main buy 40 AAA for 1880
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
    = 2025-04-10 main 40 AAA opened 2025-03-20: 1900 - 2040 + 140 = 0 short
    > main 40 AAA opened 2025-04-25 since 2025-02-07: 2020
    """,
    "9 the deferred loss comes out": BASE
    + """
    2025-03-20 main buy 40 AAA for 1840
    2025-04-10 main sell 40 AAA for 1900
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
    = 2025-04-10 main 40 AAA opened 2025-03-20: 1900 - 2040 = -140 short
    """,
    "10 the IRA destroys its part": BASE
    + """
    2025-03-10 ira buy 10 AAA for 460
    2025-03-12 main buy 20 AAA for 920
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 150 = -50 short, 50 for ever
    > ira 10 AAA opened 2025-03-10: 460
    > main 20 AAA opened 2025-03-12 since 2025-01-15: 1020
    """,
    "11 bought and sold again before the sale": """
    2025-01-06 main buy 40 AAA for 2000
    2025-02-10 other buy 40 AAA for 1900
    2025-02-20 other sell 40 AAA for 1950
    2025-03-03 main sell 40 AAA for 1800
    = 2025-02-20 other 40 AAA opened 2025-02-10: 1950 - 1900 = 50 short
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 = -200 short
    """,
    "12 two lots sold at one moment, the older first": """
    2025-03-03 main buy 10 AAA for 500
    2025-03-12 main buy 10 AAA for 480
    2025-03-24 main sell 10 AAA for 450 lots 1:10
    2025-03-24 main sell 10 AAA for 450 lots 2:10
    = 2025-03-24 main 10 AAA opened 2025-03-03: 450 - 500 + 50 = 0 short
    = 2025-03-24 main 10 AAA opened 2025-03-12: 450 - 530 = -80 short
    """,
    "12 the same, told in the other order": """
    2025-03-03 main buy 10 AAA for 500
    2025-03-12 main buy 10 AAA for 480
    2025-03-24 main sell 10 AAA for 450 lots 2:10
    2025-03-24 main sell 10 AAA for 450 lots 1:10
    = 2025-03-24 main 10 AAA opened 2025-03-03: 450 - 500 + 50 = 0 short
    = 2025-03-24 main 10 AAA opened 2025-03-12: 450 - 530 = -80 short
    """,
    "13 a split between the sale and the purchase": BASE
    + """
    2025-03-11 main split AAA 2:1
    2025-03-20 main buy 60 AAA for 1410
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 150 = -50 short
    > main 60 AAA opened 2025-03-20 since 2025-01-23: 1560
    """,
    "14 a reinvested dividend": BASE
    + """
    2025-03-14 main reinvest 0.4 AAA for 18.20
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 2 = -198 short
    > main 0.4 AAA opened 2025-03-14 since 2025-01-17: 20.20
    """,
    "15 a long-term harvest beside a fresh purchase": """
    2024-01-08 main buy 100 AAA for 6000
    2025-02-20 main buy 10 AAA for 510
    2025-03-03 main sell 100 AAA for 5000
    = 2025-03-03 main 100 AAA opened 2024-01-08: 5000 - 6000 + 100 = -900 long
    > main 10 AAA opened 2025-02-20 since 2023-12-28: 610
    """,
}
