"""Where each model's numbers are searched: wide, and even on the scale on which they act."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from hemline.models.label_shift import ALL_DAYS, NO_DECAY_DAYS

Draw = Callable[[np.random.Generator], Any]
"""Returns a value of one number."""


def draw(space: Mapping[str, Draw], rng: np.random.Generator) -> dict[str, Any]:
    """Return one draw of every number in a space."""
    return {key: each(rng) for key, each in space.items()}


def _log(low: float, high: float) -> Draw:
    return lambda rng: float(np.exp(rng.uniform(np.log(low), np.log(high))).round(5))


def _log_int(low: int, high: int) -> Draw:
    return lambda rng: round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def _even(low: float, high: float) -> Draw:
    return lambda rng: float(rng.uniform(low, high).__round__(4))


def _one_of(*values: Any) -> Draw:
    return lambda rng: values[int(rng.integers(len(values)))]


_HALF_LIFE: Final = _one_of(20, 40, 80, 160, 365, 730, NO_DECAY_DAYS)
_WEIGHTING: Final[Mapping[str, Draw]] = {
    "input_half_life_days": _HALF_LIFE,
    "target_half_life_days": _HALF_LIFE,
    "on_sale_days": _one_of(14, 28, 56, ALL_DAYS),
    "recent_half_life_days": _one_of(5, 7, 10, 20, NO_DECAY_DAYS),
    "shift": _even(0, 1.5),
}

SPACES: Final[Mapping[str, Mapping[str, Draw]]] = {
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
"""By model, the numbers that do not depend on days."""

_SPACES_OF_DAYS: Final[Mapping[str, Mapping[str, Draw]]] = {
    "popularity": {
        "window_days": _one_of(7, 14, 28, 56, 180, ALL_DAYS),
        "half_life_days": _one_of(3, 7, 14, 28, NO_DECAY_DAYS),
    },
    "item_knn": _WEIGHTING,
    "rp3beta": _WEIGHTING,
    "ease": _WEIGHTING,
    "als": _WEIGHTING,
}
TUNED: Final = ("popularity", "item_knn", "rp3beta", "ease", "als")
"""What is tuned on any table; the CVAE trains too long for a bounded search."""


def space_of(model: str, *, has_days: bool) -> dict[str, Draw]:
    """Return what is searched for a model; nothing where nothing of it can matter."""
    of_days = _SPACES_OF_DAYS.get(model, {}) if has_days else {}
    return {**SPACES.get(model, {}), **of_days}
