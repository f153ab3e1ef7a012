"""Published examples, each with its source; days are ours where a source gives none.

The figures are the sources', the words are not. Where a source shows no holding period, the date
follows from its days by IRC 1223(3): the days the sold shares were held, added to the new ones.
"""

WASH_SALES = {
    # IRS Publication 550, Wash Sales, first example; the IRS's VITA training, wash sales, case 1.
    "Pub. 550: bought back for less": """
        2024-01-02 main buy 100 X for 1000
        2024-06-03 main sell 100 X for 750
        2024-06-20 main buy 100 X for 800
        = 2024-06-03 main 100 X opened 2024-01-02: 750 - 1000 + 250 = 0 short
        > main 100 X opened 2024-06-20 since 2024-01-19: 1050
    """,
    # IRS Publication 550 (2014), "More or less stock bought than sold", example 1.
    "Pub. 550: 75 bought before 100 are sold": """
        2013-09-26 main buy 100 M for 5000
        2013-12-19 main buy 50 M for 2750
        2013-12-27 main buy 25 M for 1125
        2014-01-09 main sell 100 M for 4000
        = 2014-01-09 main 100 M opened 2013-09-26: 4000 - 5000 + 750 = -250 short
        > main 50 M opened 2013-12-19 since 2013-09-05: 3250
        > main 25 M opened 2013-12-27 since 2013-09-13: 1375
    """,
    # IRS Publication 550 (2014), the same heading, example 2.
    "Pub. 550: the first 100 of 200 bought back": """
        2013-09-26 main buy 100 M for 5000
        2014-02-06 main sell 100 M for 4000
        2014-02-11 main buy 50 M for 2000
        2014-02-12 main buy 50 M for 2000
        2014-02-13 main buy 50 M for 2000
        2014-02-14 main buy 50 M for 2000
        = 2014-02-06 main 100 M opened 2013-09-26: 4000 - 5000 + 1000 = 0 short
        > main 50 M opened 2014-02-11 since 2013-10-01: 2500
        > main 50 M opened 2014-02-12 since 2013-10-02: 2500
        > main 50 M opened 2014-02-13: 2000
        > main 50 M opened 2014-02-14: 2000
    """,
    # Rev. Rul. 70-231, also IRS Publication 550 (2014), "Loss and gain on same day"; the tacked
    # day as in adlr/wash-sale-calculator, tests/irs550_example_4_out.csv.
    "Rev. Rul. 70-231: a loss is not set off against gains of the same sale": """
        2008-01-05 main buy 100 X for 15800
        2008-01-06 main buy 100 X for 10000
        2008-01-07 main buy 100 X for 9500
        2013-12-27 main sell 300 X for 37500
        2014-01-09 main buy 250 X for 25000
        = 2013-12-27 main 100 X opened 2008-01-05: 12500 - 15800 + 3300 = 0 long
        = 2013-12-27 main 100 X opened 2008-01-06: 12500 - 10000 = 2500 long
        = 2013-12-27 main 100 X opened 2008-01-07: 12500 - 9500 = 3000 long
        > main 100 X opened 2014-01-09 since 2008-01-18: 13300
        > main 150 X opened 2014-01-09: 15000
    """,
    # Treas. Reg. 1.1091-1(h), example 1.
    "Reg. 1.1091-1(h)(1): the older of two purchases sold": """
        1954-12-01 main buy 100 M for 10000
        1954-12-15 main buy 100 M for 9000
        1955-01-03 main sell 100 M for 9000
        = 1955-01-03 main 100 M opened 1954-12-01: 9000 - 10000 + 1000 = 0 short
        > main 100 M opened 1954-12-15 since 1954-11-12: 10000
    """,
    # Treas. Reg. 1.1091-1(h), example 2.
    "Reg. 1.1091-1(h)(2): 75 of 100 replaced": """
        1954-09-21 main buy 100 M for 5000
        1954-12-21 main buy 50 M for 2750
        1954-12-27 main buy 25 M for 1125
        1955-01-03 main sell 100 M for 4000
        = 1955-01-03 main 100 M opened 1954-09-21: 4000 - 5000 + 750 = -250 short
        > main 50 M opened 1954-12-21 since 1954-09-08: 3250
        > main 25 M opened 1954-12-27 since 1954-09-14: 1375
    """,
    # Treas. Reg. 1.1091-1(h), example 3: the holding period of the first 100 includes that of the
    # 100 shares sold.
    "Reg. 1.1091-1(h)(3): the first 100 purchased": """
        1954-09-15 main buy 100 M for 5000
        1956-02-01 main sell 100 M for 4000
        1956-02-15 main buy 50 M for 2000
        1956-02-16 main buy 50 M for 2000
        1956-02-17 main buy 50 M for 2000
        1956-02-18 main buy 50 M for 2000
        = 1956-02-01 main 100 M opened 1954-09-15: 4000 - 5000 + 1000 = 0 long
        > main 50 M opened 1956-02-15 since 1954-09-29: 2500
        > main 50 M opened 1956-02-16 since 1954-09-30: 2500
        > main 50 M opened 1956-02-17: 2000
        > main 50 M opened 1956-02-18: 2000
    """,
    # Treas. Reg. 1.1091-2(a), example 1 (bought in 1955, not 1935: the ledger starts in 1950).
    "Reg. 1.1091-2(a)(1): bought back dearer": """
        1950-06-01 main buy 1 X for 100
        1955-01-15 main sell 1 X for 80
        1955-02-01 main buy 1 X for 90
        = 1955-01-15 main 1 X opened 1950-06-01: 80 - 100 + 20 = 0 long
        > main 1 X opened 1955-02-01 since 1950-06-18: 110
    """,
    # Treas. Reg. 1.1091-2(a), example 2.
    "Reg. 1.1091-2(a)(2): bought back cheaper": """
        1950-06-01 main buy 1 Y for 100
        1955-01-15 main sell 1 Y for 80
        1955-02-01 main buy 1 Y for 70
        = 1955-01-15 main 1 Y opened 1950-06-01: 80 - 100 + 20 = 0 long
        > main 1 Y opened 1955-02-01 since 1950-06-18: 90
    """,
    # Rev. Rul. 2008-5, for an individual retirement account.
    "Rev. Rul. 2008-5: an IRA buys the day after": """
        2007-02-01 main buy 100 X for 1000
        2007-12-20 main sell 100 X for 600
        2007-12-21 ira buy 100 X for 610
        = 2007-12-20 main 100 X opened 2007-02-01: 600 - 1000 + 400 = 0 short, 400 for ever
        > ira 100 X opened 2007-12-21: 610
    """,
    # Rev. Rul. 2008-5, for a Roth IRA.
    "Rev. Rul. 2008-5: a Roth IRA buys the day after": """
        2007-02-01 main buy 100 X for 1000
        2007-12-20 main sell 100 X for 600
        2007-12-21 roth buy 100 X for 610
        = 2007-12-20 main 100 X opened 2007-02-01: 600 - 1000 + 400 = 0 short, 400 for ever
        > roth 100 X opened 2007-12-21: 610
    """,
    # Rev. Rul. 56-602 in the figures of fairmark.com, Wash Sales, "Selling half"
    # (adlr/wash-sale-calculator, tests/fairmark_replace_2).
    "Rev. Rul. 56-602: half of one purchase sold": """
        2014-06-01 main buy 200 XYZ for 10000
        2014-06-12 main sell 100 XYZ for 4000
        = 2014-06-12 main 100 XYZ opened 2014-06-01: 4000 - 5000 = -1000 short
        > main 100 XYZ opened 2014-06-01: 5000
    """,
    # fairmark.com, the same page: one order filled in two pieces is one lot.
    "fairmark: an order filled in two pieces": """
        2014-06-01T14:30 main buy 100 XYZ for 5000 order 7
        2014-06-01T14:31 main buy 100 XYZ for 5000 order 7
        2014-06-12 main sell 100 XYZ for 4000
        = 2014-06-12 main 100 XYZ opened 2014-06-01: 4000 - 5000 = -1000 short
        > main 100 XYZ opened 2014-06-01: 5000
    """,
    # fairmark.com, Wash Sales and Same Day Sales (adlr/wash-sale-calculator, fairmark_sameday_1).
    "fairmark: a day trader's loss reduces the gain after it": """
        2014-05-01T14:00 main buy 100 XYZ for 1000
        2014-05-01T15:00 main sell 100 XYZ for 900
        2014-05-01T16:00 main buy 100 XYZ for 800
        2014-05-01T17:00 main sell 100 XYZ for 900
        = 2014-05-01 main 200 XYZ opened 2014-05-01: 1800 - 1900 + 100 = 0 short
    """,
    # adlr/wash-sale-calculator, tests/same_day_sold_not_replacement: one award in two pieces.
    "adlr: what is sold together replaces nothing": """
        2014-09-25 main buy 4 GOOG for 2351.96
        2014-09-25 main buy 2 GOOG for 1175.98
        2014-10-24 main sell 4 GOOG for 2148.64
        2014-10-24 main sell 2 GOOG for 1074.32
        = 2014-10-24 main 6 GOOG opened 2014-09-25: 3222.96 - 3527.94 = -304.98 short
    """,
    # adlr/wash-sale-calculator, tests/same_day_loss_compute: bought 2014-02-25 in one lot of five.
    "adlr: two of five replace two": """
        2014-01-25 main buy 2 GOOG for 100
        2014-01-28 main sell 2 GOOG for 50
        2014-02-25 main buy 5 GOOG for 250
        2014-02-28 main sell 5 GOOG for 125
        = 2014-01-28 main 2 GOOG opened 2014-01-25: 50 - 100 + 50 = 0 short
        = 2014-02-28 main 5 GOOG opened 2014-02-25: 125 - 300 = -175 short
    """,
    # bbreslauer/wash-sale-tracker, tests/overlapping_losses.
    "bbreslauer: three overlapping losses": """
        2012-05-20 main buy 10 ABC for 200
        2012-05-25 main buy 10 ABC for 1000
        2012-06-01 main sell 10 ABC for 100 lots 1:10
        2012-07-25 main buy 10 ABC for 1800
        2012-08-01 main sell 10 ABC for 700 lots 2:10
        2012-08-20 main sell 10 ABC for 1700 lots 4:10
        = 2012-06-01 main 10 ABC opened 2012-05-20: 100 - 200 + 100 = 0 short
        = 2012-08-01 main 10 ABC opened 2012-05-25: 700 - 1100 + 400 = 0 short
        = 2012-08-20 main 10 ABC opened 2012-07-25: 1700 - 2200 = -500 short
    """,
    # bbreslauer/wash-sale-tracker, tests/multiple_small_replacement_lots, figures made small.
    "bbreslauer: ten shares replaced out of two small lots": """
        2011-06-01 main buy 10 ABC for 120
        2012-01-01 main buy 6 ABC for 100
        2012-01-03 main buy 6 ABC for 102
        2012-01-10 main sell 10 ABC for 110 lots 1:10
        2012-06-01 main sell 12 ABC for 400
        = 2012-01-10 main 10 ABC opened 2011-06-01: 110 - 120 + 10 = 0 short
        = 2012-06-01 main 2 ABC opened 2012-01-03: 66.67 - 34 = 32.67 short
        = 2012-06-01 main 4 ABC opened 2012-01-03: 133.33 - 72 = 61.33 long
        = 2012-06-01 main 6 ABC opened 2012-01-01: 200 - 106 = 94 long
    """,
    # bbreslauer/wash-sale-tracker, tests/no_wash_replacement_sold_before_loss.
    "bbreslauer: bought and sold again before the loss": """
        2012-05-20 main buy 10 ABC for 200
        2012-05-25 main buy 10 ABC for 1000
        2012-05-29 main sell 10 ABC for 1200 lots 2:10
        2012-06-01 main sell 10 ABC for 100 lots 1:10
        = 2012-05-29 main 10 ABC opened 2012-05-25: 1200 - 1000 = 200 short
        = 2012-06-01 main 10 ABC opened 2012-05-20: 100 - 200 = -100 short
    """,
    # bbreslauer/wash-sale-tracker, tests/simple_wash_smaller_replacement_sold.
    "bbreslauer: four shares replace four of ten": """
        2012-05-20 main buy 10 ABC for 200
        2012-06-01 main sell 10 ABC for 100
        2012-06-10 main buy 4 ABC for 300
        2012-08-01 main sell 4 ABC for 500
        = 2012-06-01 main 10 ABC opened 2012-05-20: 100 - 200 + 40 = -60 short
        = 2012-08-01 main 4 ABC opened 2012-06-10: 500 - 340 = 160 short
    """,
    # bbreslauer/wash-sale-tracker, tests/simple_wash_sold_becomes_loss_replacement_before: its
    # adjusted purchase date is 2011-12-10.
    "bbreslauer: a gain becomes a loss": """
        2012-01-01 main buy 10 ABC for 200
        2012-05-10 main buy 10 ABC for 150
        2012-06-01 main sell 10 ABC for 100
        2012-09-01 main sell 10 ABC for 200
        = 2012-06-01 main 10 ABC opened 2012-01-01: 100 - 200 + 100 = 0 short
        = 2012-09-01 main 10 ABC opened 2012-05-10: 200 - 250 = -50 short
    """,
    # bbreslauer/wash-sale-tracker, tests/two_wash_sales_1, with its adjusted purchase dates
    # 2012-05-29 and 2012-06-20.
    "bbreslauer: two wash sales in a row": """
        2012-05-20 main buy 10 ABC for 200
        2012-06-01 main sell 10 ABC for 100
        2012-06-10 main buy 10 ABC for 300
        2012-08-01 main sell 10 ABC for 220
        2012-08-23 main buy 10 ABC for 500
        2012-09-01 main sell 10 ABC for 1000
        = 2012-06-01 main 10 ABC opened 2012-05-20: 100 - 200 + 100 = 0 short
        = 2012-08-01 main 10 ABC opened 2012-06-10: 220 - 400 + 180 = 0 short
        = 2012-09-01 main 10 ABC opened 2012-08-23: 1000 - 680 = 320 short
    """,
    # nkouevda/capital-gains, input/example.csv, with its fees; the report there rounds to dollars.
    "nkouevda: FIFO with fees, half of a loss replaced": """
        2018-01-01 main buy 100 ASDF for 1000
        2018-01-02 main buy 100 ASDF for 1200
        2018-01-03 main sell 200 ASDF for 3000 fee 5
        2018-01-04 main buy 200 ASDF for 4000
        2018-01-05 main sell 200 ASDF for 2000 fee 5
        2018-01-06 main buy 100 ASDF for 1200
        2018-01-07 main sell 50 ASDF for 750 fee 5
        = 2018-01-03 main 100 ASDF opened 2018-01-01: 1497.50 - 1000 = 497.50 short
        = 2018-01-03 main 100 ASDF opened 2018-01-02: 1497.50 - 1200 = 297.50 short
        = 2018-01-05 main 200 ASDF opened 2018-01-04: 1995 - 4000 + 1002.50 = -1002.50 short
        = 2018-01-07 main 50 ASDF opened 2018-01-06: 745 - 1101.25 = -356.25 short
        > main 50 ASDF opened 2018-01-06 since 2018-01-05: 1101.25
    """,
    # Charles Schwab, StreetSmart Edge help, Wash Sale, first example.
    "Schwab: bought back 15 days after": """
        2015-09-30 main buy 100 ABCD for 1500
        2015-11-15 main sell 100 ABCD for 1250
        2015-11-30 main buy 100 ABCD for 1300
        = 2015-11-15 main 100 ABCD opened 2015-09-30: 1250 - 1500 + 250 = 0 short
        > main 100 ABCD opened 2015-11-30 since 2015-10-15: 1550
    """,
    # Charles Schwab, StreetSmart Edge help, Wash Sale, second example.
    "Schwab: bought 17 days before": """
        2015-01-05 main buy 100 XYZ for 1500
        2015-08-03 main buy 100 XYZ for 1200
        2015-08-20 main sell 100 XYZ for 1300
        = 2015-08-20 main 100 XYZ opened 2015-01-05: 1300 - 1500 + 200 = 0 short
        > main 100 XYZ opened 2015-08-03 since 2014-12-19: 1400
    """,
    # Scottrade, Wash Sale Rules.
    "Scottrade: a basis of 25.50 a share": """
        2015-02-10 main buy 100 XYZ for 2500
        2015-02-19 main sell 100 XYZ for 2200
        2015-02-26 main buy 100 XYZ for 2250
        = 2015-02-19 main 100 XYZ opened 2015-02-10: 2200 - 2500 + 300 = 0 short
        > main 100 XYZ opened 2015-02-26 since 2015-02-17: 2550
    """,
    # redian.news/mitbbs, stock board, examples 2 and 3 (they rest on Pub. 550).
    "mitbbs 2: three quarters replaced": """
        2008-12-01 main buy 100 XYZ for 2000
        2009-03-01 main buy 50 XYZ for 1200
        2009-03-10 main buy 25 XYZ for 650
        2009-03-27 main sell 100 XYZ for 1300
        = 2009-03-27 main 100 XYZ opened 2008-12-01: 1300 - 2000 + 525 = -175 short
        > main 50 XYZ opened 2009-03-01 since 2008-11-05: 1550
        > main 25 XYZ opened 2009-03-10 since 2008-11-14: 825
    """,
    "mitbbs 3: the first 100 of 150": """
        2008-12-01 main buy 100 XYZ for 2000
        2009-03-01 main buy 100 XYZ for 2400
        2009-03-10 main buy 50 XYZ for 1300
        2009-03-27 main sell 100 XYZ for 1300
        = 2009-03-27 main 100 XYZ opened 2008-12-01: 1300 - 2000 + 700 = 0 short
        > main 100 XYZ opened 2009-03-01 since 2008-11-05: 3100
        > main 50 XYZ opened 2009-03-10: 1300
    """,
    # money.stackexchange.com, question 91884.
    "Stack Exchange 91884: one of three replaced": """
        2018-01-01T15:00 main buy 1 XYZ for 100
        2018-01-01T16:00 main sell 1 XYZ for 110
        2018-01-02T15:00 main buy 3 XYZ for 300
        2018-01-02T16:00 main sell 3 XYZ for 270
        2018-01-03T15:00 main buy 1 XYZ for 100
        2018-01-03T16:00 main sell 1 XYZ for 110
        = 2018-01-01 main 1 XYZ opened 2018-01-01: 110 - 100 = 10 short
        = 2018-01-02 main 3 XYZ opened 2018-01-02: 270 - 300 + 10 = -20 short
        = 2018-01-03 main 1 XYZ opened 2018-01-03: 110 - 110 = 0 short
    """,
    # Becker CPA review, as quoted at another71.com.
    "Becker: a loss of decades": """
        1982-09-08 main buy 100 X for 22000
        2009-04-20 main sell 100 X for 21000
        2009-04-25 main buy 100 X for 21500
        = 2009-04-20 main 100 X opened 1982-09-08: 21000 - 22000 + 1000 = 0 long
        > main 100 X opened 2009-04-25 since 1982-09-13: 22500
    """,
    # washsales.org, "Shares acquired before acquisition of shares sold"; prices are ours.
    "washsales.org: the older purchase counts, as brokers read it": """
        2011-01-03 main buy 100 X for 1000
        2011-01-18 main buy 100 X for 1200
        2011-01-31 main sell 100 X for 900 lots 2:100
        = 2011-01-31 main 100 X opened 2011-01-18: 900 - 1200 + 300 = 0 short
        > main 100 X opened 2011-01-03 since 2010-12-21: 1300
    """,
    "washsales.org: the older purchase does not count, as Silver reads it": """
        policy earlier_acquired_count=no
        2011-01-03 main buy 100 X for 1000
        2011-01-18 main buy 100 X for 1200
        2011-01-31 main sell 100 X for 900 lots 2:100
        = 2011-01-31 main 100 X opened 2011-01-18: 900 - 1200 = -300 short
        > main 100 X opened 2011-01-03: 1000
    """,
}

BASIS = {
    "Publication 550: a stock dividend of 5 % spreads the basis over 105 shares": """
        2024-01-08 main buy 100 AAA for 2100
        2025-02-20 main bonus AAA 1:20
        2025-02-24 main sell 5 AAA for 110
        = 2025-02-24 main 5 AAA opened 2024-01-08: 110 - 100 = 10 long
        > main 100 AAA opened 2024-01-08: 2000
    """,
    "IRC 307(a): the shares added go to each lot by its shares": """
        2024-01-08 main buy 100 AAA for 1000
        2024-06-10 main buy 50 AAA for 900
        2025-02-20 main bonus 15 AAA
        > main 110 AAA opened 2024-01-08: 1000
        > main 55 AAA opened 2024-06-10: 900
    """,
    "Rev. Rul. 66-365: cash for the fraction of a share that a stock dividend leaves": """
        2024-01-08 main buy 110 AAA for 2310
        2025-02-20 main bonus AAA 1:20 for 12
        = 2025-02-20 main 0.5 AAA opened 2024-01-08: 12 - 10 = 2 long
        > main 115 AAA opened 2024-01-08: 2300
    """,
    "IRC 307(b): rights without a basis, and the shares they bought for what was paid": """
        2024-01-08 main buy 100 AAA for 5000
        2025-02-20 main issue AAA RTS 1:1
        2025-03-10 main exercise 25 RTS AAA 1:4 for 1000
        2025-09-15 main sell 125 AAA for 7500
        = 2025-09-15 main 100 AAA opened 2024-01-08: 6000 - 5000 = 1000 long
        = 2025-09-15 main 25 AAA opened 2025-03-10: 1500 - 1000 = 500 short
    """,
    "Reg. 1.307-1: an elected basis goes to the rights and with them to the new shares": """
        2024-01-08 main buy 100 AAA for 5000
        2025-02-20 main issue AAA RTS 1:1 10%
        2025-03-10 main exercise 20 RTS AAA 1:4 for 800 fee 5
        > main 20 RTS opened 2024-01-08: 100
        > main 100 AAA opened 2024-01-08: 4500
        > main 20 AAA opened 2025-03-10: 1205
    """,
    "Reg. 1.307-1: rights that are sold are held as long as the shares they came from": """
        2024-01-08 main buy 100 AAA for 5000
        2025-02-20 main issue AAA RTS 1:1
        2025-03-10 main sell 100 RTS for 120
        = 2025-03-10 main 100 RTS opened 2024-01-08: 120 - 0 = 120 long
        > main 100 AAA opened 2024-01-08: 5000
    """,
    "IRC 1091: shares bought with rights replace shares sold at a loss": """
        2025-01-06 main buy 40 AAA for 2000
        2025-02-20 main issue AAA RTS 1:1 10%
        2025-03-03 main sell 40 AAA for 1700
        2025-03-20 main exercise 10 RTS AAA 1:4 for 400
        = 2025-03-03 main 40 AAA opened 2025-01-06: 1700 - 1800 + 25 = -75 short
        > main 10 AAA opened 2025-03-20 since 2025-01-23: 625
    """,
    "rights bought in the market cost what was paid for them": """
        2025-01-06 main buy 8 RTS for 16
        2025-03-20 main exercise 2 RTS AAA 1:4 for 80
        > main 2 AAA opened 2025-03-20: 96
    """,
    # IRS Publication 550, Stock dividends: "New and old stock identical".
    "Pub. 550: three shares for one": """
        2020-01-06 main buy 1 X for 30
        2020-02-03 main buy 1 X for 45
        2021-03-01 main split X 3:1
        > main 3 X opened 2020-01-06: 30
        > main 3 X opened 2020-02-03: 45
    """,
    # IRS Publication 4491 (VITA), Basis of stock, case 1: a stock dividend of 10 on 100.
    "Pub. 4491: a stock dividend of a tenth": """
        2020-01-06 main buy 100 ABC for 1075 fee 25
        2021-03-01 main split ABC 110:100
        2021-04-01 main sell 11 ABC for 121
        = 2021-04-01 main 11 ABC opened 2020-01-06: 121 - 110 = 11 long
        > main 99 ABC opened 2020-01-06: 990
    """,
    # J.K. Lasser, Your Income Tax 2013, 30.3.
    "Lasser: 100 free shares on 100": """
        2011-01-03 main buy 100 X for 1000
        2012-06-01 main split X 2:1
        2012-12-14 main sell 50 X for 560
        = 2012-12-14 main 50 X opened 2011-01-03: 560 - 250 = 310 long
        > main 150 X opened 2011-01-03: 750
    """,
    # J.K. Lasser, the same page: the holding period of a tax-free stock dividend is the old one's.
    "Lasser: ten free shares are as old as the hundred": """
        1999-12-03 main buy 100 X for 1100
        2012-08-10 main split X 11:10
        2012-12-14 main sell 10 X for 200
        = 2012-12-14 main 10 X opened 1999-12-03: 200 - 100 = 100 long
        > main 100 X opened 1999-12-03: 1000
    """,
    # J.K. Lasser, the same page: a dividend in another class takes 25% of the basis.
    "Lasser: preferred shares take a quarter": """
        2011-01-03 main buy 100 X for 1000
        2012-06-01 main spinoff X PX 10 25%
        > main 10 PX opened 2011-01-03: 250
        > main 100 X opened 2011-01-03: 750
    """,
    # IRS Publication 17, Nondividend distributions, example.
    "Pub. 17: capital comes back, then gain": """
        2004-05-03 main buy 10 X for 100
        2007-05-03 main return X for 80
        2017-05-03 main return X for 30
        = 2017-05-03 main 0 X opened 2004-05-03: 10 - 0 = 10 long
        > main 10 X opened 2004-05-03: 0
    """,
    # IRS Publication 564 (2009), table 3: the same sale by FIFO ...
    "Pub. 564, table 3: FIFO": """
        2008-02-06 main buy 160 F for 4000
        2008-08-07 main buy 240 F for 4800
        2008-12-18 main reinvest 10 F for 300
        2009-10-01 main sell 210 F for 6720
        = 2009-10-01 main 160 F opened 2008-02-06: 5120 - 4000 = 1120 long
        = 2009-10-01 main 50 F opened 2008-08-07: 1600 - 1000 = 600 long
        > main 190 F opened 2008-08-07: 3800
        > main 10 F opened 2008-12-18: 300
    """,
    # ... and by average basis: 9,100 for 410 shares, 4,660.98 for the 210 sold.
    "Pub. 564, table 3: average basis": """
        2008-02-06 main buy 160 F for 4000
        2008-08-07 main buy 240 F for 4800
        2008-12-18 main reinvest 10 F for 300
        2009-10-01 main sell 210 F for 6720 by average
        = 2009-10-01 main 160 F opened 2008-02-06: 5120 - 3551.22 = 1568.78 long
        = 2009-10-01 main 50 F opened 2008-08-07: 1600 - 1109.76 = 490.24 long
        > main 190 F opened 2008-08-07: 4217.07
        > main 10 F opened 2008-12-18: 221.95
    """,
    # IRS Publication 564 (2009), single-category method: 300 shares for 4,800, 150 sold.
    "Pub. 564: an average basis of 16 a share": """
        2007-05-14 main buy 100 F for 1000
        2008-05-14 main buy 100 F for 1200
        2009-01-14 main buy 100 F for 2600
        2009-05-11 main sell 150 F for 3000 by average
        = 2009-05-11 main 100 F opened 2007-05-14: 2000 - 1600 = 400 long
        = 2009-05-11 main 50 F opened 2008-05-14: 1000 - 800 = 200 short
        > main 100 F opened 2009-01-14: 1600
        > main 50 F opened 2008-05-14: 800
    """,
    # The Tax Book forum, "Spinoff cost basis": one B for eleven A and 26.69 for 0.454545 of a B.
    # A basis of 44 for an A, of which B takes 10%, is ours.
    "The Tax Book: cash for a fraction of a spun-off share": """
        2016-02-01 main buy 49 A for 2156
        2017-08-04 main spinoff A B 1:11 10% for 26.69
        = 2017-08-04 main 0.45454545 B opened 2016-02-01: 26.69 - 22 = 4.69 long
        > main 49 A opened 2016-02-01: 1940.4
        > main 4 B opened 2016-02-01: 193.6
    """,
}
