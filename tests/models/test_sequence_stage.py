"""The sequence model of the tiny shop, as a row of the score table finds it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemline.data.histories import load_histories
from hemline.models.cascade import load_models
from hemline.stages import prepare, train_sequence
from tests.tiny_project import change_params
from tests.tiny_shop import write_tiny_shop


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_tiny_shop(tmp_path_factory.mktemp("shop") / "tiny")
    change_params(
        root, {("sequence", "max_epochs"): 2, ("sequence", "width"): 8, ("sequence", "seed"): 1}
    )
    prepare.main(root / "params.yaml", root / "data/tables", root / "data/prepared")
    train_sequence.main(
        root / "params.yaml",
        root / "data/prepared/purchases.parquet",
        root / "data/tables/articles.parquet",
        root / "data/tables/unlikes.parquet",
        root / "data/prepared/fit_histories.npz",
        root / "data/prepared/validation.npz",
        root / "models/sequence",
        root / "reports/sequence.csv",
    )
    return root


def test_the_model_is_loaded_by_its_name_and_recommends(root: Path) -> None:
    model = load_models(root / "models", ["sequence"])["sequence"]
    histories = load_histories(root / "data/prepared/histories.npz")
    lists = model.recommend(histories, 12)
    assert np.array_equal((lists.articles >= 0).any(axis=1), ~histories.is_cold())


def test_the_curve_has_a_line_for_each_epoch(root: Path) -> None:
    curve = pd.read_csv(root / "reports/sequence.csv")
    assert curve["epoch"].tolist() == [1, 2]
    assert (curve["loss"] > 0).all()
    assert curve["validation_map_at_12"].between(0, 1).all()
