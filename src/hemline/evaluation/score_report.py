"""The score table as markdown: the chosen metric first, everything else below.

The first table is narrow enough for a Prefect page; scores.csv has every number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from hemline.evaluation.beyond_accuracy import ATTRIBUTES
from hemline.evaluation.held_out_week import NEW, OLDER
from hemline.evaluation.protocol import AP, BASELINE, ORACLE, SERVED

_ACCURACY: Final = {
    "recall@12": "recall@12",
    "ndcg@12": "NDCG@12",
    "hit@20": "hit@20",
    "success_30@20": "success_30@20",
}
_BEYOND: Final = {
    "novelty@12": "novelty (bits)",
    "diversity@12": "diversity",
    "serendipity@12": "serendipity",
    "repeat_share@12": "repeats",
    "popularity@12": "popularity",
    "head_share@12": "top 1 %",
}
_OF_LISTS: Final = {"personalisation@12": "personalisation", "gini@12": "Gini"}
_BEYOND_NOTE: Final = (
    "First 12 places. Novelty: -log2 of the share of recent buyers. Diversity: share of "
    f"{len(ATTRIBUTES)} attributes in which two articles of a list differ. Serendipity: listed, "
    "bought, and not in the list of popularity. Repeats: bought before. Popularity: share of "
    "recent buyers. Top 1 %: share of the list that the most popular hundredth of sold articles "
    "takes. Personalisation: 1 - cosine of two customers' lists. Gini: of the places per article "
    "of the catalogue. The oracle's line shows what customers really bought (a list of one article "
    "has no diversity)."
)


@dataclass(frozen=True)
class ScorePage:
    """The content of a page of scores.

    Attributes:
        table: the lines of `score_table`.
        of_lists: by row, the measures of all its lists together.
        models: by row, its models in their order, as text.
        when: which week or weeks, in words.
    """

    table: pd.DataFrame
    of_lists: Mapping[str, Mapping[str, float]]
    models: Mapping[str, str]
    when: str


@dataclass(frozen=True)
class _Everyone:
    """The lines over all customers: rows best first, the oracle last."""

    order: Sequence[str]
    lines: Mapping[tuple[str, str], Any]
    n_customers: int

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        everyone = table[table["slice"] == "all"]
        maps = everyone[everyone["metric"] == AP].sort_values(
            "value", ascending=False, kind="stable"
        )
        order = [*maps.loc[maps["model"] != ORACLE, "model"], ORACLE]
        lines = {(str(line.model), str(line.metric)): line for line in everyone.itertuples()}
        return cls(order, lines, int(maps["n_customers"].iloc[0]))


def as_markdown(page: ScorePage) -> str:
    """Return the page: accuracy, beyond accuracy, each row against what is served, slices."""
    everyone = _Everyone.of(page.table)
    note = (
        f"{everyone.n_customers:,} buyers of {page.when}; full catalogue; articles bought before "
        "stay in the lists; the oracle lists exactly what was bought. p: two-sided sign-flip test "
        "over customers, with Holm's correction over the rows."
    )
    parts = [_accuracy(everyone, page), [note], _beyond(everyone, page), [_BEYOND_NOTE]]
    if SERVED in everyone.order:
        parts.append(_against_served(everyone))
    parts.append(_by_slice(page.table[page.table["metric"] == AP], everyone.order[:-1]))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


def label(name: str) -> str:
    """Return the name of a row, in bold where it is what customers get."""
    return f"**{name}**" if name == SERVED else name


def p_text(p_value: float) -> str:
    """Return a p-value with its significant digits; an empty text where nothing was tested.

    >>> p_text(0.0001), p_text(0.0421), p_text(float("nan"))
    ('<0.001', '0.042', '')
    """
    if np.isnan(p_value):
        return ""
    return f"{p_value:.3f}" if p_value >= 0.001 else "<0.001"  # noqa: PLR2004  (three digits)


def gain_text(line: Any, reference: str) -> str:
    """Return the paired gain over the reference with its interval, from a line of the table."""
    gain, low, high = (getattr(line, f"over_{reference}{end}") for end in ("", "_low", "_high"))
    return f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]"


def _accuracy(everyone: _Everyone, page: ScorePage) -> list[str]:
    heads = ["model", "MAP@12 [95 %]", "gain over popularity [95 %]", "p", *_ACCURACY.values()]
    rows = []
    for name in everyone.order:
        ap = everyone.lines[name, AP]
        rows.append(
            [
                label(name),
                f"{ap.value:.4f} [{ap.low:.4f}, {ap.high:.4f}]",
                gain_text(ap, BASELINE) if name != BASELINE else "",
                p_text(getattr(ap, f"over_{BASELINE}_p")),
                *(f"{everyone.lines[name, metric].value:.4f}" for metric in _ACCURACY),
                f"{page.of_lists[name]['coverage']:.1%}",
                page.models.get(name, ""),
            ]
        )
    return grid([*heads, "coverage", "models"], rows)


def _beyond(everyone: _Everyone, page: ScorePage) -> list[str]:
    rows = [
        [
            label(name),
            *(f"{everyone.lines[name, metric].value:.3f}" for metric in _BEYOND),
            *(f"{page.of_lists[name][metric]:.3f}" for metric in _OF_LISTS),
        ]
        for name in everyone.order
    ]
    return grid(["beyond accuracy", *_BEYOND.values(), *_OF_LISTS.values()], rows)


def _against_served(everyone: _Everyone) -> list[str]:
    rows = [
        [name, gain_text(ap, SERVED), p_text(getattr(ap, f"over_{SERVED}_p"))]
        for name in everyone.order
        if name not in {SERVED, ORACLE}
        for ap in [everyone.lines[name, AP]]
    ]
    return grid(["MAP@12 against what is served", "difference [95 %]", "p"], rows)


def _by_slice(maps: pd.DataFrame, order: Sequence[str]) -> list[str]:
    values = {(line.slice, line.model): f"{line.value:.4f}" for line in maps.itertuples()}
    sizes = maps.drop_duplicates("slice").itertuples()
    rows = [
        [f"{size.slice} ({size.n_customers:,})", *(values[size.slice, name] for name in order)]
        for size in sizes
    ]
    lines = grid(["MAP@12 (customers)", *(label(name) for name in order)], rows)
    about_articles = (
        f"'{NEW}' and '{OLDER}': the lists are the same, but only purchases of such articles "
        "count, and customers who bought none are left out."
    )
    return [*lines, "", about_articles]
