"""Our metrics beside those of ranx (Bassani 2022) on random rankings, customer by customer."""

import numba
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from hemline.evaluation.protocol import METRICS, score_customers

N_CUSTOMERS, N_ARTICLES = 60, 70
EXACT = 1e-9
RANX_NAMES = {
    "map@12": "map@12",
    "recall@12": "recall@12",
    "recall@20": "recall@20",
    "ndcg@12": "ndcg@12",
    "ndcg@20": "ndcg@20",
    "precision@12": "precision@12",
    "mrr@12": "mrr@12",
    "hit@20": "hit_rate@20",
}


@pytest.fixture(scope="module")
def rankings() -> tuple[np.ndarray, sparse.csr_matrix]:
    """Full lists of 20, and baskets of 1 to 40 articles: below, between and above both k."""
    rng = np.random.default_rng(11)
    lists = np.stack([rng.permutation(N_ARTICLES)[:20] for _ in range(N_CUSTOMERS)])
    bought = np.zeros((N_CUSTOMERS, N_ARTICLES), np.float32)
    for row in bought:
        row[rng.permutation(N_ARTICLES)[: rng.integers(1, 41)]] = 1
    return lists.astype(np.int32), sparse.csr_matrix(bought)


@pytest.fixture(scope="module")
def theirs(rankings: tuple[np.ndarray, sparse.csr_matrix]) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        # Compiling takes half a minute, these rankings a blink.
        patch.setattr(numba.config, "DISABLE_JIT", True)
        from ranx import Qrels, Run, evaluate  # noqa: PLC0415  (reads the setting when imported)

        lists, bought = rankings
        truth = {f"{row:03}": dict.fromkeys(map(str, bought[row].indices), 1) for row in rows()}
        run = {
            f"{row:03}": {str(article): 1 / (1 + rank) for rank, article in enumerate(lists[row])}
            for row in rows()
        }
        scores = evaluate(Qrels(truth), Run(run), [*RANX_NAMES.values()], return_mean=False)
    return pd.DataFrame(scores)


def rows() -> range:
    return range(N_CUSTOMERS)


@pytest.mark.parametrize("metric", [name for name in RANX_NAMES if name != "map@12"])
def test_a_metric_is_ranxs_to_the_ninth_digit(
    metric: str, rankings: tuple[np.ndarray, sparse.csr_matrix], theirs: pd.DataFrame
) -> None:
    ours = score_customers(*rankings)[metric].to_numpy()
    assert ours == pytest.approx(theirs[RANX_NAMES[metric]].to_numpy(), rel=0, abs=EXACT)
    assert 0 < ours.mean() <= 1


def test_map_is_ranxs_but_for_kaggles_divisor(
    rankings: tuple[np.ndarray, sparse.csr_matrix], theirs: pd.DataFrame
) -> None:
    """Ranx divides by all that was bought, Kaggle by no more than k."""
    n_bought = np.diff(rankings[1].indptr)
    assert (n_bought > 12).any()
    assert (n_bought <= 12).any()
    ours = score_customers(*rankings)["map@12"].to_numpy()
    assert ours * np.minimum(n_bought, 12) / n_bought == pytest.approx(
        theirs["map@12"].to_numpy(), rel=0, abs=EXACT
    )


def test_only_the_posters_success_rate_has_no_second_implementation() -> None:
    assert set(METRICS) - set(RANX_NAMES) == {"success_30@20"}
