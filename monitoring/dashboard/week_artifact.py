"""A week as markdown, for the artifacts of the Prefect UI: the same verdicts as on its page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hemline.pages.rendering import render
from monitoring.column_names import USUAL, ColumnNames
from monitoring.dashboard.week_page import week_in_words
from monitoring.records import RunKind

_TEMPLATE: Final = Path(__file__).with_name("week.md.j2")


def week_artifact(
    decision: Any,
    verdicts: pd.DataFrame,
    performance: pd.DataFrame,
    links: Mapping[str, str],
    kind: RunKind = RunKind.LIVE,
    names: ColumnNames = USUAL,
) -> str:
    """Return the week as markdown.

    Args:
        decision: what was decided, with the fields of DECISION_SCHEMA.
        verdicts: VERDICT_SCHEMA; other weeks are passed over.
        performance: PERFORMANCE_SCHEMA; other weeks are passed over.
        links: addresses by name.
        kind: whether anything follows from the week; a page that is not live says so.
        names: of the columns.
    """
    words = week_in_words(decision, verdicts, performance, kind, names)
    return render(_TEMPLATE, **words, links_out=links)
