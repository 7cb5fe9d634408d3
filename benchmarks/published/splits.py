"""The published leave-one-out splits as matrices, and the published rows beside them.

A folder holds train.csv, validation.csv and test.csv (columns userID and itemID, numbers) and
published_<model>.txt files with lines such as `Test nDCG@10:    0.03827 (0.00096)`.

In the published protocol a model is fitted on train only, and the train row is the history for
validation and for test: with the published parameters our RP3beta then reproduces the published
digits on both splits; with the validation article in the history it does not (0.0515 instead of
0.0383 on Video Games).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks.ranking_measures import matrix_of
from benchmarks.record import Row
from hemline.errors import BadInput

PARTS: Final = ("train", "validation", "test")
_LINE: Final = re.compile(r"^(Val|Test) (nDCG|Recall)@(\d+):\s+([\d.]+)(?:\s+\(([\d.]+)\))?\s*$")


@dataclass(frozen=True)
class Split:
    """Three CSR matrices of ones of the same shape (customers, articles)."""

    name: str
    train: sparse.csr_matrix
    validation: sparse.csr_matrix
    test: sparse.csr_matrix


def find_splits(folder: Path) -> list[Path]:
    """Return the folders in `folder` that hold a split; raises BadInput when there is none."""
    splits = sorted(path.parent for path in folder.glob("*/train.csv"))
    if not splits:
        raise BadInput(
            "the folder of published splits has <name>/train.csv, validation.csv and test.csv",
            found=", ".join(sorted(path.name for path in folder.glob("*"))) or "nothing",
            fix="make bench-published DATA=<the folder above the splits>",
        )
    return splits


def read_split(folder: Path) -> Split:
    """Return the split in a folder; raises BadInput when a file or column is missing."""
    pairs = [_read_pairs(folder / f"{part}.csv") for part in PARTS]
    highest = np.max([part.max(axis=0) for part in pairs], axis=0)
    shape = (int(highest[0]) + 1, int(highest[1]) + 1)
    return Split(folder.name, *(matrix_of(part[:, 0], part[:, 1], shape) for part in pairs))


def read_published(folder: Path) -> list[Row]:
    """Return the published rows of a folder, models named `published <name>`."""
    rows = []
    for path in sorted(folder.glob("published_*.txt")):
        model = f"published {path.stem.removeprefix('published_')}"
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := _LINE.match(line):
                part, metric, k, value, stderr = match.groups()
                name = f"{'validation ' if part == 'Val' else ''}{metric.lower()}@{k}"
                rows.append(
                    Row(folder.name, model, name, float(value), float(stderr) if stderr else None)
                )
    return rows


def _read_pairs(path: Path) -> np.ndarray:
    if not path.is_file():
        raise BadInput(
            "a split has train.csv, validation.csv and test.csv",
            found=f"no {path.name} in {path.parent.name}",
            fix="use the folder as it was published",
        )
    pairs = pd.read_csv(path)
    if not {"userID", "itemID"} <= set(pairs.columns):
        raise BadInput(
            f"{path.name} has the columns userID and itemID",
            found=", ".join(pairs.columns),
            fix="use the file as it was published",
        )
    return pairs[["userID", "itemID"]].to_numpy(np.int64)
