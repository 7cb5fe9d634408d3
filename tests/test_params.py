from pathlib import Path

import pytest
import yaml

from hemline.data.acquire.typed_tables import AcquireParams
from hemline.data.expectations.thresholds import ValidateParams
from hemline.data.split import DataParams
from hemline.data.synthetic.shop import SyntheticParams
from hemline.engine.engine import EngineParams
from hemline.errors import BadInput
from hemline.evaluation.fairness.audit import FairnessParams
from hemline.evaluation.gate.guardrails import GateParams
from hemline.evaluation.protocol import EvaluateParams
from hemline.models.cascade import ServeParams
from hemline.models.catalogue import CATALOGUE, entry_of
from hemline.models.ranker.ranker_training import RankParams
from hemline.models.repurchase import RepurchaseParams
from hemline.params import Section
from hemline.segments.kmodes import ClusterParams
from monitoring.alerts.alert import AlertParams
from monitoring.champion_lists import PerformanceParams
from monitoring.completeness import FreshDataParams
from monitoring.monitor_params import MonitorParams

ROOT = Path(__file__).parent.parent
MODEL_SECTIONS = sorted(
    {entry_of(name).params for name in CATALOGUE}, key=lambda each: each.section
)
SECTIONS = [
    *MODEL_SECTIONS,
    AcquireParams,
    AlertParams,
    EngineParams,
    FairnessParams,
    FreshDataParams,
    GateParams,
    RankParams,
    ClusterParams,
    DataParams,
    EvaluateParams,
    MonitorParams,
    PerformanceParams,
    ServeParams,
    SyntheticParams,
    ValidateParams,
]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_repositorys_params_are_valid(section: type[Section]) -> None:
    section.load(ROOT / "params.yaml")


@pytest.mark.parametrize("section", SECTIONS)
def test_the_repositorys_params_name_every_number_and_no_other(section: type[Section]) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    assert content[section.section].keys() == section.model_fields.keys()


def test_every_section_of_the_repositorys_params_has_its_class() -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    assert content.keys() == {section.section for section in SECTIONS}


@pytest.mark.parametrize("section", [ClusterParams, RankParams, *MODEL_SECTIONS])
def test_a_library_user_needs_no_number(section: type[Section]) -> None:
    assert section().model_fields_set == set()


def test_a_number_that_params_do_not_name_is_not_filled_in(tmp_path: Path) -> None:
    path = write(tmp_path, "repurchase: {max_days: 3}")
    with pytest.raises(BadInput, match=r"section 'repurchase'(.|\n)*no units_weight"):
        RepurchaseParams.load(path)


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
    with pytest.raises(ValueError, match="are added automatically"):
        with_rows("popularity", "repurchase", name)


@pytest.mark.parametrize("name", ["popularity", "repurchase"])
def test_a_table_has_both_rows_that_others_are_measured_against(name: str) -> None:
    with pytest.raises(ValueError, match="to compare with"):
        with_rows(name, "mine")


@pytest.mark.parametrize("text", ["", "- a list", "other: {}"])
def test_a_missing_section_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="section 'serve'"):
        ServeParams.load(write(tmp_path, text))
