from pathlib import Path

import pytest
import yaml

from flows.addresses import addresses
from flows.deploy import deploy
from flows.project import Project
from flows.sections import check_all_params, check_monitor_params
from hemline.content.embeddings import EmbeddingsParams
from hemline.data.acquire.source_params import SourceParams
from hemline.data.acquire.typed_tables import AcquireParams
from hemline.data.expectations.thresholds import ValidateParams
from hemline.data.split import DataParams
from hemline.data.synthetic.shop import SyntheticParams
from hemline.engine.engine import EngineParams
from hemline.errors import BadInput
from hemline.evaluation.fairness.audit import FairnessParams
from hemline.evaluation.gate.guardrails import GateParams
from hemline.evaluation.protocol import EvaluateParams
from hemline.evaluation.served_candidates import ChooseParams
from hemline.experiments.experiment_params import ExperimentParams
from hemline.models.catalogue import CATALOGUE, entry_of
from hemline.models.ranker.ranker_training import RankParams
from hemline.models.repurchase_hazard import RepurchaseParams
from hemline.models.served_orders import ServeParams
from hemline.params import Section
from hemline.registry.runs import flatten, metric_name
from hemline.segments.kmodes import ClusterParams
from hemline.serving.answers_params import AnswersParams
from hemline.shop.shop_params import ShopParams
from hemline.simulation.living_params import LivingParams
from hemline.simulation.simulation_params import SimulationParams
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
    AnswersParams,
    ChooseParams,
    EngineParams,
    FairnessParams,
    FreshDataParams,
    GateParams,
    RankParams,
    ClusterParams,
    DataParams,
    EmbeddingsParams,
    EvaluateParams,
    ExperimentParams,
    LivingParams,
    MonitorParams,
    PerformanceParams,
    ServeParams,
    ShopParams,
    SimulationParams,
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
    assert content.keys() == {section.section for section in (*SECTIONS, SourceParams)}


@pytest.mark.parametrize("section", [ClusterParams, RankParams, *MODEL_SECTIONS])
def test_a_library_user_needs_no_number(section: type[Section]) -> None:
    assert section().model_fields_set == set()


def test_a_number_that_params_do_not_name_is_not_filled_in(tmp_path: Path) -> None:
    path = write(tmp_path, "repurchase: {fit_weeks: 3, l2: 1}")
    with pytest.raises(BadInput, match=r"section 'repurchase'(.|\n)*no max_customers"):
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
    path = write(tmp_path, "repurchase: {fit_weeks: -3, max_customers: 9, l2: 1}")
    with pytest.raises(BadInput, match=r"repurchase\.fit_weeks: (.|\n)*found: -3"):
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


CONTENT = (ROOT / "params.yaml").read_text(encoding="utf-8")
ROWS = yaml.safe_load(CONTENT)["evaluate"]["rows"]
BILLION = "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['x'])}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"data:\n\tcut: 1\n", "line 2, column 1"),
        (b"data:\n  cut: 'a\0b'\n", r"line 2: the character '\x00'"),
        (b"data:\n  x: [1, 2\ncut: 3\n", "line 3, column 4"),
        (b"data: {a: 1}\nserve: {}\ndata: {a: 2}\n", "line 3, column 1: 'data' stands in line 1"),
        (b"data:\n  cut: 1\n  cut: 2\n", "line 3, column 3: 'cut' stands in line 2 already"),
        (b"data:\n  cut: '\xff'\n", "line 2: the byte 0xff"),
        ("data: 1\n".encode("utf-16"), "line 1: the byte 0xff"),
        (BILLION.encode(), "with its aliases (*) written out it holds over 100,000 values"),
        (b"data: &all\n  cut: [*all]\n", "line 2, column 8: with its aliases (*) written out"),
        (b"data: " + b"[" * 50_000, "too deep"),
        (b"# " + b"x" * (1 << 20), "1,048,578 bytes"),
        (b"data:\n  cut: 2020-02-30\n", "line 2, column 8: day is out of range"),
        (b"data:\n  test_days: " + b"9" * 5000, "line 2, column 14: Exceeds the limit"),
        (b"--- 1\n--- 2\n", "line 2, column 1"),
    ],
    ids=[
        "tab", "NUL", "bracket", "section twice", "key twice", "Latin-1", "UTF-16", "aliases",
        "an alias within itself", "nesting", "size", "no such day", "digits", "two documents",
    ],
)  # fmt: skip
def test_what_is_no_yaml_is_refused_with_its_line(tmp_path: Path, text: bytes, found: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(text)
    with pytest.raises(BadInput, match=r"params\.yaml is YAML in UTF-8") as refused:
        DataParams.load(path)
    assert found in refused.value.found
    assert "params.yaml" in refused.value.fix


def test_a_value_may_be_written_once_and_named_again(tmp_path: Path) -> None:
    content = yaml.safe_load(CONTENT)
    content["choose"]["cold"] = content["choose"]["warm"]
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert "*id001" in path.read_text(encoding="utf-8")
    assert ChooseParams.load(path).cold == ChooseParams.load(path).warm


@pytest.mark.parametrize("kind", ["no file", "a folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "params.yaml"
    if kind == "a folder":
        path.mkdir()
    with pytest.raises(BadInput, match=r"params\.yaml can be read"):
        DataParams.load(path)


def changed(tmp_path: Path, section: str, key: str, value: object) -> Path:
    content = yaml.safe_load(CONTENT)
    content[section][key] = value
    return write(tmp_path, yaml.safe_dump(content, sort_keys=False))


NUMBERS = [
    (section, name)
    for section in SECTIONS
    for name, value in yaml.safe_load(CONTENT)[section.section].items()
    if isinstance(value, int | float) and not isinstance(value, bool)
]


@pytest.mark.parametrize(
    ("section", "name"), NUMBERS, ids=lambda part: getattr(part, "section", part)
)
def test_no_number_is_absurd(tmp_path: Path, section: type[Section], name: str) -> None:
    every = (10**12, -(10**12), float("nan"), float("inf"), True, "many", None, [1], {})
    is_first = (section, name) == NUMBERS[0]  # each value takes a tenth of a second
    for value in every if is_first else (10**12, float("nan"), True):
        path = changed(tmp_path, section.section, name, value)
        with pytest.raises(BadInput, match=rf"params\.yaml: {section.section}\.{name}") as refused:
            section.load(path)
        line = path.read_text().splitlines().index(f"{section.section}:") + 1
        assert int(refused.value.found.rpartition(" line ")[2].rstrip(":")) > line
        assert refused.value.fix == f"correct {section.section}.{name} in params.yaml"


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        (DataParams, "test_days", 99_999_999),
        (DataParams, "test_days", 0),
        (DataParams, "validation_days", -7),
        (DataParams, "history_years", 1e6),
        (DataParams, "cut", "0001-01-01"),
        (DataParams, "cut", "9999-12-31"),
        (DataParams, "cut", "soon"),
        (ClusterParams, "seed", -1),
        (ClusterParams, "n_clusters", 128),
        (ServeParams, "warm", []),
        (ServeParams, "warm", "cvae"),
        (EngineParams, "memory_limit", "lots"),
        (EngineParams, "threads", 10**6),
        (EngineParams, "spark", "localhost:7077"),
        (EngineParams, "name", "polars"),
        (ValidateParams, "min_age", 100),
        (ValidateParams, "earliest_day", "2031-01-01"),
        (RankParams, "leaves", 1_000_000),
        (FreshDataParams, "min_day_share", 1),
    ],
)
def test_a_value_that_no_run_could_use_is_refused(
    tmp_path: Path, section: type[Section], key: str, value: object
) -> None:
    with pytest.raises(BadInput, match=rf"params\.yaml: {section.section}"):
        section.load(changed(tmp_path, section.section, key, value))


def test_the_line_of_a_nested_key_is_named(tmp_path: Path) -> None:
    text = CONTENT.replace("prior_follow: 0.7", "prior_follow: .nan")
    line = text[: text.index("prior_follow")].count("\n") + 1
    with pytest.raises(BadInput, match=r"monitor\.forecast\.prior_follow") as refused:
        MonitorParams.load(write(tmp_path, text))
    assert refused.value.found == f"nan in line {line}"


def test_every_section_is_checked_before_a_training_and_unknown_ones_are_named(
    tmp_path: Path,
) -> None:
    check_all_params(ROOT / "params.yaml")
    with pytest.raises(BadInput, match="found: also evalute"):
        check_all_params(write(tmp_path, CONTENT + "evalute: {}\n"))
    late = CONTENT.replace("latency_answers: 200", "latency_answers: 0")
    with pytest.raises(BadInput, match=r"gate\.latency_answers"):
        check_all_params(write(tmp_path, late))


@pytest.mark.parametrize("name", ["mine", "Größe 2", "a.b: c-d_e", "..1", "x" * 100])
def test_mlflow_accepts_the_names_of_rows(tmp_path: Path, name: str) -> None:
    from mlflow.utils import validation  # noqa: PLC0415  (slow)

    rows = {**ROWS, name: ["cvae"]}
    check_all_params(changed(tmp_path, "evaluate", "rows", rows))
    for stored in (metric_name("map@12", name), *flatten({"evaluate": {"rows": rows}})):
        assert validation.validate_param_and_metric_name(stored)
        assert not validation.path_not_unique(stored)


@pytest.mark.parametrize("name", ["<b>", "[/red]", "a | b", "a/b", "..", " ", "", "x" * 101])
def test_a_row_that_mlflow_would_refuse_after_the_training_is_refused_before_it(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(BadInput, match=r"a name in evaluate\.rows") as refusal:
        check_all_params(changed(tmp_path, "evaluate", "rows", {**ROWS, name: ["cvae"]}))
    assert refusal.value.found == repr(name)


def test_the_monitor_checks_what_it_reads(tmp_path: Path) -> None:
    check_monitor_params(ROOT / "params.yaml")
    with pytest.raises(BadInput, match=r"fresh_data\.reference_weeks"):
        check_monitor_params(changed(tmp_path, "fresh_data", "reference_weeks", 0))


@pytest.mark.parametrize(
    "value", ["abc", "", "0", "65536", "99999", "-1", "4200.0", "९", "1" * 5000]
)
def test_a_variable_that_is_no_port_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HEMLINE_PAGES_PORT", value)
    with pytest.raises(BadInput, match="HEMLINE_PAGES_PORT is a port, from 1 to 65535"):
        addresses()


def test_two_servers_have_two_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMLINE_PAGES_PORT", "4200")
    with pytest.raises(BadInput, match="HEMLINE_PREFECT_PORT=4200"):
        addresses()
    monkeypatch.setenv("HEMLINE_PAGES_PORT", "4201")
    assert addresses().pages.endswith(":4201")


@pytest.mark.parametrize(
    "text", ["", "vars: 3", "vars: [{paths: [1]}]", "vars:\n\t- x", "stages: {}", "[1]"]
)
def test_a_pipeline_without_its_paths_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"dvc\.yaml"):
        Project.at(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "automations: 3", "automations: [3]", "automations: [{name: x, trigger: y}]", "a: [1"],
)
def test_automations_of_another_form_are_refused_before_anything_is_deployed(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "automations.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"automations\.yaml"):
        deploy(tmp_path)


def test_a_version_of_earlier_code_serves_as_it_was_registered(tmp_path: Path) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    earlier = "".join(line for line in text.splitlines(keepends=True) if "per_product:" not in line)
    params = write(tmp_path, earlier)
    assert ServeParams.of_version(params).per_product == 0
    with pytest.raises(BadInput, match="found: no per_product"):
        ServeParams.load(params)
    assert ServeParams.of_version(Path("params.yaml")).per_product == 1


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("choose", "warm", [["rank", "rnak"]]),
        ("choose", "cold", [["rnak"]]),
        ("serve", "warm", ["rnak", "popularity"]),
        ("evaluate", "rows", {"popularity": ["popularity"], "repurchase": ["rnak"]}),
    ],
)
def test_a_model_that_there_is_not_is_refused_before_anything_runs(
    tmp_path: Path, section: str, key: str, value: object
) -> None:
    with pytest.raises(BadInput, match="name models") as refusal:
        check_all_params(changed(tmp_path, section, key, value))
    assert refusal.value.found == "'rnak'"
    assert "popularity, segment_popularity" in str(refusal.value)
