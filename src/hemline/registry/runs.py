"""Training runs in MLflow: parameters, scores, reports, and the model they led to.

A training is recorded once per dvc.lock, however often the flow runs. The model is stored with the
run, purchase histories included, so that a version is complete by itself; the price is a copy of
them per run (0.3 GB at the size of the Kaggle data), and that the store holds personal data.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import yaml

from hemline import columns
from hemline.registry.mlflow_client import client
from hemline.relocation import database_file
from hemline.serving.version_files import VersionFiles
from hemline.storefront import RECOMMENDATION_COLUMNS

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

EXPERIMENT: Final = "hemline"

_SERVING_PACKAGES: Final = (
    "implicit",
    "lightgbm",
    "mlflow",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "PyYAML",
    "scipy",
    "threadpoolctl",
    "torch",
    "tqdm",
)
_CURVES: Final = {"cvae_curve.csv": "epoch", "elbow.csv": "n_clusters"}
_LOGGED: Final = {".csv": "reports", ".json": "reports", ".md": "reports", ".png": "plots"}
# Without it MLflow's pages open with judges and prompts instead of runs and metrics.
_OUR_PAGES: Final = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True)
class Lineage:
    """What a training came from; every field becomes a tag of the run and of the version.

    Attributes:
        git_commit: holds exactly the code, params.yaml and dvc.lock; "none" without git.
        dvc_lock: hash of dvc.lock.
        data_hash: of the tables, from dvc.lock.
        table_hashes: md5 of each table by name, as json.
        models_hash: of all files of a version, from dvc.lock and params.yaml; its identity.
        file_hashes: md5 of each of these files and folders by path, from dvc.lock, as json.
        cut: the cut, as YYYY-MM-DD.
        source: synthetic or kaggle.
        form: version_files.FORMAT_VERSION of the files; the stored tag has always had this name.
        processor: variables with which stages compute as they did, as json; the last bits of
            models depend on them.
        stored_hashes: md5 of every single file of the version by its place in it, as json; what is
            loaded from the registry is compared with them (integrity.FileHashes).
    """

    git_commit: str
    dvc_lock: str
    data_hash: str
    table_hashes: str
    models_hash: str
    file_hashes: str
    cut: str
    source: str
    form: str
    processor: str
    stored_hashes: str = "{}"


def find_run(lineage: Lineage) -> str | None:
    """Return the id of the finished run of the same dvc.lock, or None."""
    experiment = client().get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return None
    same = f"tags.dvc_lock = '{lineage.dvc_lock}' and attributes.status = 'FINISHED'"
    runs = client().search_runs([experiment.experiment_id], same, max_results=1)
    return str(runs[0].info.run_id) if runs else None


def record_run(
    lineage: Lineage, *, params: Path, reports: Path, files: VersionFiles, store: Path
) -> str:
    """Log parameters, scores, curves, reports and the model as one run, and return its id.

    Args:
        lineage: becomes the run's tags.
        params: params.yaml.
        reports: folder with scores.json, curves (csv), plots (png), tables (csv, md) and the folder
            of the fairness audit.
        files: what the version consists of.
        store: folder for MLflow's files; a tracking server stores them in its own place instead.
    """
    import mlflow  # noqa: PLC0415  (see mlflow_client)

    with mlflow.start_run(
        experiment_id=_experiment_id(store),
        run_name=f"train {lineage.cut}",
        tags=asdict(lineage),
        description=_first_table(reports / "scores.md"),
    ) as run:
        mlflow.log_params(flatten(yaml.safe_load(params.read_text(encoding="utf-8"))))
        mlflow.log_metrics(dict(_scores(reports / "scores.json")))
        for name, step in _CURVES.items():
            for at, values in _curve(reports / name, step):
                mlflow.log_metrics(values, step=at)
        for path in sorted(reports.iterdir()):
            if path.suffix in _LOGGED:
                mlflow.log_artifact(str(path), _LOGGED[path.suffix])
        mlflow.log_artifacts(str(reports / "fairness"), "fairness")
        _log_model(files, lineage)
        return str(run.info.run_id)


def run_page(address: str, run_id: str) -> str:
    """Return the address of a run's page."""
    experiment = client().get_run(run_id).info.experiment_id
    return f"{address}/#/experiments/{experiment}/runs/{run_id}"


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings by their dotted path.

    >>> flatten({"cvae": {"latent": 64}, "seed": 7})
    {'cvae.latent': 64, 'seed': 7}
    """
    leaves: dict[str, Any] = {}
    for name, value in nested.items():
        path = f"{prefix}{name}"
        leaves |= flatten(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return leaves


def metric_name(metric: str, model: str) -> str:
    """Return a name MLflow accepts; its pages group by the part before the slash.

    >>> metric_name("map@12", "cvae")
    'map_at_12/cvae'
    """
    return f"{metric.replace('@', '_at_')}/{model}"


def _first_table(scores: Path) -> str:
    """Return the first table of the scores: MLflow cuts a description at 8,000 characters."""
    return scores.read_text(encoding="utf-8").partition("\n\n")[0]


def _experiment_id(store: Path) -> str:
    import mlflow  # noqa: PLC0415  (see mlflow_client)

    known = client().get_experiment_by_name(EXPERIMENT)
    if known is not None:
        return str(known.experiment_id)
    is_local = database_file(mlflow.get_tracking_uri()) is not None
    location = store.resolve().as_uri() if is_local else None
    return str(client().create_experiment(EXPERIMENT, artifact_location=location, tags=_OUR_PAGES))


def _scores(path: Path) -> Iterator[tuple[str, float]]:
    for model, values in json.loads(path.read_text(encoding="utf-8")).items():
        for metric, value in values.items():
            yield metric_name(metric, model), value


def _curve(path: Path, step: str) -> Iterator[tuple[int, dict[str, float]]]:
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            at = int(float(line.pop(step)))
            yield at, {metric_name(path.stem, name): float(line[name]) for name in line}


def _log_model(files: VersionFiles, lineage: Lineage) -> None:
    import mlflow  # noqa: PLC0415  (see mlflow_client)

    package = Path(__file__).parents[1]
    mlflow.pyfunc.log_model(
        name=EXPERIMENT,
        python_model=str(package / "pyfunc_model.py"),
        artifacts={name: str(path) for name, path in asdict(files).items()},
        code_paths=[str(package)],
        signature=_signature(),
        input_example=pd.DataFrame({columns.AGE: [25.0], columns.CLUB: ["ACTIVE"]}),
        pip_requirements=[
            f"{name}=={installed(name).partition('+')[0]}" for name in _SERVING_PACKAGES
        ],
        metadata=asdict(lineage),
    )


def _signature() -> "ModelSignature":
    from mlflow.models import ModelSignature  # noqa: PLC0415  (see mlflow_client)
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema  # noqa: PLC0415  (as above)

    inputs = {
        columns.CUSTOMER_ID: DataType.string,
        columns.AGE: DataType.double,  # as whole numbers, a missing age could not be sent
        columns.CLUB: DataType.string,
        columns.NEWS: DataType.string,
        columns.FN: DataType.boolean,
        columns.ACTIVE: DataType.boolean,
    }
    numbers = {"rank": DataType.long}
    outputs = {"query": DataType.long} | {
        name: numbers.get(name, DataType.string) for name in RECOMMENDATION_COLUMNS
    }
    return ModelSignature(
        Schema([ColSpec(kind, name, required=False) for name, kind in inputs.items()]),
        Schema([ColSpec(kind, name) for name, kind in outputs.items()]),
        ParamSchema([ParamSpec("k", DataType.long, 12)]),
    )
