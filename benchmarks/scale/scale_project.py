"""The project folder of one size: the pipeline on a generated share of Kaggle's customers.

The number of customers, and with it that of transactions, is a share; the catalogue has Kaggle's
size at every share. A real shop grows by customers, not by copies of its catalogue; if both grew,
the exponents of steps over customers x articles would mix two kinds of growth.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import yaml

_HERE: Final = Path(__file__).parent
ROOT: Final = _HERE.parents[1]
SHOPS: Final = ROOT / ".hemline" / "bench-scale"
"""Where the project folders of all sizes are by default."""

_COPIED: Final = ("params.yaml", "dvc.yaml")
_KAGGLE: Final = {"n_customers": 1_371_980, "n_articles": 105_542}
_DAYS: Final = {"first_day": "2018-09-20", "last_day": "2020-09-22"}


@dataclass(frozen=True)
class BenchmarkShop:
    """The project folder of a size; paths are those of dvc.yaml."""

    root: Path
    percent: int

    @property
    def params(self) -> Path:
        """Return the path of its params.yaml."""
        return self.root / "params.yaml"

    @property
    def kaggle(self) -> Path:
        """Return the folder of the generated shop as Kaggle's files."""
        return self.root / "data" / "source"

    @property
    def tables(self) -> Path:
        """Return the folder of the typed tables."""
        return self.root / "data" / "tables"

    @property
    def prepared(self) -> Path:
        """Return the folder of purchases and histories."""
        return self.root / "data" / "prepared"

    @property
    def segments(self) -> Path:
        """Return the file of the customers' segments."""
        return self.root / "data" / "segments" / "segments.parquet"

    @property
    def scored(self) -> Path:
        """Return the folder of the CVAE that offers every article."""
        return self.root / "models-of-all-articles"

    def n_transactions(self) -> int:
        """Return the number of transactions written by the stage acquire."""
        return int(pq.read_metadata(self.tables / "transactions.parquet").num_rows)


def load_settings() -> dict[str, Any]:
    """Return settings.yaml."""
    settings: dict[str, Any] = yaml.safe_load((_HERE / "settings.yaml").read_text("utf-8"))
    return settings


def open_shop(folder: Path, percent: int) -> BenchmarkShop:
    """Return the project folder of a size with the current code; it is created if missing."""
    root = folder / f"{percent}"
    root.mkdir(parents=True, exist_ok=True)
    for name in _COPIED:
        shutil.copy(ROOT / name, root / name)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.rmtree(root / "src", ignore_errors=True)
    shutil.copytree(ROOT / "src", root / "src", ignore=ignored)  # the stages' deps
    shop = BenchmarkShop(root, percent)
    _set_size(shop)
    if not (root / ".dvc").exists():
        command = [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"]
        subprocess.run(command, cwd=root, check=True)
    return shop


def stage_commands(pipeline: Path) -> dict[str, list[str]]:
    """Return the command of each stage of dvc.yaml, in its order, with this interpreter."""
    content = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    [variables] = content["vars"]
    return {
        name: [sys.executable, *_filled(stage["cmd"], variables["paths"])[1:]]
        for name, stage in content["stages"].items()
    }


def _filled(command: str, paths: Mapping[str, str]) -> list[str]:
    return shlex.split(re.sub(r"\$\{paths\.(\w+)\}", lambda match: paths[match[1]], command))


def _set_size(shop: BenchmarkShop) -> None:
    content = yaml.safe_load(shop.params.read_text(encoding="utf-8"))
    n_customers = _KAGGLE["n_customers"] * shop.percent // 100
    content["acquire"]["source"] = "kaggle"
    content["synthetic"]["size"] = {**_KAGGLE, **_DAYS, "n_customers": n_customers}
    content["synthetic"]["seed"] = load_settings()["seed"]
    shop.params.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
