"""Random search of one model's parameters on validation ndcg@10.

Random search is fair at any number of trials and simple (Bergstra & Bengio 2012). Trial 0 has the
parameters of settings.yaml, so a search can only confirm or improve them. The best trial is
printed; a person copies it to settings.yaml, so that the test part plays no role.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import typer

from benchmarks.published.leave_one_out import fit_on, on_validation
from benchmarks.published.splits import Split
from benchmarks.static_models import Numbers
from hemline.errors import BadInput

_Draw = Callable[[np.random.Generator], Any]


def search(
    name: str, numbers: Numbers, split: Split, *, n_trials: int, seed: int
) -> tuple[dict[str, Any], float]:
    """Return the best parameters of a model and their validation ndcg@10; prints every trial.

    Raises:
        BadInput: the model has no search space.
    """
    if name not in SPACES:
        raise BadInput(
            f"a model to search has a search space ({', '.join(SPACES)})",
            found=name,
            fix="name another with --model",
        )
    rng = np.random.default_rng(seed)
    best, best_value = dict(numbers), -1.0
    for trial in range(n_trials):
        tried = dict(numbers) if trial == 0 else {**numbers, **draw(SPACES[name], rng)}
        value = on_validation(fit_on(name, tried, split), split)
        if value > best_value:
            best, best_value = tried, value
        mark = "best so far" if tried is best else ""
        drawn = {key: tried[key] for key in SPACES[name]}
        typer.echo(f"{split.name} {name} trial {trial}: {value:.5f} {drawn} {mark}")
    return best, best_value


def draw(space: Mapping[str, _Draw], rng: np.random.Generator) -> dict[str, Any]:
    """Return one draw of every parameter in a space."""
    return {key: each(rng) for key, each in space.items()}


def _log(low: float, high: float) -> _Draw:
    return lambda rng: float(np.exp(rng.uniform(np.log(low), np.log(high))).round(5))


def _log_int(low: int, high: int) -> _Draw:
    return lambda rng: round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def _even(low: float, high: float) -> _Draw:
    return lambda rng: float(rng.uniform(low, high).__round__(4))


def _one_of(*values: Any) -> _Draw:
    return lambda rng: values[int(rng.integers(len(values)))]


SPACES: Final[Mapping[str, Mapping[str, _Draw]]] = {
    "item_knn": {"neighbours": _log_int(20, 1000), "shrinkage": _log(1, 500)},
    "rp3beta": {
        "neighbours": _log_int(20, 1000),
        "alpha": _even(0, 2),
        "beta": _even(0, 1),
        "normalise": _one_of(False, True),
    },
    "als": {
        "factors": _log_int(16, 256),
        "alpha": _log(1, 64),
        "regularisation": _log(0.001, 10),
    },
    "ease": {"l2": _log(10, 5000)},
    "cvae": {
        "hidden": _one_of(200, 400, 600),
        "latent": _one_of(64, 100, 200),
        "dropout": _even(0.2, 0.8),
        "batch_size": _one_of(50, 100, 200, 500),
        "learning_rate": _log(0.0002, 0.003),
        "row_learning_rate": _log(0.005, 0.1),
        "kl_cap": _log(0.0005, 0.2),
    },
}
"""The search space of each model; all other parameters are those of settings.yaml."""
