"""The registry beside what the flow tests show: the model as MLflow serves it, and going back."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from hemline.errors import BadInput
from hemline.registry.runs import Lineage
from hemline.registry.versions import (
    MODEL,
    load_champion,
    meet_champion,
    register_challenger,
    set_champion,
    version_by_alias,
)
from hemline.storefront import Week


@pytest.mark.usefixtures("trained")
def test_a_version_loaded_by_mlflow_answers_as_the_storefront_does() -> None:
    _, champion = load_champion()
    loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    keys = pd.read_parquet(champion.files.customer_keys)["customer_id"]
    askers = pd.DataFrame({"customer_id": [keys[0], None], "age": [None, 25.0]})
    answer = loaded.predict(askers, params={"k": 3})
    assert answer["asker"].tolist() == [0, 0, 0, 1, 1, 1]
    first = answer[answer["asker"] == 0].drop(columns="asker").reset_index(drop=True)
    pd.testing.assert_frame_equal(first, champion.for_customer(keys[0], 3))


@pytest.mark.usefixtures("trained")
def test_no_file_of_a_version_is_a_pickle() -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/{champion.number}"))
    endings = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert endings.isdisjoint({".pkl", ".pickle", ".joblib", ".pt", ".pth"})


@pytest.mark.usefixtures("trained")
def test_a_version_asked_for_nothing_or_by_nobody_says_so() -> None:
    loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    askers = pd.DataFrame({"age": [25.0]})
    with pytest.raises(BadInput, match="k lies between 1 and 500"):
        loaded.predict(askers, params={"k": 0})
    with pytest.raises(BadInput, match="at least one"):
        loaded.predict(askers.iloc[:0])


@pytest.mark.usefixtures("trained")
def test_the_champion_can_be_set_by_hand_and_back() -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    fields = {name: champion.tags[name] for name in Lineage.__dataclass_fields__}
    other = register_challenger(champion.run_id, Lineage(**{**fields, "models_hash": "other"}))
    set_champion(other.number)
    changed = version_by_alias("champion")
    set_champion(champion.number)
    assert changed is not None
    assert changed.number == other.number
    assert load_champion()[0].number == champion.number


@pytest.mark.usefixtures("trained")
def test_a_champion_of_an_older_form_is_refused_and_gives_way() -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    fields = {name: champion.tags[name] for name in Lineage.__dataclass_fields__}
    older = register_challenger(
        champion.run_id, Lineage(**{**fields, "models_hash": "older", "form": "1"})
    )
    set_champion(older.number)
    nowhere = Week(Path("test"), Path("histories"), Path("articles"), Path("customers"))
    try:
        with pytest.raises(BadInput, match="the form this code reads"):
            load_champion()
        verdict = meet_champion(
            champion, nowhere, np.zeros(3), n_samples=10, rng=np.random.default_rng(7)
        )
    finally:
        set_champion(champion.number)
    assert verdict.promotes
    assert "older form" in verdict.reason


@pytest.mark.usefixtures("trained")
def test_an_alias_nobody_has_is_none() -> None:
    assert version_by_alias("pretender") is None
