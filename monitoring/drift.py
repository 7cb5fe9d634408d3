"""The one door to Evidently: is this week's shopping distributed as in the weeks before?

Effect sizes, not p-values: with 100,000 rows every p-value is 0. Distance and threshold are the
same in the summary and per column, so the report never contradicts itself.
"""

from pathlib import Path
from typing import Final

import pandas as pd

from monitoring.windows import CATEGORIES, NUMBERS, Windows

NUMBER_METHOD: Final = "wasserstein"  # divided by the reference's standard deviation
CATEGORY_METHOD: Final = "jensenshannon"


def measure_drift(windows: Windows, *, threshold: float, page: Path) -> pd.DataFrame:
    """Write Evidently's report to an html page and return its numbers.

    Args:
        windows: what to compare.
        threshold: effect size from which a column counts as drifted.
        page: html file, self-contained.

    Returns:
        One line per column, largest distance first: column, method, distance, drifted.
    """
    # Five seconds to import, so not before somebody asks.
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    definition = DataDefinition(
        numerical_columns=list(NUMBERS), categorical_columns=list(CATEGORIES)
    )
    preset = DataDriftPreset(
        num_method=NUMBER_METHOD,
        cat_method=CATEGORY_METHOD,
        num_threshold=threshold,
        cat_threshold=threshold,
    )
    snapshot = Report([preset]).run(
        current_data=Dataset.from_pandas(windows.current, definition),
        reference_data=Dataset.from_pandas(windows.reference, definition),
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    snapshot.save_html(str(page))
    lines = [
        _line(metric["config"], float(metric["value"]), threshold)
        for metric in snapshot.dict()["metrics"]
        if metric["config"]["type"].endswith("ValueDrift")
    ]
    return pd.DataFrame(lines).sort_values("distance", ascending=False, ignore_index=True)


def _line(config: dict[str, str], distance: float, threshold: float) -> dict[str, object]:
    return {
        "column": config["column"],
        "method": config["method"],
        "distance": round(distance, 4),
        "drifted": distance >= threshold,
    }
