"""Target weights from a model: a questionnaire, price history, and evidence out of sample. Pure."""
