"""Alternatives to our steps: `python -m benchmarks.scale.scale_peers peer folder percent`.

Each peer reads the same files as the step that it is compared with. It runs under a memory limit,
so that a peer that needs too much fails instead of exhausting the machine.
"""

import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import typer
from scipy import sparse

from benchmarks.scale.scale_project import BenchmarkShop, load_settings
from benchmarks.scale.scale_steps import (
    Numbers,
    read_histories,
    report,
    sample_customers,
    time_queries,
)
from benchmarks.scale.step_costs import OUT_OF_MEMORY
from hemline import columns, tables
from hemline.data.histories import load_histories
from hemline.errors import BadInput, full_disk_refused
from hemline.models.tfidf import article_texts

_ROWS: Final = 1000  # of the dense block of scores that linear_kernel makes at a time


def main(peer: str, folder: Path, percent: int) -> None:
    """Run one peer and store the numbers that it reports."""
    shop, limit = BenchmarkShop(folder, percent), int(load_settings()["max_gb"] * 1e9)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        with full_disk_refused(shop.root):
            report(shop, peer, PEERS[peer](shop) or {})
    except BadInput as refusal:
        typer.echo(str(refusal), err=True)
        raise SystemExit(OUT_OF_MEMORY) from None


def _read_csv(shop: BenchmarkShop) -> None:
    """Read the csv, with explicit types."""
    _read_transactions(shop)


def _map_ids(shop: BenchmarkShop) -> None:
    """Read the csv and map ids to numbers by factorize."""
    transactions = _read_transactions(shop)
    for name in (columns.CUSTOMER_ID, columns.ARTICLE_ID):
        transactions[name] = pd.factorize(transactions[name])[0]
    transactions.to_parquet(shop.root / "pandas.parquet")


def _read_transactions(shop: BenchmarkShop) -> pd.DataFrame:
    path = shop.kaggle / "transactions_train.csv"
    return pd.read_csv(path, dtype={columns.ARTICLE_ID: str}, parse_dates=[columns.DAY])


def _group_by(shop: BenchmarkShop) -> None:
    """Units and latest day per customer and article, the usual input of a sparse matrix."""
    import duckdb  # noqa: PLC0415

    query = f"""
        select customer, article, sum(units), max(t_dat)
        from read_parquet('{shop.prepared / "purchases.parquet"}')
        group by customer, article order by customer, article
    """  # noqa: S608  (a path of ours)
    duckdb.connect().execute(query).fetchnumpy()


def _cluster_rows(shop: BenchmarkShop) -> None:
    """Fit k-modes once, on one row per customer."""
    from kmodes.kmodes import KModes  # noqa: PLC0415

    from hemline.segments.attributes import ATTRIBUTES, customer_attributes  # noqa: PLC0415

    settings = load_settings()
    people = tables.read_table(shop.tables / "customers.parquet", tables.CUSTOMERS)
    rows = customer_attributes(people)[list(ATTRIBUTES)].to_numpy(str)
    model = KModes(settings["k_modes_clusters"], n_init=1, random_state=settings["seed"])
    model.fit(rows)


def _linear_kernel(shop: BenchmarkShop) -> None:
    from sklearn.metrics.pairwise import linear_kernel  # noqa: PLC0415

    vectors, n_similar = _text_vectors(shop), load_settings()["similar_articles"] + 1
    for start in range(0, vectors.shape[0], _ROWS):
        near = linear_kernel(vectors[start : start + _ROWS], vectors)
        best = np.argpartition(-near, n_similar, axis=1)[:, :n_similar]
        np.take_along_axis(near, best, axis=1)


def _topn(shop: BenchmarkShop) -> None:
    from sparse_dot_topn import sp_matmul_topn  # noqa: PLC0415

    vectors = _text_vectors(shop)
    n_similar = load_settings()["similar_articles"] + 1
    sp_matmul_topn(vectors, sparse.csr_matrix(vectors.T), top_n=n_similar, n_threads=2)


def _text_vectors(shop: BenchmarkShop) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    articles = tables.read_table(shop.tables / "articles.parquet", tables.ARTICLES)
    words = TfidfVectorizer(min_df=2, max_df=0.2, sublinear_tf=True, dtype=np.float32)
    return sparse.csr_matrix(words.fit_transform(article_texts(articles)))


def _implicit_cosine(shop: BenchmarkShop) -> None:
    from implicit.nearest_neighbours import CosineRecommender  # noqa: PLC0415

    units = load_histories(shop.prepared / "histories.npz").units
    bought = sparse.csr_matrix((np.ones_like(units.data), units.indices, units.indptr), units.shape)
    model = CosineRecommender(K=load_settings()["cosine_neighbours"] + 1)
    model.fit(bought, show_progress=False)


def _full_softmax(shop: BenchmarkShop) -> Numbers:
    """Train Mult-VAE in its usual form, but with sparse input: fp32, Adam, all logits."""
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415
    from torch.nn import functional as nnf  # noqa: PLC0415

    settings, units = load_settings(), load_histories(shop.prepared / "histories.npz").units
    hidden, latent = settings["width"]["hidden"], settings["width"]["latent"]
    torch.manual_seed(settings["seed"])
    first = nn.EmbeddingBag(units.shape[1], hidden, mode="sum")
    middle = nn.Sequential(nn.Tanh(), nn.Linear(hidden, 2 * latent))
    last = nn.Sequential(
        nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, int(units.shape[1]))
    )
    layers = nn.ModuleList([first, middle, last])
    optimizer = torch.optim.Adam(layers.parameters(), 1e-3)
    warm = np.flatnonzero(np.diff(units.indptr))
    order = np.random.default_rng(settings["seed"]).permutation(warm)

    def step(rows: np.ndarray) -> None:
        batch = units[rows]
        offsets = torch.tensor(batch.indptr[:-1], dtype=torch.int64)
        articles = torch.tensor(batch.indices, dtype=torch.int64)
        mean, log_variance = middle(first(articles, offsets)).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        likely = nnf.log_softmax(last(code), dim=1)
        target = torch.tensor(batch.toarray())
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        optimizer.zero_grad()
        (0.2 * kl - (likely * target).sum(dim=1)).mean().backward()
        optimizer.step()

    batches = [order[start : start + 500] for start in range(0, len(order), 500)]
    batches = batches[: settings["softmax_batches"] + 1]
    step(batches[0])
    start, cpu = time.perf_counter(), time.process_time()
    for rows in batches[1:]:
        step(rows)
    share = len(warm) / sum(map(len, batches[1:]))
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    return {"whole seconds": seconds * share, "whole cpu seconds": cpu_seconds * share}


def _implicit_topk(shop: BenchmarkShop) -> None:
    """Score the same table with the same vectors, the bias as one more column."""
    from implicit.cpu.topk import topk  # noqa: PLC0415

    vectors, table = _all_vectors(shop)
    bought = read_histories(shop).units[:, np.load(shop.scored / "offered.npy")]
    for start in range(0, len(vectors), _ROWS):
        rows = slice(start, start + _ROWS)
        topk(table, vectors[rows], load_settings()["list_length"], filter_query_items=bought[rows])


def _query_numpy(shop: BenchmarkShop) -> Numbers:
    """Query by a plain product with every article's vector in fp32, and its top 12."""
    settings = load_settings()
    vectors, table = _all_vectors(shop)
    customers = sample_customers(read_histories(shop), settings["queries"], settings["seed"])
    k = settings["list_length"]

    def query(row: int) -> None:
        scores = table @ vectors[row]
        best = np.argpartition(-scores, k)[:k]
        best[np.argsort(-scores[best])]

    return time_queries(query, customers)


def _all_vectors(shop: BenchmarkShop) -> tuple[np.ndarray, np.ndarray]:
    """Return a random vector per customer and the table of the scored model, bias included.

    The time of a product does not depend on the values of the vectors.
    """
    with np.load(shop.scored / "weights.npz") as weights:
        table = np.column_stack([weights["articles_out"], weights["bias_out"]])
    rng = np.random.default_rng(load_settings()["seed"])
    n_customers = load_histories(shop.prepared / "histories.npz").n_customers
    return rng.standard_normal((n_customers, table.shape[1]), np.float32), table


PEERS: Final[Mapping[str, Callable[[BenchmarkShop], Any]]] = {
    "pandas_csv": _read_csv,
    "pandas_ids": _map_ids,
    "duckdb_group_by": _group_by,
    "kmodes_rows": _cluster_rows,
    "sklearn_linear_kernel": _linear_kernel,
    "sparse_dot_topn": _topn,
    "implicit_cosine": _implicit_cosine,
    "full_softmax": _full_softmax,
    "implicit_topk": _implicit_topk,
    "numpy_answer": _query_numpy,
}

if __name__ == "__main__":
    typer.run(main)
