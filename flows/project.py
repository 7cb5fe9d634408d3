"""The project folder as a flow sees it: where dvc.yaml puts things, and where data comes from."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal, Self

import yaml
from ruamel.yaml import YAML

from flows.dvc import OnLine
from flows.resources import Size, announce_size
from hemline.data.acquire.kaggle_files import find_sources
from hemline.data.synthetic.shop import SyntheticParams
from hemline.engine.engine import EngineParams
from hemline.errors import BadInput
from hemline.storefront import VersionFiles, Week

Source = Literal["synthetic", "kaggle"]

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
        """Return the project in a folder, its paths as dvc.yaml has them."""
        pipeline = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))
        paths = pipeline["vars"][0]["paths"]
        return cls(root.resolve(), **{name: Path(path) for name, path in paths.items()})

    @property
    def params(self) -> Path:
        """Return the path of params.yaml."""
        return self.root / "params.yaml"

    @property
    def engine(self) -> EngineParams:
        """Return the section `engine` of params.yaml, its spill folder as seen from anywhere."""
        params = EngineParams.load(self.params)
        return params.model_copy(update={"spill": self.root / params.spill})

    @property
    def monitoring(self) -> Path:
        """Return the folder of what the monitor keeps; it is state, so DVC knows nothing of it."""
        return self.root / ".hemline" / "monitoring"

    def version_files(self) -> VersionFiles:
        """Return the files that a version of the model is made of."""
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

    def test_week(self) -> Week:
        """Return the files of the week on which champion and challenger meet."""
        return Week(
            test=self.root / self.prepared / "test.npz",
            histories=self.root / self.prepared / "histories.npz",
            articles=self.root / self.tables / "articles.parquet",
            customers=self.root / self.tables / "customers.parquet",
        )


def choose_source(params: Path, source: Source, on_line: OnLine) -> None:
    """Set acquire.source in params.yaml, comments kept; say so if that changed the file."""
    _choose(params, "acquire", "source", source, on_line)


def choose_size(project: Project, size: Size, on_line: OnLine) -> None:
    """Set synthetic.size in params.yaml as choose_source does, if the machine has room for it.

    A shop of that size whose tables lie there already is not asked about.

    Raises:
        BadInput: disk or memory are too small for it.
    """
    is_there = SyntheticParams.load(project.params).size == size
    if not (is_there and (project.root / project.tables).exists()):
        announce_size(project.root, size, on_line)
    _choose(project.params, "synthetic", "size", size, on_line)


def choose_cut(params: Path, cut: date, on_line: OnLine) -> None:
    """Set data.cut in params.yaml, comments kept; say so if that changed the file."""
    # A text, which YAML puts in quotes: DVC refuses a date.
    _choose(params, "data", "cut", cut.isoformat(), on_line)


def link_kaggle_files(downloads: Path, kaggle: Path, on_line: OnLine) -> None:
    """Make data/kaggle point to the files of a folder of downloads, in place of earlier links.

    Raises:
        BadInput: a file is missing from the folder, or lies there twice, or another file of its
            name, not a link, lies in data/kaggle.
    """
    sources = find_sources(downloads.expanduser(), keep_postal_code=False)
    paths = sorted({source.path.resolve() for source in sources.values()})
    kaggle.mkdir(parents=True, exist_ok=True)
    unlink_kaggle_files(kaggle, on_line)
    for path in paths:
        link = kaggle / path.name
        if not link.exists():
            link.symlink_to(path)
            on_line(f"{link} -> {path}")
        elif not link.samefile(path):
            raise BadInput(
                f"{kaggle} has room for a link to {path}",
                found=f"another file, {link}",
                fix="move that file away, or leave out the folder of downloads to use it",
            )


def unlink_kaggle_files(kaggle: Path, on_line: OnLine) -> None:
    """Remove the links from data/kaggle: DVC would hash what they point to for nothing."""
    for old in kaggle.iterdir():
        if old.is_symlink():
            old.unlink()
            on_line(f"{old} is no longer linked")


def _choose(params: Path, section: str, key: str, value: str, on_line: OnLine) -> None:
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = _WIDE
    content = editor.load(params)
    before = content[section][key]
    if before == value:
        return
    content[section][key] = value
    unfinished = params.with_suffix(".unfinished")  # whoever reads meanwhile has the file whole
    editor.dump(content, unfinished)
    unfinished.replace(params)
    on_line(f"{params.name}: {section}.{key} was {before}, is now {value}")
