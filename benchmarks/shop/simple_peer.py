"""The peer of `make bench-shop`: implicit behind FastAPI, as its documentation shows it.

No sessions, filters, reasons or fallbacks; one model, whose users are those of the training.
Started as `python -m uvicorn benchmarks.shop.simple_peer:app` in the folder of a trained project.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from fastapi import FastAPI, HTTPException, Query
from implicit.als import AlternatingLeastSquares
from pydantic import BaseModel

from hemline import columns
from hemline.data.histories import load_histories

_DATA = Path("data")


class Recommended(BaseModel):
    """One article of a list."""

    article_id: str
    name: str
    score: float


def _fitted() -> FastAPI:
    purchases = load_histories(_DATA / "prepared" / "histories.npz").units
    keys = pd.read_parquet(_DATA / "tables" / "customer_keys.parquet")
    customers = dict(zip(keys[columns.CUSTOMER_ID], keys[columns.CUSTOMER], strict=True))
    articles = pd.read_parquet(_DATA / "tables" / "articles.parquet")
    ids, names = articles[columns.ARTICLE_ID].tolist(), articles["prod_name"].tolist()
    model = AlternatingLeastSquares(factors=32, iterations=15, random_state=7, num_threads=1)
    model.fit(purchases, show_progress=False)
    app = FastAPI()

    @app.get("/recommendations/{customer_id}")
    def recommend(
        customer_id: str, k: Annotated[int, Query(ge=1, le=100)] = 12
    ) -> list[Recommended]:
        """Return the k articles with the highest scores."""
        customer = customers.get(customer_id)
        if customer is None or customer >= purchases.shape[0]:
            raise HTTPException(404, "no such customer")
        found, scores = model.recommend(customer, purchases[customer], N=k)
        return [
            Recommended(article_id=ids[article], name=names[article], score=score)
            for article, score in zip(np.asarray(found), np.asarray(scores), strict=True)
        ]

    return app


app = _fitted()
