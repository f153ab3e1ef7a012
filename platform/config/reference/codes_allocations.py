"""Error codes of the risk questionnaire and of target weights from a model."""

CODES: dict[str, str] = {
    "answers_incomplete": "Some questions have no answer. Answer all of them.",
    "answer_unknown": "An answer is not among the choices. Read the questions again.",
    "symbols_missing": "The request names no symbols. Send symbols, or an account with holdings.",
    "too_few_symbols": "A model needs at least two symbols. Add another one.",
    "bounds_unknown_symbol": "Bounds are for symbols of the model, each once. Correct them.",
    "bounds_crossed": "A lower bound is above its upper bound. Correct it.",
    "bounds_infeasible": (
        "No weights within the bounds sum to 100 percent. Lower the lower ones or raise the upper."
    ),
    "history_missing": "A symbol has no stored price history. Leave it out.",
    "history_too_short": (
        "Less than a year of sessions has prices of every symbol. Leave out the youngest one."
    ),
    "history_unavailable": "A part of the price history cannot be read now. Try again later.",
    "prices_never_move": "The prices of a symbol never move. Leave it out.",
    "fits_running": "Three models are being fitted already. Wait for one of them.",
    "allocation_not_found": "The model does not exist, or you have no access to it.",
    "allocation_not_fitted": "The model is not fitted. Wait for its job, or fit it again.",
    "allocation_of_another_household": (
        "The account belongs to another household than the model. Fit a model there."
    ),
}
