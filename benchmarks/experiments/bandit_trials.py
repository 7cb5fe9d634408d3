"""What a bandit loses while it learns, beside an equal split of the traffic."""

from typing import Final

import numpy as np

from benchmarks.record import Row, rows_of
from hemline.experiments.thompson import ArmCounts, traffic_shares

CONVERSIONS: Final = np.array([0.07, 0.08, 0.088])
VISITS: Final = 20_000
BATCH: Final = 200
FLOOR: Final = 0.02


def bandit_rows(n_runs: int, rng: np.random.Generator) -> list[Row]:
    """Return the conversions that each way of sharing out the traffic loses to the best arm."""
    lost = {"Thompson sampling": [], "equal split": []}  # type: dict[str, list[float]]
    share_of_best = []
    gaps = CONVERSIONS.max() - CONVERSIONS
    for _ in range(n_runs):
        shown = _run(rng)
        lost["Thompson sampling"].append(float(shown @ gaps))
        lost["equal split"].append(float(VISITS / len(gaps) * gaps.sum()))
        share_of_best.append(shown[-1] / VISITS)
    rows = [
        row
        for name, values in lost.items()
        for row in rows_of("bandit", name, {"lost conversions": np.array(values)})
    ]
    best = rows_of("bandit", "Thompson sampling", {"share of the best": np.array(share_of_best)})
    return [*rows, *best, Row("bandit", "equal split", "share of the best", 1 / len(gaps), None)]


def _run(rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    counts = ArmCounts.none(len(CONVERSIONS))
    for _ in range(VISITS // BATCH):
        shown = rng.multinomial(BATCH, traffic_shares(counts, FLOOR, rng))
        counts = counts.plus(shown, rng.binomial(shown, CONVERSIONS))
    return counts.n_shown
