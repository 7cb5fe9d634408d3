"""The whole audit on a shop where one cluster is served what the other one wears; and its stage."""

import json
import re
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.evaluation.fairness.aspects import ARTICLE_GROUP, INDEX_GROUP, Aspect
from hemline.evaluation.fairness.audit import CHANCE, REAL, Audit, FairnessParams, audit, headline
from hemline.evaluation.fairness.fairness_page import render_page
from hemline.evaluation.fairness.fairness_plots import (
    draw_composition,
    draw_exposure,
    draw_outcomes,
    draw_reranking,
)
from hemline.evaluation.fairness.fairness_text import summarise
from hemline.evaluation.fairness.groups import Buyers, Grouping, group_customers
from hemline.evaluation.fairness.reranking import RerankParams
from hemline.evaluation.protocol import AP
from hemline.kernels.lists import top_k
from hemline.models.recommender import OneSource, Recommendations, recommendations_from
from hemline.stages import fairness, prepare, train
from tests.tiny_project import change_params
from tests.tiny_shop import write_tiny_shop

N_CUSTOMERS, N_ARTICLES = 120, 40
SAMPLED = 18  # of the buyers of the tiny shop's last week
EVIL = "<script>alert(1)</script>"
PARAMS = FairnessParams(
    rows=("tailored",),
    list_length=12,
    min_group=20,
    level=0.05,
    tolerance=0.8,
    recent_days=28,
    new_days=28,
    max_customers=1000,
    permutations=299,
    bootstrap_samples=100,
    rerank=RerankParams(candidates=20, prior_articles=1, strengths=(0.5, 1.0)),
    seed=7,
)
# Articles 0 to 19 are the first cluster's, 20 to 39 the second's.
HALVES = np.repeat([0, 1], N_ARTICLES // 2)


@dataclass(frozen=True)
class Biased(OneSource):
    """Ranks by key: everybody the first half of the catalogue, or each cluster its own first."""

    name: str
    is_tailored: bool

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        own = np.where(self.is_tailored, histories.clusters, 0)
        scores = (HALVES[None, :] == own[:, None]) - np.arange(N_ARTICLES) / 100
        return recommendations_from(self.name, *top_k(scores.astype(np.float32), k))


MODELS = {"served": Biased("served", is_tailored=False), "tailored": Biased("t", is_tailored=True)}
ASPECTS = tuple(
    Aspect(name, ("ladies", "men"), HALVES, np.array([0.5, 0.5]))
    for name in (INDEX_GROUP, ARTICLE_GROUP)
)


def shop(min_group: int, *, tastes_differ: bool = True) -> Buyers:
    """Every customer bought three of twelve articles, this week alone.

    They are the first ones of the own cluster's half, or of the first half where tastes are alike.
    """
    draw = np.random.default_rng(5)
    clusters = (np.arange(N_CUSTOMERS) % 2).astype(np.int8)
    bought = np.zeros((N_CUSTOMERS, N_ARTICLES), np.float32)
    for customer, cluster in enumerate(clusters):
        half = cluster if tastes_differ else 0
        bought[customer, 20 * half + draw.choice(12, 3, replace=False)] = 2
    nothing = sparse.csr_matrix(bought.shape, dtype=np.float32)
    known = Histories.from_interactions(nothing, clusters=clusters)
    clubs = ["ACTIVE"] * 115 + ["unknown"] * 5
    people = pd.DataFrame({columns.AGE_BAND: "unknown", columns.CLUB: clubs})
    groupings = group_customers(people, known, min_group=min_group)
    return Buyers(known, sparse.csr_matrix(bought), groupings)


def audited(params: FairnessParams = PARAMS) -> Audit:
    return audit(MODELS, shop(params.min_group), ASPECTS, np.ones(N_ARTICLES), params)


@pytest.fixture(scope="module")
def found() -> Audit:
    return audited()


def verdict(found: Audit, row: str, measure: str) -> tuple[float, str]:
    gaps = found.gaps
    line = gaps[(gaps["row"] == row) & (gaps["measure"] == measure)]
    assert line["attribute"].tolist() == [columns.CLUSTER]
    return float(line["gap"].iloc[0]), str(line["verdict"].iloc[0])


def test_one_list_for_everybody_is_independent_and_serves_one_cluster_only(found: Audit) -> None:
    assert verdict(found, "served", INDEX_GROUP) == (pytest.approx(0), CHANCE)
    assert verdict(found, "served", "recall") == (pytest.approx(1), REAL)
    assert verdict(found, "served", "precision") == (pytest.approx(3 / 12), REAL)


def test_tailored_lists_serve_both_alike_and_are_not_independent(found: Audit) -> None:
    assert verdict(found, "tailored", INDEX_GROUP) == (pytest.approx(0.5), REAL)
    assert verdict(found, "tailored", "recall") == (pytest.approx(0), CHANCE)


def test_what_customers_bought_stands_beside_the_lists(found: Audit) -> None:
    assert verdict(found, "bought", INDEX_GROUP) == (pytest.approx(0.5), REAL)
    assert set(found.gaps.loc[found.gaps["row"] == "bought", "criterion"]) == {"independence"}


def test_strength_0_scores_what_the_model_itself_scores(found: Audit) -> None:
    first = found.reranking.iloc[0]
    own = found.groups[(found.groups["row"] == "served") & (found.groups["measure"] == "recall")]
    assert first["recall@12"] == pytest.approx(own["everybody"].iloc[0])
    assert first["change"] == 0
    assert found.reranking["miscalibration"].is_monotonic_decreasing
    assert (found.reranking[AP] <= first[AP]).all()


def test_the_summary_names_the_real_gap_and_the_groups_too_small(found: Audit) -> None:
    sentences = summarise(found, PARAMS)
    assert sentences["Recall"].startswith("There is a real gap in recall")
    assert "100.0% for “cluster 0” and 0.0% for “cluster 1”" in sentences["Recall"]
    assert sentences["Too small"].endswith("“unknown” by club status (5).")
    assert "Lists" not in sentences  # everybody gets the same list
    assert "men (index group, 0.00 times)" in sentences["Articles"]


@pytest.mark.parametrize(
    ("tastes_differ", "echo"),
    [
        (True, "their purchases of the week differ as well, by"),
        (False, "their purchases of the week do not, so the lists cause the difference."),
    ],
)
def test_different_lists_are_held_against_what_the_groups_buy(
    tastes_differ: bool, echo: str
) -> None:
    buyers = shop(PARAMS.min_group, tastes_differ=tastes_differ)
    found = audit({"served": MODELS["tailored"]}, buyers, ASPECTS, np.ones(N_ARTICLES), PARAMS)
    said = summarise(found, PARAMS)["Lists"]
    assert said.startswith("By cluster, lists differ most in index group: ")
    assert "fills 100% of the places of “cluster" in said
    assert echo in said


def test_the_metrics_count_tested_and_real_gaps(found: Audit) -> None:
    followed = headline(found)
    assert (followed["served"]["tested_gaps"], followed["served"]["real_gaps"]) == (5, 2)
    assert followed["tailored"]["index_group_name_gap"] == {columns.CLUSTER: pytest.approx(0.5)}


def pictures_of(found: Audit) -> dict[str, bytes]:
    return {
        "outcomes": draw_outcomes(found),
        "composition": draw_composition(found),
        "exposure": draw_exposure(found),
        "reranking": draw_reranking(found),
    }


def test_the_same_shop_gives_the_same_page_which_needs_nothing_from_outside(found: Audit) -> None:
    page = render_page(found, PARAMS, pictures_of(found), "2020-09-16")
    again = audited()
    assert page == render_page(again, PARAMS, pictures_of(again), "2020-09-16")
    assert page.count('src="data:image/png;base64,') == page.count("src=") == 4
    assert "http" not in page
    assert summarise(found, PARAMS)["Recall"] in page


def test_under_each_table_stands_what_is_significant(found: Audit) -> None:
    page = render_page(found, PARAMS, pictures_of(found), "2020-09-16")
    assert "Significant: recall by cluster, precision by cluster." in page
    assert "No gap is significant. The other 2 of 2 are not" in page
    assert re.search(r"\d of \d+ kinds of articles that sell are listed significantly out", page)
    assert "MAP@12 differs significantly from that of strength 0 at: " in page
    assert re.search(rf"\d of \d+ groups have fewer than {PARAMS.min_group} buyers", page)


def test_of_few_buyers_the_price_of_calibration_is_not_told() -> None:
    params = PARAMS.model_copy(update={"min_group": 1000})
    sentences = summarise(audited(params), params)
    assert sentences["Calibration"].endswith("too few to tell what calibrated lists would cost.")


def test_with_groups_too_small_nothing_is_claimed_and_the_page_says_so() -> None:
    params = PARAMS.model_copy(update={"min_group": 1000})
    found = audited(params)
    assert found.gaps.empty
    page = render_page(found, params, pictures_of(found), "2020-09-16")
    assert "too few of them in any two groups to test a gap" in page
    assert headline(found)["served"]["tested_gaps"] == 0


def test_names_from_the_data_are_escaped(found: Audit) -> None:
    grouping = replace(found.groupings[1], names=(EVIL, "unknown"))
    assert isinstance(grouping, Grouping)
    renamed = {"group": {"ACTIVE": EVIL}, "category": {"men": EVIL}}
    changed = replace(
        found,
        groups=found.groups.replace(renamed),
        exposure=found.exposure.replace({"category": {"men": EVIL}}),
        groupings=(found.groupings[0], grouping, *found.groupings[2:]),
    )
    blank = dict.fromkeys(("outcomes", "composition", "exposure", "reranking"), b"")
    page = render_page(changed, PARAMS, blank, "2020-09-16")
    assert EVIL not in page
    assert page.count(escape(EVIL)) >= 3  # a group, a category of the lists and of the exposure


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop with popularity trained and served."""
    root = write_tiny_shop(tmp_path_factory.mktemp("fairness") / "shop")
    rows = {"popularity": ["popularity"], "repurchase": ["repurchase", "popularity"]}
    served = ["segment_popularity"]
    change_params(
        root,
        {
            ("evaluate", "rows"): rows,
            ("serve", "warm"): served,
            ("serve", "cold"): served,
            ("fairness", "rows"): ["popularity"],
            ("fairness", "max_customers"): SAMPLED,
            ("fairness", "permutations"): 100,
            ("fairness", "bootstrap_samples"): 50,
            ("fairness", "min_group"): 3,
        },
    )
    prepare.main(root / "params.yaml", root / "data/tables", root / "data/prepared")
    models = root / "models"
    train.main(
        root / "params.yaml",
        models,
        ["repurchase", "popularity", "segment_popularity"],
        histories=root / "data/prepared/histories.npz",
        segments=root / "data/segments/segments.parquet",
        guests=root / "data/prepared/guests.npz",
        purchases=root / "data/prepared/purchases.parquet",
        unlikes=root / "data/tables/unlikes.parquet",
        articles=root / "data/tables/articles.parquet",
    )
    return root


def run_stage(root: Path, report: Path) -> dict[str, bytes]:
    fairness.main(
        root / "params.yaml",
        root / "models",
        root / "data/prepared/histories.npz",
        root / "data/prepared/test.npz",
        root / "data/prepared/purchases.parquet",
        root / "data/segments/segments.parquet",
        root / "data/tables/customers.parquet",
        root / "data/tables/articles.parquet",
        report,
    )
    return {path.name: path.read_bytes() for path in report.iterdir()}


def test_the_stage_audits_an_even_sample_and_writes_the_same_bytes_every_time(tiny: Path) -> None:
    files = run_stage(tiny, tiny / "one")
    assert files == run_stage(tiny, tiny / "two")
    assert {"index.html", "fairness.json", "gaps.csv", "outcomes.png"} < set(files)
    followed = json.loads(files["fairness.json"])
    assert set(followed) == {"served", "popularity", "bought"}
    assert followed["popularity"]["tested_gaps"] > 0
    assert followed["popularity"]["index_group_name_gap"][columns.CLUSTER] == 0
    groups = pd.read_csv(tiny / "one" / "groups.csv").drop_duplicates(["attribute", "group"])
    assert set(groups.groupby("attribute")["n_customers"].sum()) == {SAMPLED}


def test_a_row_that_the_score_table_does_not_have_is_refused(tiny: Path) -> None:
    before = (tiny / "params.yaml").read_bytes()
    change_params(tiny, {("fairness", "rows"): ["ranker"]})
    with pytest.raises(BadInput, match=r"rows of evaluate\.rows"):
        run_stage(tiny, tiny / "refused")
    (tiny / "params.yaml").write_bytes(before)
