"""Random search of one model's parameters on validation ndcg@10.

Random search is fair at any number of trials and simple (Bergstra & Bengio 2012). Trial 0 has the
parameters of settings.yaml, so a search can only confirm or improve them. The best trial is
printed; a person copies it to settings.yaml, so that the test part plays no role.
"""

from typing import Any

import numpy as np
import typer

from benchmarks.published.leave_one_out import fit_on, on_validation
from benchmarks.published.splits import Split
from benchmarks.static_models import Numbers
from hemline.errors import BadInput
from hemline.tuning.search_spaces import SPACES, draw


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
