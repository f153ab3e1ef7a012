"""The reference of the API: what each field means, examples that work, the guide, the codes."""
