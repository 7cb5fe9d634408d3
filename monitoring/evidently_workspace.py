"""Evidently: a weekly report for people, over time in its UI (its panels: evidently_panels.py).

Effect sizes, not p-values: with 100,000 rows every p-value is 0. Distance and threshold are the
same in the summary and per column, so a report never contradicts itself. Evidently knows no season,
so each week is reported twice, against the weeks before and against last year. The verdicts do not
depend on it (monitoring/verdicts.py).

A run's id is made from its week and its reference, so a week that is reported again replaces the
first report. Files are written beside the workspace and moved into it, because Evidently's UI does
not start with half a file. The price is that this module knows how Evidently stores its files.
"""

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID, uuid5

import pandas as pd

from hemline.files import write_text
from hemline.pages.escaping import escape_plotly
from monitoring.column_names import USUAL, ColumnNames
from monitoring.evidently_panels import LABELS, PROJECT, Reference, drawn_columns, write_project
from monitoring.transactions import NUMBERS

if TYPE_CHECKING:
    from evidently import Dataset
    from evidently.core.report import Snapshot

NUMBER_METHOD: Final = "wasserstein"  # divided by the reference's standard deviation
CATEGORY_METHOD: Final = "jensenshannon"
_DATA: Final = re.compile(r"^ *var \w+ = \{.*\};$", re.MULTILINE)


class PlainVerdict(NamedTuple):
    """The result of the plain preset: whether the dataset has drifted, and which columns have."""

    dataset: bool
    columns: tuple[str, ...]


def add_to_workspace(
    workspace: Path,
    week_end: date,
    current: pd.DataFrame,
    references: Mapping[Reference, pd.DataFrame],
    *,
    threshold: float,
    owner: str,
    page: Path,
    names: ColumnNames = USUAL,
) -> pd.DataFrame:
    """Report a week against each reference as a run in the workspace; one also as an html page.

    Args:
        workspace: folder that `evidently ui` serves, made where it is missing.
        week_end: the first day after the week.
        current: transactions of the week, as sample_transactions returns them.
        references: transactions it is compared with; without "last year" where there is none.
        threshold: effect size from which a column counts as drifted.
        owner: responsible for the project.
        page: self-contained html file (4 MB) of the comparison with the recent weeks.
        names: of the columns; those of a shop that described nothing stay ours.

    Returns:
        One line per reference and column, largest distance first: reference, column, method,
        distance, drifted.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    workspace.mkdir(parents=True, exist_ok=True)
    drawn = {
        title: [names.described.get(name, name) for name in shown]
        for title, shown in drawn_columns(current).items()
    }
    current = current.rename(columns=names.described)
    lines = [pd.DataFrame(columns=["reference", "column", "method", "distance", "drifted"])]
    with (
        TemporaryDirectory(dir=workspace.parent, prefix=".evidently-") as scratch,
        path_for_evidently(Path(scratch)) as place,
    ):
        state = write_project(place, owner, drawn)
        for reference, transactions in references.items():
            compared = transactions.rename(columns=names.described)
            snapshot = _run(week_end, reference, current, compared, threshold)
            if reference == "recent weeks":
                write_text(page, _without_tags(snapshot.get_html_str(as_iframe=False)))
            state.write_snapshot(PROJECT, run_id(week_end, reference), snapshot.to_snapshot_model())
            lines.append(_lines(snapshot, reference, threshold))
        _move_into(workspace, Path(scratch))
    return pd.concat(lines[1:] or lines, ignore_index=True)


@contextmanager
def path_for_evidently(folder: Path) -> Iterator[Path]:
    """Yield a path of a folder that Evidently takes for one: `*` and `::` mean something to it.

    Linux names the open folder by a number, whatever its own name is; Evidently's files keep their
    places in it.
    """
    if not any(sign in str(folder.resolve()) for sign in ("*", "::")):
        yield folder
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        yield Path(f"/proc/self/fd/{opened}")
    finally:
        os.close(opened)


def run_id(week_end: date, reference: Reference) -> UUID:
    """Return the id of a week's run in the workspace: the same for the same week, always."""
    return uuid5(PROJECT, f"{week_end} {reference}")


def run_path(week_end: date, reference: Reference) -> str:
    """Return where Evidently's UI shows a week's run, below its own address."""
    return f"projects/{PROJECT}/reports/{run_id(week_end, reference)}"


def plain_preset(current: pd.DataFrame, reference: pd.DataFrame) -> PlainVerdict:
    """Return the result of Evidently's drift preset with its own methods and thresholds.

    Up to 1,000 rows of reference it tests (p < 0.05), above that it measures distances (from 0.1
    on), and a dataset has drifted when half of its columns have. The monitor does not use it; the
    monitoring benchmark compares it with the monitor's verdicts.

    Args:
        current: transactions of the week, as sample_transactions returns them.
        reference: transactions it is compared with.
    """
    from evidently import Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    with warnings.catch_warnings():
        # A category that the reference lacks makes the chi-square test divide by zero: its p is 0.
        warnings.simplefilter("ignore", RuntimeWarning)
        snapshot = Report([DataDriftPreset()]).run(
            current_data=_dataset(current), reference_data=_dataset(reference)
        )
    dataset, *columns = snapshot.dict()["metrics"]
    return PlainVerdict(
        bool(dataset["value"]["share"] >= dataset["config"]["drift_share"]),
        tuple(metric["config"]["column"] for metric in columns if _has_drifted(metric)),
    )


def _run(
    week_end: date,
    reference: Reference,
    current: pd.DataFrame,
    transactions: pd.DataFrame,
    threshold: float,
) -> "Snapshot":
    # Evidently takes five seconds to import.
    from evidently import Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    preset = DataDriftPreset(
        num_method=NUMBER_METHOD,
        cat_method=CATEGORY_METHOD,
        num_threshold=threshold,
        cat_threshold=threshold,
    )
    return Report([preset]).run(
        current_data=_dataset(current),
        reference_data=_dataset(transactions),
        timestamp=datetime.combine(week_end, time(), tzinfo=UTC),
        tags=[reference],
        metadata={"week_end": week_end.isoformat()},
        name=f"week before {week_end}, {LABELS[reference]}",
    )


def _without_tags(html: str) -> str:
    """Return Evidently's page with no tag in its data.

    Evidently writes them as JSON into a script, which a name with `</script>` would end.
    """
    return _DATA.sub(lambda line: line[0].replace("<", "\\u003c"), html)


def _dataset(transactions: pd.DataFrame) -> "Dataset":
    from evidently import DataDefinition, Dataset  # noqa: PLC0415

    categories = [name for name in transactions if name not in NUMBERS]
    definition = DataDefinition(
        numerical_columns=list(NUMBERS), categorical_columns=list(map(str, categories))
    )
    shown = transactions[categories].apply(
        lambda names: names.map({name: escape_plotly(name) for name in names.unique()})
    )
    return Dataset.from_pandas(transactions.assign(**shown), definition)


def _has_drifted(metric: Mapping[str, Any]) -> bool:
    threshold, value = metric["config"]["threshold"], float(metric["value"])
    is_test = "p_value" in metric["config"]["method"]
    return bool(value < threshold if is_test else value >= threshold)


def _lines(snapshot: "Snapshot", reference: Reference, threshold: float) -> pd.DataFrame:
    lines = [
        _line(metric["config"], reference, float(metric["value"]), threshold)
        for metric in snapshot.dict()["metrics"]
        if metric["config"]["type"].endswith("ValueDrift")
    ]
    return pd.DataFrame(lines).sort_values("distance", ascending=False, ignore_index=True)


def _line(
    config: Mapping[str, str], reference: Reference, distance: float, threshold: float
) -> dict[str, object]:
    return {
        "reference": reference,
        "column": config["column"],
        "method": config["method"],
        "distance": round(distance, 4),
        "drifted": distance >= threshold,
    }


def _move_into(workspace: Path, scratch: Path) -> None:
    """Move every file to its place, the project's own last: by it the UI finds the others."""
    files = sorted(scratch.rglob("*.json"), key=lambda path: (path.name == "metadata.json", path))
    for path in files:
        place = workspace / path.relative_to(scratch)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
