"""The audit as one page that needs nothing but itself: sentences, pictures, tables, definitions."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hemline import columns
from hemline.evaluation.fairness.audit import REAL, Audit, FairnessParams
from hemline.evaluation.fairness.exposure import OVER, UNCLEAR, UNDER
from hemline.evaluation.fairness.fairness_measures import BOUGHT, INDEPENDENCE
from hemline.evaluation.fairness.fairness_text import Line, label, summarise, widest_category
from hemline.evaluation.fairness.groups import HISTORY
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
        kind={"composition": label(audit.composition), "calibrated": label(audit.calibrated)},
        grouped=_grouped([grouping.attribute for grouping in audit.groupings]),
        pictures={name: b64encode(png).decode("ascii") for name, png in pictures.items()},
        n_tested=len(served),
        n_real=int((served["verdict"] == REAL).sum()),
        about_outcomes=_about_gaps(served[served["criterion"] != INDEPENDENCE], params),
        about_composition=_about_gaps(served[served["criterion"] == INDEPENDENCE], params),
        about_exposure=_about_exposure(audit),
        about_reranking=_about_reranking(audit.reranking),
        about_groups=_about_groups(audit, params),
        **_outcomes(audit.gaps[~is_independence]),
        compositions=_compositions(audit, audit.gaps[is_independence]),
        **_exposure(audit.exposure),
        **_reranking(audit.reranking),
        **_groups(audit.groups),
    )


def _grouped(attributes: Sequence[str]) -> str:
    """Return where the groups come from, as the beginning of a sentence."""
    named = [_PLURALS.get(name, label(name)) for name in attributes if name not in _COMPUTED]
    if not named:
        return "K-modes clusters are made of what the shop knows of its customers"
    listed = ", ".join(named)
    return f"{listed[:1].upper()}{listed[1:]} and k-modes clusters come from the customers table"


_COMPUTED: Final = frozenset({columns.CLUSTER, HISTORY})
_PLURALS: Final = {columns.AGE_BAND: "age bands"}


def _about_gaps(gaps: pd.DataFrame, params: FairnessParams) -> str:
    """Return which gaps of a table are significant, as a sentence."""
    small = f"groups of fewer than {params.min_group} buyers are not compared"
    if gaps.empty:
        return f"No gap could be tested: {small}."
    real = gaps[gaps["verdict"] == REAL]
    names = [f"{label(gap['measure'])} by {label(gap['attribute'])}" for gap in _records(real)]
    found = f"Significant: {', '.join(names)}." if names else "No gap is significant."
    return f"{found} The other {len(gaps) - len(real)} of {len(gaps)} are not; {small}."


def _about_exposure(audit: Audit) -> str:
    served = audit.exposure[(audit.exposure["row"] == SERVED) & (audit.exposure["sold"] > 0)]
    n_significant = int(served["verdict"].isin([UNDER, OVER]).sum())
    n_unclear = int((served["verdict"] == UNCLEAR).sum())
    return (
        f"{n_significant} of {len(served)} kinds of articles that sell are listed significantly "
        f"out of proportion; {n_unclear} depart from it by more than the tolerance, but no more "
        "than chance may; the others are within the tolerance."
    )


def _about_reranking(reranking: pd.DataFrame) -> str:
    lines = _records(reranking[reranking["strength"] > 0])
    changed = [f"{line['strength']:g}" for line in lines if _excludes_zero(line)]
    alike = [f"{line['strength']:g}" for line in lines if not _excludes_zero(line)]
    return (
        "MAP@12 differs significantly from that of strength 0 at: "
        f"{', '.join(changed) or 'no strength'}; "
        f"it does not at: {', '.join(alike) or 'no strength'}."
    )


def _excludes_zero(line: Line) -> bool:
    return bool(line["change_low"] > 0 or line["change_high"] < 0)


def _about_groups(audit: Audit, params: FairnessParams) -> str:
    sizes = [size for grouping in audit.groupings for size in grouping.sizes.tolist()]
    n_small = sum(size < params.min_group for size in sizes)
    return (
        f"{n_small} of {len(sizes)} groups have fewer than {params.min_group} buyers and are not "
        "compared; which of the others differ significantly stands above, by attribute."
    )


def _records(lines: pd.DataFrame) -> Sequence[Line]:
    return lines.to_dict("records")


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
    gaps = [name[4:] for name in reranking.columns if name.startswith("gap ")]
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
