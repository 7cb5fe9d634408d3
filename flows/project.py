"""The project folder as a flow sees it: where dvc.yaml puts things, and where data comes from."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Final, Literal, Self

from flows.dvc import Report
from flows.resources import require_resources
from hemline.cli.flow_commands import Size
from hemline.data.acquire.deliveries import FOLDER as DELIVERIES
from hemline.data.acquire.deliveries import delivery_folders
from hemline.data.acquire.described_files import described_files, find_described
from hemline.data.acquire.kaggle_files import find_sources, holds_kaggle_files
from hemline.data.acquire.source_params import SourceParams
from hemline.data.acquire.typed_tables import AcquireParams
from hemline.data.fetch.fetched_tables import fetch
from hemline.data.synthetic.shop import SyntheticParams
from hemline.edited_params import set_value
from hemline.engine.engine import EngineParams
from hemline.errors import BadInput
from hemline.evaluation.version_lists import TargetWeek
from hemline.params import pipeline_paths
from hemline.serving.version_files import VersionFiles

Source = Literal["synthetic", "kaggle", "mapped"]

ALARMS: Final = "alarms"
"""Name of the files of a replay's verdicts and decisions: csv and md."""


@dataclass(frozen=True)
class Project:
    """The folders of dvc.yaml, relative to root."""

    root: Path
    source: Path
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


def fetch_source(project: Project, report: Report) -> None:
    """Copy what the description names by URL into data/source, and report it.

    Raises:
        BadInput: a place cannot be reached, or its table is empty or lacks a column.
    """
    if AcquireParams.load(project.params).source == "mapped":
        described = SourceParams.load(project.params)
        for line in fetch(described, project.root / project.source):
            report(line)


def link_source_files(
    data: Path, folder: Path, params: Path, source: Source | None, report: Report
) -> Source:
    """Link files into data/source, in place of earlier links, and return whose they are.

    Args:
        data: the folder of the files, or one of them.
        folder: data/source.
        params: params.yaml, whose section `source` may describe the files.
        source: kaggle or mapped; None: what the folder holds.
        report: is told of every link.

    Raises:
        BadInput: a file is missing or lies there twice, nothing describes the files, or data/source
            already holds a file, not a link, of that name.
    """
    data = data.expanduser()
    source, paths = _source_files(data.parent if data.is_file() else data, params, source)
    folder.mkdir(parents=True, exist_ok=True)
    if source == "mapped":
        _refuse_other_export(folder, paths)
    unlink_source_files(folder, report)
    for name, path in paths.items():
        link = folder / name
        if not link.exists():
            link.symlink_to(path)
            report(f"{link} -> {path}")
        elif not link.samefile(path):
            raise BadInput(
                f"{folder} has room for a link to {path}",
                found=f"another file, {link}",
                fix="move that file away, or leave out --data to use it",
            )
    return source


def _refuse_other_export(folder: Path, paths: dict[str, Path]) -> None:
    """Raise BadInput where another export would get the deliveries that were added to this one."""
    n_deliveries = len(delivery_folders(folder))
    linked = {one.name: one.resolve() for one in folder.iterdir() if one.is_symlink()}
    if n_deliveries and linked and linked != paths:
        raise BadInput(
            f"{folder / DELIVERIES} belongs to the export that is linked beside it",
            found=f"{n_deliveries} deliveries, and another export: "
            f"{', '.join(map(str, paths.values()))}",
            fix=f"if the new export holds them: rm -r {folder / DELIVERIES}; if it is a further "
            "delivery: hemline source add",
        )


def unlink_source_files(folder: Path, report: Report) -> None:
    """Remove the links from data/source, so that DVC does not hash files nobody reads."""
    for old in folder.iterdir():
        if old.is_symlink():
            old.unlink()
            report(f"{old} is no longer linked")


def _source_files(
    data: Path, params: Path, source: Source | None
) -> tuple[Source, dict[str, Path]]:
    """Return whose files the folder holds, and their paths by name."""
    described = SourceParams.load(params)
    if source is None and not holds_kaggle_files(data) and described.transactions is None:
        there = sorted(path.name for path in data.iterdir()) if data.is_dir() else []
        raise BadInput(
            "the folder has Kaggle's three files, or section `source` of params.yaml describes "
            "its files",
            found=", ".join(there[:20]) or f"no folder {data}",
            fix=f"describe them: hemline source init {data}",
        )
    is_there = any((data / name).exists() for name in described_files(described))
    if source == "mapped" or (source is None and (is_there or not holds_kaggle_files(data))):
        files = find_described(described, data, with_urls=False).values()
        return "mapped", _paths_by_name(file.path for file in files)
    sources = find_sources(data, keep_postal_code=False)
    return "kaggle", _paths_by_name(file.path for file in sources.values())


def _paths_by_name(paths: Iterable[Path]) -> dict[str, Path]:
    return {path.name: path.resolve() for path in sorted(paths)}


def _choose(params: Path, section: str, key: str, value: str, report: Report) -> None:
    change = set_value(params, section, key, value)
    if change:
        report(change)
