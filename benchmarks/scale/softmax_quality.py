"""`python -m benchmarks.scale.softmax_quality`: does the sampled softmax cost quality?

Each fit of settings.yaml is trained on everything before the cut for a fixed number of epochs,
scored on the week after it and compared with the first fit, the full softmax. There is no early
stopping, which would be a second difference. Scores are stored per fit, so a killed run can resume.
"""

import json
import time
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import typer

from benchmarks.record import Row, commit, publish, rows_of
from benchmarks.scale.scale_project import SHOPS, BenchmarkShop, load_settings
from benchmarks.scale.scale_steps import read_histories
from hemline.data.histories import Histories, load_histories
from hemline.errors import BadInput
from hemline.evaluation.protocol import AP, recommend_in_batches, score_customers
from hemline.evaluation.significance import bootstrap_means, interval
from hemline.models.cvae.cvae_params import CvaeParams
from hemline.models.cvae.cvae_training import fit_cvae_for
from hemline.models.popularity import PopularityParams, fit_popularity
from hemline.models.recommender import Recommender
from hemline.stages.command import run

Values = npt.NDArray[np.float64]
METRICS: Final = ("recall@20", "ndcg@20", AP)


class Scored(NamedTuple):
    """CPU time and commit of a fit, and METRICS of each buyer, shape (buyers, metrics)."""

    cpu_seconds: float
    commit: str
    values: Values


Scores = Mapping[tuple[str, int], Scored]


def main(
    *,
    folder: Annotated[Path, typer.Option(help="Shops of benchmarks.scale.")] = SHOPS,
    write: Annotated[bool, typer.Option(help="Write results/scale-quality.json.")] = True,
) -> None:
    """Make the fits without stored scores, then print and write the results of all fits."""
    settings = load_settings()["quality"]
    shop = BenchmarkShop(folder / f"{settings['percent']}", settings["percent"])
    if not shop.segments.exists():
        raise BadInput(
            "the folder of the shop has histories and segments",
            found=f"no {shop.segments}",
            fix=f"run python -m benchmarks.scale --sizes {shop.percent} first",
        )
    known, bought = read_histories(shop), load_histories(shop.prepared / "test.npz")
    scores = scores_of(shop, settings, known, bought)
    popularity = fit_popularity(known, PopularityParams.load(shop.params))
    rows = list(compared(scores, settings, _scored(popularity, known, bought)))
    commits = ", ".join(sorted({scored.commit for scored in scores.values()}))
    notes = [
        f"Generated shop of {known.n_customers:,} customers; lists for the buyers of one week.",
        "Standard errors over buyers; those and 95 % intervals of differences by paired bootstrap.",
        f"CPU seconds of the fit alone. Fitted by commit {commits}.",
    ]
    publish("scale-quality" if write else None, rows, notes=notes)


def scores_of(
    shop: BenchmarkShop, settings: Mapping[str, Any], known: Histories, bought: Histories
) -> Scores:
    """Return every fit's scores by name and seed: all of one seed before those of the next."""
    params, scores = CvaeParams.load(shop.params).model_dump(), {}
    for seed, (name, fit) in product(settings["seeds"], settings["fits"].items()):
        if seed in fit["seeds"]:
            changed = CvaeParams.model_validate({**params, **fit["changes"], "seed": seed})
            path = shop.root / "quality" / f"{name}, seed {seed}.json"
            scores[name, seed] = _stored_or_fitted(path, changed, fit["epochs"], known, bought)
    return scores


def compared(scores: Scores, settings: Mapping[str, Any], popularity: Values) -> Iterator[Row]:
    """Yield means, paired differences to the first fit, and differences between seeds."""
    case, rng = "the week after the cut", np.random.default_rng(settings["seed"])
    yield from rows_of(case, "popularity", dict(zip(METRICS, popularity.T, strict=True)))
    for (name, seed), scored in scores.items():
        model, values = f"{name}, seed {seed}", dict(zip(METRICS, scored.values.T, strict=True))
        yield from rows_of(case, model, values)
        yield Row(case, model, "cpu seconds", scored.cpu_seconds, None)
    for case, name, gained in _differences(scores, settings["seeds"]):
        draws = bootstrap_means(gained, n_samples=settings["bootstrap_samples"], rng=rng)
        low, high = interval(draws, least=-1, most=1)
        means, errors = gained.mean(0), draws.means.std(0)
        for metric, *each in zip(METRICS, means, errors, low, high, strict=True):
            mean, stderr, start, end = map(float, each)
            yield Row(case, name, metric, mean, stderr)
            yield Row(case, name, f"{metric} from", start, None)
            yield Row(case, name, f"{metric} to", end, None)


def _differences(scores: Scores, seeds: list[int]) -> Iterator[tuple[str, str, Values]]:
    """Yield case, name and each buyer's difference, also averaged where a fit has all seeds."""
    first, *others = dict.fromkeys(name for name, _ in scores)
    for name in others:
        shared = [seed for seed in seeds if (name, seed) in scores]
        gained = [scores[name, seed].values - scores[first, seed].values for seed in shared]
        for seed, each in zip(shared, gained, strict=True):
            yield f"minus {first}", f"{name}, seed {seed}", each
        if len(shared) > 1:
            yield f"minus {first}", f"{name}, mean of seeds", np.mean(gained, axis=0)
    for name in (first, *others):
        if all((name, seed) in scores for seed in seeds):
            difference = scores[name, seeds[-1]].values - scores[name, seeds[0]].values
            yield f"seed {seeds[-1]} minus seed {seeds[0]}", name, difference


def _stored_or_fitted(
    path: Path, params: CvaeParams, n_epochs: int, known: Histories, bought: Histories
) -> Scored:
    """Return the scores in the file if their parameters are the same, or fit and score."""
    all_params = {"n_epochs": n_epochs, **params.model_dump()}
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored.pop("params", None) == all_params:
            return Scored(**{**stored, "values": np.array(stored["values"])})
    start, n_conditions = time.process_time(), int(known.clusters.max()) + 1
    model = fit_cvae_for(known, params, n_conditions=n_conditions, n_epochs=n_epochs)
    fitted = Scored(time.process_time() - start, commit(), _scored(model, known, bought))
    mean = fitted.values.mean(axis=0)
    typer.echo(f"{path.stem}: {fitted.cpu_seconds:.0f} CPU s, {mean}", err=True)
    content = {"params": all_params, **fitted._asdict(), "values": fitted.values.tolist()}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return fitted


def _scored(model: Recommender, known: Histories, bought: Histories) -> Values:
    buyers = np.flatnonzero(~bought.is_cold())
    lists = recommend_in_batches(model, known.rows(buyers), 20).articles
    scores = score_customers(lists, bought.units[buyers])
    return scores[[*METRICS]].to_numpy(np.float64)


if __name__ == "__main__":
    run(main)
