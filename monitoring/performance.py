"""The champion's MAP@12 in a complete week, compared with popularity.

It shows whether a drift does harm: distributions may change without anybody getting worse lists.
Popularity is fitted at the start of the same week, so both know the same, and both recommend to the
same buyers: the difference is paired. The price: a champion that was fitted on the week cannot be
measured on it, so a freshly trained one has no score until a week has passed. Of a week that can
tell nothing (few buyers, hardly a hit) the scores are recorded with a note that says so.
"""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from hemline.evaluation.gate.version_comparison import compare
from monitoring.champion_lists import ChampionLists, PerformanceParams
from monitoring.records import PERFORMANCE_SCHEMA


def measure_performance(week_end: date, champion_lists: ChampionLists | None) -> pd.DataFrame:
    """Return one row of PERFORMANCE_SCHEMA about the week [week_end - 7 days, week_end).

    Without a champion, or with one that was fitted on days of the week, the row holds no score, and
    `note` says why. Where the scores can tell nothing, `note` says that.

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
    return _row(week_end, **about, **scores)


def _compare(lists: pd.DataFrame, week_end: date, params: PerformanceParams) -> dict[str, object]:
    """Return the scores of PERFORMANCE_SCHEMA and the note, from both lists of every buyer."""
    comparison = compare(
        lists["popularity_ap_at_12"].to_numpy(np.float64),
        lists["ap_at_12"].to_numpy(np.float64),
        min_customers=params.min_buyers,
        n_samples=params.bootstrap_samples,
        rng=np.random.default_rng([params.seed, week_end.toordinal()]),
    )
    return {
        "n_buyers": comparison.n_customers,
        "map_at_12": comparison.challenger,
        "popularity_map_at_12": comparison.champion,
        "difference": comparison.difference,
        "low": comparison.low,
        "high": comparison.high,
        "note": f"inconclusive: {comparison.lacks}" if comparison.lacks else "",
    }


def _row(week_end: date, **values: object) -> pd.DataFrame:
    row: pd.DataFrame = pa.Table.from_pylist(
        [{"week_end": week_end} | values], PERFORMANCE_SCHEMA
    ).to_pandas()
    return row
