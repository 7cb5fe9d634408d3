from pathlib import Path

import pytest

from hemline.data.split import DataParams
from hemline.engine.engine import EngineParams
from hemline.errors import BadInput
from hemline.evaluation.fairness.audit import FairnessParams
from hemline.evaluation.gate.guardrails import GateParams
from hemline.evaluation.protocol import EvaluateParams
from hemline.models.als import AlsParams
from hemline.models.cascade import ServeParams
from hemline.models.copurchase import CopurchaseParams
from hemline.models.cvae.cvae_training import CvaeParams
from hemline.models.ease import EaseParams
from hemline.models.item_knn import ItemKnnParams, Rp3betaParams
from hemline.models.popularity import PopularityParams
from hemline.models.ranker.ranker_training import RankParams
from hemline.models.repurchase import RepurchaseParams
from hemline.models.tfidf import TfidfParams
from hemline.params import Section
from hemline.segments.kmodes import ClusterParams
from monitoring.alerts.alert import AlertParams
from monitoring.champion_lists import PerformanceParams
from monitoring.completeness import FreshDataParams
from monitoring.monitor_params import MonitorParams

ROOT = Path(__file__).parent.parent
SECTIONS = [
    AlertParams,
    AlsParams,
    EaseParams,
    EngineParams,
    FairnessParams,
    FreshDataParams,
    GateParams,
    ItemKnnParams,
    RankParams,
    Rp3betaParams,
    ClusterParams,
    CopurchaseParams,
    CvaeParams,
    DataParams,
    EvaluateParams,
    MonitorParams,
    PerformanceParams,
    PopularityParams,
    RepurchaseParams,
    ServeParams,
    TfidfParams,
]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_repositorys_params_are_valid(section: type[Section]) -> None:
    section.load(ROOT / "params.yaml")


@pytest.mark.parametrize("section", SECTIONS)
def test_sections_carry_no_defaults(section: type[Section]) -> None:
    assert all(field.is_required() for field in section.model_fields.values())


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "serve: {warm: [cvae], cold: [cvae], extra: 1}")
    with pytest.raises(BadInput, match=r"serve\.extra"):
        ServeParams.load(path)


def test_a_wrong_value_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path, "repurchase: {max_days: -3, units_weight: 1}")
    with pytest.raises(BadInput, match=r"repurchase\.max_days: (.|\n)*found: -3"):
        RepurchaseParams.load(path)


def with_rows(*names: str) -> EvaluateParams:
    rest = EvaluateParams.load(ROOT / "params.yaml").model_dump(exclude={"rows"})
    return EvaluateParams(rows=dict.fromkeys(names, ("popularity",)), **rest)


@pytest.mark.parametrize("name", ["served", "oracle"])
def test_a_row_of_the_table_may_not_take_a_name_that_is_filled_in_later(name: str) -> None:
    assert with_rows("popularity", "repurchase", "mine").rows["mine"] == ("popularity",)
    with pytest.raises(ValueError, match="come by themselves"):
        with_rows("popularity", "repurchase", name)


@pytest.mark.parametrize("name", ["popularity", "repurchase"])
def test_a_table_has_both_rows_that_others_are_measured_against(name: str) -> None:
    with pytest.raises(ValueError, match="to measure against"):
        with_rows(name, "mine")


@pytest.mark.parametrize("text", ["", "- a list", "other: {}"])
def test_a_missing_section_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="section 'serve'"):
        ServeParams.load(write(tmp_path, text))
