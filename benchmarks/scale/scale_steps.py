"""Steps that are not stages: `python -m benchmarks.scale.scale_steps step folder percent`.

Each step runs in a process of its own and may report its own numbers, such as percentiles; those
are written to reported/<step>.json of the folder.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import typer

from benchmarks.scale.scale_project import BenchmarkShop, load_settings
from benchmarks.scale.step_costs import report_path
from hemline import columns, tables
from hemline.data.histories import Histories, load_histories
from hemline.data.history_building import build_histories
from hemline.data.split import DataParams
from hemline.data.synthetic.kaggle_export import write_kaggle_files
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.models.recommender import Recommender

Numbers = Mapping[str, float]

_ALL_DAYS: Final = 100_000
_CUSTOMERS_AT_A_TIME: Final = 50_000


def main(step: str, folder: Path, percent: int) -> None:
    """Run one step and store the numbers that it reports."""
    shop = BenchmarkShop(folder, percent)
    report(shop, step, STEPS[step](shop) or {})


def report(shop: BenchmarkShop, step: str, numbers: Numbers) -> None:
    """Store the numbers that a step reports."""
    path = report_path(shop, step)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dict(numbers)), encoding="utf-8")


def read_histories(shop: BenchmarkShop) -> Histories:
    """Return the histories at the cut, with segments."""
    segments = tables.read_table(shop.segments, tables.SEGMENTS)
    return load_histories(shop.prepared / "histories.npz", segments)


def time_queries(query: Callable[[int], None], customers: np.ndarray) -> Numbers:
    """Return percentiles of the time per query, and its mean CPU time, which is less noisy.

    The first query loads the model and is not counted.
    """
    query(int(customers[0]))
    seconds, cpu = [], time.process_time()
    for row in customers:
        start = time.perf_counter()
        query(int(row))
        seconds.append(time.perf_counter() - start)
    cpu_ms = (time.process_time() - cpu) * 1000 / len(customers)
    p50, p99 = np.percentile(np.array(seconds) * 1000, [50, 99])
    return {"p50 ms": float(p50), "p99 ms": float(p99), "cpu ms": cpu_ms}


def sample_customers(histories: Histories, n: int, seed: int) -> np.ndarray:
    """Return the rows of n customers with a history, drawn at random."""
    warm = np.flatnonzero(~histories.is_cold())
    return np.random.default_rng(seed).choice(warm, min(n, len(warm)), replace=False)


def _generate(shop: BenchmarkShop) -> None:
    generate_shop(SyntheticParams.load(shop.params))


def _write_csv(shop: BenchmarkShop) -> None:
    write_kaggle_files(generate_shop(SyntheticParams.load(shop.params)), shop.kaggle)


def _build_histories(shop: BenchmarkShop) -> None:
    """Build the histories from the columns that the peer reads too."""
    cut = DataParams.load(shop.params).cut
    needed = (columns.DAY, columns.CUSTOMER, columns.ARTICLE, columns.UNITS)
    schema = pa.schema([tables.PURCHASES.field(name) for name in needed])
    purchases = tables.read_table(shop.prepared / "purchases.parquet", schema)
    known = load_histories(shop.prepared / "test.npz")
    build_histories(purchases, cut=cut, n_customers=known.n_customers, n_articles=known.n_articles)


def _fit_cosine(shop: BenchmarkShop) -> None:
    """Fit plain item-item cosine as the peer does: all days, no shrinkage."""
    from hemline.models.copurchase import CopurchaseParams, fit_copurchase  # noqa: PLC0415

    params = CopurchaseParams.load(shop.params)
    n_neighbours = load_settings()["cosine_neighbours"]
    plain = {"offered_days": _ALL_DAYS, "shrinkage": 0.0, "neighbours": n_neighbours}
    fit_copurchase(load_histories(shop.prepared / "histories.npz"), params.model_copy(update=plain))


def _fit_item_knn(shop: BenchmarkShop) -> None:
    from hemline.models.item_knn import ItemKnnParams, fit_item_knn  # noqa: PLC0415

    known = load_histories(shop.prepared / "histories.npz")
    fit_item_knn(known, ItemKnnParams.load(shop.params))


def _fit_rp3beta(shop: BenchmarkShop) -> None:
    from hemline.models.item_knn import Rp3betaParams, fit_rp3beta  # noqa: PLC0415

    known = load_histories(shop.prepared / "histories.npz")
    fit_rp3beta(known, Rp3betaParams.load(shop.params))


def _fit_ease(shop: BenchmarkShop) -> Numbers:
    from hemline.models.ease import EaseParams, fit_ease  # noqa: PLC0415

    known = load_histories(shop.prepared / "histories.npz")
    fitted = fit_ease(known, EaseParams.load(shop.params))
    read, offered = len(fitted.read), len(fitted.offered)
    return {"articles read": read, "articles offered": offered}


def _train_epoch(shop: BenchmarkShop) -> Numbers:
    """Train one epoch on all customers, with every article offered."""
    return {"customers": _fit_cvae(shop, load_settings()["width"], None)}


def _fit_scored(shop: BenchmarkShop) -> None:
    _fit_cvae(shop, load_settings()["scored"], shop.scored)


def _fit_cvae(shop: BenchmarkShop, width: dict[str, int], saved: Path | None) -> int:
    from hemline.models.cvae.cvae_params import CvaeParams  # noqa: PLC0415
    from hemline.models.cvae.cvae_training import fit_cvae_for  # noqa: PLC0415

    known = read_histories(shop)
    everything = {"on_sale_days": _ALL_DAYS, "epoch_customers": known.n_customers}
    params = CvaeParams.load(shop.params)
    model = fit_cvae_for(
        known,
        params.model_copy(update={**width, **everything}),
        n_conditions=int(known.clusters.max()) + 1,
        n_epochs=1,
    )
    if saved is not None:
        saved.mkdir(exist_ok=True)
        model.save(saved)
    return int((~known.is_cold()).sum())


def _list_all(shop: BenchmarkShop) -> Numbers:
    """Make all lists, bought articles included; they are counted and not stored."""
    return _listed(_load_scored(shop), read_histories(shop))


def _list_without_bought(shop: BenchmarkShop) -> Numbers:
    from hemline.models.exclude_bought import ExcludeBought  # noqa: PLC0415

    return _listed(ExcludeBought(_load_scored(shop)), read_histories(shop))


def _listed(model: Recommender, histories: Histories) -> Numbers:
    n_listed, k = 0, load_settings()["list_length"]
    for start in range(0, histories.n_customers, _CUSTOMERS_AT_A_TIME):
        rows = np.arange(start, min(start + _CUSTOMERS_AT_A_TIME, histories.n_customers))
        n_listed += int((model.recommend(histories.rows(rows), k).articles >= 0).sum())
    return {"lists": histories.n_customers, "articles listed": n_listed}


def _query_model(shop: BenchmarkShop) -> Numbers:
    """Query the loaded model alone: encode, score every article, top 12."""
    settings = load_settings()
    histories, model = read_histories(shop), _load_scored(shop)
    customers = sample_customers(histories, settings["queries"], settings["seed"])

    def query(row: int) -> None:
        model.recommend(histories.rows(np.array([row])), settings["list_length"])

    return time_queries(query, customers)


def _query_storefront(shop: BenchmarkShop) -> Numbers:
    """Query the storefront: with the ranker and the names of the articles."""
    from hemline.serving.version_files import VersionFiles  # noqa: PLC0415
    from hemline.storefront import Storefront  # noqa: PLC0415

    settings = load_settings()
    files = {
        "models": shop.root / "models",
        "articles": shop.tables / "articles.parquet",
        "customer_keys": shop.tables / "customer_keys.parquet",
        "segments": shop.segments,
        "histories": shop.prepared / "histories.npz",
        "params": shop.params,
    }
    storefront = Storefront(VersionFiles.of(files))
    customers = sample_customers(read_histories(shop), settings["queries"], settings["seed"])

    def query(row: int) -> None:
        storefront.for_key(row, settings["list_length"])

    return time_queries(query, customers)


def _load_scored(shop: BenchmarkShop) -> Any:
    from hemline.models.cvae.cvae import Cvae  # noqa: PLC0415

    return Cvae.load(shop.scored)


STEPS: Final[Mapping[str, Callable[[BenchmarkShop], Numbers | None]]] = {
    "generator": _generate,
    "kaggle_files": _write_csv,
    "histories": _build_histories,
    "cosine": _fit_cosine,
    "item_knn": _fit_item_knn,
    "rp3beta": _fit_rp3beta,
    "ease": _fit_ease,
    "cvae_epoch": _train_epoch,
    "scored_model": _fit_scored,
    "all_lists": _list_all,
    "all_lists_without_bought": _list_without_bought,
    "one_query": _query_model,
    "served_query": _query_storefront,
}

if __name__ == "__main__":
    typer.run(main)
