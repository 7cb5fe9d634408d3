"""The audit as one page that needs nothing but itself: sentences, pictures, tables, definitions."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hemline.evaluation.fairness.audit import REAL, Audit, FairnessParams
from hemline.evaluation.fairness.fairness_measures import BOUGHT, INDEPENDENCE
from hemline.evaluation.fairness.fairness_text import Line, label, summarise, widest_category
from hemline.evaluation.protocol import SERVED
from hemline.pages.rendering import render

_TEMPLATE: Final = Path(__file__).with_name("fairness.html.j2")


def render_page(
    audit: Audit, params: FairnessParams, pictures: Mapping[str, bytes], cut: str
) -> str:
    """Return the page as html.

    Args:
        audit: the results.
        params: how they were judged.
        pictures: png bytes of outcomes, composition, exposure and reranking.
        cut: first day of the test week.
    """
    is_independence = audit.gaps["criterion"] == INDEPENDENCE
    served = audit.gaps[audit.gaps["row"] == SERVED]
    return render(
        _TEMPLATE,
        audit=audit,
        params=params,
        cut=cut,
        findings=summarise(audit, params),
        label=label,
        pictures={name: b64encode(png).decode("ascii") for name, png in pictures.items()},
        n_tested=len(served),
        n_real=int((served["verdict"] == REAL).sum()),
        **_outcomes(audit.gaps[~is_independence]),
        compositions=_compositions(audit, audit.gaps[is_independence]),
        **_exposure(audit.exposure),
        **_reranking(audit.reranking),
        **_groups(audit.groups),
    )


def _outcomes(gaps: pd.DataFrame) -> dict[str, Any]:
    """Return the gaps in recall, precision and departure of what is served, others' beside them."""
    others = _others(gaps)
    measures = gaps["measure"].unique().tolist()
    lines = _with_beside(gaps, ["attribute", "measure"], others)
    lines.sort(key=lambda line: measures.index(line["measure"]))
    return {"outcomes": lines, "others_headings": [f"gap of {name}" for name in others]}


def _compositions(audit: Audit, gaps: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how far the most unlike group's lists are from everybody's, by attribute."""
    names = ("category", "share", "everybody")
    return [
        {**line, **dict(zip(names, widest_category(audit, line), strict=True))}
        for line in _with_beside(gaps, ["attribute", "measure"], [BOUGHT])
    ]


def _exposure(exposure: pd.DataFrame) -> dict[str, Any]:
    """Return every kind of article's share of sales and of the places of every row."""
    others = _others(exposure)
    return {
        "exposure": _with_beside(exposure, ["aspect", "category"], others),
        "exposure_headings": [f"places of {name}" for name in others],
    }


def _reranking(reranking: pd.DataFrame) -> dict[str, Any]:
    gaps = [name.split()[1] for name in reranking.columns if name.startswith("gap ")]
    return {
        "reranking": reranking.to_dict("records"),
        "reranking_headings": [f"gap by {label(name)}" for name in gaps],
    }


def _groups(groups: pd.DataFrame) -> dict[str, Any]:
    """Return recall, precision and departure of every group with intervals."""
    served = groups[(groups["row"] == SERVED) & (groups["category"] == "")]
    by_group = served.groupby(["attribute", "group"], sort=False)
    return {
        "group_measures": served["measure"].unique().tolist(),
        "groups": [
            {
                "attribute": attribute,
                "name": name,
                "size": int(lines["n_customers"].iloc[0]),
                "measured": lines.to_dict("records"),
            }
            for (attribute, name), lines in by_group
        ],
    }


def _others(lines: pd.DataFrame) -> list[str]:
    return [str(name) for name in lines["row"].unique() if name != SERVED]


def _with_beside(lines: pd.DataFrame, keys: list[str], rows: list[str]) -> list[dict[str, Any]]:
    """Return the lines of what is served, each with the same line of other rows in `beside`."""
    by_key: dict[tuple[Any, ...], Line] = {
        (line["row"], *(line[key] for key in keys)): line for line in lines.to_dict("records")
    }
    return [
        {
            **{str(name): value for name, value in line.items()},
            "beside": [by_key[row, *(line[key] for key in keys)] for row in rows],
        }
        for line in lines[lines["row"] == SERVED].to_dict("records")
    ]
