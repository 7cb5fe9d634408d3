"""The project folder as a flow sees it: where dvc.yaml puts things, and where data comes from."""

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Final, Literal, Self

from ruamel.yaml import YAML

from flows.dvc import Report
from flows.resources import require_resources
from hemline.cli.flow_commands import Size
from hemline.data.acquire.kaggle_files import find_sources
from hemline.data.synthetic.shop import SyntheticParams
from hemline.engine.engine import EngineParams
from hemline.errors import BadInput
from hemline.evaluation.version_lists import TargetWeek
from hemline.files import replaced_file
from hemline.params import pipeline_paths
from hemline.serving.version_files import VersionFiles

Source = Literal["synthetic", "kaggle"]

ALARMS: Final = "alarms"
"""Name of the files of a replay's verdicts and decisions: csv and md."""

_WIDE: Final = 4096


@dataclass(frozen=True)
class Project:
    """The folders of dvc.yaml, relative to root."""

    root: Path
    kaggle: Path
    tables: Path
    validation: Path
    prepared: Path
    segments: Path
    models: Path
    reports: Path

    @classmethod
    def at(cls, root: Path) -> Self:
        """Return the project in a folder, its paths as dvc.yaml has them.

        Raises:
            BadInput: dvc.yaml cannot be read, or lacks a path.
        """
        paths = pipeline_paths(root / "dvc.yaml")
        names = [field.name for field in fields(cls) if field.name != "root"]
        missing = [name for name in names if name not in paths]
        if missing:
            raise BadInput(
                f"{root / 'dvc.yaml'} has the paths of the project under vars, paths",
                found=f"no {', '.join(missing)}",
                fix="compare it with the dvc.yaml of the repository",
            )
        return cls(root.resolve(), **{name: paths[name] for name in names})

    @property
    def params(self) -> Path:
        """Return the path of params.yaml."""
        return self.root / "params.yaml"

    @property
    def engine(self) -> EngineParams:
        """Return the section `engine` of params.yaml, with the full path of its spill folder."""
        params = EngineParams.load(self.params)
        return params.model_copy(update={"spill": self.root / params.spill})

    @property
    def monitoring(self) -> Path:
        """Return the folder of the monitor's records: state, so DVC does not track it."""
        return self.root / ".hemline" / "monitoring"

    def version_files(self) -> VersionFiles:
        """Return the files that make up a version of the model."""
        return VersionFiles(
            models=self.root / self.models,
            articles=self.root / self.tables / "articles.parquet",
            customer_keys=self.root / self.tables / "customer_keys.parquet",
            segments=self.root / self.segments / "segments.parquet",
            histories=self.root / self.prepared / "histories.npz",
            params=self.params,
        )

    def served_scores(self) -> Path:
        """Return the file of the served lists' AP@12 per buyer of the test week."""
        return self.root / self.reports / "served_per_customer.parquet"

    def test_week(self) -> TargetWeek:
        """Return the week on which the gate compares champion and challenger."""
        return TargetWeek.read(
            test=self.root / self.prepared / "test.npz",
            histories=self.root / self.prepared / "histories.npz",
            articles=self.root / self.tables / "articles.parquet",
            customers=self.root / self.tables / "customers.parquet",
        )


def choose_source(params: Path, source: Source, report: Report) -> None:
    """Set acquire.source in params.yaml, keep the comments, and report a change."""
    _choose(params, "acquire", "source", source, report)


def choose_size(project: Project, size: Size, report: Report) -> None:
    """Set synthetic.size in params.yaml as choose_source does, if the machine is large enough.

    Where the tables of that size exist already, the machine is not checked again.

    Raises:
        BadInput: disk or memory are too small for it.
    """
    is_there = SyntheticParams.load(project.params).size == size
    if not (is_there and (project.root / project.tables).exists()):
        require_resources(project.root, size, report)
    _choose(project.params, "synthetic", "size", size, report)


def choose_cut(params: Path, cut: date, report: Report) -> None:
    """Set data.cut in params.yaml, keep the comments, and report a change."""
    # As text, which YAML puts in quotes: DVC refuses a date.
    _choose(params, "data", "cut", cut.isoformat(), report)


def link_kaggle_files(downloads: Path, kaggle: Path, report: Report) -> None:
    """Link the files of a folder of downloads into data/kaggle, in place of earlier links.

    Raises:
        BadInput: a file is missing from the folder or lies there twice, or data/kaggle already
            holds a file, not a link, of that name.
    """
    sources = find_sources(downloads.expanduser(), keep_postal_code=False)
    paths = sorted({source.path.resolve() for source in sources.values()})
    kaggle.mkdir(parents=True, exist_ok=True)
    unlink_kaggle_files(kaggle, report)
    for path in paths:
        link = kaggle / path.name
        if not link.exists():
            link.symlink_to(path)
            report(f"{link} -> {path}")
        elif not link.samefile(path):
            raise BadInput(
                f"{kaggle} has room for a link to {path}",
                found=f"another file, {link}",
                fix="move that file away, or leave out --data to use it",
            )


def unlink_kaggle_files(kaggle: Path, report: Report) -> None:
    """Remove the links from data/kaggle, so that DVC does not hash files nobody reads."""
    for old in kaggle.iterdir():
        if old.is_symlink():
            old.unlink()
            report(f"{old} is no longer linked")


def _choose(params: Path, section: str, key: str, value: str, report: Report) -> None:
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = _WIDE
    content = editor.load(params)
    before = content[section][key]
    if before == value:
        return
    content[section][key] = value
    with replaced_file(params) as unfinished:
        editor.dump(content, unfinished)
    report(f"{params.name}: {section}.{key} was {before}, is now {value}")
