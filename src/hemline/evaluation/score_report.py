"""The score table as markdown: the chosen metric first, everything else below.

The first table is narrow enough for a Prefect page; scores.csv has every number. Under each table
stands which differences are significant; slices of few customers show no score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from hemline.evaluation.beyond_accuracy import ATTRIBUTES
from hemline.evaluation.held_out_week import NEW, OLDER
from hemline.evaluation.protocol import AP, BASELINE, ORACLE, SERVED
from hemline.evaluation.significant_rows import SignificantRows, not_significant, too_few
from hemline.pages.escaping import escape_markdown

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
    "{n_attributes} attributes in which two articles of a list differ. Serendipity: listed, "
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
        min_customers: with fewer, nothing is significant, and a slice shows no score.
        n_attributes: of the articles, that diversity counts.
        reasons: why what is served is served, as sentences.
        warnings: what has to be known of the scores, as sentences.
    """

    table: pd.DataFrame
    of_lists: Mapping[str, Mapping[str, float]]
    models: Mapping[str, str]
    when: str
    min_customers: int
    n_attributes: int = len(ATTRIBUTES)
    reasons: Sequence[str] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class _Everyone:
    """The lines over all customers: rows best first, the oracle last."""

    table: pd.DataFrame
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
        return cls(everyone, order, lines, int(maps["n_customers"].iloc[0]))


def as_markdown(page: ScorePage) -> str:
    """Return the page: accuracy, beyond accuracy, each row against what is served, slices."""
    everyone = _Everyone.of(page.table)
    note = (
        f"{everyone.n_customers:,} buyers of {page.when}; full catalogue; articles bought before "
        "stay in the lists; the oracle lists exactly what was bought. p: two-sided sign-flip test "
        "over customers, with Holm's correction over the rows. Significant: the paired 95 % "
        "interval lies on one side of 0, and p is at most 0.05."
    )
    compared = partial(significance_sentence, page.table, min_customers=page.min_customers)
    parts = [
        _accuracy(everyone, page),
        [escape_markdown(compared(BASELINE))],
        *([escape_markdown(reason)] for reason in page.reasons),
        [note],
        _beyond(everyone, page),
        [escape_markdown(_beyond_sentence(everyone, page.min_customers))],
        [_BEYOND_NOTE.format(n_attributes=page.n_attributes)],
    ]
    if SERVED in everyone.order:
        parts += [_against_served(everyone), [escape_markdown(compared(SERVED))]]
    parts.append(_by_slice(page, everyone.order[:-1]))
    parts += [[f"Warning: {escape_markdown(warning)}."] for warning in page.warnings]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def significance_sentence(table: pd.DataFrame, reference: str, *, min_customers: int) -> str:
    """Return which rows differ significantly from the reference by MAP@12 over all customers.

    Args:
        table: the lines of `score_table`.
        reference: one of its references.
        min_customers: with fewer, nothing is significant.
    """
    lines = table[(table["slice"] == "all") & (table["metric"] == AP)]
    lines = lines.sort_values("value", ascending=False, kind="stable")
    return SignificantRows.among(lines, reference, min_customers=min_customers).sentence("MAP@12")


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


def label(name: str) -> str:
    """Return the name of a row as markdown, in bold where it is what customers get."""
    return f"**{name}**" if name == SERVED else escape_markdown(name)


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
                escape_markdown(page.models.get(name, "")),
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
        [label(name), gain_text(ap, SERVED), p_text(getattr(ap, f"over_{SERVED}_p"))]
        for name in everyone.order
        if name not in {SERVED, ORACLE}
        for ap in [everyone.lines[name, AP]]
    ]
    return grid(["MAP@12 against what is served", "difference [95 %]", "p"], rows)


def _beyond_sentence(everyone: _Everyone, min_customers: int) -> str:
    alike = not_significant(everyone.table, BASELINE, list(_BEYOND), min_customers=min_customers)
    whole = f"{' and '.join(_OF_LISTS.values())} are of all lists together and have no interval."
    if everyone.n_customers < min_customers:
        return f"{too_few(everyone.n_customers)} {whole}"
    named = "; ".join(f"{_BEYOND[metric]}: {', '.join(rows)}" for metric, rows in alike.items())
    alike_text = (
        f"Not significantly different from {BASELINE}: {named}."
        if named
        else f"All differ from {BASELINE}."
    )
    return f"{alike_text} {whole}"


def _by_slice(page: ScorePage, order: Sequence[str]) -> list[str]:
    maps = page.table[page.table["metric"] == AP]
    compared = {
        str(name): SignificantRows.among(of_slice, BASELINE, min_customers=page.min_customers)
        for name, of_slice in maps.groupby("slice", sort=False)
    }
    keys = zip(maps["slice"], maps["model"], strict=True)
    value_of = dict(zip(keys, maps["value"].tolist(), strict=True))
    rows = [
        [
            f"{escape_markdown(name)} ({one.n_customers:,})",
            *(_slice_cell(one, row, value_of[name, row]) for row in order),
        ]
        for name, one in compared.items()
    ]
    about_articles = (
        f"'{NEW}' and '{OLDER}': the lists are the same, but only purchases of such articles "
        "count, and customers who bought none are left out."
    )
    lines = grid(["MAP@12 (customers)", *(label(name) for name in order)], rows)
    sentence = escape_markdown(_slice_sentence(compared, page.min_customers))
    return [*lines, "", sentence, "", about_articles]


def _slice_cell(compared: SignificantRows, row: str, value: float) -> str:
    if not compared.is_enough:
        return "too few"
    return f"{value:.4f}{'*' if row in compared.rows else ''}"


def _slice_sentence(compared: Mapping[str, SignificantRows], min_customers: int) -> str:
    enough = [one for one in compared.values() if one.is_enough]
    small = [f"{name} ({one.n_customers})" for name, one in compared.items() if not one.is_enough]
    n_starred = sum(len(one.rows) for one in enough)
    n_scores = n_starred + sum(len(one.alike) for one in enough)
    starred = (
        f"A star: significantly different from {BASELINE} within the slice, {n_starred} of "
        f"{n_scores} scores; "
        "without a star the difference may be chance."
    )
    if not small:
        return starred
    withheld = f"Slices of fewer than {min_customers} customers show no score"
    return f"{starred} {withheld}: {', '.join(small)}."
