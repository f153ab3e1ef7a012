"""The meaning of the fields of harvests: opportunities, calendar, losses of a year."""

HARVESTING: dict[str, str] = {
    "offered": "Whether the loss is worth harvesting; `true` in a query: only these.",
    "explanation": "Sentence for people that explains the reason.",
    "HarvestOpportunityRead.quantity": "Units to sell; null if it is refused.",
    "loss": "Recognized loss of the sale, at least 0.",
    "loss_short_term": "Short-term part of the loss.",
    "loss_long_term": "Long-term part of the loss.",
    "tax_now": "Tax of this year that the loss saves, from the recomputed Schedule D.",
    "tax_carried": "Today's value of the part that later years deduct from income.",
    "tax_later": "Today's value of the tax that comes back, because the basis is lower.",
    "costs": "Costs of all four orders of the round trip.",
    "net_benefit": "tax_now + tax_carried - tax_later - costs; null if it was not worked out.",
    "net_benefit_percentage": "Net benefit in percent of the value sold.",
    "turns_long_term_date": "Day from which the first of its short-term lots is long-term.",
    "replacement": "Security to hold meanwhile; null if there is none.",
    "correlation": "Correlation of daily returns with the security sold.",
    "tracking_error": "Yearly standard deviation of the difference of returns, as a fraction.",
    "sessions": "Sessions that the comparison rests on.",
    "expense_difference": (
        "Yearly charge of the replacement less that of the security sold, as a fraction; null if "
        "one of them is not known."
    ),
    "risk": (
        "One standard deviation of the difference in value over the 31 days, in the account's "
        "currency."
    ),
    "first_safe_date": "First day on which a purchase washes no loss; null if none is at stake.",
    "HarvestCalendarRead.kind": "Kind of the entry.",
    "HarvestCalendarRead.from": "First day.",
    "HarvestCalendarRead.until": "Last day; the same as the first for an entry of one day.",
    "HarvestCalendarRead.reason": "Sentence that explains the entry.",
    "HarvestCalendarRead.quantity": "Units that become long-term; null for other kinds.",
    "HarvestLedgerRead.returns": "The losses of each return of the household.",
    "owner_names": "Names of the people on the return.",
    "harvested_short_term": "Short-term losses recognized in the year.",
    "harvested_long_term": "Long-term losses recognized in the year.",
    "gains_short_term": "Short-term gains recognized in the year, before losses.",
    "gains_long_term": "Long-term gains recognized in the year, before losses.",
    "carried_in_short_term": "Short-term losses of earlier years.",
    "carried_in_long_term": "Long-term losses of earlier years.",
    "used_against_gains": "Gains of the year that losses have offset.",
    "used_against_income": "Loss deducted from other income (Schedule D, line 21).",
    "income_limit": "Most that may be deducted from other income (IRC 1211(b)).",
    "carried_out_short_term": "Short-term losses left for later years.",
    "carried_out_long_term": "Long-term losses left for later years.",
    "tax_saved": "Tax of the year without its own losses, less the tax with them.",
}
