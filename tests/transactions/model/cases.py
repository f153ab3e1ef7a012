"""Results of the rules where published examples are silent, worked out by hand as tables.

Each names its rule of the specification (section 3.1 of the engines' rules, numbered 1 to 22).
"""

HOUSEHOLD = {
    "rule 4: the spouse buys it back": """
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-20 spouse buy 40 AAA for 1840
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
        > spouse 40 AAA opened 2025-03-20 since 2025-01-23: 2040
    """,
    "rule 4: a 401(k) buys it back": """
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-20 plan buy 40 AAA for 1840
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short, 200 for ever
        > plan 40 AAA opened 2025-03-20: 1840
    """,
    "rule 4: a 401(k) does not count where the household says so": """
        policy employer_plan_counts=no
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-20 plan buy 40 AAA for 1840
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 = -200 short
        > plan 40 AAA opened 2025-03-20: 1840
    """,
    "rule 4: a loss inside an IRA is nobody's and uses up no replacement": """
        2025-01-06 ira buy 40 AAA for 2000
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 ira sell 40 AAA for 1800
        2025-03-04 main sell 40 AAA for 1800
        2025-03-20 main buy 40 AAA for 1840
        = 2025-03-04 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
        > main 40 AAA opened 2025-03-20 since 2025-01-22: 2040
    """,
    "rule 21: the other share class": """
        identical GOOG GOOGL
        2025-01-06 main buy 40 GOOG for 2000
        2025-03-03 main sell 40 GOOG for 1800
        2025-03-20 main buy 30 GOOGL for 1380
        = 2025-03-03 main 40 GOOG opened 2025-01-06: 1800 - 2000 + 150 = -50 short
        > main 30 GOOGL opened 2025-03-20 since 2025-01-23: 1530
    """,
    "rule 21: another company": """
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-20 main buy 30 BBB for 1380
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 = -200 short
        > main 30 BBB opened 2025-03-20: 1380
    """,
    "rule 20: crypto is property": """
        crypto BTC
        2025-01-06 main buy 2 BTC for 2000
        2025-03-03 main sell 2 BTC for 1800
        2025-03-04 main buy 2 BTC for 1840
        = 2025-03-03 main 2 BTC opened 2025-01-06: 1800 - 2000 = -200 short
        > main 2 BTC opened 2025-03-04: 1840
    """,
    "rule 20: crypto like stock, where the household says so": """
        crypto BTC
        policy crypto_exempt=no
        2025-01-06 main buy 2 BTC for 2000
        2025-03-03 main sell 2 BTC for 1800
        2025-03-04 main buy 2 BTC for 1840
        = 2025-03-03 main 2 BTC opened 2025-01-06: 1800 - 2000 + 200 = 0 short
        > main 2 BTC opened 2025-03-04 since 2025-01-07: 2040
    """,
}

MATCHING = {
    "rule 1: a gain is never washed": """
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 2000
        2025-03-20 main buy 40 AAA for 1840
        = 2025-03-03 main 40 AAA opened 2025-01-06: 2000 - 2000 = 0 short
        > main 40 AAA opened 2025-03-20: 1840
    """,
    "rule 2: bought 30 days before": """
        2025-01-06 main buy 40 AAA for 2000
        2025-02-01 main buy 40 AAA for 1840
        2025-03-03 main sell 40 AAA for 1800
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
        > main 40 AAA opened 2025-02-01 since 2024-12-07: 2040
    """,
    "rule 2: bought 31 days before": """
        2025-01-06 main buy 40 AAA for 2000
        2025-01-31 main buy 40 AAA for 1840
        2025-03-03 main sell 40 AAA for 1800
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 = -200 short
        > main 40 AAA opened 2025-01-31: 1840
    """,
    "rule 2: whole days, whatever the hour": """
        2025-01-06T09:00 main buy 40 AAA for 2000
        2025-03-03T00:00 main sell 40 AAA for 1800
        2025-04-02T23:59 main buy 40 AAA for 1840
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
        > main 40 AAA opened 2025-04-02 since 2025-02-05: 2040
    """,
    "rule 5: one moment, two accounts: the older purchase first": """
        2025-01-30 main buy 10 AAA for 500
        2025-01-06 other buy 10 AAA for 600
        2025-03-03 main sell 10 AAA for 400
        2025-03-03 other sell 10 AAA for 400
        2025-03-20 main buy 10 AAA for 450
        = 2025-03-03 main 10 AAA opened 2025-01-30: 400 - 500 = -100 short
        = 2025-03-03 other 10 AAA opened 2025-01-06: 400 - 600 + 200 = 0 short
        > main 10 AAA opened 2025-03-20 since 2025-01-23: 650
    """,
    "rule 5: one moment, and the replacement is there already": """
        2025-02-03 main buy 10 AAA for 500
        2025-01-06 other buy 10 AAA for 600
        2025-02-20 spouse buy 10 AAA for 450
        2025-03-03 main sell 10 AAA for 400
        2025-03-03 other sell 10 AAA for 400
        = 2025-03-03 main 10 AAA opened 2025-02-03: 400 - 700 + 300 = 0 short
        = 2025-03-03 other 10 AAA opened 2025-01-06: 400 - 600 + 200 = 0 short
        > spouse 10 AAA opened 2025-02-20 since 2024-11-28: 750
    """,
    "rule 6: replacements in two accounts, earliest first": """
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-12 main buy 20 AAA for 920
        2025-03-10 roth buy 30 AAA for 1380
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short, 150 for ever
        > main 10 AAA opened 2025-03-12 since 2025-01-15: 510
        > main 10 AAA opened 2025-03-12: 460
        > roth 30 AAA opened 2025-03-10: 1380
    """,
    "rule 7: a share replaces once, though it is sold and bought again": """
        2025-01-06 main buy 40 AAA for 2000
        2025-01-07 other buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-05 other sell 40 AAA for 1800
        2025-03-20 main buy 40 AAA for 1840
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
        = 2025-03-05 other 40 AAA opened 2025-01-07: 1800 - 2000 = -200 short
        > main 40 AAA opened 2025-03-20 since 2025-01-23: 2040
    """,
    "rule 7: a share that left in kind has replaced already": """
        2025-01-06 main buy 20 AAA for 1000
        2025-02-10 other buy 10 AAA for 450
        2025-03-03 main sell 10 AAA for 400
        2025-03-04 other transfer 10 AAA to main
        2025-03-05 main sell 10 AAA for 400
        = 2025-03-03 main 10 AAA opened 2025-01-06: 400 - 500 + 100 = 0 short
        = 2025-03-05 main 10 AAA opened 2025-01-06: 400 - 500 = -100 short
        > main 10 AAA opened 2025-02-10 since 2024-12-16: 550
    """,
    "rule 8: fills of one order at different moments": """
        2025-02-20T15:00 main buy 30 AAA for 1500 order 5
        2025-02-20T15:07 main buy 30 AAA for 1560 order 5
        2025-03-03 main sell 30 AAA for 1350
        = 2025-03-03 main 30 AAA opened 2025-02-20: 1350 - 1500 = -150 short
        > main 30 AAA opened 2025-02-20: 1560
    """,
    "rule 8: a fill that follows the sale is still of the purchase that was sold": """
        2025-02-20T15:00 main buy 30 AAA for 1500 order 5
        2025-02-20T15:03 main sell 30 AAA for 1350
        2025-02-20T15:07 main buy 30 AAA for 1560 order 5
        = 2025-02-20 main 30 AAA opened 2025-02-20: 1350 - 1500 = -150 short
        > main 30 AAA opened 2025-02-20: 1560
    """,
    "rule 8: two orders of one day are two purchases": """
        2025-02-20T15:00 main buy 30 AAA for 1500 order 5
        2025-02-20T15:07 main buy 30 AAA for 1560 order 6
        2025-03-03 main sell 30 AAA for 1350
        = 2025-03-03 main 30 AAA opened 2025-02-20: 1350 - 1500 + 150 = 0 short
        > main 30 AAA opened 2025-02-20 since 2025-02-09: 1710
    """,
    "rule 12: the date carried over": """
        policy carry_date=yes
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-20 main buy 40 AAA for 1840
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
        > main 40 AAA opened 2025-03-20 since 2025-01-06: 2040
    """,
    "rule 13: the tacked days make it long": """
        2024-01-08 main buy 10 AAA for 1000
        2025-01-06 main sell 10 AAA for 900
        2025-01-10 main buy 10 AAA for 880
        2025-01-17 main sell 10 AAA for 1200
        = 2025-01-06 main 10 AAA opened 2024-01-08: 900 - 1000 + 100 = 0 short
        = 2025-01-17 main 10 AAA opened 2025-01-10: 1200 - 980 = 220 long
    """,
    "rule 13: sold on the anniversary, and the day after": """
        2023-03-01 main buy 2 AAA for 100
        2024-03-01 main sell 1 AAA for 60
        2024-03-02 main sell 1 AAA for 60
        = 2024-03-01 main 1 AAA opened 2023-03-01: 60 - 50 = 10 short
        = 2024-03-02 main 1 AAA opened 2023-03-01: 60 - 50 = 10 long
    """,
    "rule 13: bought on the last of February": """
        2023-02-28 main buy 2 AAA for 100
        2024-02-29 main sell 1 AAA for 60
        2024-03-01 main sell 1 AAA for 60
        = 2024-02-29 main 1 AAA opened 2023-02-28: 60 - 50 = 10 short
        = 2024-03-01 main 1 AAA opened 2023-02-28: 60 - 50 = 10 long
    """,
    "rule 13: bought on a leap day": """
        2024-02-29 main buy 2 AAA for 100
        2025-02-28 main sell 1 AAA for 60
        2025-03-01 main sell 1 AAA for 60
        = 2025-02-28 main 1 AAA opened 2024-02-29: 60 - 50 = 10 short
        = 2025-03-01 main 1 AAA opened 2024-02-29: 60 - 50 = 10 long
    """,
    "rule 15: what is left of a purchase half sold": """
        2025-01-06 main buy 40 AAA for 2000
        2025-02-10 other buy 40 AAA for 1900
        2025-02-20 other sell 25 AAA for 1250
        2025-03-03 main sell 40 AAA for 1800
        = 2025-02-20 other 25 AAA opened 2025-02-10: 1250 - 1187.50 = 62.50 short
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 75 = -125 short
        > other 15 AAA opened 2025-02-10 since 2024-12-16: 787.50
    """,
    "rule 19: a December loss, a January purchase": """
        2025-06-02 main buy 10 AAA for 1000
        2025-12-15 main sell 10 AAA for 700
        2026-01-14 main buy 10 AAA for 720
        = 2025-12-15 main 10 AAA opened 2025-06-02: 700 - 1000 + 300 = 0 short
        > main 10 AAA opened 2026-01-14 since 2025-07-02: 1020
    """,
    "two losses held equally long in one purchase, sold in pieces": """
        2024-12-02 main buy 10 AAA for 700
        2024-12-02 other buy 10 AAA for 500
        2025-02-03 main sell 10 AAA for 400
        2025-02-03 other sell 10 AAA for 450
        2025-02-20 main buy 30 AAA for 1200
        2025-05-01 main sell 5 AAA for 250
        2025-05-02 main sell 5 AAA for 250
        2025-05-05 main sell 5 AAA for 250
        = 2025-02-03 main 10 AAA opened 2024-12-02: 400 - 700 + 300 = 0 short
        = 2025-02-03 other 10 AAA opened 2024-12-02: 450 - 500 + 50 = 0 short
        = 2025-05-01 main 5 AAA opened 2025-02-20: 250 - 350 = -100 short
        = 2025-05-02 main 5 AAA opened 2025-02-20: 250 - 350 = -100 short
        = 2025-05-05 main 5 AAA opened 2025-02-20: 250 - 225 = 25 short
        > main 5 AAA opened 2025-02-20 since 2024-12-19: 225
        > main 10 AAA opened 2025-02-20: 400
    """,
    "one purchase takes two losses, and is then sold in pieces": """
        2024-11-01 main buy 10 AAA for 700
        2025-01-06 main buy 10 AAA for 500
        2025-02-03 main sell 10 AAA for 400 lots 2:10
        2025-02-10 main sell 10 AAA for 450 lots 1:10
        2025-02-20 main buy 30 AAA for 1200
        2025-05-01 main sell 10 AAA for 500
        = 2025-02-03 main 10 AAA opened 2025-01-06: 400 - 500 + 100 = 0 short
        = 2025-02-10 main 10 AAA opened 2024-11-01: 450 - 700 + 250 = 0 short
        = 2025-05-01 main 10 AAA opened 2025-02-20: 500 - 650 = -150 short
        > main 10 AAA opened 2025-02-20 since 2025-01-23: 500
        > main 10 AAA opened 2025-02-20: 400
    """,
}

EVENTS = {
    "rule 3: a transfer between own accounts is no purchase": """
        2024-01-08 other buy 40 AAA for 1600
        2024-02-05 main buy 40 AAA for 2000
        2025-02-20 other transfer 40 AAA to main
        2025-03-03 main sell 40 AAA for 1500 lots 2:40
        = 2025-03-03 main 40 AAA opened 2024-02-05: 1500 - 2000 = -500 long
        > main 40 AAA opened 2024-01-08: 1600
    """,
    "rule 3: what was bought lately replaces wherever it lies now": """
        2025-01-06 main buy 40 AAA for 2000
        2025-02-10 other buy 20 AAA for 900
        2025-02-15 other transfer 5 AAA to spouse
        2025-03-03 main sell 40 AAA for 1800
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 100 = -100 short
        > other 15 AAA opened 2025-02-10 since 2024-12-16: 750
        > spouse 5 AAA opened 2025-02-10 since 2024-12-16: 250
    """,
    "rule 3: shares of a spin-off were not bought": """
        2024-01-08 main buy 40 AAA for 2000
        2025-01-06 other buy 40 BBB for 2000
        2025-02-20 main spinoff AAA BBB 1:1 25%
        2025-03-03 other sell 40 BBB for 1800
        = 2025-03-03 other 40 BBB opened 2025-01-06: 1800 - 2000 = -200 short
        > main 40 AAA opened 2024-01-08: 1500
        > main 40 BBB opened 2024-01-08: 500
    """,
    "rule 18: a split before the sale, after the purchase": """
        2025-01-06 main buy 40 AAA for 2000
        2025-02-10 other buy 10 AAA for 470
        2025-02-20 main split AAA 2:1
        2025-02-20 other split AAA 2:1
        2025-03-03 main sell 80 AAA for 1800
        = 2025-03-03 main 80 AAA opened 2025-01-06: 1800 - 2000 + 50 = -150 short
        > other 20 AAA opened 2025-02-10 since 2024-12-16: 520
    """,
    "rule 18: a reverse split between the sale and the purchase": """
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 30 AAA for 1350
        2025-03-11 main split AAA 1:10
        2025-03-20 main buy 2 AAA for 900
        = 2025-03-03 main 30 AAA opened 2025-01-06: 1350 - 1500 + 100 = -50 short
        > main 1 AAA opened 2025-01-06: 500
        > main 2 AAA opened 2025-03-20 since 2025-01-23: 1000
    """,
    "rule 18: only the account that still holds some states the split": """
        2025-01-06 main buy 40 AAA for 2000
        2025-01-06 other buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-11 other split AAA 2:1
        2025-03-20 main buy 60 AAA for 1410
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 150 = -50 short
        > main 60 AAA opened 2025-03-20 since 2025-01-23: 1560
        > other 80 AAA opened 2025-01-06: 2000
    """,
    "rule 18: two brokers date one split a day apart": """
        2025-01-06 main buy 100 AAA for 4000
        2025-01-06 other buy 10 AAA for 400
        2025-01-06 spouse buy 10 AAA for 400
        2025-03-03 main sell 100 AAA for 2000
        2025-03-11 other split AAA 2:1
        2025-03-12 spouse split AAA 2:1
        2025-03-20 main buy 200 AAA for 2000
        = 2025-03-03 main 100 AAA opened 2025-01-06: 2000 - 4000 + 2000 = 0 short
        > main 200 AAA opened 2025-03-20 since 2025-01-23: 4000
        > other 20 AAA opened 2025-01-06: 400
        > spouse 20 AAA opened 2025-01-06: 400
    """,
    "rule 18: the units a broker added make another ratio of the same split": """
        2025-01-06 main buy 100 AAA for 4000
        2025-01-06 other buy 10 AAA for 400
        2025-01-06 spouse buy 33 AAA for 1320
        2025-03-03 main sell 100 AAA for 2000
        2025-03-11 other split AAA 3:2
        2025-03-14 spouse split AAA 49:33
        2025-03-20 main buy 150 AAA for 2000
        = 2025-03-03 main 100 AAA opened 2025-01-06: 2000 - 4000 + 2000 = 0 short
        > main 150 AAA opened 2025-03-20 since 2025-01-23: 4000
        > other 15 AAA opened 2025-01-06: 400
        > spouse 49 AAA opened 2025-01-06: 1320
    """,
    "rule 18: a loss taken in old units after the other broker has stated the split": """
        2025-01-06 main buy 100 AAA for 4000
        2025-01-06 other buy 10 AAA for 400
        2025-03-11 other split AAA 2:1
        2025-03-12 main sell 50 AAA for 1000
        2025-03-13 main split AAA 2:1
        2025-04-07 main buy 100 AAA for 1000
        = 2025-03-12 main 50 AAA opened 2025-01-06: 1000 - 2000 + 1000 = 0 short
        > main 100 AAA opened 2025-01-06: 2000
        > main 100 AAA opened 2025-04-07 since 2025-02-01: 2000
        > other 20 AAA opened 2025-01-06: 400
    """,
    "rule 18: a stock dividend between the sale and the purchase": """
        2025-01-06 main buy 100 AAA for 4000
        2025-01-06 other buy 20 AAA for 800
        2025-03-03 main sell 100 AAA for 2000
        2025-03-11 other bonus AAA 1:20
        2025-03-20 main buy 105 AAA for 2000
        = 2025-03-03 main 100 AAA opened 2025-01-06: 2000 - 4000 + 2000 = 0 short
        > main 105 AAA opened 2025-03-20 since 2025-01-23: 4000
        > other 21 AAA opened 2025-01-06: 800
    """,
    "rule 18: a week apart they are two splits": """
        2025-01-06 main buy 100 AAA for 4000
        2025-01-06 other buy 10 AAA for 400
        2025-01-06 spouse buy 10 AAA for 400
        2025-03-03 main sell 100 AAA for 2000
        2025-03-11 other split AAA 2:1
        2025-03-18 spouse split AAA 2:1
        2025-03-20 main buy 200 AAA for 2000
        = 2025-03-03 main 100 AAA opened 2025-01-06: 2000 - 4000 + 1000 = -1000 short
        > main 200 AAA opened 2025-03-20 since 2025-01-23: 3000
        > other 20 AAA opened 2025-01-06: 400
        > spouse 20 AAA opened 2025-01-06: 400
    """,
    "rule 18: a loss, a new symbol, a split and a purchase": """
        2025-01-06 main buy 80 OLD for 4000
        2025-03-03 main sell 40 OLD for 1800
        2025-03-06 main rename OLD NEW
        2025-03-11 main split NEW 2:1
        2025-03-20 main buy 60 NEW for 1410
        = 2025-03-03 main 40 OLD opened 2025-01-06: 1800 - 2000 + 150 = -50 short
        > main 80 NEW opened 2025-01-06: 2000
        > main 60 NEW opened 2025-03-20 since 2025-01-23: 1560
    """,
    "a new symbol is the same share": """
        2025-01-06 main buy 80 OLD for 4000
        2025-03-03 main sell 40 OLD for 1800
        2025-03-06 main rename OLD NEW
        2025-03-20 main buy 30 NEW for 1410
        = 2025-03-03 main 40 OLD opened 2025-01-06: 1800 - 2000 + 150 = -50 short
        > main 40 NEW opened 2025-01-06: 2000
        > main 30 NEW opened 2025-03-20 since 2025-01-23: 1560
    """,
    "a split of 3 for 2 with cash for the half share": """
        2024-01-08 main buy 5 AAA for 300
        2025-02-20 main split AAA 3:2 for 25
        2025-03-03 main sell 7 AAA for 350
        = 2025-02-20 main 0.5 AAA opened 2024-01-08: 25 - 20 = 5 long
        = 2025-03-03 main 7 AAA opened 2024-01-08: 350 - 280 = 70 long
    """,
    "a third of a share, three times": """
        2024-01-08 main buy 10 AAA for 300
        2025-02-20 main split AAA 1:3
        2025-03-03 main split AAA 3:1
        2025-03-04 main sell 10 AAA for 330
        = 2025-03-04 main 10 AAA opened 2024-01-08: 330 - 300 = 30 long
    """,
    "capital comes back on two lots, above the basis of one": """
        2024-01-08 main buy 10 AAA for 20
        2024-06-03 main buy 10 AAA for 300
        2025-03-03 main return AAA for 100
        = 2025-03-03 main 0 AAA opened 2024-01-08: 30 - 0 = 30 long
        > main 10 AAA opened 2024-01-08: 0
        > main 10 AAA opened 2024-06-03: 250
    """,
    "a transfer in kind keeps the tacked day and the added basis": """
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-20 main buy 50 AAA for 2300
        2025-04-01 main transfer 45 AAA to other
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 + 200 = 0 short
        > main 5 AAA opened 2025-03-20: 230
        > other 40 AAA opened 2025-03-20 since 2025-01-23: 2040
        > other 5 AAA opened 2025-03-20: 230
    """,
    "a merger of shares for shares keeps basis and dates": """
        2024-01-08 main buy 30 AAA for 2000
        2025-03-03 main merge AAA BBB 2:3
        2025-03-04 main sell 10 BBB for 1500
        = 2025-03-04 main 10 BBB opened 2024-01-08: 1500 - 1000 = 500 long
        > main 10 BBB opened 2024-01-08: 1000
    """,
    "a merger for cash is a sale": """
        2024-01-08 main buy 30 AAA for 2000
        2025-01-06 main buy 10 AAA for 900
        2025-03-03 main merge AAA for 3200
        = 2025-03-03 main 10 AAA opened 2025-01-06: 800 - 900 = -100 short
        = 2025-03-03 main 30 AAA opened 2024-01-08: 2400 - 2000 = 400 long
    """,
    "a new symbol undone": """
        2025-01-06 main buy 80 OLD for 4000
        2025-03-06 main rename OLD NEW
        reverse 2
        > main 80 OLD opened 2025-01-06: 4000
    """,
    "a spin-off undone": """
        2025-01-06 main buy 80 AAA for 4000
        2025-03-06 main spinoff AAA BBB 1:1 25%
        reverse 2
        > main 80 AAA opened 2025-01-06: 4000
    """,
    "what is reversed never happened": """
        2025-01-06 main buy 40 AAA for 2000
        2025-03-03 main sell 40 AAA for 1800
        2025-03-20 main buy 40 AAA for 1840
        reverse 3
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1800 - 2000 = -200 short
    """,
}

METHODS = {
    "LIFO": """
        2024-01-08 main buy 10 AAA for 100
        2024-06-03 main buy 10 AAA for 150
        2025-03-03 main sell 15 AAA for 240 by lifo
        = 2025-03-03 main 10 AAA opened 2024-06-03: 160 - 150 = 10 short
        = 2025-03-03 main 5 AAA opened 2024-01-08: 80 - 50 = 30 long
        > main 5 AAA opened 2024-01-08: 50
    """,
    "HIFO": """
        2024-01-08 main buy 10 AAA for 150
        2024-06-03 main buy 10 AAA for 100
        2024-07-01 main buy 10 AAA for 200
        2025-03-03 main sell 15 AAA for 240 by hifo
        = 2025-03-03 main 10 AAA opened 2024-07-01: 160 - 200 = -40 short
        = 2025-03-03 main 5 AAA opened 2024-01-08: 80 - 75 = 5 long
        > main 10 AAA opened 2024-06-03: 100
        > main 5 AAA opened 2024-01-08: 75
    """,
    "HIFO goes by the basis a wash sale has raised": """
        2025-01-06 main buy 10 AAA for 500
        2025-02-03 main buy 10 AAA for 480
        2025-02-10 main sell 10 AAA for 400
        2025-02-20 main buy 10 AAA for 490
        2025-04-01 main sell 10 AAA for 600 by hifo
        = 2025-02-10 main 10 AAA opened 2025-01-06: 400 - 500 + 100 = 0 short
        = 2025-04-01 main 10 AAA opened 2025-02-03: 600 - 580 = 20 short
        > main 10 AAA opened 2025-02-20: 490
    """,
}

CASES = HOUSEHOLD | MATCHING | EVENTS | METHODS
