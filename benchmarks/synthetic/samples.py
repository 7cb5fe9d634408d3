"""Samples of customers with their purchases, genuine or generated, in one form.

Samples are compared at equal size: some figures, as the reach of a best seller, depend on the
number of baskets. Nothing of the genuine data is written but aggregates.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from hemline.data.synthetic.shop import GeneratedShop
from hemline.errors import BadInput

TRAITS: Final = (
    "department_no",
    "section_no",
    "garment_group_no",
    "product_type_no",
    "index_code",
    "colour_group_code",
    "graphical_appearance_no",
)
WEEK: Final = (pd.Timestamp(2020, 9, 16), pd.Timestamp(2020, 9, 22))
_SAMPLE: Final = Path("hm-sample")
_FILES: Final = (
    _SAMPLE / "articles.csv.zip",
    _SAMPLE / "customers.csv.zip",
    _SAMPLE / "transactions_train.csv.zip",
    Path("hm-week") / "baskets.csv.zip",
)


@dataclass(frozen=True)
class Sample:
    """Customers and what they bought.

    Attributes:
        rows: one per unit: customer (int64), t_dat, article (int64), product (int64) and the
            columns of the articles; price and sales_channel_id where they are known.
        customers: one row per customer, Kaggle's columns; empty where nothing is known of them.
    """

    rows: pd.DataFrame
    customers: pd.DataFrame

    @property
    def pairs(self) -> pd.DataFrame:
        """Distinct articles a customer and day."""
        return self.rows.drop_duplicates(["customer", "t_dat", "article"])


def read_genuine(data: Path) -> tuple[Sample, Sample]:
    """Return the sample of whole histories and the week of the genuine data.

    Raises:
        BadInput: a file is missing.
    """
    missing = [str(each) for each in _FILES if not (data / each).is_file()]
    if missing:
        raise BadInput(
            f"the folder of genuine data holds {', '.join(map(str, _FILES))}",
            found=f"no {', no '.join(missing)}",
            fix="make bench-synthetic DATA=<the folder above hm-sample and hm-week>",
        )
    frames = [pd.read_csv(data / each, dtype={"article_id": str}) for each in _FILES]
    articles, customers, transactions, week = frames
    history = transactions.rename(columns={"customer_id": "customer"})
    return (
        Sample(_described(history, articles), customers),
        Sample(_described(week, articles), customers.iloc[:0]),
    )


def draw_sample(shop: GeneratedShop, n_customers: int, rng: np.random.Generator) -> Sample:
    """Return n_customers of the shop who bought something, with all they bought."""
    buyers = shop.transactions["customer"].unique()
    chosen = rng.choice(buyers, min(n_customers, len(buyers)), replace=False)
    rows = shop.transactions[shop.transactions["customer"].isin(chosen)]
    articles = shop.articles.reset_index(names="article")
    merged = rows.merge(articles, on="article")
    return Sample(_coded(merged.drop(columns="article")), shop.customers.iloc[np.sort(chosen)])


def week_of(shop: GeneratedShop) -> Sample:
    """Return the buyers of the last week of a shop and what they bought in it."""
    rows = shop.transactions[shop.transactions["t_dat"] >= WEEK[0]]
    merged = rows.merge(shop.articles.reset_index(names="article"), on="article")
    return Sample(_coded(merged.drop(columns="article")), shop.customers.iloc[:0])


def reduced(sample: Sample, n_customers: int, rng: np.random.Generator) -> Sample:
    """Return at most n_customers of a sample."""
    every = sample.rows["customer"].unique()
    if len(every) <= n_customers:
        return sample
    chosen = rng.choice(every, n_customers, replace=False)
    return Sample(sample.rows[sample.rows["customer"].isin(chosen)], sample.customers)


def _described(rows: pd.DataFrame, articles: pd.DataFrame) -> pd.DataFrame:
    return _coded(rows.merge(articles, on="article_id"))


def _coded(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        t_dat=pd.to_datetime(rows["t_dat"]),
        customer=pd.factorize(rows["customer"])[0],
        article=pd.factorize(rows["article_id"])[0],
        product=pd.factorize(rows["product_code"].astype(str).str.lstrip("0"))[0],
    ).drop(columns=["detail_desc", "prod_name"])
