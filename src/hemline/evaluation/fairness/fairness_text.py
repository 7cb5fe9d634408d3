"""The audit in sentences: which gaps are real, which are chance, what calibrated lists would cost.

Every sentence is made from the tables; a topic without a finding has none. Only what is served is
summarised, the rows beside it are for comparison.
"""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from hemline import columns
from hemline.evaluation.fairness import aspects
from hemline.evaluation.fairness.audit import REAL, Audit, FairnessParams
from hemline.evaluation.fairness.exposure import OVER, UNDER
from hemline.evaluation.fairness.fairness_measures import BOUGHT, INDEPENDENCE
from hemline.evaluation.fairness.groups import HISTORY
from hemline.evaluation.fairness.outcomes import PRECISION, RECALL
from hemline.evaluation.protocol import AP, SERVED

Line = Mapping[Any, Any]

LABELS: Final = {
    columns.AGE_BAND: "age band",
    columns.CLUB: "club status",
    columns.CLUSTER: "cluster",
    HISTORY: "earlier purchases",
    aspects.INDEX_GROUP: "index group",
    aspects.ARTICLE_GROUP: "product group",
}
"""Display names of attributes and measures; the others are shown as they are."""

_MEANS: Final = {
    RECALL: "the share of what customers bought that was listed",
    PRECISION: "the share of what was listed that customers bought",
}
_N_NAMED: Final = 4


def summarise(audit: Audit, params: FairnessParams) -> dict[str, str]:
    """Return the findings about what is served: up to eight sentences, each under its topic."""
    served = audit.gaps[audit.gaps["row"] == SERVED]
    composition = served[(served["criterion"] == INDEPENDENCE) & (served["verdict"] == REAL)]
    is_history = composition["attribute"] == HISTORY
    sentences = {
        "Overall": _overview(audit, served, params),
        "Recall": _outcome(served[served["measure"] == RECALL], audit),
        "Precision": _outcome(served[served["measure"] == PRECISION], audit),
        "Lists": _composition(composition[~is_history], audit, params.level),
        "Earlier purchases": _composition(composition[is_history], audit, params.level),
        "Articles": _exposure(audit),
        "Calibration": _price(audit, params.min_group),
        "Too small": _too_small(audit, params.min_group),
    }
    return {topic: sentence for topic, sentence in sentences.items() if sentence}


def label(name: object) -> str:
    """Return the display name of an attribute or a measure."""
    return LABELS.get(str(name), str(name))


def widest_category(audit: Audit, gap: Line) -> tuple[str, float, float]:
    """Return where the most unlike group departs most, its share there, and everybody's."""
    lines = _of_gap(audit, gap, gap["highest"])
    line = _at_highest(lines, (lines["value"] - lines["everybody"]).abs().round(9))
    return str(line["category"]), float(line["value"]), float(line["everybody"])


def _overview(audit: Audit, served: pd.DataFrame, params: FairnessParams) -> str:
    compared = f"{audit.n_customers:,} buyers of the test week were compared"
    if served.empty:
        return f"{compared}, too few of them in any two groups to test a gap."
    n_real = int((served["verdict"] == REAL).sum())
    return (
        f"{compared}, with {params.list_length} places each. Of {len(served)} gaps tested in what "
        f"is served, {n_real} are real: wider than random groups of the same sizes would show, at "
        f"{params.level:.0%} for all tests together. The other {len(served) - n_real} are within "
        "chance."
    )


def _outcome(gaps: pd.DataFrame, audit: Audit) -> str:
    """Return which group is served worse by one measure, or that none significantly is."""
    if gaps.empty:
        return ""
    measure = str(gaps["measure"].iloc[0])
    real = gaps[gaps["verdict"] == REAL].sort_values("gap", kind="stable")
    if real.empty:
        widest = _at_highest(gaps, gaps["gap"] / gaps["chance_high"].clip(lower=1e-9))
        alone = widest["gap"] > widest["chance_high"]
        size = (
            "notable on its own, but not among this many tests"
            if alone
            else "no larger than chance would show"
        )
        return (
            f"No group is significantly worse off in {measure}, {_MEANS[measure]}. The most "
            f"notable difference is by {_extremes(audit, widest)}: {size}."
        )
    widest = real.iloc[-1].to_dict()
    also = ", ".join(label(name) for name in real["attribute"].iloc[:-1])
    return (
        f"There is a real gap in {measure}, {_MEANS[measure]}, by {_extremes(audit, widest)}."
        + (f" Real gaps also by {also}." if also else "")
    )


def _extremes(audit: Audit, gap: Line) -> str:
    low, high = (
        float(_of_gap(audit, gap, gap[end])["value"].iloc[0]) for end in ("lowest", "highest")
    )
    return (
        f"{label(gap['attribute'])}, {high:.1%} for “{gap['highest']}” and {low:.1%} for "
        f"“{gap['lowest']}” (19 of 20 random splits lie within {gap['chance_high']:.1%})"
    )


def _composition(gaps: pd.DataFrame, audit: Audit, level: float) -> str:
    """Return where lists differ most between groups, and whether purchases differ there too."""
    if gaps.empty:
        return ""
    widest = _at_highest(gaps, gaps["gap"] - gaps["chance"])
    category, share, everybody = widest_category(audit, widest)
    same = (audit.gaps[["attribute", "measure"]] == [widest["attribute"], widest["measure"]]).all(
        axis=1
    )
    bought = audit.gaps[same & (audit.gaps["row"] == BOUGHT)].iloc[0].to_dict()
    lists, purchases = (max(one["gap"] - one["chance"], 0.0) for one in (widest, bought))
    if bought["p"] <= level:
        echo = f"their purchases of the week differ as well, by {purchases:.1%}"
    elif widest["gap"] > bought["chance_high"]:
        echo = "their purchases of the week do not, so the lists cause the difference"
    else:
        echo = "their purchases of the week are too few to show whether tastes differ as much"
    return (
        f"By {label(widest['attribute'])}, lists differ most in {label(widest['measure'])}: "
        f"“{category}” fills {share:.0%} of the places of “{widest['highest']}” and "
        f"{everybody:.0%} of everybody's. Their lists differ by {lists:.1%} beyond chance; "
        f"{echo}."
    )


def _exposure(audit: Audit) -> str:
    served = audit.exposure[(audit.exposure["row"] == SERVED) & (audit.exposure["sold"] > 0)]
    # By what is at stake, not by ratio: a kind that hardly sells may have no place at all.
    order = (served["places"] - served["sold"]).abs().sort_values(ascending=False, kind="stable")
    ordered = served.loc[order.index]
    under, over = (_named(ordered[ordered["verdict"] == side]) for side in (UNDER, OVER))
    inequality = audit.concentration[SERVED]
    parts = [
        f"Fewer places than their share of recent sales go to {under}." if under else "",
        f"More places go to {over}." if over else "",
        f"Gini coefficient of the places over articles: {inequality['gini_places']:.2f},",
        f"of their sales: {inequality['gini_sales']:.2f}.",
    ]
    return " ".join(part for part in parts if part)


def _named(lines: pd.DataFrame) -> str:
    return ", ".join(
        f"{line['category']} ({label(line['aspect'])}, {line['ratio']:.2f} times)"
        for line in lines.head(_N_NAMED).to_dict("records")
    )


def _price(audit: Audit, min_group: int) -> str:
    """Return the strongest re-rank without a significant loss, or that there is none."""
    if audit.n_customers < min_group:
        return f"{audit.n_customers} buyers are too few to tell what calibrated lists would cost."
    lines = audit.reranking.sort_values("strength").to_dict("records")
    free = [line for line in lines[1:] if line["change_high"] >= 0]
    if not free:
        return "The calibrated re-rank lowers MAP@12 significantly at every strength."
    before, after = lines[0], free[-1]
    is_last = after["strength"] == lines[-1]["strength"]
    limit = (
        "No strength tried lowers MAP@12 significantly."
        if is_last
        else "Every stronger re-rank lowers MAP@12 significantly."
    )
    change = f"{after['change_low']:+.4f} to {after['change_high']:+.4f}"
    return (
        f"Lists calibrated to each customer's own mix at strength {after['strength']:g} would "
        f"depart from it by {after['miscalibration']:.2f} nats (now "
        f"{before['miscalibration']:.2f}), at MAP@12 {after[AP]:.4f} (now {before[AP]:.4f}, change "
        f"{change}). {limit} It is not applied to what is served."
    )


def _too_small(audit: Audit, min_group: int) -> str:
    small = [
        f"“{name}” by {label(grouping.attribute)} ({size})"
        for grouping in audit.groupings
        for name, size in zip(grouping.names, grouping.sizes, strict=True)
        if size < min_group
    ]
    if not small:
        return ""
    return f"Not compared, with fewer than {min_group} buyers: {', '.join(small)}."


def _at_highest(lines: pd.DataFrame, values: "pd.Series[float]") -> Line:
    return lines.iloc[int(values.to_numpy().argmax())].to_dict()


def _of_gap(audit: Audit, gap: Line, group: str) -> pd.DataFrame:
    keys = ["row", "attribute", "measure"]
    values = [*(gap[key] for key in keys), group]
    return audit.groups[(audit.groups[[*keys, "group"]] == values).all(axis=1)]
