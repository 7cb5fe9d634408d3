"""The tables of the audit's page as html; shaded rows are real gaps, grey ones too small groups."""

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

from hemline.evaluation.fairness.audit import REAL, Audit
from hemline.evaluation.fairness.fairness_measures import BOUGHT, INDEPENDENCE
from hemline.evaluation.fairness.fairness_text import Line, label, widest_category
from hemline.evaluation.protocol import AP, SERVED

Cells = Sequence[str]


def outcome_table(audit: Audit) -> str:
    """Return the gaps in recall, precision and departure of what is served, others' beside them."""
    gaps = audit.gaps[audit.gaps["criterion"] != INDEPENDENCE]
    others = [name for name in gaps["row"].unique() if name != SERVED]
    beside = _by_key(gaps, ["row", "attribute", "measure"])
    served = gaps[gaps["row"] == SERVED]
    heads = ["measure", "by", "lowest", "highest", "gap [95 %]", "chance", "ratio", "p"]
    lines = [
        (
            [
                line["measure"],
                label(line["attribute"]),
                line["lowest"],
                line["highest"],
                *(_gap(line), f"{line['chance_high']:.3f}"),
                _number(line["ratio"], ".2f"),
                *(_p(line["p_holm"]), _p(line["p_same_history"])),
                *(_brief(beside[name, line["attribute"], line["measure"]]) for name in others),
            ],
            _style(line),
        )
        for measure in served["measure"].unique()
        for line in served[served["measure"] == measure].to_dict("records")
    ]
    heads += ["p, same history", *(f"gap of {name}" for name in others)]
    return _table(heads, lines, n_texts=4)


def composition_table(audit: Audit) -> str:
    """Return how far the most unlike group's lists are from everybody's, by attribute."""
    gaps = audit.gaps[audit.gaps["criterion"] == INDEPENDENCE]
    beside = _by_key(gaps, ["row", "attribute", "measure"])
    heads = ["by", "of", "most unlike", "where most", "gap [95 %]", "chance", "p"]
    lines = []
    for line in gaps[gaps["row"] == SERVED].to_dict("records"):
        category, share, everybody = widest_category(audit, line)
        cells = [
            label(line["attribute"]),
            label(line["measure"]),
            line["highest"],
            f"{category}: {share:.0%}, everybody {everybody:.0%}",
            *(_gap(line), f"{line['chance_high']:.3f}"),
            *(_p(line["p_holm"]), _p(line["p_same_history"])),
            _brief(beside[BOUGHT, line["attribute"], line["measure"]]),
        ]
        lines.append((cells, _style(line)))
    return _table([*heads, "p, same history", "gap of purchases"], lines, n_texts=4)


def exposure_table(exposure: pd.DataFrame) -> str:
    """Return every kind of article's share of sales and of the places of every row."""
    others = [name for name in exposure["row"].unique() if name != SERVED]
    beside = _by_key(exposure, ["row", "aspect", "category"])
    lines = [
        (
            [
                label(line["aspect"]),
                line["category"],
                f"{line['n_articles']:,}",
                f"{line['sold']:.1%}",
                f"{line['places']:.1%} [{line['low']:.1%}, {line['high']:.1%}]",
                _number(line["ratio"], ".2f"),
                line["verdict"] if line["places"] or line["sold"] else "",
                *(
                    f"{beside[name, line['aspect'], line['category']]['places']:.1%}"
                    for name in others
                ),
            ],
            "",
        )
        for line in exposure[exposure["row"] == SERVED].to_dict("records")
    ]
    heads = ["sorted by", "articles", "number", "of sales", "of places [95 %]", "ratio", ""]
    return _table([*heads, *(f"places of {name}" for name in others)], lines, n_texts=2)


def concentration_table(concentration: Mapping[str, Mapping[str, float]]) -> str:
    """Return how unequally every row's places fall on articles."""
    lines = [
        (
            [
                row,
                f"{found['gini_places']:.3f}",
                f"{found['gini_sales']:.3f}",
                f"{found['listed_share']:.1%} of {found['n_offered']:,.0f}",
            ],
            "",
        )
        for row, found in concentration.items()
    ]
    heads = ["row", "Gini of places", "Gini of sales", "articles on sale that are listed"]
    return _table(heads, lines, n_texts=1)


def reranking_table(reranking: pd.DataFrame) -> str:
    """Return accuracy, departure and gaps at every strength of the calibrated re-rank."""
    gaps = [name for name in reranking.columns if name.startswith("gap ")]
    lines = [
        (
            [
                f"{line['strength']:g}",
                f"{line[AP]:.4f}",
                f"{line['change']:+.4f} [{line['change_low']:+.4f}, {line['change_high']:+.4f}]",
                f"{line['recall@12']:.4f}",
                f"{line['miscalibration']:.3f}",
                f"{line['exposure_distance']:.3f}",
                *(f"{line[name]:.3f}" for name in gaps),
            ],
            "",
        )
        for line in reranking.to_dict("records")
    ]
    heads = ["strength", AP, "change [95 %]", "recall@12", "departure", "places from sales"]
    heads += [f"gap by {label(name.split()[1])}" for name in gaps]
    return _table(heads, lines, n_texts=0)


def group_table(audit: Audit, min_group: int) -> str:
    """Return recall, precision and departure of every group with intervals."""
    served = audit.groups[(audit.groups["row"] == SERVED) & (audit.groups["category"] == "")]
    lines = []
    for (attribute, group), found in served.groupby(["attribute", "group"], sort=False):
        size = int(found["n_customers"].iloc[0])
        is_small = size < min_group
        values = [
            f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
            for one in found.to_dict("records")
        ]
        note = "too small to compare" if is_small else ""
        cells = [label(attribute), str(group), f"{size:,}", *values, note]
        lines.append((cells, "small" if is_small else ""))
    heads = ["by", "group", "buyers", *map(str, served["measure"].unique()), ""]
    return _table(heads, lines, n_texts=2)


def _table(heads: Cells, lines: Sequence[tuple[Cells, str]], *, n_texts: int) -> str:
    """Return a table whose first n_texts columns are words and whose others are numbers."""
    kinds = ["" if place < n_texts else ' class="n"' for place in range(len(heads))]
    rows = [(_row("th", heads, kinds, ""))]
    rows += [_row("td", cells, kinds, style) for cells, style in lines]
    return "<table>" + "\n".join(rows) + "</table>"


def _row(tag: str, cells: Cells, kinds: Cells, style: str) -> str:
    inside = "".join(
        f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True)
    )
    return f'<tr class="{style}">{inside}</tr>'


def _by_key(lines: pd.DataFrame, keys: list[str]) -> dict[tuple[str, ...], Line]:
    return {tuple(str(line[key]) for key in keys): line for line in lines.to_dict("records")}


def _style(gap: Line) -> str:
    return "real" if gap["verdict"] == REAL else ""


def _gap(gap: Line) -> str:
    return f"{gap['gap']:.3f} [{gap['low']:.3f}, {gap['high']:.3f}]"


def _brief(gap: Line) -> str:
    return f"{gap['gap']:.3f}{' *' if gap['verdict'] == REAL else ''}"


def _p(p_value: float) -> str:
    return "<0.001" if p_value < 0.001 else _number(p_value, ".3f")  # noqa: PLR2004  (three digits)


def _number(value: float, form: str) -> str:
    return "" if pd.isna(value) else format(value, form)
