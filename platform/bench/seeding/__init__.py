"""A population of any size, its ledger and its targets, loaded set by set.

`population.py` draws everything with numpy, portion by portion, and the same seed draws the same.
`forms.py` writes rows in PostgreSQL's binary COPY form. `tables.py` names the columns of each
table. `indexes.py` takes indexes off a table and puts them back. `loading.py` puts it together.
"""
