"""A generated shop of another kind than H&M's: the raw lines of a gift shop's till.

It shows and tests what `source` describes: articles known by a text alone, no demographics, guests,
returns, quantities, wholesalers who order the same again, days on which the shop is closed.
"""
