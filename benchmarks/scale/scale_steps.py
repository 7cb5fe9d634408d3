"""Measured besides the stages: `python -m benchmarks.scale.scale_steps step folder percent`.

Each step is a process of its own and may tell numbers of its own, such as percentiles; those go to
told/<step>.json of the folder.
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
from hemline import columns, tables
from hemline.data.histories import Histories, build_histories, load_histories
from hemline.data.split import DataParams
from hemline.data.synthetic.kaggle_export import write_kaggle_files
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.models.recommender import Recommender

Told = Mapping[str, float]

_ALL_DAYS: Final = 100_000
_COUNTED_AT_ONCE: Final = 50_000  # customers whose lists are held at a time


def main(step: str, folder: Path, percent: int) -> None:
    """Run one step and keep what it tells."""
    shop = BenchmarkShop(folder, percent)
    tell(shop, step, STEPS[step](shop) or {})


def tell(shop: BenchmarkShop, step: str, told: Told) -> None:
    """Write told/<step>.json."""
    path = shop.root / "told" / f"{step}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dict(told)), encoding="utf-8")


def read_histories(shop: BenchmarkShop) -> Histories:
    """Return the histories at the cut, with segments."""
    segments = tables.read_table(shop.segments, tables.SEGMENTS)
    return load_histories(shop.prepared / "histories.npz", segments)


def timed(answer: Callable[[int], None], asked: np.ndarray) -> Told:
    """Return percentiles over those asked, and the mean of CPU time, which a busy machine leaves.

    The first answer loads and is not counted.
    """
    answer(int(asked[0]))
    seconds, cpu = [], time.process_time()
    for row in asked:
        start = time.perf_counter()
        answer(int(row))
        seconds.append(time.perf_counter() - start)
    cpu_ms = (time.process_time() - cpu) * 1000 / len(asked)
    p50, p99 = np.percentile(np.array(seconds) * 1000, [50, 99])
    return {"p50 ms": float(p50), "p99 ms": float(p99), "cpu ms": cpu_ms}


def asked_customers(histories: Histories, n: int, seed: int) -> np.ndarray:
    """Return the rows of n customers with a history, drawn evenly."""
    warm = np.flatnonzero(~histories.is_cold())
    return np.random.default_rng(seed).choice(warm, min(n, len(warm)), replace=False)


def _generate(shop: BenchmarkShop) -> None:
    generate_shop(SyntheticParams.load(shop.params))


def _write_csv(shop: BenchmarkShop) -> None:
    write_kaggle_files(generate_shop(SyntheticParams.load(shop.params)), shop.kaggle)


def _build_histories(shop: BenchmarkShop) -> None:
    """From the columns that the peer reads too."""
    cut = DataParams.load(shop.params).cut
    needed = (columns.DAY, columns.CUSTOMER, columns.ARTICLE, columns.UNITS)
    schema = pa.schema([tables.PURCHASES.field(name) for name in needed])
    purchases = tables.read_table(shop.prepared / "purchases.parquet", schema)
    known = load_histories(shop.prepared / "test.npz")
    build_histories(purchases, cut=cut, n_customers=known.n_customers, n_articles=known.n_articles)


def _fit_cosine(shop: BenchmarkShop) -> None:
    """Plain item-item cosine, as the peer computes it: all days, nothing shrunk."""
    from hemline.models.copurchase import CopurchaseParams, fit_copurchase  # noqa: PLC0415

    params = CopurchaseParams.load(shop.params)
    n_kept = load_settings()["cosine_neighbours"]
    plain = {"offered_days": _ALL_DAYS, "shrinkage": 0.0, "neighbours": n_kept}
    fit_copurchase(load_histories(shop.prepared / "histories.npz"), params.model_copy(update=plain))


def _fit_item_knn(shop: BenchmarkShop) -> None:
    from hemline.models.item_knn import ItemKnnParams, fit_item_knn  # noqa: PLC0415

    known = load_histories(shop.prepared / "histories.npz")
    fit_item_knn(known, ItemKnnParams.load(shop.params))


def _fit_rp3beta(shop: BenchmarkShop) -> None:
    from hemline.models.item_knn import Rp3betaParams, fit_rp3beta  # noqa: PLC0415

    known = load_histories(shop.prepared / "histories.npz")
    fit_rp3beta(known, Rp3betaParams.load(shop.params))


def _fit_ease(shop: BenchmarkShop) -> Told:
    from hemline.models.ease import EaseParams, fit_ease  # noqa: PLC0415

    known = load_histories(shop.prepared / "histories.npz")
    read, offered = fit_ease(known, EaseParams.load(shop.params)).weights.shape
    return {"articles read": read, "articles offered": offered}


def _train_epoch(shop: BenchmarkShop) -> Told:
    """One epoch over everybody, every article offered."""
    return {"customers": _fit_cvae(shop, load_settings()["width"], None)}


def _fit_scored(shop: BenchmarkShop) -> None:
    _fit_cvae(shop, load_settings()["scored"], shop.scored)


def _fit_cvae(shop: BenchmarkShop, width: dict[str, int], saved: Path | None) -> int:
    from hemline.models.cvae.cvae_training import CvaeParams, fit_cvae_for  # noqa: PLC0415

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


def _score_everybody(shop: BenchmarkShop) -> Told:
    """Bought articles stay in the lists, which are counted and dropped."""
    return _listed(_load_scored(shop), read_histories(shop))


def _score_unseen(shop: BenchmarkShop) -> Told:
    from hemline.models.exclude_bought import ExcludeBought  # noqa: PLC0415

    return _listed(ExcludeBought(_load_scored(shop)), read_histories(shop))


def _listed(model: Recommender, histories: Histories) -> Told:
    n_listed, k = 0, load_settings()["list_length"]
    for start in range(0, histories.n_customers, _COUNTED_AT_ONCE):
        rows = np.arange(start, min(start + _COUNTED_AT_ONCE, histories.n_customers))
        n_listed += int((model.recommend(histories.rows(rows), k).articles >= 0).sum())
    return {"lists": histories.n_customers, "articles listed": n_listed}


def _answer_one(shop: BenchmarkShop) -> Told:
    """Encode, score every article, top 12: the model alone, loaded and warm."""
    settings = load_settings()
    histories, model = read_histories(shop), _load_scored(shop)
    asked = asked_customers(histories, settings["answers"], settings["seed"])

    def answer(row: int) -> None:
        model.recommend(histories.rows(np.array([row])), settings["list_length"])

    return timed(answer, asked)


def _answer_served(shop: BenchmarkShop) -> Told:
    """The same through the storefront: ranker, names of articles and all."""
    from hemline.storefront import Storefront, VersionFiles  # noqa: PLC0415

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
    asked = asked_customers(read_histories(shop), settings["answers"], settings["seed"])

    def answer(row: int) -> None:
        storefront.for_key(row, settings["list_length"])

    return timed(answer, asked)


def _load_scored(shop: BenchmarkShop) -> Any:
    from hemline.models.cvae.cvae import Cvae  # noqa: PLC0415

    return Cvae.load(shop.scored)


STEPS: Final[Mapping[str, Callable[[BenchmarkShop], Told | None]]] = {
    "generator": _generate,
    "kaggle_files": _write_csv,
    "histories": _build_histories,
    "cosine": _fit_cosine,
    "item_knn": _fit_item_knn,
    "rp3beta": _fit_rp3beta,
    "ease": _fit_ease,
    "cvae_epoch": _train_epoch,
    "scored_model": _fit_scored,
    "everybody": _score_everybody,
    "everybody_unseen": _score_unseen,
    "one_answer": _answer_one,
    "served_answer": _answer_served,
}

if __name__ == "__main__":
    typer.run(main)
