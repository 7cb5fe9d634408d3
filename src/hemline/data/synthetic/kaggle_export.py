"""A shop as Kaggle's three csv files: the same column order, empty nulls and ids.

Prices are float32 in their shortest form, so that reading them back gives the same number;
Kaggle's own files carry more digits of the same price.
"""

from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from hemline import columns
from hemline.data.synthetic.shop import GeneratedShop

_ROWS_AT_A_TIME: Final = 1 << 20


def write_kaggle_files(shop: GeneratedShop, folder: Path) -> None:
    """Write articles.csv, customers.csv and transactions_train.csv into the folder.

    Product codes have no leading zero, as in Kaggle's file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    code = shop.articles[columns.PRODUCT_CODE].str.lstrip("0")
    articles = shop.articles.assign(**{columns.PRODUCT_CODE: code})
    articles.to_csv(folder / "articles.csv", index=False, lineterminator="\n")
    shop.customers.to_csv(folder / "customers.csv", index=False, lineterminator="\n")
    _write_transactions(shop, folder / "transactions_train.csv")


def _write_transactions(shop: GeneratedShop, path: Path) -> None:
    customer_ids = pa.array(shop.customers[columns.CUSTOMER_ID], pa.string())
    article_ids = pa.array(shop.articles[columns.ARTICLE_ID], pa.string())
    bare = csv.WriteOptions(include_header=False, quoting_style="none")
    names = [columns.DAY, columns.CUSTOMER_ID, columns.ARTICLE_ID, columns.PRICE, columns.CHANNEL]
    with path.open("wb") as file:
        file.write((",".join(names) + "\n").encode())
        for start in range(0, len(shop.transactions), _ROWS_AT_A_TIME):
            rows = shop.transactions.iloc[start : start + _ROWS_AT_A_TIME]
            csv.write_csv(_spell(rows, customer_ids, article_ids), file, bare)


def _spell(rows: pd.DataFrame, customer_ids: pa.Array, article_ids: pa.Array) -> pa.Table:
    return pa.table(
        {
            columns.DAY: pa.array(rows[columns.DAY]).cast(pa.date32()),
            columns.CUSTOMER_ID: customer_ids.take(pa.array(rows[columns.CUSTOMER])),
            columns.ARTICLE_ID: article_ids.take(pa.array(rows[columns.ARTICLE])),
            columns.PRICE: pa.array(rows[columns.PRICE]),
            columns.CHANNEL: pa.array(rows[columns.CHANNEL]),
        }
    )
