"""The category names and codes of the Kaggle tables, with shares and typical prices.

The tables lie as csv files in `assortment/`, where a merchandiser can read them. Names, codes and
their hierarchy are those of the genuine data; the shares are rounded measurements of it. There are
fewer departments (one to three per section instead of 299 numbers), every name has exactly one
number, and a colour group determines its perceived value and master, where the genuine table has
several of each.
"""

from importlib.resources import files
from typing import Final

import pandas as pd


def read_assortment(name: str) -> pd.DataFrame:
    """Return a table of `assortment/`, indexed by its first column."""
    with (files(__package__) / "assortment" / f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, index_col=0, keep_default_na=False, float_precision="round_trip")


INDICES: Final = read_assortment("indices")
"""By code: name, group_no, group_name, share of the articles."""
GARMENT_GROUPS: Final = read_assortment("garment_groups")
"""By name: number, and sales of an article relative to other groups in the same index."""
TYPES: Final = read_assortment("product_types")
"""By name: number, product_group, family of descriptions, typical ticket price."""
SECTIONS: Final = read_assortment("sections")
"""By name: number."""
GRAPHICS: Final = read_assortment("graphical_appearances")
"""By name: number, share of the articles, phrase in a description."""
COLOURS: Final = read_assortment("colours")
"""By name: code, perceived value and master, share of the articles, relative sales."""
LINES: Final = read_assortment("product_lines").reset_index()
"""A department's line of clothes: index_code, section, department, garment_group, share of the
index's articles, and types with the weight of each behind its name."""
