"""Catalog of the error codes of first steps, accountants, clients, and rows recorded together."""

DESK_CODES = {
    "sample_beside_accounts": (
        "The household has accounts already. Sample data is for a household without any."
    ),
    "sample_present": "The household shows sample data. Remove it, then add the account.",
    "sample_not_found": "There is no sample data in the household. Reload the page.",
    "sample_unavailable": "No prices for the sample are known here. Add an account of your own.",
    "role_stays": "The role cannot be changed by its user. Register another address.",
    "accountant_not_found": "No accountant has this address, or the access has ended already.",
    "accountant_is_member": "A member of the household sees its taxes. Name someone else.",
    "accountants_too_many": "The household has the most accountants. End the access of one.",
    "years_invalid": "The list of tax years is empty, too long, or no list. Name 1 to 10 years.",
    "end_invalid": "The end of the access must be after today and within two years.",
    "client_unknown": "A chosen client is not in the list. Reload it and choose again.",
    "account_holds_cash_only": (
        "The account's type holds no securities. Record the trade in another account."
    ),
    "received_amount_required": (
        "The accounts have different currencies. State the amount that arrived."
    ),
    "received_amount_differs": "In one currency the same amount arrives. Leave it out.",
    "household_changed": "You have left the household meanwhile. Reload the page.",
    "goal_date_invalid": "The day of a goal must be next month to 50 years ahead.",
    "goal_not_found": "The goal does not exist, or is of another household.",
    "too_many_goals": "The household has the most goals. Delete one first.",
    "rate_missing": "No exchange rate between two currencies is known. Wait for one, or state it.",
    "months_too_few": "A projection needs 24 months of own returns. Wait, or import more.",
    "value_unknown": "The household has no value now: a price or a rate is missing.",
    "lots_not_chosen": "No lot is chosen. Enter a quantity for at least one.",
    "quantity_invalid": "The quantity is no number, or more than the lot has. Correct it.",
}
