import json
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from benchmarks.benchmark_report import DOCUMENT
from benchmarks.record import Row
from benchmarks.scale.scale_project import BenchmarkShop, load_settings
from benchmarks.scale.softmax_quality import METRICS, Scored, compared, main, scores_of
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.cvae.cvae_params import CvaeParams

PARAMS_YAML = Path(__file__).parents[2] / "params.yaml"
SMALL = {"hidden": 8, "latent": 4, "batch_size": 20, "device": "cpu"}
SETTINGS = {
    "seed": 7,
    "bootstrap_samples": 500,
    "seeds": [7, 8],
    "fits": {
        "full": {"epochs": 2, "seeds": [7, 8], "changes": {**SMALL, "softmax_samples": 40}},
        "few": {"epochs": 2, "seeds": [7], "changes": {**SMALL, "softmax_samples": 5}},
    },
}


@pytest.fixture
def shop(tmp_path: Path) -> BenchmarkShop:
    (tmp_path / "params.yaml").write_text(PARAMS_YAML.read_text("utf-8"), encoding="utf-8")
    return BenchmarkShop(tmp_path, 10)


def some_purchases(seed: int) -> Histories:
    """Sixty customers buying about ten of forty articles."""
    bought = np.random.default_rng(seed).random((60, 40)) < 0.25
    return Histories.from_interactions(sparse.csr_matrix(bought.astype(np.float32)))


def test_every_fit_is_scored_by_seed_for_every_buyer_and_differs(shop: BenchmarkShop) -> None:
    known, bought = some_purchases(1), some_purchases(2)
    scores = scores_of(shop, SETTINGS, known, bought)
    assert [*scores] == [("full", 7), ("few", 7), ("full", 8)]
    for scored in scores.values():
        assert scored.values.shape == (np.count_nonzero(~bought.is_cold()), len(METRICS))
        assert scored.cpu_seconds > 0
    assert (scores["full", 7].values != scores["few", 7].values).any()
    assert (scores["full", 7].values != scores["full", 8].values).any()


def test_a_fit_is_stored_until_its_parameters_change(shop: BenchmarkShop) -> None:
    known, bought = some_purchases(1), some_purchases(2)
    first = scores_of(shop, SETTINGS, known, bought)
    again = scores_of(shop, SETTINGS, known, bought)
    assert first["few", 7].cpu_seconds == again["few", 7].cpu_seconds
    np.testing.assert_array_equal(first["few", 7].values, again["few", 7].values)
    path = shop.root / "quality" / "few, seed 7.json"
    stored = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**stored, "cpu_seconds": -1.0, "params": {}}), encoding="utf-8")
    assert scores_of(shop, SETTINGS, known, bought)["few", 7].cpu_seconds > 0


def test_differences_are_of_the_same_buyers_to_the_first_fit_of_the_same_seed() -> None:
    base = np.random.default_rng(3).random((100, len(METRICS)))
    moved = np.where(np.arange(100)[:, None] % 2, 0.1, 0.3)
    scores = {
        ("full", 7): Scored(4.0, "abc", base),
        ("few", 7): Scored(1.0, "abc", base - 0.2),
        ("full", 8): Scored(4.0, "abc", base + 0.5),
        ("few", 8): Scored(1.0, "abc", base + 0.5 - moved),
    }
    popularity = np.zeros((100, len(METRICS)))
    rows = {row[:3]: row for row in compared(scores, SETTINGS, popularity)}
    assert rows["the week after the cut", "popularity", "recall@20"].value == 0
    assert rows["the week after the cut", "few, seed 7", "cpu seconds"].value == 1
    constant = rows["minus full", "few, seed 7", "ndcg@20"]
    assert (constant.value, constant.stderr) == pytest.approx((-0.2, 0))
    varied = rows["minus full", "few, seed 8", "ndcg@20"]
    assert (varied.value, varied.stderr) == pytest.approx((-0.2, 0.1 / np.sqrt(100)), rel=0.15)
    low, high = (rows["minus full", "few, seed 8", f"ndcg@20 {end}"] for end in ("from", "to"))
    # 1.96 standard errors, and a buyer nobody has seen who weighs up to 3.7 / 100.
    assert -0.2 - 0.0196 - 0.8 * 0.037 < low.value < -0.2 - 0.0196
    assert -0.2 + 0.0196 < high.value < -0.2 + 0.0196 + 1.2 * 0.037
    assert rows["minus full", "few, mean of seeds", "map@12"].value == pytest.approx(-0.2)
    assert rows["seed 8 minus seed 7", "full", "map@12"].value == pytest.approx(0.5)
    assert all(isinstance(row, Row) for row in rows.values())


def test_the_settings_name_the_full_softmax_first_and_only_numbers_the_cvae_has() -> None:
    settings, params = load_settings()["quality"], CvaeParams.load(PARAMS_YAML)
    first, *others = settings["fits"].values()
    n_articles = 105_542
    assert first["changes"]["softmax_samples"] >= n_articles
    assert first["seeds"] == settings["seeds"]
    for fit in (first, *others):
        CvaeParams.model_validate({**params.model_dump(), **fit["changes"]})
        assert set(fit["seeds"]) <= set(settings["seeds"])
    unchanged = {"softmax_samples": params.softmax_samples}
    assert unchanged in [fit["changes"] for fit in others]


def test_without_a_shop_the_refusal_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--sizes 10 first"):
        main(folder=tmp_path, write=False)


def test_the_document_has_one_place_for_the_table() -> None:
    assert DOCUMENT.read_text("utf-8").count("<!-- scale-quality -->") == 1
