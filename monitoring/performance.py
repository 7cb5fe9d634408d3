"""The champion's MAP@12 in a complete week, compared with popularity.

It shows whether a drift does harm: distributions may change without anybody getting worse lists.
Popularity is fitted at the start of the same week, so both know the same, and both recommend to the
same buyers: the difference is paired. The price: a champion that was fitted on the week cannot be
measured on it, so a freshly trained one has no score until a week has passed.
"""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from hemline.evaluation.significance import bootstrap_means, interval
from monitoring.champion_lists import ChampionLists, PerformanceParams
from monitoring.records import PERFORMANCE_SCHEMA


def measure_performance(week_end: date, champion_lists: ChampionLists | None) -> pd.DataFrame:
    """Return one row of PERFORMANCE_SCHEMA about the week [week_end - 7 days, week_end).

    Without a champion, or with one that was fitted on days of the week, the row holds no score, and
    `note` says why.

    Args:
        week_end: the first day after the week.
        champion_lists: makes the champion's lists; None without a champion.

    Raises:
        BadInput: no transaction lies in the week, or in the days before it that popularity counts.
    """
    if champion_lists is None:
        return _row(week_end, note="there is no champion")
    version, _ = champion_lists.champion
    about = {"version": version.number, "version_cut": version.cut}
    if champion_lists.has_seen(week_end):
        note = f"the champion was trained on days of this week (its cut is {version.cut})"
        return _row(week_end, **about, note=note)
    scores = _compare(champion_lists.for_week(week_end), week_end, champion_lists.params)
    return _row(week_end, **about, **scores, note="")


def _compare(lists: pd.DataFrame, week_end: date, params: PerformanceParams) -> dict[str, object]:
    """Return the scores of PERFORMANCE_SCHEMA; buyers are resampled, each with both scores."""
    pairs = lists[["ap_at_12", "popularity_ap_at_12"]].to_numpy(np.float64)
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


def _row(week_end: date, **values: object) -> pd.DataFrame:
    row: pd.DataFrame = pa.Table.from_pylist(
        [{"week_end": week_end} | values], PERFORMANCE_SCHEMA
    ).to_pandas()
    return row
