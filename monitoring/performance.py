"""How well the champion answered a week that is now complete, held against popularity.

This is the number that says whether a drift hurts: distributions may move without anybody being
served worse. Popularity is fitted at the start of the same week, so both know the same, and both
answer the same buyers: the difference is paired. The price: a champion that was fitted on the week
says nothing about it, so a freshly trained one has no number until a week has passed.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from hemline.engine.engine import Engine
from hemline.evaluation.significance import bootstrap_means, interval
from monitoring.champion_lists import Asking, Champion, PerformanceParams, ask_about
from monitoring.records import PERFORMANCE_SCHEMA


def measure_performance(
    engine: Engine,
    table_folder: Path,
    week_end: date,
    champion: Champion | None,
    params: Path,
    kept: Path,
) -> pd.DataFrame:
    """Return one row of PERFORMANCE_SCHEMA about the week [week_end - 7 days, week_end).

    Without a champion, or with one that was fitted on days of the week, the row holds no number and
    says why in `note`.

    Args:
        engine: what reads the tables.
        table_folder: the tables of acquire.
        week_end: the first day after the week.
        champion: who is asked.
        params: params.yaml.
        kept: folder of answers, see answers.Asking.

    Raises:
        BadInput: no transaction lies in the week, or in the days before it that popularity counts.
    """
    if champion is None:
        return _row(week_end, {"note": "there is no champion"})
    version, _ = champion
    about = {"version": version.number, "version_cut": version.cut}
    asking = Asking.of(engine, table_folder, champion, params, kept)
    if asking.has_seen(week_end):
        seen = f"the champion was fitted up to {version.cut} and has seen this week"
        return _row(week_end, about | {"note": seen})
    numbers = _compared(ask_about(week_end, asking), week_end, asking.params)
    return _row(week_end, about | numbers | {"note": ""})


def _compared(
    answers: pd.DataFrame, week_end: date, params: PerformanceParams
) -> dict[str, object]:
    """Return the numbers of PERFORMANCE_SCHEMA; buyers are resampled, each with both scores."""
    pairs = answers[["ap_at_12", "popularity_ap_at_12"]].to_numpy(np.float64)
    rng = np.random.default_rng([params.seed, week_end.toordinal()])
    samples = bootstrap_means(pairs, n_samples=params.bootstrap_samples, rng=rng)
    low, high = interval(samples[:, 0] - samples[:, 1])
    champion, popularity = pairs.mean(axis=0)
    return {
        "n_buyers": len(pairs),
        "map_at_12": champion,
        "popularity_map_at_12": popularity,
        "difference": champion - popularity,
        "low": float(low),
        "high": float(high),
    }


def _row(week_end: date, told: dict[str, object]) -> pd.DataFrame:
    row: pd.DataFrame = pa.Table.from_pylist(
        [{"week_end": week_end} | told], PERFORMANCE_SCHEMA
    ).to_pandas()
    return row
