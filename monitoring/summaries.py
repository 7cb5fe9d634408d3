"""The summary of a week: a few hundred numbers with their sampling noise.

Every buyer counts once: a basket is averaged before buyers are. Counted by rows, one wholesale
customer would change a week more than any season does. Each number comes with replicates, the same
mean over Poisson resamples of the buyers (Chamandy et al. 2012), from which the sampling noise of
everything derived from it follows. The price: 0.8 kB per number and week.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy import sparse

from hemline.engine.engine import Engine
from monitoring.monitor_params import MonitorParams
from monitoring.signals import FloatArray, Signal
from monitoring.week_data import read_week
from monitoring.week_signals import signals_of

SUMMARIES: Final = pa.schema(
    [
        ("week_end", pa.date32()),
        ("about", pa.string()),
        ("column", pa.string()),
        ("segment", pa.string()),
        ("category", pa.string()),
        ("value", pa.float64()),
        ("n", pa.int32()),
        ("replicates", pa.list_(pa.float32())),
    ]
)
"""One row per week, signal and category; category is empty for a signal that is one number."""

_BUYERS_AT_ONCE: Final = 20_000


def summarise_week(
    engine: Engine, tables: Path, week_end: date, params: MonitorParams
) -> pd.DataFrame:
    """Return SUMMARIES of the seven days before week_end; raises BadInput when nothing was bought.

    Args:
        engine: reads the tables.
        tables: folder of articles, customers and transactions.parquet.
        week_end: the first day after the week; nothing on or after it is read.
        params: windows, number of replicates, seed.
    """
    week = read_week(engine, tables, week_end, params)
    rng = np.random.default_rng([params.seed, week_end.toordinal()])
    weights = draw_weights(week.n_buyers, params.replicates, rng)
    return summary_rows(week_end, list(signals_of(week, params)), weights)


def draw_weights(
    n_buyers: int, n_replicates: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return how often each buyer is in each resample, shape (buyers, 1 + replicates).

    The first column is the week as it was: everybody once.
    """
    weights = np.ones((n_buyers, 1 + n_replicates), np.float32)
    for start in range(0, n_buyers, _BUYERS_AT_ONCE):
        block = weights[start : start + _BUYERS_AT_ONCE, 1:]
        block[:] = rng.poisson(1.0, block.shape)
    return weights


def summary_rows(
    week_end: date, signals: Sequence[Signal], weights: npt.NDArray[np.float32]
) -> pd.DataFrame:
    """Return SUMMARIES rows of signals.

    Args:
        week_end: the first day after the week.
        signals: of the week.
        weights: as `draw_weights` returns them, a row for each buyer of the week.
    """
    counts = [len(signal.categories) for signal in signals]
    numbers = np.concatenate([_numbers(signal, weights) for signal in signals])
    return pd.DataFrame(
        {
            "week_end": week_end,
            **{
                name: np.repeat([getattr(signal, name) for signal in signals], counts)
                for name in ("about", "column", "segment")
            },
            "category": [name for signal in signals for name in signal.categories],
            "value": numbers[:, 0],
            "n": np.repeat([np.int32(len(signal.buyers)) for signal in signals], counts),
            "replicates": list(numbers[:, 1:].astype(np.float32)),
        }
    )


def _numbers(signal: Signal, weights: npt.NDArray[np.float32]) -> FloatArray:
    """Return the signal's numbers, of shape (categories, 1 + replicates)."""
    drawn = weights[signal.buyers]
    n_drawn = drawn.sum(axis=0, dtype=np.float64)
    return np.asarray(signal.combine(_means(signal.measured, drawn), n_drawn))


def _means(measured: sparse.csr_matrix, weights: npt.NDArray[np.float32]) -> FloatArray:
    """Return the mean over buyers of each measured column and resample, in that order."""
    totals = np.asarray(measured.T @ weights, np.float64)
    # A resample of few buyers may contain none of them.
    n_drawn = np.maximum(weights.sum(axis=0, dtype=np.float64), 1)
    return np.asarray(totals / n_drawn)
