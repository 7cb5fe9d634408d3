"""What the champion recommends to a week's buyers, as signals like those of what they buy.

One champion makes the lists of the week and of the weeks it is compared with, each from the
histories of its time, so a change of champion is no drift: only the buyers and their histories
differ. A share is a mean over buyers. Coverage and the Gini coefficient belong to all lists
together, so each buyer is represented by a jackknife pseudo-value (Tukey 1958): the mean of these
is the number itself, and resampling them gives its noise without the bias of lists drawn twice.

A champion lists what was offered when it was fitted. The older a week before that, the fewer of
the listed articles were on sale then or are bought again: on the demo the repeat share is 0.068 six
weeks before the cut and 0.128 in the week after it. So the numbers that depend on its offered
articles are left out of weeks it has seen. The price: they say nothing about a young champion.

More lists hold more articles, so coverage is that of `performance.coverage_lists` lists: the number
of distinct articles expected in this many of the week's lists (rarefaction, Hurlbert 1971).
"""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from scipy import sparse
from scipy.special import gammaln
from scipy.stats import rankdata

from hemline.data.article_attributes import categories, is_number
from hemline.evaluation.beyond_accuracy import as_matrix, gini
from hemline.kernels.lists import NO_ARTICLE
from monitoring.champion_lists import ChampionLists
from monitoring.monitor_params import MonitorParams
from monitoring.signals import Signal, number
from monitoring.summaries import draw_weights, summary_rows

FloatArray = npt.NDArray[np.float64]

_COMPOSITION = ("product_group_name", "index_group_name")
_OF_OFFERED = ("repeat_share", "top_ten_share", "gini", "coverage")
_TOP = 10


def summarise_recommendations(
    weeks: Sequence[date], champion_lists: ChampionLists, params: MonitorParams
) -> pd.DataFrame:
    """Return SUMMARIES rows, about "recommendations", of the champion's lists in each week.

    - product_group_name, index_group_name and the shop's own texts: share of each group in a list
    - repeat_share: of the list, what the customer had bought before
    - top_ten_share: of the list, the ten articles that are in most of the week's lists
    - gini: of how often each article on sale is listed; 0 is an equal share, 1 one article only
    - coverage: of the articles on sale, those in as many lists as performance.coverage_lists
    - stranger_share: cold customers, whose lists other models make
    - empty_share: of the places, those that no model could fill

    Of weeks that the champion has seen there is no repeat_share, top_ten_share, gini or coverage.

    Args:
        weeks: week_end of each week: the one that is judged, and those it is compared with.
        champion_lists: makes the lists.
        params: number of resamples and their seed.

    Raises:
        BadInput: no transaction lies in a week, or in the days before it that popularity counts.
    """
    articles = champion_lists.tables / "articles.parquet"
    attributes = _composition_columns(articles)
    frames = [_summarise(week, champion_lists, attributes, params) for week in weeks]
    return pd.concat(frames, ignore_index=True)


def _composition_columns(articles: Path) -> pd.DataFrame:
    """Return the articles' groups: the usual ones that vary, then the shop's own texts."""
    table = pq.read_table(articles)
    names = [
        name
        for name in categories(table, _COMPOSITION)
        if name in _COMPOSITION or not is_number(table, name)
    ]
    groups: pd.DataFrame = table.select(names).to_pandas()
    return groups


def _summarise(
    week_end: date, champion_lists: ChampionLists, attributes: pd.DataFrame, params: MonitorParams
) -> pd.DataFrame:
    lists = champion_lists.for_week(week_end)
    rng = np.random.default_rng([params.seed, week_end.toordinal()])
    weights = draw_weights(len(lists), params.replicates, rng)
    signals = signals_of_lists(lists, attributes, champion_lists.params.coverage_lists)
    measured = [
        signal
        for signal in signals
        if signal.column not in _OF_OFFERED or not champion_lists.has_seen(week_end)
    ]
    return summary_rows(week_end, measured, weights)


def signals_of_lists(
    recommended: pd.DataFrame, attributes: pd.DataFrame, n_lists: int
) -> Iterator[Signal]:
    """Yield the signals of one week's lists.

    Args:
        recommended: champion_lists.LIST_SCHEMA.
        attributes: of each article key, the columns by which lists are divided.
        n_lists: coverage is that of this many lists; of all where there are fewer.
    """
    lists = np.stack(recommended["articles"].tolist()).astype(np.int32)
    listed = as_matrix(lists, len(attributes))
    for name in attributes:
        yield _composition(str(name), listed, attributes[name])
    yield _number("repeat_share", recommended["repeat_share"])
    yield _number("top_ten_share", _share_of_most_listed(listed))
    n_on_sale = int(recommended["n_on_sale"].iloc[0])
    yield _number("gini", _gini_values(listed, n_on_sale))
    yield _number("coverage", _distinct_values(listed, n_lists) / n_on_sale)
    yield _number("stranger_share", recommended["is_cold"])
    yield _number("empty_share", (lists == NO_ARTICLE).mean(axis=1))


def _number(name: str, values: "pd.Series[float] | FloatArray") -> Signal:
    """Return the signal whose number is the mean of one value per buyer."""
    everybody = np.arange(len(values))
    return number("recommendations", name, everybody, np.asarray(values, np.float64))


def _composition(name: str, listed: sparse.csr_matrix, groups: "pd.Series[str]") -> Signal:
    """Return the share of each group in the lists; a buyer without a list does not count."""
    code, categories = pd.factorize(groups, sort=True)
    places = (np.ones(len(code)), (np.arange(len(code)), code))
    per_article = sparse.diags_array(1 / _lengths(listed)) @ listed
    answered = np.flatnonzero(np.diff(listed.indptr))
    shares = sparse.csr_matrix(per_article @ sparse.csr_matrix(places))[answered]
    return Signal("recommendations", name, "all", tuple(categories), answered, shares)


def _share_of_most_listed(listed: sparse.csr_matrix) -> FloatArray:
    most = np.argsort(-_counts(listed), kind="stable")[:_TOP]
    return _per_list(listed, np.isin(np.arange(listed.shape[1]), most)) / _lengths(listed)


def _gini_values(listed: sparse.csr_matrix, n_on_sale: int) -> FloatArray:
    """Return pseudo-values of the Gini coefficient, by its derivative for the count of an article.

    Articles on sale that are in no list count as zeros.
    """
    counts = _counts(listed)
    shown = np.flatnonzero(counts)
    amounts = np.concatenate([np.zeros(max(n_on_sale - len(shown), 0)), counts[shown]])
    n, total = len(amounts), max(amounts.sum(), 1)
    rank = rankdata(amounts)
    slope = np.zeros(len(counts))
    mean_rank = (rank * amounts).sum() / total
    slope[shown] = 2 * (rank[n - len(shown) :] - mean_rank) / (n * total)
    return gini(amounts) + listed.shape[0] * _per_list(listed, slope)


def _distinct_values(listed: sparse.csr_matrix, n_lists: int) -> FloatArray:
    """Return pseudo-values of how many distinct articles n_lists of the lists hold.

    An article in c of n lists is in none of m of them with probability C(n - c, m) / C(n, m). A
    pseudo-value compares all lists with all but one.
    """
    n = listed.shape[0]
    m = min(n_lists, n - 1)
    counts = _counts(listed).astype(np.int64)
    without = _chance_of_a_place(counts, n - 1, m)
    fewer = _chance_of_a_place(np.maximum(counts - 1, 0), n - 1, m)
    left_out = without.sum() - _per_list(listed, without - fewer)
    return np.asarray(n * _chance_of_a_place(counts, n, m).sum() - (n - 1) * left_out)


def _chance_of_a_place(counts: npt.NDArray[np.int64], n: int, m: int) -> FloatArray:
    """Return, for articles that `counts` of n lists hold, the chance that one of m lists does."""
    missing = np.maximum(n - counts, 0)
    is_sure = missing < m
    log_chance = gammaln(missing + 1) - gammaln(np.maximum(missing - m, 0) + 1)
    log_chance += gammaln(n - m + 1) - gammaln(n + 1)
    return np.asarray(np.where(is_sure, 1.0, 1 - np.exp(log_chance)))


def _counts(listed: sparse.csr_matrix) -> FloatArray:
    return np.asarray(listed.sum(axis=0), np.float64).ravel()


def _lengths(listed: sparse.csr_matrix) -> FloatArray:
    return np.maximum(np.diff(listed.indptr), 1).astype(np.float64)


def _per_list(listed: sparse.csr_matrix, values: npt.NDArray[np.generic]) -> FloatArray:
    """Return the sum of the listed articles' values, per list."""
    return np.asarray(listed @ values.astype(np.float64)).ravel()
